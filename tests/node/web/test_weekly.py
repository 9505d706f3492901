"""The weekly mail: on Mondays at nine, to whom, once, and what it says. docs/pages.md 9."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from node.mail.outbox import Mail
from node.services.acts import OPERATOR
from node.services.alert_rows import Tell, Wanted
from node.services.asks import NewAsk
from node.services.mail_wishes import Level
from node.services.members import Member, NewMember, Reach
from node.services.trades import NewTrade
from node.services.weekly_rows import NEAR_SHOWN, Young, pick
from node.web.weekly import OnTheBoard, Weekly
from protocol.event import Kind, Pays, Plan
from protocol.limits import DAY_MS, HOUR_MS, MINUTE_MS
from protocol.market import AskingPrice, Place
from protocol.names import SchemeId
from tests.gossip_town import item_key, listing
from tests.node.web.oakvale import Oakvale, open_oakvale, text, words_of
from tests.node.web.test_afterwards_pages import sent
from tests.node.web.test_help_pages import ask
from tests.node.web.towns import open_town

OWN = SchemeId(b"o" * 32)


def at(text: str, zone: ZoneInfo | None = None) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone or UTC).timestamp() * 1000)


MONDAY = at("2026-01-05 09:00")


@pytest.fixture
async def week() -> AsyncIterator[Oakvale]:
    """Oakvale on a Monday at nine, with a loaf that Ben offered on Sunday."""
    async with open_oakvale() as oakvale:
        oakvale.town.clock.now = MONDAY - DAY_MS
        await offer(oakvale, "Sourdough bread")
        oakvale.town.clock.now = MONDAY
        yield oakvale


async def offer(oakvale: Oakvale, title: str, who: Member | None = None, **given: object) -> None:
    given = {"price": AskingPrice(amount=20, per="item"), **given}
    await oakvale.town.node.market.post((who or oakvale.ben).no, listing(title, **given))


async def written(oakvale: Oakvale, *, weekly: Weekly | None = None, to: str = "ana") -> list[Mail]:
    """Look whether something is to be written; return what was mailed to somebody because of it."""
    await oakvale.town.mails()
    oakvale.town.mail.taken.clear()
    await (weekly or Weekly(oakvale.town.node, UTC)).look()
    return [mail for mail in await oakvale.town.mails() if mail.recipient == f"{to}@example.org"]


async def one(oakvale: Oakvale, to: str = "ana") -> str:
    """Return the text of the one mail that is written now."""
    (mail,) = await written(oakvale, to=to)
    return mail.text


# --- when, and to whom --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "zone", "comes"),
    [
        ("2026-01-05 08:59:59", None, False),
        ("2026-01-05 09:00:00", None, True),
        ("2026-01-05 21:59:59", None, True),
        ("2026-01-05 22:00:00", None, False),  # it is night
        ("2026-01-06 08:00:00", None, True),  # the node was off
        ("2026-01-06 22:00:00", None, False),
        ("2026-01-08 12:00:00", None, False),  # too late: this week is left out
        ("2026-07-06 08:59:59", "Europe/Berlin", False),  # by the clock on the wall
        ("2026-07-06 09:00:00", "Europe/Berlin", True),
        ("2026-07-06 09:00:00", "America/New_York", True),
    ],
)
async def test_it_comes_on_monday_at_nine_by_the_clock_on_the_wall(
    moment: str, zone: str | None, comes: bool
) -> None:
    async with open_oakvale() as oakvale:
        where = None if zone is None else ZoneInfo(zone)
        oakvale.town.clock.now = at(moment, where) - DAY_MS
        await offer(oakvale, "Sourdough bread")
        oakvale.town.clock.now = at(moment, where)
        mails = await written(oakvale, weekly=Weekly(oakvale.town.node, where or UTC))
        assert len(mails) == comes


async def test_it_comes_once_a_week_also_across_restarts(week: Oakvale) -> None:
    """The week is noted in the unit that writes the mail."""
    assert len(await written(week)) == 1
    for _ in range(2):
        assert await written(week, weekly=Weekly(week.town.node, UTC)) == []
        week.town.clock.now += HOUR_MS
    week.town.clock.now = MONDAY + 7 * DAY_MS - MINUTE_MS
    await offer(week, "Rye bread")
    assert await written(week) == []
    week.town.clock.now += MINUTE_MS
    assert len(await written(week)) == 1


async def test_nothing_is_written_when_there_is_nothing_to_say(week: Oakvale) -> None:
    """Neither a balance nor what was listed long ago is news."""
    week.town.clock.now = MONDAY + 14 * DAY_MS
    assert await written(week) == []


async def test_whoever_has_no_mail_or_wants_none_or_is_away_is_not_written_to(week: Oakvale) -> None:
    node = week.town.node
    zoe = await node.people.add(OPERATOR, NewMember(name="Zoe", phone="01632 960 999", reach=Reach.PHONE))
    assert zoe.email is None
    await node.people.go_away(week.ben.acts("pin"), week.ben.no, MONDAY + DAY_MS)
    await node.wishes.choose(week.ana, Level.MUST_ACT)
    recipients = {mail.recipient for mail in await _everybody(week)}
    assert recipients == {"maud@example.org", "rosa@example.org"}


async def _everybody(week: Oakvale) -> list[Mail]:
    await Weekly(week.town.node, UTC).look()
    return await week.town.mails()


async def test_whoever_joined_this_week_waits_for_the_next(week: Oakvale) -> None:
    await week.town.member("Ines")
    assert await written(week, to="ines") == []


async def test_without_a_mail_server_nothing_is_written() -> None:
    async with open_town(mail=False) as town:
        await town.node.market.post((await town.member("Ben")).no, listing("Sourdough bread"))
        await town.member("Ana")
        town.clock.now = MONDAY
        before = await town.everything()
        await Weekly(town.node, UTC).look()
        assert await town.everything() == before


# --- what it says -------------------------------------------------------------------------------------------


async def pay(week: Oakvale, payer: Member, payee: Member, amount: int) -> None:
    await week.town.node.trades.record(
        NewTrade(
            payer_no=payer.account_no, payee_no=payee.account_no, amount=amount, text="Help", entered_by=payer.name,
            proved_by="pin", once=week.town.node.chance.bytes(16), payer_name=payer.name, payee_name=payee.name,
        )
    )  # fmt: skip


@pytest.mark.parametrize("behind", [False, True])
async def test_wants_come_first_for_whoever_is_behind(week: Oakvale, behind: bool) -> None:
    await pay(week, *((week.ana, week.ben) if behind else (week.ben, week.ana)), 60)
    week.town.clock.now -= HOUR_MS
    await offer(week, "Somebody to prune trees", kind="want", category="garden-trees")
    week.town.clock.now += HOUR_MS
    text = await one(week)
    assert (text.index("SOMEBODY NEEDS THIS") < text.index("YOU COULD USE THIS")) is behind
    side = "You have received 1 hour more" if behind else "You have given 1 hour more"
    assert side in text.replace("\xa0", " ")
    assert "- Want: Somebody to prune trees\n  http://oakvale.test/l/" in text
    assert "- Offer: Sourdough bread\n  http://oakvale.test/l/" in text


async def test_it_says_what_waits_what_happened_what_was_found_and_what_is_on(week: Oakvale) -> None:
    node = week.town.node
    week.town.clock.now -= 2 * HOUR_MS
    await node.asks.ask([NewAsk(payer=week.ana, payee=week.ben, amount=120, text="Shelf")], b"a" * 16)
    await node.alerts.keep(week.ana, Wanted(words="jam"), Tell.WEEKLY)
    await offer(week, "Plum jam")
    await node.alerts.look()
    await node.store.write(
        lambda tx: node.telling.answered(tx, 9, payer="Maud", text="Lift", paid=True, payee=week.ana)
    )
    starts = MONDAY + 3 * DAY_MS
    plan = Plan(
        kind=Kind.SOCIAL, title="Soup evening", text="", where="Village hall", starts=starts, ends=starts + HOUR_MS,
        capacity=None, pays=Pays.NOBODY, amount=0, public=False,
    )  # fmt: skip
    await node.events.post(week.rosa, (plan,), b"e" * 16)
    week.town.clock.now = MONDAY
    (mail,) = await written(week)
    assert mail.subject == "Ben asks you for 2 hours"
    parts = ["WAITING FOR YOU", "- Ben asks you for 2 hours", "WHERE YOU STAND", "NEW FOR YOUR SEARCHES", "- Offer: Plum jam",
             "WHAT HAPPENED", "- Maud said yes: Lift", "COMING UP", "- Soup evening", "Thursday 8 January 2026, 09:00, Village hall",
             "Fewer mails like this?"]  # fmt: skip
    text = mail.text.replace("\xa0", " ")
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)
    assert mail.stop_link in mail.text
    assert "http://oakvale.test/asks/1" in mail.text
    # Told once.
    week.town.clock.now = MONDAY + 7 * DAY_MS
    again = await one(week)
    assert "Maud said yes" not in again
    assert "NEW FOR YOUR SEARCHES" not in again


async def test_what_comes_between_reading_and_writing_waits_for_the_next(week: Oakvale) -> None:
    """Nothing is lost, and whoever composes a second time writes nothing."""
    node, weekly = week.town.node, Weekly(week.town.node, UTC)

    async def happened(what: str) -> None:
        await node.store.write(
            lambda tx: node.telling.answered(tx, 9, payer="Maud", text=what, paid=True, payee=week.ana)
        )

    await happened("Bread")
    monday, board = weekly.monday(MONDAY), OnTheBoard(wants=[], offers=[])
    letters = [await node.store.read(weekly.compose, week.ana.no, monday, board) for _ in range(2)]
    await happened("Jam")
    for letter in letters:
        assert letter is not None
        await node.store.write(weekly.send, letter, monday)
    (mail,) = await week.town.mails()
    assert "Maud said yes: Bread" in mail.text
    assert "Jam" not in mail.text
    week.town.clock.now = MONDAY + 7 * DAY_MS
    again = await one(week)
    assert "Maud said yes: Jam" in again
    assert "Bread" not in again.replace("Sourdough bread", "")


async def test_it_speaks_the_readers_language_in_the_schemes_pack(week: Oakvale) -> None:
    node = week.town.node
    await node.settings.change(week.rosa.acts("pin"), languages=("en", "de"), wording="timebank")
    maud = await node.people.member(week.maud.no)
    assert maud is not None
    new = NewMember(name="Maud", email="maud@example.org", language="de")
    await node.people.change_profile(week.maud.acts("pin"), week.maud.no, new)
    (mail,) = await written(week, to="maud")
    assert "Hallo Maud," in mail.text
    assert 'lang="de"' in mail.html


async def test_the_html_is_the_same_without_pictures_and_nothing_somebody_wrote_is_markup(
    week: Oakvale,
) -> None:
    week.town.clock.now -= HOUR_MS
    await offer(week, '<script>alert("x")</script> & \u202eevil')
    week.town.clock.now += HOUR_MS
    (mail,) = await written(week)
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt; &amp; evil" in mail.html
    for word in ("<script", "<img", "http-equiv", "url(", "\u202e"):
        assert word not in mail.html
    assert "font-size:16px" in mail.html
    assert mail.stop_link in mail.html
    assert "Sourdough bread" in mail.html


# --- what is picked -----------------------------------------------------------------------------------------

HERE = Place(north=5150, east=-250)


def young(number: int, km: int, days: int, category: str = "food", owner: int | None = None) -> Young:
    return Young(OWN, item_key(number), category, HERE.north + km, HERE.east, MONDAY - days * DAY_MS, owner)


def test_two_of_the_week_are_the_nearest_and_one_is_at_random(oakvale: Oakvale) -> None:
    ana = replace(oakvale.ana, spot=HERE)
    board = [young(number, km=number, days=number % 10) for number in range(1, 40)]
    week_ago = MONDAY - 7 * DAY_MS
    picked = [pick(board, ana, week, week_ago).listings for week in range(50)]
    assert {each[:NEAR_SHOWN] for each in picked} == {(board[0], board[1])}
    third = {each[2] for each in picked}
    assert len(third) > 15, "another one each week"
    assert not third & {board[0], board[1]}
    assert any(each.created < week_ago for each in third)
    assert pick(board, ana, 3, week_ago) == pick(board, ana, 3, week_ago)


def test_wants_in_what_somebody_offers_come_before_nearer_ones_and_ones_own_never(oakvale: Oakvale) -> None:
    ana = replace(oakvale.ana, spot=HERE)
    mine, near, far = young(1, 0, 1, owner=ana.no), young(2, 1, 1), young(3, 90, 1, "repair")
    picked = pick([mine, near, far], ana, 1, MONDAY - 7 * DAY_MS, frozenset({"repair"}))
    assert picked.listings == (far, near)
    assert picked.fresh
    assert pick([mine], ana, 1, MONDAY - 7 * DAY_MS).listings == ()
    assert not pick([young(1, 1, 20)], ana, 1, MONDAY - 7 * DAY_MS).fresh


async def test_what_is_asked_in_private_is_in_nobodys_weekly_mail(week: Oakvale) -> None:
    """Pages.md 7.6, 9: whoever was asked to help reads that somebody asks, and nobody else reads anything."""
    await week.later(0)
    rosas = await week.town.browser_of(week.rosa)
    await ask(week.browser, checked="")
    assert (await sent(rosas, "/desk/help/1/ask", helper=week.ben.number))[0] == 303
    week.town.clock.now += 7 * DAY_MS
    await offer(week, "Rye bread")
    await offer(week, "Jam", week.ana)
    assert "Can you help?" in words_of(await text(await week.town.browser_of(week.ben), "/home"))
    await week.town.mails()
    week.town.mail.taken.clear()
    await Weekly(week.town.node, UTC).look()
    mails = {mail.recipient.partition("@")[0]: f"{mail.text} {mail.html}" for mail in await week.town.mails()}
    assert {"ana", "ben", "maud"} <= set(mails)
    assert "Can you help?" in mails.pop("ben")
    for text_of_mail in (*mails.values(), f"{mails}"):
        assert "Can you help?" not in text_of_mail
    for mail in await week.town.mails():
        assert "stairs" not in f"{mail.text} {mail.html}"
