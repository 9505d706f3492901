"""Makes a scheme from what its founders answered: configuration, keys, database, first organisers, all of it or nothing.

Everything is made in a folder of its own within the data directory. `Prepared.commit` renames that folder, which is the one
moment at which there is a scheme; `finish` then puts each thing into its place, and goes on where a power cut stopped it. Both
`interlets init` and the pages of `interlets set-up` end here, so there is one place that says what an answer may be.
Source: docs/operating.md; docs/decisions/0053-a-scheme-is-founded-whole.md.
"""

from __future__ import annotations

import asyncio
import enum
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from node.cli.admin import CannotDo
from node.clock import Chance, Clock
from node.config import Config, example, load
from node.keyfiles import FOLDER, make_keys, make_private, sync_folder
from node.opening import open_node
from node.proxies import LOOPBACK
from node.services.acts import OPERATOR, Role
from node.services.members import NewMember
from protocol.market import AskingPrice, Listing
from protocol.names import scheme_text

PASSPHRASE_CHARACTERS_MIN: Final = 12
WORDS_ASKED: Final = 3

STAGE: Final = ".founding-"  # and chance: two founders at once do not meet in one folder
FOUNDED: Final = ".founded"
CONFIG: Final = "interlets.toml"
STAGE_BYTES: Final = 6
WHY: Final = "first organiser"


class Wrong(enum.Enum):
    """Why an answer cannot be taken."""

    PASSPHRASE_SHORT = enum.auto()
    HOUR_UNREADABLE = enum.auto()
    FOLDER_NOT_WHOLE = enum.auto()
    FOLDER_CLOSED = enum.auto()
    FOLDER_WITHIN = enum.auto()


class Unfit(Exception):
    """An answer cannot be taken; `why` says so."""

    def __init__(self, why: Wrong):
        super().__init__(why.name)
        self.why: Final = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Founder:
    """One of the first organisers; the first of them is the admin."""

    name: str
    email: str | None = None
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Answers:
    """What has to be known of a new scheme."""

    name: str
    place: str = ""
    unit: str = "hours"  # or the name of the scheme's own unit
    unit_symbol: str = ""
    unit_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # as SchemeSettings has them
    hour: tuple[int, int] = (60, 0)  # what one hour is: minor units, and how many decimals were typed
    wording: str = "lets"
    languages: tuple[str, ...] = ("en",)  # the scheme's own first
    credit_limit: int | None = None  # minor units; None: what is usual
    ceiling: int | None = None
    who_records: Literal["both", "received", "gave"] = "both"
    agreement: str = ""
    founders: tuple[Founder, ...]
    help_phone: str = ""
    help_hours: str = ""
    first_offer: str = ""  # of the first founder, so that the board is not empty
    passphrase: str
    backup_folder: Path | None = None
    mail: Mapping[str, Any] = field(default_factory=dict)  # [mail]; empty: without
    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8480
    public_address: str = ""
    lan: bool = False
    behind_proxy: bool = False
    proxies: tuple[str, ...] = LOOPBACK  # believed where it is behind one
    portable: bool = False  # the data folder is named as it lies beside the configuration


# --- What an answer may be ---------------------------------------------------------------------------------------


def parse_hour(typed: str) -> tuple[int, int]:
    """Return what one hour is, in the smallest part of the unit, and its decimals. Raises Unfit."""
    match = re.fullmatch(r"([0-9]{1,7})(?:[.,]([0-9]{1,3}))?", typed.strip())
    if match is None or not int(match[1] + (match[2] or "")):
        raise Unfit(Wrong.HOUR_UNREADABLE)
    # Without decimals typed, amounts still have two: somebody will want to give half.
    part = match[2] if match[2] is not None else "00"
    return int(match[1] + part), len(part)


def check_passphrase(passphrase: str) -> None:
    """Raises Unfit: it is too short for what seals the root key."""
    if len(passphrase) < PASSPHRASE_CHARACTERS_MIN:
        raise Unfit(Wrong.PASSPHRASE_SHORT)


