"""The independent auditor (scripts/audit) over exports of a row of three schemes: whole, and spoilt in every way. I19."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from crypto.canonical import encode
from crypto.keys import SigningKey
from crypto.signing import split
from node.services.ledger_export import FolderInUse, make_folder, write_export
from node.simulation.network import SimulatedNetwork
from node.store import Tx
from node.store.schema import identity
from protocol.entry import Chain, Corrected, Entry, Posted, Words, make_entry
from protocol.ledger import Leg
from protocol.line_ops import Lock, Op
from protocol.message import decode_message, encode_message, sign_message, trusted_message
from protocol.names import EntryId
from protocol.payment import PayerState
from protocol.units import HOUR
from scripts.auditor.__main__ import audit
from scripts.auditor.files import FILES, Unreadable
from tests.simulation import run_virtual
from tests.small_town import WIDE, WORDS, SettlingNode, SmallTown, chain
from tests.sources import ROOT, imported, name_of

NAMES = ("Oakvale", "Hilltop", "Riverside")
Records = list[dict[str, Any]]
Folders = dict[str, Path]


@dataclass(frozen=True)
class Town:
    """Exports at rest, and while a payment is under way; and the keys with which a scheme could lie."""

    at_rest: Folders
    under_way: Folders
    line_keys: dict[str, tuple[int, SigningKey]]
    ledger_keys: dict[str, tuple[int, SigningKey]]


async def _knows_everybody(node: SettlingNode, town: SmallTown) -> None:
    def unit(tx: Tx) -> None:
        for other in town.nodes.values():
            for seq, wire in enumerate(other.keyring.log):
                tx.run(insert(identity.identity_event), scheme=other.scheme, seq=seq, wire=wire, seen_ms=0)

    await node.store.write(unit)


async def _local_trades(node: SettlingNode) -> None:
    """Two members of one scheme trade, one trade is corrected, limits change."""
    a, b = await node.open_member("Maud"), await node.open_member("Ben")

    def unit(tx: Tx) -> None:
        entered = [node.books.post(tx, [(a, -amount), (b, amount)], WORDS) for amount in (30, 45, 60)]
        node.books.correct(tx, entered[1].seq, False, WORDS)
        node.books.set_limits(tx, a, 600, 900, WORDS)

    await node.store.write(unit)


async def _export(town: SmallTown, folder: Path) -> Folders:
    made = {}
    for name, node in town.nodes.items():
        made[name] = folder / name
        make_folder(made[name])
        await node.store.read(write_export, node.scheme, made[name], node.clock.now_ms())
    return made


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Three schemes in a row that traded at home and with each other."""
    folder = tmp_path_factory.mktemp("exports")

    async def scenario(network: SimulatedNetwork) -> Town:
        small = SmallTown(network, NAMES, chain(*NAMES), rates=(60, 60, 1200), seed=7)
        await small.open()
        small.route(*NAMES)
        small.route(*reversed(NAMES))
        await small["Oakvale"].open_member("Ana")
        await small["Riverside"].open_member("Karim")
        for node in small.nodes.values():
            await _knows_everybody(node, small)
            await _local_trades(node)
        await small["Oakvale"].buy("Ana", "Riverside", "Karim", 600)
        # So that a lock and the claim that ends it have different numbers.
        await small["Hilltop"].lines.set_limit(small["Riverside"].scheme, replace(WIDE, open_max=90), None)
        await small["Riverside"].lines.set_limit(small["Hilltop"].scheme, WIDE, None)
        await small["Riverside"].lines.set_limit(small["Hilltop"].scheme, replace(WIDE, open_max=80), None)
        await small["Oakvale"].buy("Ana", "Riverside", "Karim", 250)
        await small["Riverside"].buy("Karim", "Oakvale", "Ana", 25)
        await small.settle()
        at_rest = await _export(small, folder / "rest")
        begun = await small["Oakvale"].begin("Ana", "Riverside", "Karim", 100)
        network.stop("Riverside")
        under_way = await _export(small, folder / "way")
        assert begun.state is PayerState.LOCKED
        await small.stop()
        return Town(
            at_rest, under_way,
            {name: node.keyring.signing["line"] for name, node in small.nodes.items()},
            {name: node.keyring.signing["ledger"] for name, node in small.nodes.items()},
        )  # fmt: skip

    return run_virtual(scenario, 7)


def wrong(folders: list[Path], *, at_rest: bool = True) -> list[str]:
    """Return what the auditor finds wrong."""
    return audit(folders, at_rest)[1].wrong


