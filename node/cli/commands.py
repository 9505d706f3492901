"""What the commands do, on a node that is running or only opened. Each returns what JSON can hold."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from node.app import Node
from node.cli.admin import CannotDo
from node.cli.importing import import_file, import_undo
from node.cli.verify import moment
from node.health import health
from node.services.acts import OPERATOR, Role
from node.services.archive import write_archive
from node.services.closing import NotOver
from node.services.evidence_store import Kept, all_evidence, evidence_by_no
from node.services.ledger_export import FolderInUse, make_folder, write_export
from node.services.members import Member, NewMember, Unable, Why, check_pin, members_called
from node.services.peers import NoPeer, Peer, PeerUnusable
from node.services.statements import NoSuchLine, write_statement
from protocol.names import scheme_text
from protocol.sheet_words import look_at

SAID: Final[Mapping[Why, str]] = {
    Why.UNKNOWN_MEMBER: "there is no such member",
    Why.NAME_MISSING: "a member has a name",
    Why.NAME_TOO_LONG: "this name is too long",
    Why.EMAIL_WRONG: "this is not an e-mail address",
    Why.EMAIL_IN_USE: "another member has this e-mail address",
    Why.NO_WAY_TO_REACH: "a member can be reached somehow",
    Why.PIN_NOT_DIGITS: "a PIN is digits only",
    Why.PIN_TOO_SHORT: "a PIN has at least six digits",
    Why.PIN_TOO_EASY: "this PIN is too easy to guess",
    Why.LAST_ADMIN: "this is the last admin",
    Why.UNKNOWN_APPLICATION: "there is no such application",
    Why.ALREADY_DECIDED: "this was decided already",
    Why.NOT_EVEN: "an account is closed at zero, with nothing set aside",
}

NO_PEER_SAID: Final[Mapping[NoPeer, str]] = {
    NoPeer.NOBODY_ANSWERS: "no node answers there",
    NoPeer.NOT_IN_ORDER: "what answers there is not a node in order",
    NoPeer.OTHER_IDENTITY: "what answers there shows the identity of another scheme",
    NoPeer.OURSELVES: "that is this node itself",
    NoPeer.OUT_OF_DATE: "what answers there says something out of date of itself; are both clocks right?",
    NoPeer.CONTRADICTS: "its identity contradicts what is known of it here",
    NoPeer.NO_ADDRESS: "this is no address of a node",
    NoPeer.OWN_NETWORK: "addresses of the own network are switched off: [federation] allow_lan_addresses",
}


async def member_add(
    node: Node, *, name: str, email: str | None = None, phone: str = "", address: str = "", place: str = "",
    role: str = "member", pin: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Enter a member."""
    new = NewMember(name=name, email=email, phone=phone, address=address, place=place, role=Role(role))
    try:
        if pin is not None:
            check_pin(pin)
        member = await node.people.add(OPERATOR, new, why="command line")
        if pin is not None:
            await node.people.set_pin(OPERATOR, member.no, pin, why="command line")
    except Unable as error:
        raise CannotDo(SAID[error.why]) from None
    return {**_shown(member), "link": await node.sign_in.make_link(OPERATOR, member.no, why="command line")}


async def maintenance(node: Node, *, on: bool | None = None, note: str = "") -> dict[str, Any]:
    """Begin or end a time in which nothing new is recorded or changed; None only asks."""
    if on is not None:
        await node.settings.change(OPERATOR, maintenance=on, maintenance_note=note if on else "")
    return {"on": node.settings.now.maintenance, "note": node.settings.now.maintenance_note}


async def user_link(node: Node, *, name: str) -> dict[str, Any]:
    """Make a one-time link for the member called so."""
    member = await _called(node, name)
    return {**_shown(member), "link": await node.sign_in.make_link(OPERATOR, member.no, why="command line")}


async def user_without_step(node: Node, *, name: str) -> dict[str, Any]:
    """Let the member called so log in without the second step they lost."""
    member = await _called(node, name)
    if not await node.second_steps.take_away_now(OPERATOR, member.no):
        raise CannotDo(f"{member.name} logs in without a second step")
    return _shown(member)


async def _called(node: Node, name: str) -> Member:
    """Return the one member called so. Raises CannotDo."""
    found = await node.store.read(members_called, name)
    if not found:
        raise CannotDo(f"nobody is called “{name}”; a number or an e-mail address will do as well")
    if len(found) > 1:
        numbers = ", ".join(f"{member.number} in {member.place or '?'}" for member in found)
        raise CannotDo(f"several are called “{name}”: {numbers}. Give the number")
    return found[0]


