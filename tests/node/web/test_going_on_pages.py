"""Organisers of two schemes let trade go on from an agreed balance, each on the page of the other. Source: docs/protocol.md 6.8."""

from __future__ import annotations

from node.services.acts import OPERATOR
from node.services.joint_acts import asked_now
from node.services.line_rows import FROZEN, OPEN, STOPPED, Line
from node.services.members import NewMember
from node.services.reopen_desk import newest_offer
from node.store import Tx
from protocol.line_view import LOW
from protocol.names import SchemeId, scheme_text
from tests.node.web.test_neighbours_pages import Desks, at_the_desks
from tests.node.web.test_together_pages import HERE, action
from tests.node.web.virtual_browser import VirtualBrowser

SIDES = ("Oakvale", "Riverside")


async def sides(desks: Desks) -> tuple[str, str]:
    """Return who writes first, and who agrees, once trade has begun."""
    await desks.ask()
    await desks.asked()
    await desks.agree()
    line = await line_at(desks, "Oakvale")
    return SIDES if line.state.me == LOW else (SIDES[1], SIDES[0])


async def line_at(desks: Desks, name: str) -> Line:
    return (await desks.town[name].lines())[0]


def browser_of(desks: Desks, name: str) -> VirtualBrowser:
    return desks.rosa if name == "Oakvale" else desks.karim


async def until_offered(desks: Desks, name: str) -> None:
    async def there() -> bool:
        line = await line_at(desks, name)
        return await desks.town[name].node.store.read(newest_offer, line) is not None

    await desks.town.until(there, 60, "an offer")


def test_the_balance_by_the_signed_steps_needs_one_organiser_on_each_side() -> None:
    """Rule 6.9: nothing moves what is owed."""

    async def act(desks: Desks) -> None:
        first, second = await sides(desks)
        writes, agrees = browser_of(desks, first), browser_of(desks, second)
        page = await writes.get(desks.here(second))
        assert "By the steps both signed" in page.words
        assert "Nothing is booked by this" in page.words
        nothing = await writes.post(desks.here(second, "/go-on"), **page.fields | {"basis": ""})
        assert (nothing.status, "Please choose one." in nothing.words) == (422, True)
        early = await agrees.post(
            desks.here(first, "/go-on"), **(await agrees.get(desks.here(first))).fields | {"agreed": "0"}
        )
        assert (early.status, "They have not written this balance" in early.words) == (422, True)
        done = await writes.post(desks.here(second, "/go-on"), **page.fields | {"basis": "line"})
        assert "Written, and sent to them." in done.words
        assert "Nothing is written between" in done.words
        await until_offered(desks, second)
        page = await agrees.get(desks.here(first))
        assert "Written by them" in page.words
        for wrong in ("1", "much", "-"):
            refused = await agrees.post(desks.here(first, "/go-on"), **page.fields | {"agreed": wrong})
            assert refused.status == 422
            assert (await line_at(desks, second)).status == FROZEN
        await agrees.post(desks.here(first, "/go-on"), **page.fields)

        async def both() -> bool:
            lines = [await line_at(desks, name) for name in SIDES]
            return all((line.status, line.state.epoch) == (STOPPED, 1) and line.usable for line in lines)

        await desks.town.until(both, 90, "a new epoch")
        assert "Trade again" in (await agrees.get(desks.here(first))).words

    at_the_desks(act)


def test_who_does_not_offer_is_told_what_to_ask_for_and_the_others_hear_of_the_stop() -> None:
    """Rule 6.8: only the side that agrees may have seen that steps are missing; the one that writes first is told so."""

    async def act(desks: Desks) -> None:
        first, second = await sides(desks)
        writes, agrees = browser_of(desks, first), browser_of(desks, second)
        assert "waits for a balance" not in (await writes.get("/admin")).words
        node, peer = desks.town[second].node, desks.town[first].scheme

        def freeze(tx: Tx) -> None:
            lines, _ = node.lines.desks(tx)
            line = lines.by_peer(peer)
            assert line is not None
            line.status = FROZEN
            lines.touch(line)
            node.lines.finish(tx, lines)

        await node.store.write(freeze)

        async def heard() -> bool:
            return desks.town[first].node.lines.stops.is_frozen_at(desks.town[second].scheme)

        await desks.town.until(heard, 60, "their word")
        for browser in (writes, agrees):
            tile = "Trade with 1 neighbour waits for a balance that both agree on"
            assert tile in (await browser.get("/admin")).words
        page = await agrees.get(desks.here(first))
        assert f"ring {first}’s organiser: “On your page about us" in page.words
        page = await writes.get(desks.here(second))
        assert f"{second} has stopped writing to us" in page.words
        assert "They have stopped: steps are missing" in (await writes.get("/admin/neighbours")).words
        await writes.post(desks.here(second, "/go-on"), **page.fields | {"basis": "line"})
        await until_offered(desks, second)
        page = await agrees.get(desks.here(first))
        assert "On your page about us" not in page.words
        await agrees.post(desks.here(first, "/go-on"), **page.fields)

        async def both() -> bool:
            lines = [await line_at(desks, name) for name in SIDES]
            return all((line.status, line.state.epoch) == (STOPPED, 1) and line.usable for line in lines)

        await desks.town.until(both, 90, "a new epoch")
        for browser in (writes, agrees):
            assert "waits for a balance" not in (await browser.get("/admin")).words

    at_the_desks(act)


def test_another_balance_needs_two_organisers_on_each_side() -> None:
    """Rule 6.9, and what it would book is said before."""

    async def act(desks: Desks) -> None:
        first, second = await sides(desks)
        writes = browser_of(desks, first)
        page = await writes.get(desks.here(second))
        bad = await writes.post(
            desks.here(second, "/go-on"), **page.fields | {"basis": "we", "amount": "much"}
        )
        assert (bad.status, "Please write a number" in bad.words) == (422, True)
        asked = await writes.post(
            desks.here(second, "/go-on"), **page.fields | {"basis": "we", "amount": "2"}
        )
        assert "from an agreed balance" in asked.words
        assert "Our chest takes over" in asked.words
        node = desks.town[first].node
        (waits,) = await node.store.read(asked_now, node.clock.now_ms())
        assert waits.amount > 0
        assert (await line_at(desks, first)).status != FROZEN  # nothing happens before another confirms
        page = await writes.get(HERE)
        forced = await writes.post(f"{HERE}/{waits.no}/confirm", **page.fields)
        assert forced.status == 422
        await writes.post(action(page, "/drop"), **page.fields)
        assert (await line_at(desks, first)).status != FROZEN

    at_the_desks(act)


def test_whoever_is_no_organiser_finds_nothing_there() -> None:
    """Rule 6.8: organisers say so; and a form of another browser, or about a scheme we have no line with, does nothing."""

    async def act(desks: Desks) -> None:
        first, second = await sides(desks)
        node, here = desks.town[first].node, desks.here(second, "/go-on")
        member = await node.people.add(OPERATOR, NewMember(name="Ana", email="ana@example.org"))
        ana = await VirtualBrowser.of(node, member)
        form = (await ana.get("/my/settings")).fields
        assert (await ana.post(here, **form | {"basis": "line"})).status in (403, 404)
        writes = browser_of(desks, first)
        assert (await writes.post(here, **form | {"basis": "line"})).status == 403
        page = await writes.get(desks.here(second))
        unknown = f"/admin/neighbours/{scheme_text(SchemeId(bytes(32)))}/go-on"
        assert (await writes.post(unknown, **page.fields | {"basis": "line"})).status == 404
        assert (await line_at(desks, first)).status == OPEN

    at_the_desks(act)