def check_folder(typed: str, data_dir: Path) -> Path:
    """Return the folder that is to hold backups; nothing is made there. Raises Unfit."""
    folder = Path(typed)
    if not folder.is_absolute():
        raise Unfit(Wrong.FOLDER_NOT_WHOLE)
    if folder.is_relative_to(data_dir):
        raise Unfit(Wrong.FOLDER_WITHIN)  # what takes the books takes it too
    there = next(each for each in (folder, *folder.parents) if each.exists())
    # What is not there yet may be made by the first backup, one level deep: a stick that is not in place is a slip.
    if there not in (folder, folder.parent) or not there.is_dir() or not os.access(there, os.W_OK):
        raise Unfit(Wrong.FOLDER_CLOSED)
    return folder


def draw_places(words: int, chance: Chance) -> tuple[int, ...]:
    """Return which words of the copy on paper are asked for, counted from zero, in their order."""
    places: set[int] = set()
    while len(places) < min(WORDS_ASKED, words):
        places.add(chance.below(words))
    return tuple(sorted(places))


def is_word(typed: str, word: str) -> bool:
    """Tell whether somebody typed this word of the sheet."""
    return typed.strip().casefold() == word


# --- Making ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Prepared:
    """A scheme that is whole and is none yet: nothing outside `stage` was made."""

    target: Path
    data_dir: Path
    stage: Path
    words: tuple[str, ...]  # the recovery sheet, on no disk
    made: Mapping[str, Any]  # what is to be shown once
    backup_folder: Path | None = None
    own_folder: bool = False  # whether `data_dir` was made for it, too

    def commit(self) -> None:
        """Let it be the scheme of this machine. Raises CannotDo: there is one by now, or the disk refuses."""
        refuse_second(self.target, self.data_dir)
        try:
            self.stage.rename(self.data_dir / FOUNDED)
            sync_folder(self.data_dir)
            finish(self.target, self.data_dir)
            if self.backup_folder is not None:
                self.backup_folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise CannotDo(f"{self.data_dir} cannot be written: {error.strerror or error}") from None

    def discard(self) -> None:
        """Forget it."""
        _clear(self.stage, self.data_dir if self.own_folder else None)


def refuse_second(target: Path, data_dir: Path) -> None:
    """Raises CannotDo: this machine has a scheme there already."""
    if target.exists():
        raise CannotDo(f"{target} exists: this machine has a scheme there already")
    if (data_dir / FOLDER).exists():
        raise CannotDo(f"{data_dir / FOLDER} exists: these are the keys of a scheme already")


def finish(target: Path, data_dir: Path) -> bool:
    """Put everything of a scheme that was committed into its place; tell whether there was anything to do. Raises OSError."""
    founded = data_dir / FOUNDED
    if not founded.is_dir():
        return False
    for each in sorted(founded.iterdir()):
        if each.name != CONFIG:
            each.rename(data_dir / each.name)
    sync_folder(data_dir)
    # Last, since a node is started by its configuration. It may lie on another disk, so it is copied.
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_name(f"{target.name}.new")
        new.unlink(missing_ok=True)
        _write(new, (founded / CONFIG).read_text("utf-8"))
        new.rename(target)
        sync_folder(target.parent)
    shutil.rmtree(founded)
    for left in data_dir.glob(f"{STAGE}*"):  # by founders who were interrupted; nobody can go on with them
        shutil.rmtree(left, ignore_errors=True)
    return True


async def prepare(target: Path, answers: Answers, chance: Chance, clock: Clock) -> Prepared:
    """Make everything, for `commit` to take or `discard` to drop.

    Raises:
        Unfit, Unable, ConfigError: an answer cannot be taken. CannotDo, KeysUnusable, StoreError: the machine cannot. Nothing is left.
    """
    # Relative to where the command is started, not to where the file will lie.
    target, data_dir = absolute(target), absolute(answers.data_dir)
    refuse_second(target, data_dir)
    check_passphrase(answers.passphrase)
    _check_writable(target)
    own_folder = not data_dir.exists()
    stage = data_dir / f"{STAGE}{chance.bytes(STAGE_BYTES).hex()}"
    try:
        try:
            make_private(data_dir)
            stage.mkdir(mode=0o700)
            _write(stage / CONFIG, _config_text(answers, target, data_dir))
        except OSError as error:
            raise CannotDo(f"{data_dir} cannot be written: {error.strerror or error}") from None
        config = load(stage / CONFIG)
        keys, words = await asyncio.to_thread(make_keys, stage, answers.passphrase, chance, clock.now_ms())
        made: dict[str, Any] = {
            "scheme": scheme_text(keys.keyring.scheme), "name": answers.name, "config": str(target),
            "data_dir": str(data_dir), "address": config.node.origin, "words": list(words),
            **await _found(_staged(config, stage), answers),
        }  # fmt: skip
    except BaseException:
        _clear(stage, data_dir if own_folder else None)
        raise
    return Prepared(target=target, data_dir=data_dir, stage=stage, words=words, made=made,
                    backup_folder=answers.backup_folder, own_folder=own_folder)  # fmt: skip