async def peer_add(node: Node, *, address: str, lan: bool = False) -> dict[str, Any]:
    """Introduce another node."""
    try:
        peer = await node.peers.add(address, lan=lan)
    except PeerUnusable as error:
        said = NO_PEER_SAID[error.why]
        raise CannotDo(
            f"{address}: {said} ({error.detail})" if error.detail else f"{address}: {said}"
        ) from None
    # The word list is needed here and nowhere else in a running node.
    from crypto.words import identity_words

    return {**_shown_peer(node, peer), "words": list(identity_words(peer.scheme))}


async def peer_list(node: Node) -> dict[str, Any]:
    """List the nodes known by address."""
    return {"peers": [_shown_peer(node, peer) for peer in await node.peers.peers()]}


def _shown_peer(node: Node, peer: Peer) -> dict[str, Any]:
    return {
        "name": peer.name, "scheme": scheme_text(peer.scheme), "address": peer.address, "state": peer.state.value,
        "connected": peer.scheme in node.links.live, "heard_ms": peer.heard_ms,
    }  # fmt: skip


async def peer_statement(node: Node, *, scheme: str, file: str) -> dict[str, Any]:
    """Write the line with a scheme into a file that its other end can compare with its own."""
    own_name, now_ms = node.settings.now.name, node.clock.now_ms()
    try:
        told = await node.store.read(write_statement, node.scheme, scheme, Path(file), own_name, now_ms)
    except NoSuchLine as error:
        raise CannotDo(str(error)) from None
    except OSError as error:
        raise CannotDo(f"nothing whole was written: {error}") from None
    return {"file": file, **told}


async def ledger_export(node: Node, *, folder: str, whole: bool = False) -> dict[str, Any]:
    """Write the books and lines into files that an auditor can recompute; with `whole`, everything a node needs."""
    target = Path(folder)
    try:
        make_folder(target)
        write = write_archive if whole else write_export
        counts = await node.store.read(write, node.scheme, target, node.clock.now_ms())
    except (FolderInUse, OSError) as error:
        raise CannotDo(f"nothing whole was exported: {error}") from None
    return {"folder": str(target), "scheme": scheme_text(node.scheme), "records": counts}


async def ledger_close(node: Node, *, from_ms: int, to_ms: int) -> dict[str, Any]:
    """Return the signed sheet of a period, as a file in base64, and what anybody finds in it."""
    to_ms = min(to_ms, node.clock.now_ms())
    try:
        file = await node.store.read(node.closing.read, from_ms, to_ms)
    except NotOver:
        raise CannotDo("there was nothing in the books by then, or that time has not begun") from None
    looked = await asyncio.to_thread(look_at, file, moment)
    return {"file": b64encode(file).decode(), "said": list(looked.lines), **looked.record}


async def evidence_list(node: Node) -> dict[str, Any]:
    """List what proves that schemes contradicted themselves."""
    return {"evidence": [_shown_evidence(piece) for piece in await node.store.read(all_evidence)]}


async def evidence_show(node: Node, *, no: int) -> dict[str, Any]:
    """Return one piece with its bytes."""
    piece = await node.store.read(evidence_by_no, no)
    if piece is None:
        raise CannotDo(f"there is no evidence with the number {no}; “interlets evidence list” has them all")
    return {**_shown_evidence(piece), "data": piece.data.hex()}


def _shown_evidence(piece: Kept) -> dict[str, Any]:
    state = "answered, proves nothing" if piece.excused else "counts" if piece.counts else "cleared up"
    return {
        "no": piece.no, "scheme": scheme_text(piece.accused), "kind": piece.kind, "state": state,
        "seen_ms": piece.seen_ms, "shown_by": None if piece.shown_by is None else scheme_text(piece.shown_by),
    }  # fmt: skip


def _shown(member: Member) -> dict[str, Any]:
    return {"name": member.name, "number": member.number, "no": member.no, "account_no": member.account_no}


COMMANDS: Final[Mapping[str, Callable[..., Awaitable[dict[str, Any]]]]] = {
    "member-add": member_add,
    "user-link": user_link,
    "user-without-step": user_without_step,
    "import-file": import_file,
    "import-undo": import_undo,
    "maintenance": maintenance,
    "peer-add": peer_add,
    "peer-list": peer_list,
    "peer-statement": peer_statement,
    "ledger-export": ledger_export,
    "ledger-close": ledger_close,
    "health": health,
    "evidence-list": evidence_list,
    "evidence-show": evidence_show,
}

# These leave the books as they are.
READING: Final = frozenset({
    "peer-list", "peer-statement", "ledger-export", "ledger-close", "health", "evidence-list", "evidence-show",
})  # fmt: skip
