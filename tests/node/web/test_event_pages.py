"""The calendar and events through the door: posting, coming, waiting, talking, changing, cancelling. docs/pages.md 7.1, 7.2; rule 5.11."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from node.services.event_rows import upcoming
from node.web.context import Context
from protocol.limits import DAY_MS
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.towns import Browser, form_token_of, send

TYPED = {
    "kind": "trading", "title": "Trading day", "text": "With soup.", "where": "Village hall", "start": "10:30", "end": "12:00",
    "repeats": "never", "until": "", "places": "", "pays": "nobody", "amount": "", "public": "",
}  # fmt: skip


def day_of(oakvale: Oakvale, days: int) -> str:
    moment = datetime.fromtimestamp((oakvale.town.clock.now_ms() + days * DAY_MS) / 1000, UTC)
    return f"{moment:%Y-%m-%d}"


async def checked(oakvale: Oakvale, browser: Browser, status: int = 200, **changes: str) -> str:
    """Fill in an event; return the page that follows."""
    page = await text(browser, "/events/new")
    typed = {**TYPED, "day": day_of(oakvale, 7), **changes}
    answer = await browser.post("/events/check", data={"form_token": form_token_of(page), **typed})
    assert answer.status == status
    return await answer.text()


async def posted(oakvale: Oakvale, browser: Browser | None = None, **changes: str) -> str:
    """Post an event as Ana; return its address."""
    browser = browser or oakvale.browser
    page = await checked(oakvale, browser, **changes)
    answer = await browser.post("/events/post", data=fields_of(page), allow_redirects=False)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"].partition("?")[0]


async def says(browser: Browser, path: str, comes: str) -> str:
    """Answer an event; return its page."""
    assert (await send(browser, f"{path}/answer", path, comes=comes)).status == 303
    return words_of(await text(browser, path))


async def test_an_event_is_looked_over_posted_and_in_the_calendar(oakvale: Oakvale) -> None:
    page = words_of(await checked(oakvale, oakvale.browser))
    assert "This is how others see it" in page
    assert "Only members see it." in page
    path = await posted(oakvale)
    shown = words_of(await text(oakvale.bens, path))
    assert "Trading day" in shown
    assert "10:30 to 12:00" in shown
    assert "Village hall" in shown
    assert "With soup." in shown
    listed = words_of(await text(oakvale.bens, "/calendar"))
    assert re.search(
        r"(January|February|March|April|May|June|July|August|September|October|November|December) 20\d\d",
        listed,
    )
    assert "Trading day" in listed
    assert "You host it" in words_of(await text(oakvale.browser, "/home"))


async def test_coming_waiting_and_moving_up(oakvale: Oakvale) -> None:
    path = await posted(oakvale, places="1")
    mauds = await oakvale.town.browser_of(oakvale.maud)
    assert "You said that you come. You have a place." in await says(oakvale.bens, path, "yes")
    assert "Wait for a place" in words_of(await text(mauds, path))
    assert "You wait for a place, and are told" in await says(mauds, path, "yes")
    assert "Waiting for a place Maud" in words_of(await text(oakvale.browser, path))

    assert "You said that you cannot come." in await says(oakvale.bens, path, "no")
    assert "You have a place." in words_of(await text(mauds, path))
    home = words_of(await text(mauds, "/home"))
    assert "You have a place now: Trading day" in home
    oakvale.town.clock.now += 20 * 60_000
    assert [mail.subject for mail in await oakvale.town.mails()] == ["You have a place now: Trading day"]


async def test_what_repeats_is_listed_before_it_is_posted_and_is_cancelled_by_date_or_from_one_on(
    oakvale: Oakvale,
) -> None:
    page = words_of(await checked(oakvale, oakvale.browser, repeats="weekly", until=day_of(oakvale, 28)))
    assert "It takes place 4 times" in page
    path = await posted(oakvale, repeats="weekly", until=day_of(oakvale, 28))
    assert (await text(oakvale.bens, path)).count('<a href="/events/') == 3
    await says(oakvale.bens, path, "yes")

    page = words_of(await text(oakvale.browser, f"{path}/cancel"))
    assert "1 person is told." in page
    assert "This and 3 later dates" in page
    answer = await send(oakvale.browser, f"{path}/cancel", f"{path}/cancel", reason="", which="later")
    assert answer.status == 422
    answer = await send(oakvale.browser, f"{path}/cancel", f"{path}/cancel", reason="Snow", which="later")
    assert answer.headers["Location"].endswith("note=event-cancelled")
    assert "This was cancelled: Snow" in words_of(await text(oakvale.bens, path))
    assert words_of(await text(oakvale.bens, "/calendar")).count("Cancelled") == 4
    assert "Cancelled: Trading day" in words_of(await text(oakvale.bens, "/home"))


async def test_visitors_read_what_they_may_and_no_names(oakvale: Oakvale) -> None:
    visitor = oakvale.town.browser()
    secret = await posted(oakvale, title="Members only")
    public = await posted(oakvale, public="yes", title="Open day", pays="guests", amount="1:00")
    await says(oakvale.bens, public, "yes")
    await send(
        oakvale.bens, f"{public}/say", public, text="Hello", once=once_of(await text(oakvale.bens, public))
    )

    assert (await visitor.get(secret)).status == 404
    page = words_of(await text(visitor, public))
    assert "Open day" in page
    assert "It costs 1 hour each. That is recorded afterwards, when the host confirms who was there." in page
    for name in ("Ana", "Ben", "Hello"):
        assert name not in page
    listed = words_of(await text(visitor, "/calendar"))
    assert "Open day" in listed
    assert "Members only" not in listed
    assert "Open day, Village hall" in words_of(await text(visitor, "/"))

    rosas = await oakvale.town.browser_of(oakvale.rosa)
    assert (await send(rosas, "/admin/scheme/events", "/admin/scheme")).status == 303
    assert (await visitor.get(public)).status == 404
    assert "Open day" not in words_of(await text(visitor, "/calendar"))
    assert "Open day" not in words_of(await text(visitor, "/"))
    assert "Visitors may read it too, without names" not in await text(oakvale.browser, "/events/new")


def once_of(page: str) -> str:
    return fields_of(page)["once"]


async def test_talking_below_an_event(oakvale: Oakvale) -> None:
    path = await posted(oakvale)
    page = await text(oakvale.bens, path)
    form = {**fields_of(page), "text": "A lift from\nChurch End?"}
    for _ in range(2):
        assert (await oakvale.bens.post(f"{path}/say", data=form, allow_redirects=False)).status == 303
    page = await text(oakvale.browser, path)
    assert words_of(page).count("Church End?") == 1
    assert "Take it away" not in page
    page = await text(oakvale.bens, path)
    number = fields_of(page)["comment"]
    answer = await send(oakvale.browser, f"{path}/unsay", path, comment=number)
    assert answer.status == 403  # not Ana's words, though it is her event
    assert (await send(oakvale.bens, f"{path}/unsay", path, comment=number)).status == 303
    assert "Church End?" not in await text(oakvale.bens, path)
    assert (await send(oakvale.bens, f"{path}/say", path, text="", once=once_of(page))).status == 422


async def test_an_event_is_changed_by_its_host_and_by_nobody_else(oakvale: Oakvale) -> None:
    path = await posted(oakvale, pays="host", amount="0:30")
    assert "Each who was there gets 30 minutes from Ana." in words_of(await text(oakvale.bens, path))
    await says(oakvale.bens, path, "yes")
    for act in ("edit", "cancel"):
        assert (await oakvale.bens.get(f"{path}/{act}")).status == 403
        assert (await send(oakvale.bens, f"{path}/{act}", path, **TYPED, reason="x")).status == 403
    edit = await text(oakvale.browser, f"{path}/edit")
    assert 'value="Trading day"' in edit
    token = {"form_token": form_token_of(edit)}
    typed = {**TYPED, **token, "day": day_of(oakvale, 8), "pays": "host", "amount": "0:30"}
    answer = await oakvale.browser.post(f"{path}/edit", data={**typed, "amount": "2"}, allow_redirects=False)
    assert answer.status == 422
    assert "Somebody said yes to what it was before." in await answer.text()
    answer = await oakvale.browser.post(
        f"{path}/edit", data={**typed, "where": "Church"}, allow_redirects=False
    )
    assert answer.status == 303
    assert "Church" in await text(oakvale.bens, path)
    assert [mail.subject for mail in await oakvale.town.mails()] == ["Another time or place: Trading day"]


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"day": "tomorrow"}, "Please write the day like 2026-03-07."),
        ({"day": "2026-02-30"}, "Please write the day like 2026-03-07."),
        ({"day": "1999-01-01"}, "Please choose a day within the next 400 days."),
        ({"day": "9999-12-31"}, "Please choose a day within the next 400 days."),
        ({"start": "25:00"}, "Please write the time like 10:30."),
        ({"end": "noon"}, "Please write the time like 10:30."),
        ({"repeats": "weekly", "until": ""}, "Please choose a last day"),
        ({"repeats": "weekly", "until": "1999-01-01"}, "Please choose a last day"),
        ({"places": "0"}, "Please write a number from 1 to 500."),
        ({"places": "501"}, "Please write a number from 1 to 500."),
        ({"pays": "guests", "amount": ""}, "Please say how much."),
        ({"where": ""}, "Please fill this in."),
        ({"title": ""}, "Please say in a few words what it is."),
    ],
)
async def test_what_cannot_be_read_is_said_at_its_field(
    oakvale: Oakvale, changes: dict[str, str], said: str
) -> None:
    page = await checked(oakvale, oakvale.browser, 422, **changes)
    assert said in page
    assert 'value="Village hall"' in page or changes == {"where": ""}


async def test_what_has_begun_cannot_be_posted_and_what_is_over_takes_no_answers(oakvale: Oakvale) -> None:
    assert "This is over already." in await checked(
        oakvale, oakvale.browser, 422, day=day_of(oakvale, 0), start="00:00", end="23:59"
    )
    path = await posted(oakvale)
    await oakvale.later(8 * DAY_MS)
    page = await text(oakvale.bens, path)
    assert "I am coming" not in page
    token = form_token_of(page)
    answer = await oakvale.bens.post(f"{path}/answer", data={"form_token": token, "comes": "yes"})
    assert "changed, cancelled, or ended meanwhile" in await answer.text()
    assert "Trading day" not in words_of(await text(oakvale.bens, "/calendar"))
    assert "Trading day" in words_of(await text(oakvale.bens, "/calendar?past=1"))


async def test_whoever_is_paused_posts_nothing(oakvale: Oakvale) -> None:
    page = await text(oakvale.browser, "/events/new")
    form = {
        "form_token": form_token_of(page),
        **TYPED,
        "day": day_of(oakvale, 7),
        "once": "AAAAAAAAAAAAAAAAAAAAAA",
    }
    await oakvale.town.node.people.pause(oakvale.rosa.acts("pin"), oakvale.ana.no, why="A quarrel")
    for path in ("/events/check", "/events/post"):
        assert "A quarrel" in await (await oakvale.browser.post(path, data=form)).text()
    assert (await oakvale.town.node.store.read(lambda tx: upcoming(tx, 0, me=oakvale.ana.no)))[1] == 0


async def test_days_and_times_are_those_of_the_scheme_when_summer_time_begins(
    oakvale: Oakvale, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three Sundays at 19:00 in Berlin, whatever the computer's own zone is."""
    monkeypatch.setattr(Context, "zone", property(lambda _: ZoneInfo("Europe/Berlin")))
    oakvale.town.clock.now = round(datetime(2027, 3, 1, tzinfo=UTC).timestamp() * 1000)
    oakvale.browser = await oakvale.town.browser_of(oakvale.ana)
    path = await posted(
        oakvale, day="2027-03-21", start="19:00", end="01:00", repeats="weekly", until="2027-04-04"
    )
    events, _ = await oakvale.town.node.store.read(lambda tx: upcoming(tx, 0, me=oakvale.ana.no))
    assert [datetime.fromtimestamp(each.event.plan.starts / 1000, UTC).hour for each in events] == [
        18,
        17,
        17,
    ]
    said = words_of(await text(oakvale.browser, path))
    assert "Sunday 21 March 2027, 19:00 to Monday 22 March 2027, 01:00" in said
    assert "Sunday 28 March 2027, 19:00" in said
    assert 'value="19:00"' in await text(oakvale.browser, f"{path}/edit")