def spoilt(
    town: Town, tmp_path: Path, name: str, file: str, change: Callable[[Records], object]
) -> list[str]:
    """Return what is found once the records of one file of one scheme were changed; counts are made to fit."""
    folders = {}
    for each, folder in town.at_rest.items():
        folders[each] = tmp_path / each
        shutil.copytree(folder, folders[each])
    path = folders[name] / f"{file}.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    before = json.dumps(records)
    change(records)
    assert json.dumps(records) != before, "nothing was spoilt"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    manifest = json.loads((folders[name] / "manifest.json").read_text())
    manifest["records"][path.name] = len(records)
    (folders[name] / "manifest.json").write_text(json.dumps(manifest))
    return wrong(list(folders.values()))


def a_posting(records: Records) -> dict[str, Any]:
    """Return the first posting among local accounts."""
    return next(each for each in records if each["kind"] == "posting" and each["legs"][0][1] == "local")


# --- what is whole -------------------------------------------------------------------------------------------------


def test_what_is_whole_is_found_right(town: Town) -> None:
    """I19: balances, sums, chains, signatures, folds, net positions, and both ends of each line."""
    audited, findings = audit(list(town.at_rest.values()), at_rest=True)

    assert findings.wrong == []
    assert findings.notes == []
    # 850 of Riverside's units at 1200 an hour, less the 25 minutes that went the other way.
    owed = 850 * HOUR // 1200 - 25 * HOUR // 60
    assert {each.export.name: each.net for each in audited} == {
        "Oakvale": owed,
        "Hilltop": 0,
        "Riverside": -owed,
    }


def test_a_payment_under_way_is_not_wrong_unless_all_should_be_at_rest(town: Town) -> None:
    folders = list(town.under_way.values())
    assert wrong(folders, at_rest=False) == []

    found = wrong(folders, at_rest=True)
    assert any("lock" in text and "still open (I17)" in text for text in found)
    assert any("are still set aside (I8)" in text for text in found)


def test_one_export_alone_can_be_audited(town: Town) -> None:
    for folder in town.at_rest.values():
        assert wrong([folder]) == []


def test_an_export_names_nobody(town: Town) -> None:
    """Rule 3.1: accounts are random numbers, and what was written about a trade stays at home."""
    for folder in town.at_rest.values():
        text = "".join(path.read_text() for path in folder.iterdir()).lower()
        for word in ("maud", "karim", "jam"):
            assert word not in text
            assert word.encode().hex() not in text


def test_an_export_goes_into_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "letter.txt").write_text("keep me")
    with pytest.raises(FolderInUse):
        make_folder(tmp_path / "old")


def test_every_field_of_an_export_is_in_its_document(town: Town) -> None:
    document = (ROOT / "docs" / "export.md").read_text()
    for folder in (*town.at_rest.values(), *town.under_way.values()):
        for path in folder.iterdir():
            assert f"`{path.name}`" in document
            lines = path.read_text().splitlines()
            if path.suffix == ".csv":
                lines = [json.dumps(dict.fromkeys(lines[0].split(",")))]  # its columns
            for line in lines:
                assert [name for name in json.loads(line) if f"`{name}`" not in document] == []


# --- what is spoilt: entries ---------------------------------------------------------------------------------------


def test_a_changed_amount_in_an_entry_is_found(town: Town, tmp_path: Path) -> None:
    def change(records: Records) -> None:
        record = a_posting(records)
        book = decode_message(Posted, bytes.fromhex(record["book"]))
        doubled = Posted(legs=tuple(replace(leg, amount=2 * leg.amount) for leg in book.legs))
        record["book"] = encode_message(doubled).hex()
        record["legs"] = [[leg.account.hex(), leg.unit, leg.amount] for leg in doubled.legs]
        change.seq = record["seq"]  # type: ignore[attr-defined]  # for the assertion below

    found = spoilt(town, tmp_path, "Hilltop", "entries", change)
    assert f"Hilltop, entry {change.seq}: what it books is not what was signed: changed afterwards" in found  # type: ignore[attr-defined]


def test_a_changed_leg_beside_an_entry_is_found(town: Town, tmp_path: Path) -> None:
    def change(records: Records) -> None:
        a_posting(records)["legs"][0][2] += 1

    found = spoilt(town, tmp_path, "Hilltop", "entries", change)
    assert [text.partition(": ")[2] for text in found] == [
        "the legs beside it are not those that were signed"
    ]


def test_a_changed_signature_is_found(town: Town, tmp_path: Path) -> None:
    def change(records: Records) -> None:
        body, key_seq, signature = split(bytes.fromhex(records[3]["wire"]))
        records[3]["wire"] = encode(
            (body, key_seq, bytes([signature[0] ^ 1]) + signature[1:]), bytes_max=20_000
        ).hex()

    found = spoilt(town, tmp_path, "Oakvale", "entries", change)
    assert found == ["Oakvale, entry 3: the signature does not verify: changed, or signed by somebody else"]


