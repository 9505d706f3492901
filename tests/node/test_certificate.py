"""The certificate under the public address, looked at as a browser does. Source: docs/operating.md."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from node import certificate
from node.certificate import Seen, Watched, certificate_finding, look
from node.findings import State
from protocol.limits import DAY_MS, HOUR_MS
from tests.builders import NOW

ORIGIN = "https://oakvale.example"


def write_certificate(folder: Path, ends: datetime, name: str = "localhost") -> Path:
    """Write a key and a certificate of `name` that nobody but itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(ends - timedelta(days=90))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


@asynccontextmanager
async def served(path: Path) -> AsyncIterator[str]:
    """Serve nothing but a handshake; yield the address."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "localhost", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"


def trusting(path: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(path))


async def test_its_end_is_seen(tmp_path: Path) -> None:
    ends = (datetime.now(UTC) + timedelta(days=40)).replace(microsecond=0)
    path = write_certificate(tmp_path, ends)
    async with served(path) as origin:
        assert await look(origin, trusting(path)) == Seen(ends_ms=int(ends.timestamp() * 1000))


async def test_what_browsers_do_not_believe_is_wrong(tmp_path: Path, subtests: pytest.Subtests) -> None:
    soon, past = datetime.now(UTC) + timedelta(days=40), datetime.now(UTC) - timedelta(days=1)
    cases: list[tuple[datetime, str, Callable[[Path], ssl.SSLContext | None], str]] = [
        (soon, "localhost", lambda _: None, "self-signed certificate"),
        (past, "localhost", trusting, "certificate has expired"),
        (soon, "elsewhere.example", trusting, "Hostname mismatch"),
    ]
    for ends, name, trust, words in cases:
        with subtests.test(words):
            path = write_certificate(tmp_path, ends, name)
            async with served(path) as origin:
                seen = await look(origin, trust(path))
            assert words in seen.wrong
            found = certificate_finding(origin, seen, NOW)
            assert found.state is State.PROBLEM
            assert words in found.said()


async def test_what_cannot_be_reached_from_here_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind many a home router a computer cannot call its own public address."""
    nobody = await look(f"https://localhost:{unused_port()}")
    monkeypatch.setattr(certificate, "WAIT_S", 0.05)
    silent = await asyncio.start_server(lambda _reader, _writer: asyncio.sleep(1), "localhost", 0)
    async with silent:
        mute = await look(f"https://localhost:{silent.sockets[0].getsockname()[1]}")
    plain = await asyncio.start_server(lambda _, writer: writer.close(), "localhost", 0)
    async with plain:
        shut = await look(f"https://localhost:{plain.sockets[0].getsockname()[1]}")
    for seen in (nobody, mute, shut):
        assert seen.unseen
        assert not seen.wrong
        assert certificate_finding(ORIGIN, seen, NOW).state is State.NOTE


async def test_it_is_looked_at_once_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that shows it does not wait for a handshake each time."""
    looked = []

    async def counted(origin: str) -> Seen:
        looked.append(origin)
        return Seen(ends_ms=NOW + 40 * DAY_MS)

    monkeypatch.setattr(certificate, "look", counted)
    watched = Watched(ORIGIN)
    for now_ms in (NOW, NOW + 1, NOW + HOUR_MS - 1, NOW + HOUR_MS, NOW + HOUR_MS + 1, NOW):
        assert (await watched.finding(now_ms)).state is State.OK
    assert len(looked) == 3  # first, an hour later, and after the clock was put back


@pytest.mark.parametrize(
    ("days", "state"),
    [(90, State.OK), (21, State.OK), (20, State.NOTE), (7, State.NOTE), (6, State.PROBLEM), (0, State.PROBLEM)],
)  # fmt: skip
def test_one_that_ends_soon_was_not_renewed(days: int, state: State) -> None:
    found = certificate_finding(ORIGIN, Seen(ends_ms=NOW + days * DAY_MS), NOW)
    assert found.state is state
    assert f"good for {days} more days" in found.said()
    assert bool(found.cure()) == (state is not State.OK)