async def test_an_address_that_names_no_event_is_no_page(oakvale: Oakvale) -> None:
    token = form_token_of(await text(oakvale.browser, "/events/new"))
    for name in ("1", "zz" * 16, "00" * 15, "00" * 16):
        assert (await oakvale.browser.get(f"/events/{name}")).status == 404
        for act, fields in (
            ("answer", {"comes": "yes"}),
            ("say", {"text": "x", "once": "AAAAAAAAAAAAAAAAAAAAAA"}),
            ("cancel", {"reason": "x"}),
            ("edit", TYPED),
        ):
            answer = await oakvale.browser.post(f"/events/{name}/{act}", data={"form_token": token, **fields})
            assert answer.status == 404, (name, act)


async def test_an_event_can_be_put_into_ones_own_calendar(oakvale: Oakvale) -> None:
    secret, public = await posted(oakvale), await posted(oakvale, public="yes", title="Open day")
    page = await text(oakvale.bens, secret)
    assert f"{secret}/calendar" in page
    answer = await oakvale.bens.get(f"{secret}/calendar")
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    body = await answer.text()
    assert f"UID:{secret.rpartition('/')[2]}@interlets\r\n" in body
    assert "SUMMARY:Trading day\r\nLOCATION:Village hall\r\nDESCRIPTION:With soup.\r\nEND:VEVENT\r\n" in body
    visitor = oakvale.town.browser()
    assert "SUMMARY:Open day" in await text(visitor, f"{public}/calendar")
    assert (await visitor.get(f"{secret}/calendar")).status == 404
    await send(oakvale.browser, f"{secret}/cancel", f"{secret}/cancel", reason="Snow", which="this")
    assert "STATUS:CANCELLED" in await text(oakvale.bens, f"{secret}/calendar")
