"""Trades of other programs, read: each layout, and each line a trade or named with what is wrong. docs/pages.md 7.4."""

from __future__ import annotations

from random import Random

import pytest

from node.importing.layouts import TRADE_LAYOUTS, Layout
from node.importing.reading import read_file
from node.importing.rows import Reading, Side, TradeRow, Unusable, Wrong
from node.web.amounts import HOURS, Unit

HILLS = Unit(code="hills", kind="decimal", symbol="Hills", decimals=2, names={})


def read(layout: Layout, text: str, unit: Unit = HOURS) -> Reading:
    return read_file(layout, text.encode(), unit)


def told(reading: Reading) -> list[tuple[str, str, str, int, str]]:
    return [(row.day, row.payer.name, row.payee.name, row.amount, row.text) for row in reading.trades]


# --- what each program writes -----------------------------------------------------------------------------------


def test_a_table_of_ones_own() -> None:
    (row,) = read(Layout.OWN_TRADES, "Date;From;To;Amount;Text;ID\n2015-04-02;17;Dora;1:30;Yoga;K7\n").trades
    assert row == TradeRow(
        line=2, key="K7", day="2015-04-02", payer=Side("17", "17", by_name=True), payee=Side("Dora", "Dora", by_name=True),
        amount=90, text="Yoga",
    )  # fmt: skip


def test_timeoverflow_the_managers_list_names_people_with_their_numbers() -> None:
    """Somebody who is gone is a word in the manager's language, and stays one."""
    reading = read(
        Layout.TIMEOVERFLOW_TRANSFERS,
        "Date,From,To,Post,Quantity\n2015-04-02 00:00:00 UTC,Iu Mas (2),Aura Pons (3),Yoga,1:30\n"
        "2015-04-09 00:00:00 UTC,The user isn't active,Iu Mas (2),,0:15\n",
    )
    assert told(reading) == [
        ("2015-04-02", "Iu Mas", "Aura Pons", 90, "Yoga"),
        ("2015-04-09", "The user isn't active", "Iu Mas", 15, ""),
    ]
    assert [(row.payer.number, row.payee.number) for row in reading.trades] == [("2", "3"), ("", "2")]


def test_timeoverflow_the_import_file_counts_in_seconds() -> None:
    reading = read(
        Layout.TIMEOVERFLOW_PAYMENTS,
        "2,member,3,member,5400,2015-04-02,Yoga,\n,organization,4,member,7200,2015-04-10,welcome,9\n"
        "2,member,3,member,59,2015-04-02,,\n",
    )
    assert [(row.payer, row.payee.number, row.amount) for row in reading.trades] == [
        (Side("2", "2"), "3", 90),
        (Side("", ""), "4", 120),
    ]
    assert [(fault.line, fault.wrong, fault.detail) for fault in reading.faults] == [(3, Wrong.AMOUNT, "59")]


@pytest.mark.parametrize("layout", [Layout.TIMEOVERFLOW_TRANSFERS, Layout.TIMEOVERFLOW_PAYMENTS])
def test_timeoverflow_counts_in_hours_and_in_nothing_else(layout: Layout) -> None:
    with pytest.raises(Unusable) as caught:
        read(layout, "a,b,c,d,e\n", HILLS)
    assert caught.value.fault.wrong is Wrong.NOT_IN_HOURS


def test_ces_the_buyer_pays_the_seller() -> None:
    reading = read(
        Layout.CES_TRANSACTIONS,
        "txid,xid,buyer,seller,seller_amount,description,date_entered,flag\n"
        "901,OAKV,OAKV0001,OAKV0002,12.50,Eggs,2015-04-02 10:00:00,\n",
        HILLS,
    )
    assert told(reading) == [("2015-04-02", "OAKV0001", "OAKV0002", 1250, "Eggs")]
    assert reading.trades[0].key == "901"


CCLITE = "tradeId,tradeStatus,tradeDate,tradeStamp,tradeSource,tradeDestination,tradeMirror,tradeCurrency,tradeType,tradeAmount,tradeTitle,tradeDescription,tradeHash\n"