def test_a_missing_entry_is_found(town: Town, tmp_path: Path) -> None:
    found = spoilt(town, tmp_path, "Oakvale", "entries", lambda records: records.pop(4))
    assert "Oakvale, entry 5: before it, 4 is missing or stands elsewhere" in found


def test_a_last_entry_left_out_is_found_by_what_it_moved(town: Town, tmp_path: Path) -> None:
    found = spoilt(town, tmp_path, "Riverside", "entries", lambda records: records.pop())
    assert any("account of the line with" in text and "(I8)" in text for text in found)
    assert any("is no posting" in text for text in found)


def test_a_doubled_entry_is_found(town: Town, tmp_path: Path) -> None:
    found = spoilt(town, tmp_path, "Oakvale", "entries", lambda records: records.insert(7, records[6]))
    assert found == ["Oakvale, entry 6: it is there twice"]


def test_entries_in_another_order_are_found(town: Town, tmp_path: Path) -> None:
    def change(records: Records) -> None:
        records[5], records[6] = records[6], records[5]

    found = spoilt(town, tmp_path, "Oakvale", "entries", change)
    assert found[:2] == [
        "Oakvale, entry 6: before it, 5 is missing or stands elsewhere",
        "Oakvale, entry 5: it stands after entry 6: out of order, or a second entry 5",
    ]


def resigned(town: Town, name: str, records: Records, book: Posted | Corrected) -> None:
    """Let a scheme sign one more entry, whatever its own node would say."""
    last = trusted_message(Entry, bytes.fromhex(records[-1]["wire"]))
    key_seq, key = town.ledger_keys[name]
    after = Chain(scheme=last.body.scheme, next_seq=last.body.seq + 1, prev=EntryId(last.id))
    words = Words(text="", done_by="liar", on_behalf_of=None, proved_by="system")
    made = make_entry(
        after,
        book,
        words,
        time_ms=0,
        book_salt=bytes(16),
        words_salt=bytes([1] * 16),
        key=key,
        key_seq=key_seq,
    )
    records.append({
        "seq": after.next_seq, "id": made.signed.id.hex(), "kind": book.TAG, "wire": made.signed.wire.hex(),
        "book": made.book.data.hex(), "book_salt": made.book.salt.hex(),
    })  # fmt: skip


def test_an_entry_its_scheme_signed_and_did_not_book_is_found(town: Town, tmp_path: Path) -> None:
    def change(records: Records) -> None:
        legs = a_posting(records)["legs"]
        book = Posted(legs=tuple(Leg(account=bytes.fromhex(a), unit=u, amount=n) for a, u, n in legs))  # type: ignore[arg-type]
        resigned(town, "Hilltop", records, book)

    found = spoilt(town, tmp_path, "Hilltop", "entries", change)
    assert len(found) == 2
    assert all("its entries make" in text for text in found)


def test_a_second_correction_of_one_entry_is_found(town: Town, tmp_path: Path) -> None:
    """Rule 3.5."""

    def change(records: Records) -> None:
        record = next(each for each in records if each["kind"] == "correction")
        book = decode_message(Corrected, bytes.fromhex(record["book"]))
        resigned(town, "Hilltop", records, book)

    found = spoilt(town, tmp_path, "Hilltop", "entries", change)
    assert len(found) == 1
    assert "a second time" in found[0]


# --- what is spoilt: what the export says of accounts, payments, lines -----------------------------------------------


@pytest.mark.parametrize(
    "file, field, text",
    [
        ("accounts", "balance", "it is said to be at"),
        ("accounts", "held", "are set aside, payments under way say otherwise"),
        ("accounts", "credit_limit", "credit_limit is said to be"),
        ("lines", "we_owe", "we are said to owe"),
        ("lines", "own_length", "its chains are said to end at"),
        ("payments", "hours", "its lock for"),
        ("payments", "amount", "does not take"),
        ("payments", "entry", "(I6)"),
        ("payments", "lock", "there is no lock of this quote"),
    ],
)
def test_a_changed_figure_is_found(town: Town, tmp_path: Path, file: str, field: str, text: str) -> None:
    def change(records: Records) -> None:
        records[0][field] += 1

    found = spoilt(town, tmp_path, "Oakvale", file, change)
    assert any(text in each for each in found), found


