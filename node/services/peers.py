"""Other nodes by their addresses: introduced by an admin, noticed in the local network, dialled when wanted.

What another node shows is verified before it is stored; an address proves nothing, the handshake does. Knowing a
peer moves nothing: trade is agreed on lines. Source: docs/protocol.md 9.1, 9.4.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from sqlalchemy import bindparam, delete, select, update

from crypto.canonical import NotCanonical
from crypto.signing import Signed, split
from node.clock import Clock
from node.federation.caller import CallFailed, Place
from node.federation.channel import Channel, ChannelClosed
from node.federation.links import Links
from node.federation.session import Session
from node.services.directory import Directory
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import peers as schema
from node.store.statements import Row
from node.supervisor import Supervisor
from protocol.descriptor import Descriptor, is_current, open_descriptor, parse_address, replaces
from protocol.errors import InvalidValue, ProtocolError
from protocol.identity import fold_log
from protocol.limits import IDENTITY_EVENTS_MAX
from protocol.message import decode_message, trusted_message
from protocol.names import SchemeId, scheme_text

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# Anybody in the local network can announce as much as they like.
HINTS_MAX: Final = 64


class PeerState(enum.StrEnum):
    """What an admin decided about a peer."""

    WANTED = "wanted"  # kept in session
    BLOCKED = "blocked"  # refused at the door


class NoPeer(enum.StrEnum):
    """Why another node cannot be introduced; pages and commands say it in their words."""

    NOBODY_ANSWERS = "nobody-answers"
    NOT_IN_ORDER = "not-in-order"
    OTHER_IDENTITY = "other-identity"  # what it says of itself and its identity log are of two schemes
    OURSELVES = "ourselves"
    OUT_OF_DATE = "out-of-date"
    CONTRADICTS = "contradicts"  # its identity log is not the one known here
    NO_ADDRESS = "no-address"
    OWN_NETWORK = "own-network"  # which is switched off


class PeerUnusable(Exception):
    """Another node cannot be introduced. `detail`, where there is one, is for whoever looks after the computer."""

    def __init__(self, why: NoPeer, detail: object = ""):
        super().__init__(f"{why.value}: {detail}")
        self.why: Final = why
        self.detail: Final = str(detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another node as it is stored."""

    scheme: SchemeId
    address: str
    lan: bool
    name: str
    descriptor: Signed[Descriptor]
    state: PeerState
    heard_ms: int  # last in session; 0 never


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a node at an address shows, verified and not stored."""

    place: Place
    scheme: SchemeId
    identity_log: tuple[bytes, ...]
    descriptor: Signed[Descriptor]


class Network(Protocol):
    """How other nodes are called; `Caller` is the real one."""

    async def dial(self, place: Place) -> Channel:
        """Open a channel. Raises OSError."""

    async def descriptor(self, place: Place) -> bytes:
        """Return the descriptor shown there. Raises OSError."""

    async def identity_log(self, place: Place, scheme: SchemeId, *, after: int = -1) -> tuple[bytes, ...]:
        """Return identity events past `after`. Raises OSError, MalformedMessage."""


class Nowhere:
    """A network without anybody: of a simulated node that is told whom to dial in another way."""

    async def dial(self, place: Place) -> Channel:
        """Raises CallFailed."""
        raise CallFailed(f"{place.address} is not to be reached")

    async def descriptor(self, place: Place) -> bytes:
        """Raises CallFailed."""
        raise CallFailed(f"{place.address} is not to be reached")

    async def identity_log(self, place: Place, scheme: SchemeId, *, after: int = -1) -> tuple[bytes, ...]:
        """Raises CallFailed."""
        del scheme, after
        raise CallFailed(f"{place.address} is not to be reached")


_P: Final = schema.peer.c
_COLUMNS: Final = (_P.scheme, _P.address, _P.lan, _P.name, _P.descriptor, _P.state, _P.heard_ms)
_ALL: Final = select(*_COLUMNS).order_by(_P.name, _P.scheme)
_ONE: Final = select(*_COLUMNS).where(_P.scheme == bindparam("scheme"))
_KEEP: Final = upsert(schema.peer, key=("scheme",), update=("address", "lan", "name", "descriptor", "state"))
_DESCRIBE: Final = (
    update(schema.peer)
    .where(_P.scheme == bindparam("which"))
    .values(
        name=bindparam("new_name"),
        descriptor=bindparam("new_descriptor"),
        address=bindparam("new_address"),
    )
)
_SET_STATE: Final = (
    update(schema.peer).where(_P.scheme == bindparam("which")).values(state=bindparam("new_state"))
)
_HEARD: Final = update(schema.peer).where(_P.scheme == bindparam("which")).values(heard_ms=bindparam("now"))
_FORGET: Final = delete(schema.peer).where(_P.scheme == bindparam("which"))


def _peer(row: Row) -> Peer:
    scheme, address, lan, name, descriptor, state, heard_ms = row
    return Peer(
        scheme=SchemeId(scheme),
        address=address,
        lan=lan,
        name=name,
        descriptor=trusted_message(Descriptor, descriptor),
        state=PeerState(state),
        heard_ms=heard_ms,
    )


def all_peers(tx: ReadTx) -> list[Peer]:
    """Return every peer, by name."""
    return [_peer(row) for row in tx.all(_ALL)]


def find_peer(tx: ReadTx, scheme: SchemeId) -> Peer | None:
    """Return the peer that serves `scheme`."""
    row = tx.one(_ONE, scheme=scheme)
    return None if row is None else _peer(row)


class Peers:
    """See the head of this file. `load` first."""

    def __init__(
        self, *, store: Store, clock: Clock, links: Links, directory: Directory, network: Network, own: SchemeId,
        allow_lan: bool,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._links: Final = links
        self._directory: Final = directory
        self._network: Final = network
        self._own: Final = own
        self._allow_lan: Final = allow_lan
        self._known: Final[set[SchemeId]] = set()
        self._hints: Final[OrderedDict[SchemeId, Place]] = OrderedDict()
        self._tasks: Final = Supervisor("peers")
        links.watch(on_up=self._on_up, on_down=self._on_down)

    async def load(self) -> None:
        """Want every peer that an admin introduced."""
        for peer in await self._store.read(all_peers):
            self._known.add(peer.scheme)
            if peer.state is PeerState.WANTED:
                self._links.want(peer.scheme)

    async def peers(self) -> list[Peer]:
        """Return every peer, by name."""
        return await self._store.read(all_peers)

    # --- introducing -------------------------------------------------------------------------------------------

    async def look(self, address: str, *, lan: bool = False) -> Look:
        """Return who answers at an address, proved by its identity log. Raises PeerUnusable."""
        place = self._place(address, lan=lan)
        try:
            wire = await self._network.descriptor(place)
            scheme = decode_message(Descriptor, split(wire)[0]).scheme
            events = await self._identity_log(place, scheme)
            state = fold_log(events)
            if state.scheme_id != scheme:
                raise PeerUnusable(NoPeer.OTHER_IDENTITY)
            descriptor = open_descriptor(wire, state)
        except OSError as error:
            raise PeerUnusable(NoPeer.NOBODY_ANSWERS, error) from None
        except (ProtocolError, NotCanonical) as error:
            raise PeerUnusable(NoPeer.NOT_IN_ORDER, error) from None
        if scheme == self._own:
            raise PeerUnusable(NoPeer.OURSELVES)
        if not is_current(descriptor.body, self._clock.now_ms()):
            raise PeerUnusable(NoPeer.OUT_OF_DATE)
        return Look(place=place, scheme=scheme, identity_log=events, descriptor=descriptor)

    async def add(self, address: str, *, lan: bool = False) -> Peer:
        """Introduce the node at an address, and keep in session with it. Raises PeerUnusable."""
        return await self.keep(await self.look(address, lan=lan))

    async def keep(self, look: Look) -> Peer:
        """Introduce a node that was looked at, and keep in session with it. Raises PeerUnusable."""
        try:
            await self._directory.learn(look.identity_log)
        except ProtocolError as error:
            raise PeerUnusable(NoPeer.CONTRADICTS, error) from None
        peer = await self._store.write(self._keep, look)
        log.info("peer_added", peer=scheme_text(peer.scheme), address=peer.address)
        return peer

    def _keep(self, tx: Tx, look: Look) -> Peer:
        body, now_ms = look.descriptor.body, self._clock.now_ms()
        tx.run(
            _KEEP,
            scheme=look.scheme,
            address=look.place.address,
            lan=look.place.lan,
            name=body.name,
            descriptor=look.descriptor.wire,
            state=PeerState.WANTED.value,
            added_ms=now_ms,
            heard_ms=0,
        )
        tx.on_commit(self._known.add, look.scheme)
        tx.on_commit(self._directory.block, look.scheme, False)
        tx.on_commit(self._links.want, look.scheme)
        kept = find_peer(tx, look.scheme)
        assert kept is not None
        return kept

    async def _identity_log(self, place: Place, scheme: SchemeId) -> tuple[bytes, ...]:
        events: tuple[bytes, ...] = ()
        while len(events) < IDENTITY_EVENTS_MAX:
            more = await self._network.identity_log(place, scheme, after=len(events) - 1)
            if not more:
                break
            events += more
        return events

    def _place(self, typed: str, *, lan: bool) -> Place:
        address = typed.strip().rstrip("/").lower()
        if "://" not in address:
            address = f"https://{address}"
        try:
            parse_address(address)
        except InvalidValue as error:
            raise PeerUnusable(NoPeer.NO_ADDRESS, error) from None
        if lan and not self._allow_lan:
            raise PeerUnusable(NoPeer.OWN_NETWORK)
        return Place(address=address, lan=lan)

    # --- deciding ----------------------------------------------------------------------------------------------

    async def set_state(self, scheme: SchemeId, state: PeerState) -> None:
        """Keep in session with a peer, or refuse it at the door."""
        await self._store.write(self._set_state, scheme, state)

    def _set_state(self, tx: Tx, scheme: SchemeId, state: PeerState) -> None:
        tx.run(_SET_STATE, which=scheme, new_state=state.value)
        blocked = state is PeerState.BLOCKED
        tx.on_commit(self._directory.block, scheme, blocked)
        tx.on_commit(self._links.forget if blocked else self._links.want, scheme)

    async def forget(self, scheme: SchemeId) -> None:
        """Forget where a peer is, and call it no more."""
        await self._store.write(self._forget, scheme)

    def _forget(self, tx: Tx, scheme: SchemeId) -> None:
        tx.run(_FORGET, which=scheme)
        tx.on_commit(self._known.discard, scheme)
        tx.on_commit(self._links.forget, scheme)

    # --- calling -----------------------------------------------------------------------------------------------

    async def dial(self, scheme: SchemeId) -> Channel:
        """Open a channel to a peer: where the admin said, where it says itself, where it was noticed. Raises OSError."""
        peer = await self._store.read(find_peer, scheme)
        failed: OSError | ChannelClosed = CallFailed("no address is known")
        for place in self._places(scheme, peer):
            try:
                return await self._network.dial(place)
            except (OSError, ChannelClosed) as error:
                failed = error
        raise failed

    def _places(self, scheme: SchemeId, peer: Peer | None) -> Iterator[Place]:
        if peer is not None:
            body = peer.descriptor.body
            lan = peer.lan and self._allow_lan
            yield Place(address=peer.address, lan=lan)
            if is_current(body, self._clock.now_ms()):
                for address in body.addresses:
                    if address != peer.address:
                        yield Place(address=address, lan=lan, tls_hashes=body.tls_hashes)
        hint = self._hints.get(scheme)
        if hint is not None:
            yield hint

    async def refresh(self) -> None:
        """Fetch anew what connected peers say of themselves; done now and then."""
        for peer in await self._store.read(all_peers):
            if peer.scheme in self._links.live:
                await self._refresh(peer)

    async def _refresh(self, peer: Peer) -> None:
        state = self._directory.state(peer.scheme)
        if state is None:
            return
        try:
            wire = await self._network.descriptor(
                Place(address=peer.address, lan=peer.lan and self._allow_lan)
            )
            fresh = open_descriptor(wire, state)
        except (OSError, ProtocolError) as error:
            log.info("descriptor_not_fetched", peer=scheme_text(peer.scheme), reason=str(error))
            return
        await self.described(peer.scheme, fresh)

    async def described(self, scheme: SchemeId, fresh: Signed[Descriptor]) -> None:
        """Keep what a scheme says of itself, verified, if it is a peer and this is newer than what is known. Source: 9.1."""
        await self._store.write(self._describe, scheme, fresh)

    def _describe(self, tx: Tx, scheme: SchemeId, fresh: Signed[Descriptor]) -> None:
        peer = find_peer(tx, scheme)
        if peer is None or not replaces(fresh, peer.descriptor):
            return
        address, now = peer.address, fresh.body.addresses
        if address in peer.descriptor.body.addresses and address not in now and now:
            log.info("peer_moved", peer=scheme_text(scheme), address=now[0])
            address = now[0]
        tx.run(
            _DESCRIBE,
            which=scheme,
            new_name=fresh.body.name,
            new_descriptor=fresh.wire,
            new_address=address,
        )

    # --- noticing ----------------------------------------------------------------------------------------------

    def hint(self, scheme: SchemeId, place: Place) -> None:
        """Take a hint of the local network: worth a call, never trust."""
        if scheme == self._own or not self._allow_lan:
            return
        self._hints[scheme] = place
        self._hints.move_to_end(scheme)
        while len(self._hints) > HINTS_MAX:
            self._hints.popitem(last=False)

    def hints(self) -> list[tuple[SchemeId, Place]]:
        """Return who was noticed in the local network, the latest first."""
        return list(reversed(self._hints.items()))

    def _on_up(self, scheme: SchemeId, _session: Session) -> None:
        self._note_heard(scheme)

    def _on_down(self, scheme: SchemeId, _session: Session, _closed: ChannelClosed) -> None:
        self._note_heard(scheme)

    def _note_heard(self, scheme: SchemeId) -> None:
        if scheme in self._known:
            self._tasks.spawn(self._store.write(self._heard, scheme), "heard")

    def _heard(self, tx: Tx, scheme: SchemeId) -> None:
        tx.run(_HEARD, which=scheme, now=self._clock.now_ms())
