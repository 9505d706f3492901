"""Several schemes in one process, over real sockets: who is asked, who is signed in, what fails, and trade between them. Source: decision 63."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from node.app import Node
from node.cli.admin import CannotDo
from node.config import load
from node.findings import State as Weight
from node.health import findings_of
from node.hosting.front import Front
from node.hosting.house import House
from node.hosting.life import State
from node.hosting.roster import HOUSE, read_roster, write_roster
from node.keyfiles import open_keys
from node.services.accounts import load as load_account
from node.services.acts import OPERATOR, Role
from node.services.line_rows import OPEN, read_lines
from node.services.members import Member
from node.services.quotes import Offer
from node.services.routes import Routes
from node.store import StoreFailed
from protocol.names import Handle
from protocol.payment import PayerState
from protocol.quote import QuoteRequest
from tests.gossip_town import WIDE
from tests.houses import Street, house_of, join, make_folder, running, until, write_config

NOBODY = "There is nothing at this address"


# --- Who is asked ------------------------------------------------------------------------------------------------


async def test_a_request_reaches_the_scheme_it_names_and_no_other(tmp_path: Path) -> None:
    """Missing, forged, doubled and contradicting hosts get one plain page, which says nothing of any scheme."""
    async with house_of(tmp_path, "acorns") as (street, _):
        own, acorns = f"127.0.0.1:{street.port}", f"acorns.localhost:{street.port}"
        for host, name, other in ((own, "Oakvale", "Acorns"), (acorns, "Acorns", "Oakvale"),
                                  (f"ACORNS.Localhost.:{street.port}", "Acorns", "Oakvale")):  # fmt: skip
            page = await street.get(host)
            assert (page.status, name in page.text, other in page.text) == (200, True, False), host
            assert (await street.get(host, "/readyz")).text.endswith("ready\n")
            # Nobody is believed about it but the header itself.
            page = await street.get(
                host, X_Forwarded_Host=own if host != own else acorns, Forwarded=f"host={own}"
            )
            assert (name in page.text, other in page.text) == (True, False)
        whole = f"GET http://{acorns}/ HTTP/1.1\r\nHost: {{}}\r\nConnection: close\r\n\r\n"
        assert "Acorns" in (await street.raw(whole.format(acorns))).text
        for request in (
            "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n",
            whole.format(own),
            whole.format("nobody.example"),
            *(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
              for path in ("/", "/admin", "/v1/peer", "/.well-known/interlets", "/live", "/static/style.css")
              for host in ("nobody.example", "localhost", "acorns.localhost", f"acorns.localhost:{street.port + 1}",
                           f"x.acorns.localhost:{street.port}", f"{acorns},{own}", f"user@{acorns}", "b\u00fccher.example")),
        ):  # fmt: skip
            answer = await street.raw(request)
            # What HTTP/1.1 forbids, aiohttp refuses before anybody is chosen.
            assert answer.status == 400 or (answer.status, NOBODY in answer.text) == (421, True), request
            assert not re.search("Oakvale|Acorns|lets1|Set-Cookie", answer.text), request
        for first, second in ((own, acorns), (acorns, own), (acorns, acorns)):
            answer = await street.raw(f"GET / HTTP/1.1\r\nHost: {first}\r\nHost: {second}\r\n\r\n")
            assert answer.status == 400
            assert not re.search("Oakvale|Acorns", answer.text)
        # Of the process itself, whoever looks after it is told that it lives.
        assert (await street.get("localhost", "/livez")).text.endswith("alive\n")
        assert (await street.get("localhost", "/readyz")).text.endswith("ready\n")


async def test_a_scheme_that_is_alone_answers_under_any_name(tmp_path: Path) -> None:
    """As it always did: through a tunnel, by its address in the own network, from a container's health check."""
    async with house_of(tmp_path) as (street, _):
        for request in (
            "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n",
        ):
            assert "Oakvale" in (await street.raw(request)).text


# --- Who is signed in --------------------------------------------------------------------------------------------


async def signed_in(street: Street, host: str, node: Node, member: Member) -> dict[str, str]:
    """Sign somebody in by a one-time link; return the cookies their browser holds then."""
    link = urlsplit(await node.sign_in.make_link(OPERATOR, member.no)).path
    page = await street.get(host, link)
    fields = dict(re.findall(r'name="([a-z_]+)" value="([^"]*)"', page.text))
    answer = await street.post(host, link, urlencode(fields), Cookie=cookie(page.cookies))
    assert answer.status == 303, answer.text
    return {**page.cookies, **answer.cookies}


