"""Files of other programs: every line becomes a row or is named with what is wrong, whatever is planted in it. docs/pages.md 7.4."""

from __future__ import annotations

import csv
import io
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.cli.bring_in import LAYOUTS, REMAINDERS
from node.importing.layouts import Layout
from node.importing.reading import read_file
from node.importing.rows import ROWS_MAX, Fault, ListingRow, PersonRow, Reading, Unusable, Wrong
from node.services.import_rows import Remainder
from node.web.amounts import HOURS, Unit
from tests.damage import damaged_bytes

HILLS = Unit(code="hills", kind="decimal", symbol="Hills", decimals=2, names={})


def read(layout: Layout, text: str, unit: Unit = HOURS) -> Reading:
    return read_file(layout, text.encode(), unit)


def people(layout: Layout, text: str, unit: Unit = HOURS) -> tuple[PersonRow, ...]:
    reading = read(layout, text, unit)
    assert reading.faults == ()
    return reading.people


def test_the_command_line_knows_every_layout() -> None:
    assert tuple(Layout) == LAYOUTS
    assert tuple(Remainder) == REMAINDERS


# --- what each program writes -----------------------------------------------------------------------------------


def test_a_table_of_ones_own() -> None:
    """Columns in any order, by name; a sign for what is owed; empty limits are the scheme's."""
    ana, ben = people(
        Layout.OWN_MEMBERS,
        "Name;number;balance;lower;upper;email;place\nAna Silva;7;-1:30;5;;ana@example.org;Mill Lane\nBen;;2;;20;;\n",
    )
    assert (ana.line, ana.old, ana.name, ana.balance, ana.credit_limit, ana.ceiling) == (
        2,
        "7",
        "Ana Silva",
        -90,
        300,
        None,
    )
    assert (ana.email, ana.place) == ("ana@example.org", "Mill Lane")
    assert (ben.line, ben.old, ben.balance, ben.credit_limit, ben.ceiling) == (3, "", 120, None, 1200)


def test_timeoverflow_the_managers_list() -> None:
    """The heading is in the manager's language; an em dash is nothing."""
    found = people(
        Layout.TIMEOVERFLOW_MEMBERS,
        "N,Nombre,Correo,Tel,Tel 2,Alta,Entrada,Idioma,Saldo\n"
        "1,Aura Pons,aura@example.org,600000001,,2015-01-15 10:00:00 UTC,,es,-3:00\n"
        "2,Iu Mas,,,,2015-01-15,,ca,—\n3,Nil,,,,,,ca,0:45\n",
    )
    assert [(row.old, row.name, row.balance) for row in found] == [
        ("1", "Aura Pons", -180),
        ("2", "Iu Mas", 0),
        ("3", "Nil", 45),
    ]
    assert found[0].phone == "600000001"
    with pytest.raises(Unusable) as caught:
        read(Layout.TIMEOVERFLOW_MEMBERS, "a,b,c,d,e,f,g,h,i\n", HILLS)
    assert caught.value.fault.wrong is Wrong.NOT_IN_HOURS


def test_timeoverflow_the_import_file_has_no_heading() -> None:
    (row,) = people(
        Layout.TIMEOVERFLOW_USERS,
        "4,2015-01-15,Iu,Mas,Puig,4,1962-02-05,600000014,600000015,iu@example.org\n",
    )
    assert (row.line, row.old, row.name, row.phone, row.email) == (
        1,
        "4",
        "Iu Mas Puig",
        "600000014",
        "iu@example.org",
    )


def test_timeoverflow_offers_stand_under_headings_of_their_category() -> None:
    text = ',Oferta,Etiquetas,Usuario,Creado\n,Salud,,,\n3,Yoga,"calma, aire",Nil Roca (2),2015\n5,Pan,,Nil Roca (2),2015\n'
    reading = read(Layout.TIMEOVERFLOW_OFFERS, text)
    assert reading.faults == ()
    assert [(row.line, row.owner, row.kind, row.title, row.text) for row in reading.listings] == [
        (3, "2", "offer", "Yoga", "calma, aire"), (4, "2", "offer", "Pan", ""),
    ]  # fmt: skip
    assert read(Layout.TIMEOVERFLOW_REQUESTS, text).listings[0].kind == "want"