def absolute(path: Path) -> Path:
    """Return where a path typed in the terminal leads."""
    return path.expanduser().absolute()


def _check_writable(target: Path) -> None:
    there = next(each for each in target.parents if each.exists())
    if not os.access(there, os.W_OK):
        raise CannotDo(f"{target} cannot be written: {there} is closed to this user")


def _staged(config: Config, stage: Path) -> Config:
    return config.model_copy(update={"node": config.node.model_copy(update={"data_dir": stage})})


def _clear(stage: Path, own_folder: Path | None) -> None:
    shutil.rmtree(stage, ignore_errors=True)
    if own_folder is not None and own_folder.is_dir() and not any(own_folder.iterdir()):
        own_folder.rmdir()


def _write(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _config_text(answers: Answers, target: Path, data_dir: Path) -> str:
    scheme: dict[str, Any] = {
        "name": answers.name,
        "place": answers.place,
        "languages": list(answers.languages),
    }
    if answers.unit != "hours":
        rate, decimals = answers.hour
        scheme |= {"unit": "decimal", "unit_name": answers.unit, "decimals": decimals, "rate": rate}
        if answers.unit_symbol:
            scheme["unit_symbol"] = answers.unit_symbol
    if answers.wording != "lets":
        scheme["wording"] = answers.wording
    for name in ("credit_limit", "ceiling"):
        if getattr(answers, name) is not None:
            scheme[name] = getattr(answers, name)
    node: dict[str, Any] = {
        "data_dir": str(data_dir.relative_to(target.parent) if answers.portable else data_dir),
        "listen_host": answers.host,
        "listen_port": answers.port,
    }
    if answers.behind_proxy:
        node |= {"behind_proxy": True, "proxies": list(answers.proxies)}
    if answers.public_address:
        node["public_address"] = answers.public_address
    node |= {"help_name": answers.founders[0].name, "help_phone": answers.help_phone}
    if answers.help_hours:
        node["help_hours"] = answers.help_hours
    federation = {"allow_lan_addresses": True} if answers.lan else {}
    backup = {"folder": str(answers.backup_folder)} if answers.backup_folder is not None else {}
    return example(scheme, node, federation, backup=backup, mail=answers.mail)


async def _found(config: Config, answers: Answers) -> dict[str, Any]:
    """Enter the first organisers and what the file does not hold."""
    first, *others = answers.founders
    async with open_node(config) as node:
        new = NewMember(
            name=first.name, email=first.email, phone=first.phone, place=answers.place, role=Role.ADMIN
        )
        member = await node.people.add(OPERATOR, new, why=WHY)
        link = await node.sign_in.make_link(OPERATOR, member.no, why=WHY)
        more = []
        for each in others:
            new = NewMember(
                name=each.name, email=each.email, phone=each.phone, place=answers.place, role=Role.ORGANISER
            )
            added = await node.people.add(OPERATOR, new, why=WHY)
            more.append({
                "name": added.name, "number": added.number,
                "link": await node.sign_in.make_link(OPERATOR, added.no, why=WHY),
            })  # fmt: skip
        changes = {
            "unit_names": dict(answers.unit_names), "agreement": answers.agreement, "who_records": answers.who_records,
        }  # fmt: skip
        if wanted := {name: value for name, value in changes.items() if value}:
            await node.settings.change(OPERATOR, **wanted)
        if answers.first_offer:
            await node.market.post(member.no, _offer(answers, member.public_name))
    return {"organiser": member.name, "number": member.number, "link": link, "others": more}


def _offer(answers: Answers, owner: str) -> Listing:
    return Listing(
        kind="offer", title=answers.first_offer, text="", category="other", price=AskingPrice(amount=0, per="agree"),
        language=answers.languages[0].lower(), owner=owner,
    )  # fmt: skip