def cookie(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


async def test_neither_cookie_nor_form_of_one_scheme_counts_at_another(tmp_path: Path) -> None:
    """Nor do an admin's rights: /node is the machine's, and a hosted scheme's pages name no path and no other scheme."""
    async with house_of(tmp_path, "acorns", "brook") as (street, _):
        own, acorns = f"127.0.0.1:{street.port}", f"acorns.localhost:{street.port}"
        house, guest = street.node(), street.node("acorns")
        rosas = await signed_in(street, own, house, await join(house, "Rosa", Role.ADMIN))
        bens = await signed_in(street, acorns, guest, await join(guest, "Ben", Role.ADMIN))
        assert (await street.get(own, "/admin", Cookie=cookie(rosas))).status == 200
        assert (await street.get(acorns, "/admin", Cookie=cookie(bens))).status == 200
        assert not rosas.keys() & bens.keys(), "cookies of two schemes have names of their own"
        renamed = dict(
            zip(bens, [rosas.get(name.replace(min(bens), min(rosas)), "") for name in bens], strict=True)
        )
        for brought in (rosas, renamed, {min(bens): rosas[min(rosas)]}):
            assert (await street.get(acorns, "/admin", Cookie=cookie(brought))).status == 303, (
                "asked to log in"
            )

        form = dict(
            re.findall(
                r'name="(form_token)" value="([^"]*)"',
                (await street.get(own, "/admin", Cookie=cookie(rosas))).text,
            )
        )
        for brought in (rosas, bens, {**rosas, **bens}):
            answer = await street.post(acorns, "/logout", urlencode(form), Cookie=cookie(brought))
            assert answer.status == 403, "a form of another scheme's page"
        for origin in (
            {"Origin": f"http://{own}"},
            {"Sec_Fetch_Site": "same-site"},
            {"Sec_Fetch_Site": "cross-site"},
        ):
            answer = await street.post(acorns, "/logout", urlencode(form), Cookie=cookie(bens), **origin)
            assert answer.status == 403
        assert (await street.get(acorns, "/admin", Cookie=cookie(bens))).status == 200

        for path in ("/node", "/node/handover"):
            assert (await street.get(own, path, Cookie=cookie(rosas))).status == 200
            refused = await street.get(acorns, path, Cookie=cookie(bens))
            assert (refused.status, "a guest on the computer" in refused.text) == (403, True)
        for path in ("/node/backup", "/node/rehearse", "/node/mail", "/node/handover"):
            page = (await street.get(acorns, "/admin", Cookie=cookie(bens))).text
            fields = dict(re.findall(r'name="(form_token)" value="([^"]*)"', page))
            assert (await street.post(acorns, path, urlencode(fields), Cookie=cookie(bens))).status == 403
        assert "Hosted scheme acorns" in (await street.get(own, "/node", Cookie=cookie(rosas))).text
        for path in ("/", "/about", "/admin", "/admin/scheme", "/admin/neighbours", "/admin/members", "/admin/outbox",
                     "/admin/evidence", "/admin/recovered", "/node", "/nowhere", "/desk/figures"):  # fmt: skip
            page = await street.get(acorns, path, Cookie=cookie(bens))
            assert not re.search(f"Oakvale|Brook|brook|{re.escape(str(tmp_path))}|href=./node", page.text), (
                path
            )
        # What is wrong with the machine is no hosted scheme's matter.
        told = {each.name for each in await findings_of(guest, str)}
        assert not told & {"disk", "clock", "certificate", "backups", "proxy"}
        assert not [name for name in told if name.startswith("hosted")]
        assert {"hosted acorns", "hosted brook"} <= {each.name for each in await findings_of(house, str)}


# --- What fails --------------------------------------------------------------------------------------------------


async def test_one_that_fails_takes_no_other_down_and_begins_again(tmp_path: Path) -> None:
    """Keys that do not open, a configuration that says another address, books that fail while it serves."""
    async with house_of(tmp_path, "acorns", "brook", "cress") as (street, folders):
        brook = f"brook.localhost:{street.port}"
        online = folders["acorns"].data_dir / "keys" / "online.key"
        whole = online.read_bytes()
        online.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        text = folders["cress"].config.read_text()
        folders["cress"].config.write_text(text.replace("cress.localhost", "elsewhere.localhost"))
        for name in ("acorns", "cress"):
            await street.run("scheme", "remove", name)
            assert name not in [each.name for each in read_roster(folders[HOUSE].data_dir)]
        # What cannot start is not taken in; a list that names it all the same is served as far as it can be.
        assert "cannot be opened" in await street.run("scheme", "add", "acorns", "--host", "acorns.localhost",
                                                      "--folder", str(folders["acorns"].path), status=1)  # fmt: skip
        write_roster(
            folders[HOUSE].data_dir, [folders[name].hosted(name) for name in ("acorns", "brook", "cress")]
        )
        await street.ask("look-again")
        assert [street.life(name).state for name in ("acorns", "brook", "cress")] == [
            State.FAILED,
            State.RUNS,
            State.FAILED,
        ]
        listed = await street.run("scheme", "list")
        assert re.search("acorns .* failed .*\n.*cannot be opened", listed)
        assert "says http://elsewhere.localhost" in listed
        assert (await street.get(brook, "/")).status == 200
        away = await street.get(f"acorns.localhost:{street.port}")
        assert (away.status, "Acorns" in away.text) == (503, False)
        assert "do not run: 2" in (await street.get(f"127.0.0.1:{street.port}", "/readyz")).text
        doctor = await street.run("doctor", status=1)
        assert "hosted acorns: does not run: " in doctor
        assert "hosted brook: runs" in doctor
        problems = {
            each.name for each in await findings_of(street.node(), str) if each.state is Weight.PROBLEM
        }
        assert {"hosted acorns", "hosted cress"} <= problems

        online.write_bytes(whole)
        folders["cress"].config.write_text(text)
        await street.until_runs("acorns", "cress")
        assert (await street.get(f"acorns.localhost:{street.port}")).status == 200


async def test_one_that_crashes_while_it_serves_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the others ends: their books stay open, and so do connections to them."""
    struck, runs = asyncio.Event(), Routes.run

    async def run(routes: Routes) -> None:
        if routes._own == doomed:
            await struck.wait()
            struck.clear()
            raise StoreFailed("the disk is gone")
        await runs(routes)

    async with house_of(tmp_path, "acorns", "brook") as (street, folders):
        doomed = street.node("brook").scheme
        monkeypatch.setattr(Routes, "run", run)
        await street.ask("pause", name="brook")
        await street.ask("look-again", again="brook")
        before, others = street.node("brook"), [street.node(), street.node("acorns")]
        struck.set()
        await until(lambda: street.life("brook").node not in (None, before), "it began again")
        await street.until_runs("brook")
        assert [street.node(), street.node("acorns")] == others
        assert (await street.get(f"brook.localhost:{street.port}")).status == 200
        assert open_keys(folders["brook"].data_dir).keyring.scheme == street.node("brook").scheme


async def test_one_that_is_paused_leaves_its_folder_alone_until_it_goes_on(tmp_path: Path) -> None:
    """It goes back to a backup while the others serve; nothing but `resume` lets it go on."""
    async with house_of(tmp_path, "acorns", "brook") as (street, folders):
        acorns, scheme = folders["acorns"], street.node("acorns").scheme
        others = [street.node(), street.node("brook")]
        ours = f"acorns.localhost:{street.port}"
        file = (await street.run("--scheme", "acorns", "backup", "create", "--to", str(tmp_path))).split()[0]
        assert "nobody" in await street.run("scheme", "pause", "nobody", status=1)
        assert "is told to come again" in await street.run("scheme", "pause", "acorns")
        away = await street.get(ours)
        assert (away.status, "Acorns" in away.text) == (503, False)
        await street.ask("look-again")
        await street.run("scheme", "pause", "acorns")
        assert re.search("acorns .* paused", await street.run("scheme", "list"))
        assert "rests, as somebody said" in await street.run("doctor")
        found = await findings_of(street.node(), str)
        assert [each.state for each in found if each.name == "hosted acorns"] == [Weight.NOTE]

        acorns.data_dir.rename(tmp_path / "aside")
        (tmp_path / "sheet").write_text(" ".join(acorns.words))
        await street.run(
            "--scheme", "acorns", "backup", "restore", file, "--words-file", str(tmp_path / "sheet")
        )
        assert "is served again" in await street.run("scheme", "resume", "acorns")
        await street.until_runs("acorns")
        assert (street.node("acorns").scheme, (await street.get(ours)).status) == (scheme, 200)
        assert [street.node(), street.node("brook")] == others


async def test_a_list_that_cannot_be_read_is_told_and_changes_nothing(tmp_path: Path) -> None:
    async with house_of(tmp_path, "acorns") as (street, folders):
        (folders[HOUSE].data_dir / "hosted.json").write_text("{")
        assert "cannot be read" in await street.run("scheme", "list", status=1)
        assert "cannot be read" in await street.run("scheme", "remove", "acorns", status=1)
        assert street.life("acorns").state is State.RUNS
    listening = socket.create_server(("127.0.0.1", 0))
    async with Front(listening) as front:
        with pytest.raises(CannotDo, match="cannot be read"):
            await House(load(folders[HOUSE].config, {}), front).run(asyncio.Event())


async def test_what_ends_a_scheme_that_is_alone_ends_the_process(tmp_path: Path) -> None:
    """Whoever started it is told at once, and systemd starts it again."""
    folder = make_folder(tmp_path / "house", "Oakvale", "http://127.0.0.1:1", 1)
    (folder.data_dir / "keys" / "online.key").unlink()
    with pytest.raises(ExceptionGroup, match="unhandled") as failed:
        async with running(folder, socket.create_server(("127.0.0.1", 0))):
            pass
    assert "cannot be read" in str(failed.value.exceptions[0])


# --- Trade, and moving out ---------------------------------------------------------------------------------------


async def pay(payer: Node, who: Member, payee: Node, to: Member, amount: int) -> None:
    """Let somebody pay somebody of another scheme."""
    request = QuoteRequest(
        listing=None, payee_handle=await payee.quotes.handle_of(payer.scheme, to.account_no), payer_handle=Handle(bytes(16)),
        payer_name=who.name, amount=amount, price_seen=None, text="jam",
    )  # fmt: skip
    offer = await payer.quotes.ask(payee.scheme, request)
    assert isinstance(offer, Offer), offer
    begun = await payer.settlement.pay(
        offer, account_no=who.account_no, entered_by=who.name, once=payer.chance.bytes(16)
    )
    assert (await payer.settlement.wait(begun.no, 20)).state is PayerState.PAID


async def balance(node: Node, member: Member) -> int:
    return (await node.store.read(load_account, member.account_no)).value.balance


async def open_line(one: Node, other: Node) -> None:
    async def asked() -> bool:
        return bool(await other.store.read(read_lines, other.scheme))

    async def is_open() -> bool:
        lines = await one.store.read(read_lines, one.scheme)
        return [line.status for line in lines if line.usable] == [OPEN]

    await one.lines.propose(other.scheme, WIDE)
    await until(asked, "the proposal")
    await other.lines.agree(one.scheme, WIDE)
    await until(is_open, "the line")


async def test_two_of_one_house_trade_and_one_moves_out(tmp_path: Path) -> None:
    """Added while the other serves, called at the house's own listener, moved out as the same scheme, and traded with on."""
    async with house_of(tmp_path) as (street, _):
        acorns = make_folder(
            tmp_path / "acorns", "Acorns", f"http://acorns.localhost:{street.port}", street.port
        )
        said = await street.run(
            "scheme", "add", "acorns", "--host", "acorns.localhost", "--folder", str(acorns.path)
        )
        assert "is served now at" in said
        assert "without a restart" in said
        oakvale, guest = street.node(), street.node("acorns")
        ana, ben = await join(oakvale, "Ana"), await join(guest, "Ben")
        # By a name that nothing but this process need find, and without the switch for the own network.
        await street.run("peer", "add", acorns.address)
        await street.run(
            "--scheme", "acorns", "peer", "add", "--lan", street.own.address
        )  # for when it has moved
        await until(
            lambda: guest.scheme in oakvale.links.live and oakvale.scheme in guest.links.live, "a session"
        )
        await open_line(oakvale, guest)
        await pay(oakvale, ana, guest, ben, 90)
        assert (await balance(oakvale, ana), await balance(guest, ben)) == (-90, 90)
        identity = guest.keyring.log
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            new = write_config(tmp_path / "new", "Acorns", f"http://127.0.0.1:{port}", port)
            (tmp_path / "out").mkdir()
            refused = await street.run(
                "scheme", "move-out", "acorns", acorns.address, "--to", str(tmp_path / "out"), status=1
            )
            assert "is at http://acorns.localhost" in refused
            assert street.node("acorns") is guest, "nothing happened to it"
            await street.run("scheme", "move-out", "acorns", new.address, "--to", str(tmp_path / "out"))
            (file,) = (tmp_path / "out").iterdir()
            assert street.life("acorns").state is State.MOVED
            page = await street.get(f"acorns.localhost:{street.port}")
            assert (page.status, new.address in page.text) == (410, True)
            assert "moved to" in await street.run("--scheme", "acorns", "member", "add", "Cleo", status=1)
            (tmp_path / "sheet").write_text(" ".join(acorns.words))
            there = Street(street.house, new, port)
            await there.run("backup", "restore", str(file), "--words-file", str(tmp_path / "sheet"))
            async with running(new, listening.dup()) as own:
                moved = own.node()
                assert (moved.scheme, moved.keyring.log) == (guest.scheme, identity)
                assert await balance(moved, ben) == 90
                await until(lambda: known_at(oakvale, new.address), "the new address")
                await until(lambda: moved.scheme in oakvale.links.live, "a session with it")
                await pay(oakvale, ana, moved, ben, 30)
                assert (await balance(oakvale, ana), await balance(moved, ben)) == (-120, 120)
                removed = await street.run("scheme", "remove", "acorns")
                assert f"all of it is in {acorns.path}" in removed
                assert (acorns.data_dir / "node.db").exists()


async def known_at(node: Node, address: str) -> bool:
    (peer,) = await node.peers.peers()
    return peer.address == address
