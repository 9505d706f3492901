"""`scripts/demo --check`: trade across three nodes, in fair weather and while nodes are killed, and verify all of it.

Ana of Oakvale buys from Karim of Riverside, through Hilltop. Everything is done and read on the pages members and
organisers have, except for the figures of the lines, which each node's command line gives.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from node.cli.admin import CannotDo, ask
from node.config import load
from protocol.units import HOUR
from scripts.town.buying import Outcome, Purchase, go_to_check, look_again, open_offer, pay, statement_lines
from scripts.town.pages import Browser, Seen, Unexpected
from scripts.town.processes import Trouble, until
from scripts.town.screen import Screen
from scripts.town.town import Town

OFFER: Final = "Plum jam, 4 jars"
KARIM_GETS: Final = "6 Acorns"
ANA_GIVES: Final = "30 minutes"
EACH_HOURS: Final = HOUR // 2  # what one purchase moves on each line
CONNECTED_WITHIN_S: Final = 30.0
DIES_WITHIN_S: Final = 20.0
SEEN_WITHIN_S: Final = 5.0
ENDS_WITHIN_S: Final = 30.0
QUIET_WITHIN_S: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """A process that kills itself in the middle of a purchase."""

    key: str
    point: str  # name:count of node/crash.py
    told: str
    ends: tuple[Outcome, ...]  # how the purchase may end


CRASHES: Final = (
    Crash(
        key="riverside",
        point="ops-arrived:1",
        told="Riverside dies before it has stored that a payment is coming",
        ends=(Outcome.DONE, Outcome.UNDONE),
    ),
    Crash(
        key="riverside",
        point="claim-committed:1",
        told="Riverside dies after it has recorded the payment, before it says so",
        ends=(Outcome.DONE,),
    ),
    Crash(
        key="hilltop",
        point="forward-committed:1",
        told="Hilltop dies after it has promised to pass the payment on, before it does",
        ends=(Outcome.DONE, Outcome.UNDONE),
    ),
    Crash(
        key="hilltop",
        point="claim-stored:1",
        told="Hilltop dies after it has heard that Riverside recorded it, before it says so",
        ends=(Outcome.DONE,),
    ),
)


@dataclass(frozen=True, slots=True)
class Readers:
    """Who looks at pages: Ana at her computer and on her phone, and Karim."""

    ana: Browser
    phone: Browser
    karim: Browser


async def check_town(town: Town, screen: Screen) -> None:
    """Verify what the town promises. Raises Unexpected, Trouble."""
    async with (
        town.member("oakvale", "Ana Silva") as ana,
        town.member("oakvale", "Ana Silva") as phone,
        town.member("riverside", "Karim Haddad") as karim,
    ):
        readers = Readers(ana, phone, karim)
        screen.title("A purchase across Hilltop")
        await _fair_weather(town, readers, screen)
        done = 1
        for number, crash in enumerate(CRASHES, start=1):
            screen.title(crash.told)
            done += await _foul_weather(town, readers, crash, f"Plum jam, try {number}", screen)
        screen.title("In the end")
        await _in_the_end(town, readers, done, screen)


# --- Fair weather ------------------------------------------------------------------------------------------------


async def _fair_weather(town: Town, readers: Readers, screen: Screen) -> None:
    ana = readers.ana
    offer = await open_offer(ana, OFFER)
    offer.must_say("Riverside", "about 30 min (6.00 Acorns)")
    screen.found(f"On Oakvale's pages Ana finds “{OFFER}”, which came from Riverside by way of Hilltop")
    if (known := await _lines_of(town, "oakvale")).keys() != {"hilltop"}:
        raise Unexpected(f"Oakvale should have a line with Hilltop only, and has {sorted(known)}")
    check = await go_to_check(ana, OFFER)
    check.must_say(f"Karim gets {KARIM_GETS}.", f"You give {ANA_GIVES}.", "Nothing has moved yet.")
    screen.found(f"The check page: Karim gets {KARIM_GETS}, Ana gives {ANA_GIVES}, nothing has moved yet")
    bought = await pay(ana, check)
    if bought.outcome is not Outcome.DONE:
        raise Unexpected(f"not done within the time of one page: {bought.page.text[:400]}")
    screen.found(f"Ana pays; done, recorded by both schemes, reference {bought.reference}")
    await _on_both_statements(ana, readers.karim, bought.reference)
    screen.found("Both statements have it once, with this reference and both amounts")
    await _lines_agree(town, 1, screen)


async def _on_both_statements(ana: Browser, karim: Browser, reference: str) -> None:
    for browser, mine, theirs in (
        (ana, "30 min", "6.00 Acorns in Riverside"),
        (karim, "6.00", "30 min in Oakvale"),
    ):
        lines = await statement_lines(browser, reference)
        if len(lines) != 1:
            raise Unexpected(f"{browser.origin}: {len(lines)} lines about {reference}, not one")
        (line,) = lines
        amount = line.given if browser is ana else line.received
        if mine not in amount or theirs not in line.what:
            raise Unexpected(f"{browser.origin}: the statement says {line}, not {mine} and {theirs}")
    trades = [await browser.open(f"/t/{reference}") for browser in (ana, karim)]
    trades[0].must_say(f"You gave {ANA_GIVES}.", f"Karim got {KARIM_GETS}.", reference)
    trades[1].must_say(f"You got {KARIM_GETS}.", f"Ana gave {ANA_GIVES}.", reference)


# --- Foul weather ------------------------------------------------------------------------------------------------


async def _foul_weather(town: Town, readers: Readers, crash: Crash, what: str, screen: Screen) -> int:
    """Buy while a node dies; return how many purchases were done: none or one."""
    process = town[crash.key].process
    await process.stop()
    await process.start(crash_at=crash.point)
    check = await _priced(readers.ana, what)
    if not process.running:
        raise Trouble(f"{process.name} ended before Ana paid:\n{process.log_end()}")
    paying = asyncio.create_task(pay(readers.ana, check))
    try:
        if not await process.died(DIES_WITHIN_S):
            raise Trouble(f"{process.name} did not kill itself at {crash.point}:\n{process.log_end()}")
        screen.found(f"SIGKILL at {crash.point}, in the middle of the purchase")
        waiting = await _set_aside(readers.phone, what)
        screen.found(f"On her phone Ana reads “{waiting.page.heading}”, and not to pay again")
        await process.start()
        bought = await paying  # the page that waits since she pressed the button
    finally:
        paying.cancel()
    if bought.reference != waiting.reference:
        raise Unexpected(f"one purchase is called {bought.reference} and {waiting.reference}")
    told = f"the end of the purchase {bought.reference}"
    ended = await until(lambda: _ended(readers.ana, bought), told, ENDS_WITHIN_S)
    if ended.outcome not in crash.ends:
        raise Unexpected(f"{bought.reference} is {ended.outcome}: {ended.page.text[:400]}")
    done = ended.outcome is Outcome.DONE
    await _on_statements_once(readers, bought.reference, done)
    times = "once" if done else "never"
    screen.found(
        f"{process.name} starts again, and it ends by itself: {ended.outcome}, on both statements {times}"
    )
    return int(done)


async def _set_aside(phone: Browser, what: str) -> Purchase:
    """Return the purchase that waits, as Ana finds it on her statement."""

    async def waiting() -> Purchase | None:
        page = await phone.open("/statement")
        for cells, hrefs in page.rows:
            if any(what in cell for cell in cells):
                (path,) = hrefs
                page = await phone.open(f"{path}/check")
                return Purchase(reference=path.removeprefix("/t/"), page=page)
        return None

    found = await until(waiting, f"“{what}” on Ana's statement", SEEN_WITHIN_S)
    if found.outcome not in (Outcome.SET_ASIDE, Outcome.LATE):
        raise Unexpected(f"{found.outcome} although a node is dead: {found.page.text[:400]}")
    found.page.must_say(ANA_GIVES, "Do not pay again.")
    return found


async def _priced(ana: Browser, what: str) -> Seen:
    """Return the check page, as soon as the nodes are connected again and give a firm price."""

    async def priced() -> Seen | None:
        if not (await open_offer(ana, OFFER)).has_link("Pay for this"):
            return None  # there is no way to Riverside yet, and the page says so
        page = await go_to_check(ana, OFFER, what)
        return page if any(form.action == "/record/do" for form in page.forms) else None

    return await until(priced, "a firm price", CONNECTED_WITHIN_S)


async def _ended(ana: Browser, bought: Purchase) -> Purchase | None:
    now = await look_again(ana, bought)
    return now if now.outcome.ended else None


async def _on_statements_once(readers: Readers, reference: str, done: bool) -> None:
    for browser in (readers.ana, readers.karim):
        lines = await statement_lines(browser, reference)
        if len(lines) != int(done):
            raise Unexpected(
                f"{browser.origin}: {len(lines)} lines about {reference}, {'done' if done else 'undone'}"
            )


# --- In the end --------------------------------------------------------------------------------------------------


async def _in_the_end(town: Town, readers: Readers, done: int, screen: Screen) -> None:
    async def count(browser: Browser) -> int:
        page = await browser.open("/statement")
        return sum(
            "Plum jam" in cells[1] and ("Karim" in cells[1] or "Ana" in cells[1]) for cells, _ in page.rows
        )

    counts = {await count(readers.ana), await count(readers.karim)}
    if counts != {done}:
        raise Unexpected(f"{done} purchases were done, and the statements have {sorted(counts)}")
    screen.found(f"{len(CRASHES) + 1} purchases begun, {done} done, each on both statements once")
    await _lines_agree(town, done, screen)
    for scheme in town.schemes.values():
        findings = await scheme.process.run("doctor")
        problems = [each["text"] for each in findings if each["state"] == "problem"]
        (balances,) = [each for each in findings if each["name"] == "balances"]
        if problems:
            raise Unexpected(f"{scheme.plan.name}: {'; '.join(problems)}")
        screen.found(f"{scheme.plan.name}, doctor: {balances['text']}; nothing needs mending")


async def _lines_agree(town: Town, done: int, screen: Screen) -> None:
    """See that both ends of both lines have the same figures, and that nothing is under way any more."""

    async def quiet() -> dict[str, dict[str, dict[str, Any]]] | None:
        lines = {key: await _lines_of(town, key) for key in town.schemes}
        busy = any(line["under_way"] or not line["usable"] for own in lines.values() for line in own.values())
        return None if busy else lines

    lines = await until(quiet, "lines on which nothing is under way", QUIET_WITHIN_S)
    for debtor, creditor in (("oakvale", "hilltop"), ("hilltop", "riverside")):
        owes, owed = lines[debtor][creditor]["we_owe"], -lines[creditor][debtor]["we_owe"]
        if not owes == owed == done * EACH_HOURS:
            raise Unexpected(
                f"{debtor} says it owes {creditor} {owes}, {creditor} says {owed}; {done} purchases were done"
            )
        minutes = owes * 60 // HOUR
        said = f"{town[debtor].plan.name} owes {town[creditor].plan.name} {minutes} minutes"
        screen.found(f"{said}: both say so, and nothing is under way")


async def _lines_of(town: Town, key: str) -> dict[str, dict[str, Any]]:
    """Return the figures of a node's open lines, by the key of the scheme at the other end."""
    names = {scheme.scheme_id: other for other, scheme in town.schemes.items()}
    try:
        health = await asyncio.to_thread(ask, load(town[key].process.config, {}), "health", {})
    except CannotDo as error:
        raise Trouble(f"{key}: {error}") from None
    return {names[line["scheme"]]: line for line in health["lines"]}