def test_cyclos_members_and_advertisements() -> None:
    """Heading in any case and order; the sign of a limit is ignored; what is no search is an offer."""
    (row,) = people(
        Layout.CYCLOS_MEMBERS,
        '"NAME","username","password","email","balance","creditLimit","upperCreditLimit"\n'
        '"Karim","karim1","x","k@example.org","-12.50","-100","250.5"\n',
        HILLS,
    )
    assert (row.old, row.balance, row.credit_limit, row.ceiling) == ("karim1", -1250, 10_000, 25_050)
    listings = read(
        Layout.CYCLOS_ADS,
        "owner,title,description,tradetype,price,category\nkarim1,Jam,Plum,offer,6,food\nkarim1,Bike,,search,,x\n", HILLS,
    ).listings  # fmt: skip
    assert [(row.kind, row.title, row.price) for row in listings] == [
        ("offer", "Jam", 600),
        ("want", "Bike", 0),
    ]


def test_ces_users_and_adverts() -> None:
    ana, club = people(
        Layout.CES_USERS,
        "uid,usertype,firstname,surname,orgname_long,address1,address2,postcode,subarea,balance\n"
        "OAKV0001,ind,Ana,Silva,,3 Mill Lane,Oakvale,OV1 2AB,North,-20\nOAKV0002,org,,,Garden Club,,,,,35.5\n",
        HILLS,
    )
    assert (ana.name, ana.address, ana.place, ana.balance) == (
        "Ana Silva",
        "3 Mill Lane\nOakvale\nOV1 2AB",
        "North",
        -2000,
    )
    assert (club.name, club.old, club.balance) == ("Garden Club", "OAKV0002", 3550)
    reading = read(
        Layout.CES_ADVERTS,
        "uid,ad_type,title,description,talent_rate,hide\nOAKV0001,o,Eggs,Fresh,3 a dozen,0\nOAKV0001,w,Hay,,,1\n"
        "OAKV0001,w,Straw,,,0\n",
    )
    assert [(row.kind, row.title, row.text) for row in reading.listings] == [
        ("offer", "Eggs", "Fresh\n3 a dozen"),
        ("want", "Straw", ""),
    ]


def test_old_letters_and_marks_before_the_text() -> None:
    assert read_file(Layout.OWN_MEMBERS, "name\nJosé\n".encode("latin-1"), HOURS).people[0].name == "José"
    assert (
        read_file(Layout.OWN_MEMBERS, b"\xef\xbb\xbfname\r\nJos\xc3\xa9\r\n", HOURS).people[0].name == "José"
    )


# --- what is wrong with a whole file ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data, wrong, line",
    [
        (b"", Wrong.NO_ROWS, 1),
        (b"\n\n , \n", Wrong.NO_ROWS, 1),
        (b"name\n", Wrong.NO_ROWS, 1),
        (b"name\x00\n", Wrong.NOT_TEXT, 1),
        (b"name,shoe size\nAna,40\n", Wrong.UNKNOWN_COLUMN, 1),
        (b"name,NAME\nAna,Ana\n", Wrong.COLUMN_TWICE, 1),
        (b"email\na@example.org\n", Wrong.MISSING_COLUMN, 1),
        (b'name\nAna\n"Ben\nCem\n', Wrong.BROKEN, 3),
        (b'name\nAna\n"Ben"x\nCem\n', Wrong.BROKEN, 3),
        (b"name\n" + b"Ana\n" * (ROWS_MAX + 2), Wrong.TOO_MANY, ROWS_MAX + 2),
        (b"name\n" + b"x" * (2 * 1024 * 1024), Wrong.TOO_LARGE, 1),
    ],
    ids=lambda each: each.value if isinstance(each, Wrong) else "",
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_whole(data: bytes, wrong: Wrong, line: int) -> None:
    with pytest.raises(Unusable) as caught:
        read_file(Layout.OWN_MEMBERS, data, HOURS)
    assert (caught.value.fault.wrong, caught.value.fault.line) == (wrong, line)