def test_a_payment_left_out_is_found_at_both_ends(town: Town, tmp_path: Path) -> None:
    """I6."""
    found = spoilt(town, tmp_path, "Oakvale", "payments", lambda records: records.pop(0))
    assert any("no payment says it is its own" in text for text in found)
    assert any("and debited nowhere" in text for text in found)


# --- what is spoilt: lines -----------------------------------------------------------------------------------------


def of(records: Records, author: str | None = None) -> list[int]:
    """Return where the locks stand among the ops, of the first author unless another is named."""
    author = author or records[0]["author"]
    return [
        at
        for at, record in enumerate(records)
        if record["author"] == author
        and isinstance(trusted_message(Op, bytes.fromhex(record["wire"])).body.step, Lock)
    ]


def test_a_changed_op_is_found(town: Town, tmp_path: Path) -> None:
    def change(records: Records) -> None:
        record = records[of(records)[0]]
        signed = trusted_message(Op, bytes.fromhex(record["wire"]))
        step = signed.body.step
        assert isinstance(step, Lock)
        other = sign_message(
            replace(signed.body, step=replace(step, amount=step.amount + 1)), SigningKey(bytes(32)), 2
        )
        record["wire"] = encode((other.body_bytes, signed.key_seq, signed.signature), bytes_max=20_000).hex()

    found = spoilt(town, tmp_path, "Oakvale", "ops", change)
    assert any("op 3 of" in text and "the signature does not verify" in text for text in found), found


def test_a_missing_op_is_found(town: Town, tmp_path: Path) -> None:
    found = spoilt(town, tmp_path, "Oakvale", "ops", lambda records: records.pop(of(records)[0]))
    assert any("before it, op 3 is missing or stands elsewhere" in text for text in found), found


def test_a_doubled_op_is_found(town: Town, tmp_path: Path) -> None:
    found = spoilt(town, tmp_path, "Oakvale", "ops", lambda records: records.insert(2, records[1]))
    assert any("op 2 of" in text and "it is there twice" in text for text in found), found


def test_a_last_op_left_out_is_found_by_the_other_end(town: Town, tmp_path: Path) -> None:
    def change(records: Records) -> None:
        records.pop(max(at for at, each in enumerate(records) if each["author"] == records[0]["author"]))

    found = spoilt(town, tmp_path, "Riverside", "ops", change)
    assert any("Riverside lacks 1 ops of" in text for text in found), found


def test_two_chains_that_differ_are_found_and_whose_signature_settles_it(town: Town, tmp_path: Path) -> None:
    """Rule 10: Hilltop signs another last op than the one its neighbour holds."""

    def change(records: Records) -> None:
        own = [at for at, each in enumerate(records) if each["author"] == records[0]["author"]]
        line = records[0]["line"]
        record = records[[at for at in own if records[at]["line"] == line][-1]]
        key_seq, key = town.line_keys["Hilltop"]
        body = trusted_message(Op, bytes.fromhex(record["wire"])).body
        record["wire"] = sign_message(replace(body, time=body.time + 1), key, key_seq).wire.hex()

    found = spoilt(town, tmp_path, "Hilltop", "ops", change)
    assert "Hilltop signed both, and that settles it" in found[-1], found


# --- what cannot be read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES)
def test_records_of_another_shape_are_findings_and_no_traceback(
    town: Town, tmp_path: Path, file: str
) -> None:
    def change(records: Records) -> None:
        records[0] = {"wire": "00", "scheme": "zz"}
        records.append({"nothing": None})

    assert spoilt(town, tmp_path, "Oakvale", file.removesuffix(".jsonl"), change)


def test_a_folder_that_holds_no_export_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        audit([tmp_path], at_rest=False)


def test_the_command_ends_as_its_findings_say(town: Town, tmp_path: Path) -> None:
    def ends(*arguments: str | Path) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "scripts.auditor", *map(str, arguments)],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    code, said = ends("--at-rest", *town.at_rest.values())
    assert (code, said.splitlines()[-1]) == (0, "Everything was recomputed, and all of it is right.")
    code, said = ends("--at-rest", *town.under_way.values())
    assert code == 1
    assert "things are wrong" in said
    code, said = ends(tmp_path)
    assert code == 2
    assert "Traceback" not in said


def test_the_auditor_shares_nothing_with_the_node_but_crypto() -> None:
    """I19: an auditor that used the node's rules would share its mistakes."""
    for path in sorted((ROOT / "scripts" / "auditor").glob("*.py")):
        used = {
            name for name in imported(path) if name.split(".")[0] in ("node", "protocol", "scripts", "tests")
        }
        assert all(name.startswith("scripts.auditor") for name in used), name_of(path)
        assert ast.get_docstring(ast.parse(path.read_text()))
