"""Backups of a store that is written to meanwhile: each is one state of it, whole. Source: docs/backup.md."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from crypto.keyfile import Cost
from node.backup import making
from node.backup.keeping import PARTIAL, Rule, backups_in
from node.backup.making import CONTENTS, DATABASE, WORK, Source, make_backup, newest, thin_out
from node.backup.opening import OLD_CONFIG, RESTORING, restore, unpack
from node.backup.regular import RegularBackups, standing
from node.backup.sealed_file import BackupUnusable
from node.cli.ledger import check_database
from node.clock import Chance, SeededChance
from node.keyfiles import CREDENTIAL, FOLDER, MACHINE_KEY, Keys, make_keys, open_keys
from node.services.backing_up import BackupFailed
from node.services.books import Books
from node.services.trades import NewTrade, Trades
from node.store import ThreadStore, Tx
from protocol.entry import Words
from protocol.limits import DAY_MS
from tests.builders import NOW
from tests.fakes import StoppedClock

CHEAP = Cost(memory_kib=8, iterations=1, lanes=1)
WORDS = Words(text="", done_by="test", on_behalf_of=None, proved_by="system")
CHANCE: Chance = SeededChance("backups")


class Node:
    """A data folder with keys, a configuration, and books in which two people trade."""

    def __init__(self, folder: Path):
        self.data_dir = folder / "data"
        self.keys, self.words = make_keys(self.data_dir, "apples keep all winter", CHANCE, NOW, cost=CHEAP)
        config = folder / "interlets.toml"
        config.write_text("# as it was\n")
        self.out = folder / "out"
        self.out.mkdir()
        ring = self.keys.keyring
        self.source = Source(data_dir=self.data_dir, config=config, scheme=ring.scheme, safe=ring.safe)

    async def fill(self, trades: int) -> None:
        store = await ThreadStore.open(self.data_dir / DATABASE)
        try:
            await self.trade(store, await self.begin(store), range(trades))
        finally:
            await store.close()

    async def begin(self, store: ThreadStore) -> tuple[Trades, list[int]]:
        books = Books(self.keys.keyring, StoppedClock(NOW), CHANCE)

        def unit(tx: Tx) -> list[int]:
            return [books.open_account(tx, WORDS, credit_limit=10**9).no for _ in range(2)]

        nos = await store.write(unit)
        return Trades(store=store, books=books, clock=StoppedClock(NOW), scheme=self.keys.keyring.scheme), nos

    async def trade(self, store: ThreadStore, made: tuple[Trades, list[int]], numbers: range) -> None:
        trades, (ana, ben) = made
        for number in numbers:
            await trades.record(
                NewTrade(
                    payer_no=ana, payee_no=ben, amount=1 + number, text=f"jam {number}", entered_by="Ana",
                    proved_by="pin", once=number.to_bytes(16, "big"), payer_name="Ana", payee_name="Ben",
                )
            )  # fmt: skip

    def back_up(self, at_ms: int = NOW) -> Path:
        return make_backup(self.source, self.out, at_ms, CHANCE, {})


@pytest.fixture
def node(tmp_path: Path) -> Node:
    made = Node(tmp_path)
    asyncio.run(made.fill(5))
    return made


def entries(data_dir: Path, keys: Keys) -> int:
    checked = check_database(data_dir, keys.keyring)
    assert checked.right, checked.findings
    return checked.entries


def left_behind(node: Node) -> list[str]:
    return [path.name for path in (*node.data_dir.glob(f"{WORK}*"), *node.out.glob(f"*{PARTIAL}"))]


def test_what_is_put_back_is_what_was_there(node: Node, tmp_path: Path) -> None:
    path = node.back_up()
    assert path.stat().st_mode & 0o077 == 0

    back = restore(path, node.keys.keyring.safe, tmp_path / "again")

    assert back.keys.pepper == node.keys.pepper
    assert entries(back.folder, back.keys) == entries(node.data_dir, node.keys) == 7
    assert (back.folder / OLD_CONFIG).read_text() == "# as it was\n"
    assert back.folder.stat().st_mode & 0o077 == 0
    assert [each for each in back.folder.rglob("*") if each.stat().st_mode & 0o077] == []
    assert left_behind(node) == []


def test_nothing_of_it_can_be_read_without_the_sheet(node: Node) -> None:
    wire = node.back_up().read_bytes()
    for secret in (b"jam", b"Ana", b"SQLite format", (node.data_dir / FOLDER / MACHINE_KEY).read_bytes()):
        assert secret not in wire


def test_the_words_of_the_sheet_open_it(node: Node, tmp_path: Path) -> None:
    from crypto.safekeeping import SafeKeys
    from crypto.words import from_words
    from node.keyfiles import safe_key

    sheet = SafeKeys([safe_key(from_words(" ".join(node.words)))])
    assert restore(node.back_up(), sheet, tmp_path / "again").header.scheme == node.source.scheme


async def test_under_load_each_backup_is_one_state_of_the_books(tmp_path: Path) -> None:
    node = Node(tmp_path)
    store = await ThreadStore.open(node.data_dir / DATABASE)
    made = await node.begin(store)
    seen: list[int] = []
    stop = asyncio.Event()

    async def keep_trading() -> None:
        number = 0
        while not stop.is_set():
            await node.trade(store, made, range(number, number + 20))
            number += 20

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keep_trading())
        for turn in range(4):
            path = await asyncio.to_thread(node.back_up, NOW + turn * 1000)
            folder = tmp_path / f"look{turn}"
            unpacked = await asyncio.to_thread(unpack, path, node.keys.keyring.safe, folder)
            seen.append(await asyncio.to_thread(entries, folder, unpacked.keys))
        stop.set()
    await store.close()

    assert seen == sorted(seen)
    assert seen[0] < seen[-1]  # it was written to meanwhile
    assert entries(node.data_dir, node.keys) >= seen[-1]


def test_the_machine_key_comes_along_also_where_systemd_keeps_it(node: Node, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (node.data_dir / FOLDER / MACHINE_KEY).rename(credentials / CREDENTIAL)

    path = make_backup(node.source, node.out, NOW, CHANCE, {"CREDENTIALS_DIRECTORY": str(credentials)})

    again = restore(path, node.keys.keyring.safe, tmp_path / "again").folder
    assert open_keys(again, {}).keyring.scheme == node.source.scheme


def test_what_was_deleted_is_in_no_backup(node: Node, tmp_path: Path) -> None:
    raw = sqlite3.connect(node.data_dir / DATABASE)
    raw.execute("CREATE TABLE gone (text)")
    raw.executemany("INSERT INTO gone VALUES (?)", [("elderflower " * 30,)] * 200)
    raw.commit()
    raw.execute("DROP TABLE gone")
    raw.commit()
    raw.close()

    folder = unpack(node.back_up(), node.keys.keyring.safe, tmp_path / "look").folder

    assert b"elderflower" not in (folder / DATABASE).read_bytes()


def test_two_are_not_made_at_once(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(database: Path, work: Path) -> None:
        with pytest.raises(BackupUnusable, match="another backup"):
            make_backup(node.source, node.out, NOW + 1000, CHANCE, {})
        snapshot(database, work)

    snapshot = making._snapshot
    monkeypatch.setattr(making, "_snapshot", again)
    node.back_up()
    assert len(backups_in(node.out, node.source.scheme)) == 1


@pytest.mark.parametrize("step", ["_snapshot", "_write", "_read_back"])
def test_a_step_that_fails_leaves_nothing_behind(
    node: Node, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(making, step, full)
        with pytest.raises(BackupUnusable, match="No space left"):
            node.back_up()
    assert (left_behind(node), list(node.out.iterdir())) == ([], [])
    node.back_up()


def test_a_disk_that_writes_something_else_is_noticed(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    write = making._write

    def rotten(partial: Path, *rest: object) -> None:
        write(partial, *rest)  # type: ignore[arg-type]
        wire = bytearray(partial.read_bytes())
        wire[-40] ^= 1
        partial.write_bytes(wire)

    monkeypatch.setattr(making, "_write", rotten)
    with pytest.raises(BackupUnusable):
        node.back_up()
    assert list(node.out.iterdir()) == []


def test_what_an_interrupted_one_left_is_removed(node: Node) -> None:
    made = node.back_up()
    (node.data_dir / WORK).mkdir()
    (node.data_dir / WORK / DATABASE).write_bytes(b"half")
    made.with_name(made.name + PARTIAL).write_bytes(b"half")

    node.back_up(NOW + 1000)

    assert left_behind(node) == []
    assert len(backups_in(node.out, node.source.scheme)) == 2


def test_nothing_is_put_over_what_may_be_newer(node: Node) -> None:
    path = node.back_up()
    before = sorted(node.data_dir.rglob("*"))

    with pytest.raises(BackupUnusable, match="is not empty"):
        restore(path, node.keys.keyring.safe, node.data_dir)

    assert sorted(node.data_dir.rglob("*")) == before


def test_a_backup_that_does_not_do_leaves_no_folder(node: Node, tmp_path: Path) -> None:
    path = node.back_up()
    spoilt = bytearray(path.read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    path.write_bytes(spoilt)

    with pytest.raises(BackupUnusable):
        restore(path, node.keys.keyring.safe, tmp_path / "again")

    assert list(tmp_path.glob(f"again*{RESTORING}")) == []
    assert not (tmp_path / "again").exists()


def test_a_database_that_is_damaged_inside_a_backup_is_named(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = making._snapshot

    def damaged(database: Path, work: Path) -> None:
        snapshot(database, work)
        data = bytearray((work / DATABASE).read_bytes())
        data[4096 * 2 : 4096 * 3] = bytes(4096)
        (work / DATABASE).write_bytes(data)

    monkeypatch.setattr(making, "_snapshot", damaged)
    with pytest.raises(BackupUnusable, match="database in this backup is damaged"):
        unpack(node.back_up(), node.keys.keyring.safe, tmp_path / "look")


def test_what_no_release_puts_there_is_refused(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "CONTENTS", tuple(name for name in CONTENTS if name != DATABASE))
    with pytest.raises(BackupUnusable, match=r"no release puts there: 'node\.db'"):
        node.back_up()


def test_a_backup_of_a_newer_release_is_refused(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "HEAD", "9999")
    path = node.back_up()
    with pytest.raises(BackupUnusable, match="newer release"):
        restore(path, node.keys.keyring.safe, tmp_path / "again")


async def test_a_running_node_makes_one_a_day_and_removes_what_is_old(node: Node) -> None:
    clock = StoppedClock(NOW)
    regular = RegularBackups(node.source, node.out, Rule(daily=2, weekly=0, monthly=0), clock, CHANCE)
    made = []
    for hours in (0, 1, 23, 24, 48, 72):
        clock.now = NOW + hours * DAY_MS // 24
        await regular.make_when_due()
        made.append(len(backups_in(node.out, node.source.scheme)))

    assert made == [1, 1, 1, 2, 2, 2]
    last = newest(node.out, node.source.scheme)
    assert last is not None
    assert last.header.made_ms == NOW + 3 * DAY_MS


async def test_an_admin_has_one_made_whenever_the_last_was(node: Node) -> None:
    clock = StoppedClock(NOW)
    regular = RegularBackups(node.source, node.out, Rule(daily=1, weekly=0, monthly=0), clock, CHANCE)
    await regular.make_when_due()
    clock.now = NOW + 60_000
    await regular.make_now()
    kept = [each.header.made_ms for each in backups_in(node.out, node.source.scheme)]
    assert kept == [NOW + 60_000]  # the newest of the day is what the rule keeps
    shutil.rmtree(node.out)
    with pytest.raises(BackupFailed, match="plugged in"):
        await regular.make_now()


async def test_a_folder_that_is_gone_is_an_error_until_it_is_back(node: Node) -> None:
    regular = RegularBackups(node.source, node.out, Rule(), StoppedClock(NOW), CHANCE)
    shutil.rmtree(node.out)
    with pytest.raises(BackupUnusable):
        await regular.make_when_due()
    node.out.mkdir()
    await regular.make_when_due()
    assert newest(node.out, node.source.scheme) is not None


def test_only_our_own_are_thinned_out(node: Node) -> None:
    other = replace(node.source, scheme=type(node.source.scheme)(b"o" * 32))
    make_backup(other, node.out, NOW, CHANCE, {})
    (node.out / "holiday.backup").write_bytes(b"pictures")
    for day in range(4):
        node.back_up(NOW + day * DAY_MS)

    removed = thin_out(node.out, node.source.scheme, Rule(daily=1, weekly=0, monthly=0))

    assert len(removed) == 3
    assert len(backups_in(node.out, other.scheme)) == 1
    assert (node.out / "holiday.backup").exists()


def test_how_it_stands_is_told(node: Node, tmp_path: Path) -> None:
    def stands(at_ms: int, folder: Path = node.out) -> tuple[bool, int | None, bool, bool]:
        found = standing(folder, node.data_dir, node.source.scheme, at_ms)
        return found.there, found.newest_ms, found.late, found.same_disk

    assert stands(NOW, tmp_path / "nowhere") == (False, None, True, False)
    assert stands(NOW) == (True, None, True, True)
    node.back_up()
    assert stands(NOW + DAY_MS) == (True, NOW, False, True)
    assert stands(NOW + 2 * DAY_MS) == (True, NOW, True, True)
