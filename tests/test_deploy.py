"""The files in `scripts/deploy/`, read by the programs they are for. Source: docs/operating.md.

Those programs are no part of the project: where one is missing its tests are skipped by name.
"""

from __future__ import annotations

import asyncio
import datetime
import getpass
import os
import re
import shutil
import ssl
import subprocess
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from aiohttp import ClientError, ClientSession, TCPConnector, WSMsgType, web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from node.proxies import Proxies
from node.web.security import address_of
from scripts.town.processes import free_ports
from tests.sources import ROOT

DEPLOY: Final = ROOT / "scripts" / "deploy"
UNIT: Final = DEPLOY / "interlets.service"
EXPOSURE_TENTHS_MAX: Final = 20
MIB: Final = 1024 * 1024
SERVER, MEMBER, FORGED = "127.0.0.1", "127.0.0.9", "203.0.113.1"


def needs(program: str) -> str:
    """Return where a program is. Skips the test where it is not."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed: scripts/test installs it as root on Debian")
    return found


# --- systemd ---------------------------------------------------------------------------------------------------


def test_the_unit_is_understood_and_exposes_little(tmp_path: Path) -> None:
    """Its executable is not there, so another stands in for it; `security` counts in tenths of its figure."""
    analyze = needs("systemd-analyze")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text("utf-8").replace("/opt/interlets/bin/interlets", "/bin/true"), "utf-8")
    verified = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr.count(unit.name)) == (0, 0), verified.stderr

    exposure = [analyze, "security", "--no-pager", "--offline=true"]
    judged = subprocess.run(
        [*exposure, f"--threshold={EXPOSURE_TENTHS_MAX}", unit], capture_output=True, text=True, check=False
    )
    assert judged.returncode == 0, judged.stdout[-600:]
    # The threshold does judge: the same unit without its walls is refused.
    bare = "\n".join(
        line for line in unit.read_text("utf-8").splitlines() if not line.startswith(("Pr", "R", "S", "N"))
    )
    unit.write_text(bare.replace("[Install]", "[Install]\n"), "utf-8")
    bared = subprocess.run(
        [*exposure, f"--threshold={EXPOSURE_TENTHS_MAX}", unit], capture_output=True, check=False
    )
    assert bared.returncode != 0


# --- web servers ---------------------------------------------------------------------------------------------------


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for this machine and its key; return where they are."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return chain, private


@contextmanager
def nginx(folder: Path, node_port: int, port: int, file: str = "nginx.conf") -> Iterator[None]:
    """Run nginx with our file, its ports and paths put in place of the real ones."""
    program = needs("nginx")
    chain, private = certificate(folder)
    text = (DEPLOY / file).read_text("utf-8").replace("127.0.0.1:8480", f"127.0.0.1:{node_port}")
    text = re.sub(r"listen \[::\].*\n", "\n", text)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{free_ports([None])[0]};")
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    text = text.replace("/etc/letsencrypt/live/oakvale.example/fullchain.pem", str(chain))
    text = text.replace("/etc/letsencrypt/live/oakvale.example/privkey.pem", str(private))
    assert "/etc/letsencrypt" not in text
    paths = " ".join(
        f"{each}_temp_path {folder}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # As root its workers would be somebody else, who may not look into pytest's folders.
    mine = f"user {getpass.getuser()};\n" if os.getuid() == 0 else ""
    whole = folder / "nginx.conf"
    whole.write_text(
        f"{mine}daemon off; pid {folder}/pid; error_log stderr;\nevents {{}}\nhttp {{ {paths}\n{text}\n}}\n",
        "utf-8",
    )
    with running([program, "-e", "stderr", "-p", str(folder), "-c", str(whole)]):
        yield


@contextmanager
def caddy(folder: Path, node_port: int, port: int, file: str = "Caddyfile") -> Iterator[None]:
    """Run Caddy with our file, its address and certificate put in place of the real ones."""
    program = needs("caddy")
    chain, private = certificate(folder)
    text = (DEPLOY / file).read_text("utf-8").replace("127.0.0.1:8480", f"127.0.0.1:{node_port}")
    text = text.replace(
        "oakvale.example {", f"https://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {chain} {private}"
    )
    names = f"https://localhost:{port}, https://acorns.example:{port}"
    text = text.replace(
        "oakvale.example, acorns.example {", f"{names} {{\n\tbind 127.0.0.1\n\ttls {chain} {private}"
    )
    whole = folder / "Caddyfile"
    # No administration, no redirections from port 80, nothing kept in anybody's home.
    whole.write_text(
        f"{{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system {folder}\n}}\n{text}",
        "utf-8",
    )
    with running([program, "run", "--adapter", "caddyfile", "--config", str(whole)], HOME=str(folder)):
        yield


@contextmanager
def running(command: list[str], **environment: str) -> Iterator[None]:
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            process.communicate(timeout=20)


SERVERS: Final = {"nginx": nginx, "caddy": caddy}


@pytest.fixture(params=SERVERS)
async def asker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ClientSession]:
    """A browser at another address than the web server, which passes its questions on to a small node of our own."""
    proxies = Proxies([f"{SERVER}/32"])

    async def told(request: web.Request) -> web.Response:
        body = await request.read()
        headers = {key: request.headers.get(key, "") for key in ("Host", "X-Forwarded-For")}
        return web.json_response({"from": address_of(request, proxies), "bytes": len(body), **headers})

    async def spoken(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_bytes(message.data[::-1])
        return socket

    app = web.Application(client_max_size=64 * MIB)
    app.add_routes([web.route("*", "/told", told), web.get("/spoken", spoken)])
    (port,) = free_ports([None])
    folder = tmp_path / "server"
    folder.mkdir()
    trusting = ssl.create_default_context()
    async with TestServer(app, host=SERVER) as node:
        assert node.port is not None
        with SERVERS[request.param](folder, node.port, port):
            trusting.load_verify_locations(folder / "chain.pem")
            connector = TCPConnector(ssl=trusting, local_addr=(MEMBER, 0))
            async with ClientSession(f"https://localhost:{port}", connector=connector) as session:
                await answering(session)
                yield session


TWO: Final = {"nginx": "two-schemes.nginx.conf", "caddy": "two-schemes.Caddyfile"}


@pytest.mark.parametrize("server", SERVERS)
async def test_two_names_lead_to_one_port_and_stay_as_they_came(server: str, tmp_path: Path) -> None:
    """Decision 63: the node tells the schemes of a house apart by this header, and by nothing else."""

    async def told(request: web.Request) -> web.Response:
        return web.Response(text=request.headers["Host"])

    app = web.Application()
    app.router.add_get("/told", told)
    (port,) = free_ports([None])
    folder = tmp_path / "server"
    folder.mkdir()
    async with TestServer(app, host=SERVER) as node:
        assert node.port is not None
        with SERVERS[server](folder, node.port, port, TWO[server]):
            trusting = ssl.create_default_context(cafile=folder / "chain.pem")
            connector = TCPConnector(ssl=trusting)
            async with ClientSession(f"https://localhost:{port}", connector=connector) as session:
                await answering(session)
                for host in (f"localhost:{port}", f"acorns.example:{port}"):
                    async with session.get("/told", headers={"Host": host}) as answer:
                        assert await answer.text() == host


async def answering(session: ClientSession) -> None:
    """Wait until the web server listens."""
    async with asyncio.timeout(30):
        while True:
            try:
                async with session.get("/told"):
                    return
            except OSError:
                await asyncio.sleep(0.05)


async def test_the_web_server_says_who_asks_and_no_asker_can_lie(asker: ClientSession) -> None:
    """Source: docs/pages.md 0.8; the throttles count by this address."""
    async with asker.get("/told", headers={"X-Forwarded-For": FORGED}) as answer:
        said = await answer.json()
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert said["from"] == MEMBER
    assert said["Host"] == f"localhost:{answer.url.port}", (
        "else the node would take its own pages for another's"
    )


async def test_web_sockets_pass(asker: ClientSession) -> None:
    """Rule 9.1: other nodes come in by the same door."""
    async with asker.ws_connect("/spoken") as socket:
        await socket.send_bytes(b"abc" * 1000)
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.BINARY, b"cba" * 1000)


async def test_uploads_pass_up_to_the_limit_and_no_further(asker: ClientSession) -> None:
    async with asker.post("/told", data=bytes(15 * MIB)) as answer:
        assert (answer.status, (await answer.json())["bytes"]) == (200, 15 * MIB)
    try:
        async with asker.post("/told", data=bytes(17 * MIB)) as answer:
            # Caddy cuts the body off, and the node behind it sees that; nginx answers itself.
            assert answer.status in {400, 413, 502}
    except (OSError, ClientError):
        pass  # cut off while it was still sending, which is a refusal too


# --- containers and the installer ------------------------------------------------------------------------------------


def test_the_container_has_no_root_one_volume_and_a_health_check() -> None:
    """Nothing here can build it: what it says is held against what the project is."""
    steps = [
        line.split()
        for line in (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
        if line
    ]
    last = max(i for i, step in enumerate(steps) if step[0] == "FROM")
    final = steps[last:]
    assert ["USER", "interlets"] in final
    assert not any(step[0] == "RUN" for step in final[final.index(["USER", "interlets"]) :])
    assert [step[1:] for step in final if step[0] == "VOLUME"] == [["/var/lib/interlets"]]
    assert next(step for step in final if step[0] == "HEALTHCHECK")[-2:] == [
        '["interlets",',
        '"healthcheck"]',
    ]
    copied = {name for step in steps[:last] if step[0] == "COPY" for name in step[1:-1]}
    missing = {name for name in copied if not (ROOT / name).exists()}
    assert not missing
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"][
        "targets"
    ]["wheel"]
    assert set(packages["packages"]) <= copied


def test_the_installer_is_a_shell_script_that_asks_for_root() -> None:
    installer = DEPLOY / "install"
    assert subprocess.run(["bash", "-n", installer], check=False).returncode == 0
    wrong = subprocess.run([installer, "--elsewhere"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, "usage" in wrong.stderr) == (2, True)


@pytest.mark.slow
def test_the_installer_makes_a_node_that_runs(tmp_path: Path) -> None:
    """Twice, as for an upgrade: the second release takes the place of the first, which stays."""
    for _ in range(2):
        subprocess.run([DEPLOY / "install", "--into", tmp_path], check=True, capture_output=True)
        link = tmp_path / "opt" / "interlets"
        program = tmp_path / str(link.readlink()).lstrip("/") / "bin" / "interlets"
        assert subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout.strip()
        (tmp_path / "etc" / "interlets" / "node.toml").touch()
    assert (tmp_path / "etc" / "systemd" / "system" / UNIT.name).read_bytes() == UNIT.read_bytes()
    assert len(list((tmp_path / "opt" / "interlets-releases").iterdir())) == 2
