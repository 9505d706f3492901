"""The door for other nodes over real sockets on loopback. Source: docs/protocol.md 9.1, 9.2, 9.4."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import ssl
from pathlib import Path

import pytest
from aiohttp import ClientSession, WSMsgType, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from node.federation.caller import PEER_PATH, Caller, CallFailed, Place
from node.federation.channel import ChannelClosed
from node.federation.door import Door
from node.federation.handshake import HandshakeFailed, Handshaker
from protocol import session
from protocol.frame import CloseCode, Frame, FrameType, decode_frame, encode_frame
from protocol.limits import FRAME_BYTES_MAX
from protocol.message import sign_message
from protocol.names import scheme_text
from tests.simulation import ANA, BEN, EVE, KEY_SEQ, Acquaintances, Person, SessionNode, person

ALL = Acquaintances(ANA, BEN, EVE)
DESCRIPTOR = b"a signed descriptor"


class RealNode(SessionNode):
    """A session node with a door of its own on loopback."""

    def __init__(self, who: Person, known: Acquaintances, caller: Caller, places: dict[bytes, Place]):
        super().__init__(who, known, lambda scheme: caller.dial(places[scheme]))
        self.door = Door(links=self.links, descriptor=lambda: DESCRIPTOR, identity_log=self._identity_log_of)

    async def _identity_log_of(self, scheme):
        return self.who.identity_log() * 3 if scheme == self.who.scheme else None

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes(self.door.routes())
        return application


@pytest.fixture
async def town(aiohttp_server):
    """Ana's and Ben's nodes behind real servers, each running and knowing where the other is."""
    places: dict[bytes, Place] = {}
    async with Caller() as caller:
        nodes = [RealNode(who, Acquaintances(ANA, BEN), caller, places) for who in (ANA, BEN)]
        for node in nodes:
            server = await aiohttp_server(node.application())
            places[node.who.scheme] = Place(address=f"http://127.0.0.1:{server.port}", lan=True)
        running = [asyncio.ensure_future(node.links.run()) for node in nodes]
        yield nodes[0], nodes[1], caller, places
        for node in nodes:
            node.links.stop()
        await asyncio.gather(*running)


async def until(condition, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


async def raw_socket(client, places):
    return await client.ws_connect(places[BEN.scheme].address + PEER_PATH, max_msg_size=0)


async def test_two_nodes_talk_over_a_websocket(town):
    """Rules 9.1 and 9.2."""
    ana, ben, *_ = town
    ana.links.want(BEN.scheme)
    await until(lambda: ana.links.live and ben.links.live)
    answer = await ana.links.request(BEN.scheme, FrameType.SYNC, b"over the wire")
    assert answer.payload == b"over the wire"
    back = await ben.links.request(ANA.scheme, FrameType.SYNC, b"and back")
    assert back.payload == b"and back"


async def test_two_nodes_that_dial_each_other_at_once_end_with_one_session(town):
    """Rule 6.7 (e)."""
    ana, ben, *_ = town
    ana.links.want(BEN.scheme)
    ben.links.want(ANA.scheme)
    await until(lambda: ana.links.live and ben.links.live)
    await asyncio.sleep(0.3)
    one, other = ana.links.live[BEN.scheme], ben.links.live[ANA.scheme]
    assert one.terms.role != other.terms.role
    assert len(ana.links._sessions[BEN.scheme]) == len(ben.links._sessions[ANA.scheme]) == 1
    assert (await one.request(FrameType.SYNC, b"?")).payload == b"?"


async def test_a_newer_session_takes_the_place_of_the_older(town):
    """Rule 6.7 (e)."""
    ana, ben, caller, places = town
    ana.links.want(BEN.scheme)
    await until(lambda: ben.links.live)
    old = ben.links.live[ANA.scheme]
    again = SessionNode(ANA, ALL, lambda scheme: caller.dial(places[scheme]), seed=1)
    running = asyncio.ensure_future(again.links.run())
    again.links.want(BEN.scheme)
    await until(lambda: ana.ended)
    assert ana.ended[0].code == CloseCode.SUPERSEDED
    assert ben.links.live[ANA.scheme] is not old
    again.links.stop()
    await running


# --- whoever does not prove itself stays outside ---


async def dialled_code(caller, places, who, *, peer=BEN, known=ALL):
    """Return the code that ends a handshake with Ben's node."""
    node = SessionNode(who, known, lambda scheme: caller.dial(places[scheme]))
    channel = await caller.dial(places[BEN.scheme])
    try:
        await node.handshaker.dial(channel, peer.scheme)
        await channel.receive()
    except (HandshakeFailed, ChannelClosed) as failed:
        return failed.code