def test_cclite_writes_a_row_for_each_side_and_both_are_one_trade() -> None:
    reading = read(
        Layout.CCLITE_TRADES,
        CCLITE + "1,accepted,2011-05-01,x,ana,ben,dalston,duck,credit,5,Jam,plum,h1\n"
        "2,accepted,2011-05-01,x,ana,ben,dalston,duck,debit,5,Jam,plum,h1\n"
        "3,cleared,2011-05-02,x,ana,ben,hackney,duck,debit,2,Bread,,h2\n"
        "4,cleared,2011-05-02,x,ben,ana,hackney,duck,credit,3,Hay,,h3\n"
        "5,waiting,2011-05-03,x,ana,ben,dalston,duck,debit,7,,,h4\n"
        "6,accepted,2011-05-03,x,ana,ben,dalston,duck,reputon,7,,,h5\n"
        "7,accepted,2011-05-03,x,ana,ben,dalston,sms,debit,7,,,h6\n"
        "8,accepted,2011-05-04,x,sysaccount,ben,dalston,duck,debit,4,,,h7\n"
        "9,accepted,2011-05-04,x,sysaccount,ben,dalston,duck,credit,4,,,h7\n",
        HILLS,
    )
    assert told(reading) == [
        ("2011-05-01", "ana", "ben", 500, "Jam plum"),
        ("2011-05-02", "ana", "ben @ hackney", 200, "Bread"),
        ("2011-05-02", "ben @ hackney", "ana", 300, "Hay"),
        ("2011-05-04", "", "ben", 400, ""),
    ]
    assert [(row.line, row.other_line) for row in reading.trades] == [(2, 3), (4, None), (5, None), (9, 10)]
    assert reading.trades[1].payee.number == "", "whoever has this login elsewhere is somebody else"
    assert [(fault.line, fault.wrong) for fault in reading.faults] == [
        (6, Wrong.NOT_DONE), (7, Wrong.NOT_DONE), (8, Wrong.CURRENCY),
    ]  # fmt: skip


def test_cclite_a_batch_has_comments_and_days_that_begin_with_the_day() -> None:
    reading = read(
        Layout.CCLITE_BATCH,
        '# date,from,to\n"10-04-2005","ddawg","manager","dalston","dalston","duck","debit","N",34.5,"test"\n'
        '2005-04-11,ddawg,ana,dalston,hackney,duck,debit,N,3,""\n2005-04-11,ddawg,ana,dalston,dalston,duck,credit,N,3,x\n',
    )
    assert told(reading) == [("2005-04-10", "ddawg", "manager", 2070, "test")]
    assert [(fault.line, fault.wrong) for fault in reading.faults] == [
        (3, Wrong.ELSEWHERE),
        (4, Wrong.NOT_DONE),
    ]


def test_komunitin_transfers_that_were_committed() -> None:
    head = "id,created,updated,state,amount,description,hash,authorization,payer.id,payer.code,payee.id,payee.code,user.id\n"
    reading = read(
        Layout.KOMUNITIN_TRANSFERS,
        head + "u1,2024-01-02T10:00:00.000Z,,committed,1.50,Bread,,,a,NET10001,b,NET10002,c\n"
        "u2,2024-01-02T10:00:00.000Z,,rejected,1.50,Bread,,,a,NET10001,b,NET10002,c\n",
    )
    assert told(reading) == [("2024-01-02", "NET10001", "NET10002", 90, "Bread")]
    assert [(fault.line, fault.wrong, fault.detail) for fault in reading.faults] == [
        (3, Wrong.NOT_DONE, "rejected")
    ]


@pytest.mark.parametrize("head", ["", "From,To,Description,Amount\n"])
def test_komunitin_payments_have_a_heading_or_not_and_no_day(head: str) -> None:
    reading = read(Layout.KOMUNITIN_PAYMENTS, head + "NET10001,NET10002,Bread,1.25\n")
    assert told(reading) == [("", "NET10001", "NET10002", 75, "Bread")]


def test_komunitin_accounts_have_balances_and_codes_for_names() -> None:
    (row,) = read(
        Layout.KOMUNITIN_ACCOUNTS,
        "id,created,code,status,balance,creditLimit,maximumBalance,key,transfers\nx,y,NET10001,active,-1.50,10.00,,k,7\n",
    ).people
    assert (row.old, row.name, row.balance, row.credit_limit, row.ceiling) == (
        "NET10001", "NET10001", -90, 600, None,
    )  # fmt: skip