# --- faults planted in lines ------------------------------------------------------------------------------------

PLANTED = {
    Wrong.FIELDS: "Ana,1",
    Wrong.SIGNS: "A\u0007na,,,,",
    Wrong.TOO_LONG: "Ana,,,," + "x" * 4_001,
    Wrong.BALANCE: "Ana,,1.30,,",
    Wrong.LIMIT: "Ana,,1,much,",
}


@pytest.mark.parametrize("seed", range(30))
def test_each_planted_fault_is_named_by_its_line_and_every_other_line_is_read(seed: int) -> None:
    """Never half a file silently: lines taken and lines named are all there are."""
    chance, lines, wanted, good = Random(seed), ["name,number,balance,lower,about"], [], []
    for number in range(chance.randint(1, 40)):
        if chance.random() < 0.2:
            wrong = chance.choice(list(PLANTED))
            wanted.append((len(lines) + 1, wrong))
            lines.append(PLANTED[wrong])
        elif chance.random() < 0.1:
            lines.append("")
        else:
            good.append(len(lines) + 1)
            about = chance.choice(("", '"two\nlines"', '"a, comma"', '"a ""word"""'))
            lines.extend(f"Member {number},{number},-{number},,{about}".split("\n"))
    if not (wanted or good):
        return
    reading = read(Layout.OWN_MEMBERS, "\n".join(lines) + "\n")
    assert [(fault.line, fault.wrong) for fault in reading.faults] == wanted
    assert [row.line for row in reading.people] == good


@pytest.mark.parametrize(
    "line, wrong",
    [
        (",offer,Jam,,", Wrong.OWNER),
        ("ana,gift-wrapped,Jam,,", Wrong.KIND),
        ("ana,,Jam,,", Wrong.KIND),
        ("ana,offer,,,", Wrong.TITLE_MISSING),
        ("ana,offer," + "x" * 500 + ",,", Wrong.TITLE_TOO_LONG),
    ],
)
def test_what_is_wrong_with_an_offer_is_named(line: str, wrong: Wrong) -> None:
    reading = read(Layout.OWN_LISTINGS, f"member,kind,title,text,price\n{line}\nana,want,Hay,,\n")
    assert [(fault.line, fault.wrong) for fault in reading.faults] == [(2, wrong)]
    assert [row.title for row in reading.listings] == ["Hay"]


def test_a_price_that_is_no_amount_becomes_words() -> None:
    (row,) = read(Layout.OWN_LISTINGS, "member,kind,title,price\nana,offer,Jam,two to three\n").listings
    assert isinstance(row, ListingRow)
    assert (row.price, row.text) == (0, "two to three")


@given(st.sampled_from(Layout), st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_in_words(layout: Layout, data: bytes) -> None:
    try:
        reading = read_file(layout, data, HOURS)
    except Unusable:
        return
    assert reading.people or reading.listings or reading.trades or reading.faults


@given(st.integers(0, 2**32))
def test_a_damaged_file_is_read_or_refused_and_no_line_is_lost(seed: int) -> None:
    whole = "name,number,balance,email\n" + "".join(
        f"Member {n},{n},{n}:15,m{n}@example.org\n" for n in range(20)
    )
    data = damaged_bytes(whole.encode(), Random(seed))
    try:
        reading = read_file(Layout.OWN_MEMBERS, data, HOURS)
    except Unusable:
        return
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if any(field.strip() for field in row)]
    assert len(reading.people) + len(reading.faults) == len(rows) - 1
    assert all(isinstance(fault, Fault) for fault in reading.faults)