@pytest.mark.parametrize(
    "who, peer, code",
    [
        (EVE, BEN, CloseCode.NOT_AUTHENTIC),
        (person("forger", scheme=ANA.scheme), BEN, CloseCode.NOT_AUTHENTIC),
        (ANA, EVE, CloseCode.WRONG_DESTINATION),
    ],
)
async def test_a_forged_or_misdirected_hello_is_refused(town, who, peer, code):
    """Rule 9.2; attacks T24, T25."""
    _, ben, caller, places = town
    assert await dialled_code(caller, places, who, peer=peer) == code
    assert ben.links.live == {}


def greeting(nonce: bytes = bytes(16)) -> bytes:
    return encode_frame(
        session.greeting_frame(session.Greeting(sender=ANA.scheme, recipient=BEN.scheme, nonce=nonce))
    )


def hello(answer: session.Hello, **changes) -> bytes:
    """Return Ana's hello after Ben's `answer`, as she would sign it but for `changes`."""
    fields = {
        "sender": ANA.scheme, "recipient": BEN.scheme, "sender_nonce": bytes(16),
        "recipient_nonce": answer.sender_nonce, "dialled": True, "boot": bytes(16), "session_no": 1,
        "time": answer.time, "versions": (1,), "tls_seen": None,
    }  # fmt: skip
    signed = sign_message(session.Hello(**(fields | changes)), ANA.key, KEY_SEQ)
    return encode_frame(session.hello_frame(signed, ()))


async def answer_of(socket) -> session.Hello:
    wire, _ = session.read_hello(decode_frame(await socket.receive_bytes()))
    return session.open_hello(wire, lambda scheme, key_seq: BEN.key.public).body


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"versions": (9,)}, CloseCode.NO_COMMON_VERSION),
        ({"recipient_nonce": bytes(16)}, CloseCode.STALE_NONCE),
        ({"tls_seen": bytes(32)}, CloseCode.WRONG_CERTIFICATE),
        ({"recipient": EVE.scheme}, CloseCode.WRONG_DESTINATION),
    ],
)
async def test_a_hello_that_does_not_fit_is_refused(town, changes, code):
    """Rule 9.2: of another version, of another session, through somebody in between, for somebody else."""
    _, ben, _, places = town
    async with ClientSession() as client:
        socket = await raw_socket(client, places)
        await socket.send_bytes(greeting())
        await socket.send_bytes(hello(await answer_of(socket), **changes))
        message = await socket.receive()
        assert (message.type, socket.close_code) == (WSMsgType.CLOSE, code)
    assert ben.links.live == {}


async def test_a_replayed_hello_is_refused(town):
    """Attack T25."""
    _, ben, _, places = town
    async with ClientSession() as client:
        first = await raw_socket(client, places)
        await first.send_bytes(greeting())
        used = hello(await answer_of(first))
        await first.send_bytes(used)
        await until(lambda: ben.links.live)
        second = await raw_socket(client, places)
        await second.send_bytes(greeting())
        await answer_of(second)
        await second.send_bytes(used)
        await second.receive()
        assert second.close_code == CloseCode.STALE_NONCE


@pytest.mark.parametrize(
    "data, code",
    [
        (b"", CloseCode.MALFORMED),
        (b"\xc1garbage", CloseCode.MALFORMED),
        (encode_frame(Frame(FrameType.HELLO, (b"no greeting before", ()))), CloseCode.MALFORMED),
        ("text", CloseCode.MALFORMED),
        (bytes(FRAME_BYTES_MAX + 1), CloseCode.TOO_BIG),
    ],
)
@pytest.mark.parametrize("proved", [False, True])
async def test_garbage_and_oversized_frames_end_it(town, data, code, proved):
    """Attack T18; a missing HELLO."""
    ana, ben, _, places = town
    async with ClientSession() as client:
        socket = await raw_socket(client, places)
        if proved:
            await socket.send_bytes(greeting())
            await socket.send_bytes(hello(await answer_of(socket)))
            await until(lambda: ben.links.live)
        await (socket.send_str(data) if isinstance(data, str) else socket.send_bytes(data))
        await socket.receive()
        assert socket.close_code == code
    await until(lambda: not ben.links.live)
    ana.links.want(BEN.scheme)  # the node goes on
    await until(lambda: ben.links.live)


async def test_the_largest_frame_passes(town):
    """Rule 9.3."""
    ana, *_ = town
    ana.links.want(BEN.scheme)
    await until(lambda: ana.links.live)
    blob = bytes(FRAME_BYTES_MAX - 16)
    answer = await ana.links.request(BEN.scheme, FrameType.BLOB_ASK, blob)
    assert answer.payload == blob