def test_cclite_users_and_yellow_pages() -> None:
    reading = read_file(
        Layout.CCLITE_USERS,
        "userId,userLogin,userPassword,userEmail,userTelephone,userName,userStreet,userTown,userArea,userPostcode,userLevel\n"
        "1,sysaccount,x,,,System Account,,,,,sysaccount\n2,jose,x,j@example.org,1,José Roca,3 Mill Lane,Oakvale,North,OV1,user\n".encode(
            "latin-1"
        ),
        HILLS,
    )
    (row,) = reading.people
    assert (row.old, row.name, row.email, row.address, row.place, row.balance) == (
        "jose", "José Roca", "j@example.org", "3 Mill Lane\nOakvale\nOV1", "North", 0,
    )  # fmt: skip
    assert [(fault.line, fault.wrong) for fault in reading.faults] == [(2, Wrong.NOBODYS)]
    ads = read(
        Layout.CCLITE_ADS,
        "id,status,type,fromuserid,category,subject,description,price,unit\n1,active,offered,jose,1001,Eggs,Fresh,3,hour\n"
        "2,active,wanted,jose,1001,Hay,,0,other\n3,active,event,jose,,Fair,,0,other\n4,suspended,offered,jose,,Jam,,0,other\n",
        HILLS,
    )
    assert [(each.kind, each.title, each.text, each.price) for each in ads.listings] == [
        ("offer", "Eggs", "Fresh\n3 / hour", 300), ("want", "Hay", "", 0),
    ]  # fmt: skip
    assert [(fault.line, fault.wrong) for fault in ads.faults] == [(4, Wrong.KIND), (5, Wrong.HIDDEN)]


# --- faults planted in lines ------------------------------------------------------------------------------------

GOOD = "2015-04-02,17,18,1:30,Yoga"
PLANTED = {
    "4/3/2015,17,18,1:30,two days": Wrong.DAY,
    "2015-02-30,17,18,1:30,no day": Wrong.DAY,
    "1815-04-02,17,18,1:30,before any scheme": Wrong.DAY,
    ",17,18,1:30,no day": Wrong.DAY,
    "2015-04-02,17,18,1.30,two amounts": Wrong.AMOUNT,
    "2015-04-02,17,18,-1:30,backwards": Wrong.AMOUNT,
    "2015-04-02,17,18,0:00,nothing": Wrong.AMOUNT,
    "2015-04-02,17,18,999999999999999,too much": Wrong.AMOUNT,
    "2015-04-02,17,18,,nothing": Wrong.AMOUNT,
    "2015-04-02,17,17,1:30,oneself": Wrong.SAME_SIDES,
    "2015-04-02,,18,1:30,nobody": Wrong.OWNER,
    "2015-04-02,17,18,1:30": Wrong.FIELDS,
    "2015-04-02,17,18,1:30,a,b": Wrong.FIELDS,
    "2015-04-02,17,18,1:30,a\u0007b": Wrong.SIGNS,
    "2015-04-02,17,18,1:30," + "x" * 4_001: Wrong.TOO_LONG,
}


@pytest.mark.parametrize("seed", range(20))
def test_each_planted_fault_is_named_by_its_line_and_every_other_line_is_read(seed: int) -> None:
    chance, lines, wanted, good = Random(seed), ["date,from,to,amount,text"], [], []
    for _ in range(chance.randint(2, 40)):
        if chance.random() < 0.4:
            line = chance.choice(list(PLANTED))
            wanted.append((len(lines) + 1, PLANTED[line]))
        else:
            line = GOOD
            good.append(len(lines) + 1)
        lines.append(line)
    encoding, end = chance.choice(("utf-8", "utf-8-sig")), chance.choice(("\n", "\r\n"))
    reading = read_file(Layout.OWN_TRADES, (end.join(lines) + end).encode(encoding), HOURS)
    assert [
        (fault.line, fault.wrong) for fault in sorted(reading.faults, key=lambda each: each.line)
    ] == wanted
    assert [row.line for row in reading.trades] == good


@pytest.mark.parametrize("layout", sorted(TRADE_LAYOUTS))
def test_an_archive_or_a_picture_is_no_table(layout: Layout) -> None:
    """Files are read as they are: nothing is unpacked, however small a packed one is."""
    for data in (
        b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + b"\x00" * 40,
        b"\x89PNG\r\n\x1a\n\x00",
        b"\x1f\x8b\x08\x00\x00",
    ):
        with pytest.raises(Unusable) as caught:
            read_file(layout, data, HOURS)
        assert caught.value.fault.wrong is Wrong.NOT_TEXT
