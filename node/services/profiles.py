"""What members can do, and how they may be reached: lines each with who sees it. Source: docs/pages.md 7.2 (`/my/profile`).

Every page that shows a contact line asks `contacts_for`, which gives only the lines its reader may see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, delete, insert, select

from node.services.folding import fold
from node.services.members import Member, existing
from node.services.people import must_not_have_left
from node.store import ReadTx, Store, Tx
from node.store.schema import letters as letters_schema
from node.store.schema import profiles as schema
from protocol.categories import CATEGORIES
from protocol.names import SchemeId

# Groups of things to have, not to do.
_NO_SKILLS: Final = frozenset({"borrow", "goods", "other"})
SKILL_GROUPS: Final = tuple(
    (group, name, below) for group, name, below in CATEGORIES if group not in _NO_SKILLS
)
SKILLS: Final = tuple(code for _, _, below in SKILL_GROUPS for code, _ in below)
OWN_WORDS_MAX: Final = 12
WORD_CHARACTERS_MAX: Final = 40
LINES_MAX: Final = 4
LINE_CHARACTERS_MAX: Final = 80


class SeenBy(StrEnum):
    """Who sees a contact line."""

    NOBODY = "nobody"
    WRITTEN = "written"  # members its owner has written to
    MEMBERS = "members"
    ABROAD = "abroad"  # members, and people of other schemes, who get it in a message its owner sends


class Reader(StrEnum):
    """Who looks at a profile."""

    SELF = "self"
    WRITTEN = "written"  # a member to whom the owner has written, and whom the owner reads
    MEMBER = "member"
    ABROAD = "abroad"  # somebody of another scheme in a conversation with the owner
    VISITOR = "visitor"


_MAY_SEE: Final = {
    Reader.SELF: frozenset(SeenBy),
    Reader.WRITTEN: frozenset({SeenBy.WRITTEN, SeenBy.MEMBERS, SeenBy.ABROAD}),
    Reader.MEMBER: frozenset({SeenBy.MEMBERS, SeenBy.ABROAD}),
    Reader.ABROAD: frozenset({SeenBy.ABROAD}),
    Reader.VISITOR: frozenset[SeenBy](),
}

_S: Final = schema.skill.c
_SKILLS_OF: Final = select(_S.category, _S.text).where(_S.member_no == bindparam("member_no")).order_by(_S.no)
_NO_SKILLS_OF: Final = delete(schema.skill).where(_S.member_no == bindparam("which"))
_NEW_SKILL: Final = insert(schema.skill)
_C: Final = schema.contact_line.c
_LINES_OF: Final = (
    select(_C.text, _C.seen_by).where(_C.member_no == bindparam("member_no")).order_by(_C.position)
)
_NO_LINES_OF: Final = delete(schema.contact_line).where(_C.member_no == bindparam("which"))
_NEW_LINE: Final = insert(schema.contact_line)
_T: Final = letters_schema.thread.c
_WROTE: Final = (
    select(_T.no)
    .where(
        _T.account_no == bindparam("owner"),
        _T.scheme == bindparam("own"),
        _T.their_account == bindparam("reader"),
        _T.blocked.is_(False),
        select(letters_schema.message.c.no)
        .where(letters_schema.message.c.thread_no == _T.no, letters_schema.message.c.mine.is_(True))
        .exists(),
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Skills:
    """What somebody says they can do: ticked categories, and words of their own."""

    ticked: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContactLine:
    """One way to reach somebody, and who sees it."""

    text: str
    seen_by: SeenBy


def may_see(line: ContactLine, reader: Reader) -> bool:
    """Tell whether such a reader sees a line."""
    return line.seen_by in _MAY_SEE[reader]


def skills_of(tx: ReadTx, member_no: int) -> Skills:
    """Return what a member says they can do."""
    rows = tx.all(_SKILLS_OF, member_no=member_no)
    return Skills(
        tuple(category for category, _ in rows if category),
        tuple(text for category, text in rows if not category),
    )


def own_words(typed: str) -> tuple[str, ...]:
    """Return the words in a line of skills, parted by commas: no more, and no longer, than there may be; none twice."""
    words = (" ".join(each.split())[:WORD_CHARACTERS_MAX].strip() for each in typed.split(","))
    return tuple({fold(each): each for each in words if each}.values())[:OWN_WORDS_MAX]


def reader_of(tx: ReadTx, owner: Member, reader: Member, own: SchemeId) -> Reader:
    """Return as whom a member reads another's profile."""
    if owner.no == reader.no:
        return Reader.SELF
    wrote = tx.one(_WROTE, owner=owner.account_no, reader=reader.account_no, own=own)
    return Reader.MEMBER if wrote is None else Reader.WRITTEN


def contacts_for(tx: ReadTx, owner: Member, reader: Reader) -> tuple[ContactLine, ...]:
    """Return the contact lines of a member that such a reader sees."""
    lines = [ContactLine(text, SeenBy(seen_by)) for text, seen_by in tx.all(_LINES_OF, member_no=owner.no)]
    return tuple(line for line in lines if may_see(line, reader))


class Profiles:
    """What members change of their own profile."""

    def __init__(self, store: Store):
        self._store: Final = store

    async def set_skills(self, member: Member, skills: Skills) -> None:
        """Keep what a member can do instead of what was kept. Raises Unable: they have left."""
        await self._store.write(_set_skills, member.no, skills)

    async def set_contacts(self, member: Member, lines: Sequence[ContactLine]) -> None:
        """Keep these contact lines instead of those kept. Raises Unable: the member has left."""
        await self._store.write(_set_contacts, member.no, tuple(lines))


def _set_skills(tx: Tx, member_no: int, skills: Skills) -> None:
    must_not_have_left(existing(tx, member_no))
    tx.run(_NO_SKILLS_OF, which=member_no)
    rows = [(code, "") for code in skills.ticked] + [("", word) for word in skills.words]
    tx.many(
        _NEW_SKILL,
        [
            {"member_no": member_no, "category": code, "text": word, "folded": fold(word)}
            for code, word in rows
        ],
    )


def _set_contacts(tx: Tx, member_no: int, lines: Sequence[ContactLine]) -> None:
    must_not_have_left(existing(tx, member_no))
    tx.run(_NO_LINES_OF, which=member_no)
    tx.many(
        _NEW_LINE,
        [
            {"member_no": member_no, "position": at, "text": line.text, "seen_by": line.seen_by.value}
            for at, line in enumerate(lines[:LINES_MAX])
            if line.text
        ],
    )