async def test_a_peer_that_vanishes_in_the_middle_leaves_no_trace(town):
    _, ben, _, places = town
    async with ClientSession() as client:
        socket = await raw_socket(client, places)
        await socket.send_bytes(greeting())
        await socket.send_bytes(hello(await answer_of(socket)))
        await until(lambda: ben.links.live)
        socket._response.connection.transport.abort()
        await until(lambda: not ben.links.live)
    # The test server, unlike the real one, cancels its handler when the connection is lost.
    assert ben.ended[0].code in {CloseCode.LOST, CloseCode.GOING_AWAY}


# --- what anybody may read ---


async def test_descriptor_and_identity_log_are_served(town):
    """Rule 9.1."""
    _, _, caller, places = town
    place = places[BEN.scheme]
    assert await caller.descriptor(place) == DESCRIPTOR
    assert await caller.identity_log(place, BEN.scheme) == BEN.identity_log() * 3
    assert await caller.identity_log(place, BEN.scheme, after=1) == BEN.identity_log()
    with pytest.raises(CallFailed, match="404"):
        await caller.identity_log(place, EVE.scheme)
    with pytest.raises(CallFailed, match="400"):
        await caller.fetch(place, "/v1/identity/lets1nonsense")
    with pytest.raises(CallFailed, match="400"):
        await caller.fetch(place, f"/v1/identity/{scheme_text(BEN.scheme)}?after=x")
    with pytest.raises(CallFailed, match="426"):
        await caller.fetch(place, PEER_PATH)


async def test_a_long_identity_log_comes_in_several_answers(aiohttp_server):
    events = tuple(bytes([n % 256]) * 1000 for n in range(600))

    async def identity_log(scheme):
        return events

    door = Door(links=None, descriptor=bytes, identity_log=identity_log)
    application = web.Application()
    application.add_routes(door.routes())
    place = Place(address=f"http://127.0.0.1:{(await aiohttp_server(application)).port}", lan=True)
    got: tuple[bytes, ...] = ()
    async with Caller() as caller:
        while more := await caller.identity_log(place, BEN.scheme, after=len(got) - 1):
            assert len(more) < 300
            got += more
    assert got == events


# --- pinned certificates ---


def make_certificate(folder: Path) -> tuple[ssl.SSLContext, bytes]:
    """Return a server's TLS with a self-signed certificate, and that certificate's hash."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    path = folder / "node.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()


@pytest.mark.parametrize("own, code", [(True, None), (False, CloseCode.WRONG_CERTIFICATE)])
async def test_a_pinned_certificate_is_checked_by_both_sides(aiohttp_server, tmp_path, own, code):
    """Rule 9.2; attack T24: the dialler tells what it saw, and the listener knows whether it was its own."""
    context, pin = make_certificate(tmp_path)
    listener = person("ben", certificates=frozenset({pin} if own else {bytes(32)}))
    async with Caller() as caller:
        node = RealNode(listener, ALL, caller, {})
        server = await aiohttp_server(node.application(), ssl=context)
        address = f"https://127.0.0.1:{server.port}"
        running = asyncio.ensure_future(node.links.run())
        with pytest.raises(CallFailed):
            await caller.dial(Place(address=address, lan=True, tls_hashes=(bytes(32),)))
        with pytest.raises(CallFailed):
            await caller.dial(Place(address=address, lan=True))

        channel = await caller.dial(Place(address=address, lan=True, tls_hashes=(bytes(32), pin)))
        assert channel.tls_seen == pin
        handshaker = Handshaker(ANA, ALL, node.clock, node.links._chance)
        shaken = await handshaker.dial(channel, BEN.scheme)
        assert shaken.terms.peer == BEN.scheme
        if code is None:
            await until(lambda: ANA.scheme in node.links.live)
        else:
            with pytest.raises(ChannelClosed) as closed:
                await channel.receive()
            assert closed.value.code == code
        await channel.close()
        node.links.stop()
        await running


async def test_whoever_hangs_up_before_they_are_answered_is_no_error_of_ours(aiohttp_server):
    """As a node does that is stopped while it dials: nothing is raised, so nothing is logged as a fault."""
    ended: asyncio.Queue[object] = asyncio.Queue()
    async with Caller() as caller:
        node = RealNode(ANA, ALL, caller, {})

        @web.middleware
        async def when_they_are_gone(request, handler):
            while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
            try:
                answer = await handler(request)
            except Exception as error:
                ended.put_nowait(error)
                raise
            ended.put_nowait(answer)
            return answer

        application = node.application()
        application.middlewares.append(when_they_are_gone)
        server = await aiohttp_server(application)
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            f"GET {PEER_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        await writer.drain()
        writer.transport.abort()
        async with asyncio.timeout(10):
            assert isinstance(await ended.get(), web.Response)
