"""Changed keys: which events they make, and files that change all at once. Rules 2.2, 2.3, 6.3."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crypto.keyfile import Cost
from node.clock import SeededChance
from node.keychange import ONLINE, SheetIs, renew, rotate, sheet_is
from node.keyfiles import (
    CHANGED_FOLDER,
    FOLDER,
    OLD_FOLDER,
    KeysUnusable,
    draw_keys,
    make_keys,
    next_root_key,
    open_keys,
    open_root_key,
    recovery_key,
    seal_root,
    write_changed,
)
from protocol.errors import NotAuthentic
from protocol.identity import fold_log
from protocol.identity_events import RECOVERY
from protocol.line_ops import Credit, Op
from protocol.names import LineId

NOW = 1_800_000_000_000
CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)
DRAWN = draw_keys(SeededChance("Oakvale"), NOW)


def chance(name: str = "later") -> SeededChance:
    return SeededChance(name)


@pytest.mark.parametrize("purpose", ONLINE)
def test_a_stolen_key_gets_a_successor_and_the_others_stay(purpose: str) -> None:
    """Rule 2.2."""
    before = DRAWN.keys.keyring
    after = renew(DRAWN.keys, DRAWN.root, [purpose], chance(), NOW).keyring

    assert fold_log(after.log) == after.identity
    ended = [each.purpose for each in after.identity.delegations if each.revoked_seq is not None]
    assert ended == [purpose]
    for name, (seq, key) in after.signing.items():
        assert after.identity.key_for(name, seq) == key.public
        assert (key.public == before.signing[name][1].public) == (name != purpose)
    current = after.identity.current("seal")
    assert current is not None
    assert (current.seq, current.public_key) == (after.seal[0], after.seal[1].public)


def test_only_the_root_key_in_force_changes_keys() -> None:
    with pytest.raises(NotAuthentic):
        renew(DRAWN.keys, next_root_key(DRAWN.sheet), ["line"], chance(), NOW)
    for purpose in (RECOVERY, "root", "nonsense"):
        with pytest.raises(KeysUnusable):
            renew(DRAWN.keys, DRAWN.root, [purpose], chance(), NOW)


def test_the_sheet_gives_the_next_root_and_a_new_sheet_follows_it() -> None:
    """Rule 2.2: pre-rotation, again and again; a used sheet rotates nothing."""
    once = rotate(DRAWN.keys, DRAWN.sheet, chance("one"), NOW)
    state = once.keys.keyring.identity
    assert state.root.key == next_root_key(DRAWN.sheet).public == once.root.public
    current = state.current(RECOVERY)
    assert current is not None
    assert current.public_key == recovery_key(once.sheet).public
    with pytest.raises(KeysUnusable, match="not the recovery sheet in force"):
        rotate(once.keys, DRAWN.sheet, chance(), NOW)
    with pytest.raises(NotAuthentic):
        renew(once.keys, DRAWN.root, ["line"], chance(), NOW)

    twice = rotate(once.keys, once.sheet, chance("two"), NOW)
    identity = twice.keys.keyring.identity
    assert [sheet_is(identity, each) for each in (twice.sheet, once.sheet, DRAWN.sheet, bytes(32))] == [
        SheetIs.IN_FORCE, SheetIs.OLDER, SheetIs.OLDER, SheetIs.FOREIGN,
    ]  # fmt: skip
    assert twice.keys.keyring.identity.root.key == next_root_key(once.sheet).public
    # What was sealed before opens still.
    box = DRAWN.keys.keyring.safe.seal(b"memo", b"what")
    assert twice.keys.keyring.safe.open(b"memo", box) == b"what"


def test_what_was_signed_by_an_ended_key_is_signed_again_with_the_same_id() -> None:
    """Rule 6.3."""
    before = DRAWN.keys.keyring
    op = Op(
        line=LineId(bytes(32)), author=before.scheme, epoch=0, seq=1, prev=bytes(32), ack=0, ack_id=bytes(32), time=NOW,
        state=bytes(32), step=Credit(amount=1),
    )  # fmt: skip
    signed = before.sign("line", op)
    after = renew(DRAWN.keys, DRAWN.root, ["line"], chance(), NOW).keyring

    again = after.renewed("line", Op, signed.wire)

    assert again == after.sign("line", op).wire != signed.wire
    assert after.renewed("line", Op, again) == again
    assert before.renewed("line", Op, signed.wire) == signed.wire


# --- Files -------------------------------------------------------------------------------------------------------


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    make_keys(tmp_path, "apples keep all winter", SeededChance("Oakvale"), NOW, cost=CHEAP)
    return tmp_path


def test_changed_keys_are_opened_by_the_next_start(data_dir: Path) -> None:
    keys, root = open_keys(data_dir), open_root_key(data_dir, "apples keep all winter")
    changed = renew(keys, root, ["line"], chance(), NOW)
    write_changed(data_dir, changed, chance())

    again = open_keys(data_dir)
    assert again.keyring.log == changed.keyring.log
    assert again.keyring.signing["line"][1].public == changed.keyring.signing["line"][1].public
    assert again.pepper == keys.pepper
    assert open_root_key(data_dir, "apples keep all winter").public == root.public
    assert sorted(path.name for path in data_dir.iterdir()) == [FOLDER], "the ended key is on no disk"
    assert all(path.stat().st_mode & 0o077 == 0 for path in (data_dir / FOLDER).iterdir())


def test_a_new_root_key_has_a_passphrase_of_its_own(data_dir: Path) -> None:
    rotated = rotate(open_keys(data_dir), DRAWN.sheet, chance(), NOW)
    write_changed(
        data_dir,
        rotated.keys,
        chance(),
        root_key=seal_root(rotated.root, "pears do not keep", chance(), CHEAP),
    )
    assert open_root_key(data_dir, "pears do not keep").public == rotated.root.public
    with pytest.raises(KeysUnusable):
        open_root_key(data_dir, "apples keep all winter")


@pytest.mark.parametrize("crash", ["while writing", "between", "before removing"])
def test_a_change_that_is_interrupted_leaves_the_old_keys_or_the_new(data_dir: Path, crash: str) -> None:
    before = open_keys(data_dir).keyring
    folder, changed, old = (data_dir / name for name in (FOLDER, CHANGED_FOLDER, OLD_FOLDER))
    shutil.copytree(folder, data_dir / "saved")
    root = open_root_key(data_dir, "apples keep all winter")
    after = renew(open_keys(data_dir), root, ["line"], chance(), NOW)
    write_changed(data_dir, after, chance())
    if crash == "while writing":
        shutil.move(folder, changed)
        (changed / "online.key").unlink()
        shutil.move(data_dir / "saved", folder)
    elif crash == "between":
        shutil.move(folder, changed)
        shutil.move(data_dir / "saved", old)
    else:
        shutil.move(data_dir / "saved", old)

    log = open_keys(data_dir).keyring.log
    assert log == (before.log if crash == "while writing" else after.keyring.log)
    write_changed(data_dir, renew(open_keys(data_dir), root, ["feed"], chance("more"), NOW), chance())
    assert not old.exists()
