"""The people of the scheme: the list, and one person as other members see them.

Shown are name, number, place, what they wrote of themselves and can do, and those contact lines that the reader may see;
balances are nobody's business here.
Source: docs/pages.md 7.2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from aiohttp import web

from node.services.helper_rows import checked_helpers, helper_until
from node.services.members import Member, State, member_by_no
from node.services.own_listings import listings_of
from node.services.people_finder import FoundPeople, PeopleQuery, find_people
from node.services.profiles import (
    SKILL_GROUPS,
    ContactLine,
    Skills,
    contacts_for,
    reader_of,
    skills_of,
)
from node.services.thanks import notes_shown
from node.services.trades import Trade, newest_trades
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get
from node.web.pages.helper_words import badge_words
from node.web.pages.listings import cards_view
from node.web.pages.member import pager
from node.web.pages.member_find import DISTANCES_KM, distance_options, here_of
from node.web.pages.member_profile import contact_facts, skill_names, skills_said
from node.web.pages.portraits import portrait_shown
from node.web.present import Voice, distance, first_name, paragraphs_of, reference
from node.web.views.member import PeopleView, PersonCard, PersonView
from node.web.views.page import Empty, Fact, Link, ListingCard, Option
from node.web.words import Words
from protocol.listing import State as ListingState
from protocol.names import SchemeId

BETWEEN_SHOWN: Final = 5
SKILLS_SHOWN: Final = 4
LISTINGS_SHOWN: Final = 40
TRADES_LOOKED_AT: Final = 200


async def people(context: Context) -> web.Response:
    """GET /people?q&km&can&checked&page"""
    voice, words, here = context.voice, context.words, here_of(context)
    asked = {name: context.query(name) for name in ("q", "km", "can", "checked")}
    km = asked["km"] if asked["km"].isascii() and asked["km"].isdigit() and here is not None else ""
    km = km if km and int(km) in DISTANCES_KM else ""
    groups = {group: words.gettext(name) for group, name, _ in SKILL_GROUPS}
    can = asked["can"] if asked["can"] in groups else ""
    query = PeopleQuery(
        text=asked["q"], can=can, place=here, km=int(km) if km else None, page=context.page_number
    )
    helpers = await context.read(checked_helpers, context.settings, context.node.helpers.today())
    checked = asked["checked"] == "yes"
    if checked:
        query = replace(query, only=frozenset(helpers))
    found, can_do = await context.read(_find, query, context.now_ms, skill_names(words), _passed_over(words))
    everybody = Link(text=words.gettext("Show everybody"), href="/people")
    return context.show(
        PeopleView(
            query=query.text,
            km=km,
            distances=distance_options(voice, anywhere=here is None),
            can=can,
            checked=checked if helpers or checked else None,
            skills=(
                Option(value="", text=words.gettext("Anything")),
                *(Option(value=group, text=name) for group, name in groups.items()),
            ),
            summary=_summary(found, query.text, voice),
            people=tuple(
                PersonCard(
                    href=f"/people/{each.number}",
                    name=each.name,
                    number=each.number,
                    place=_where(each, far, voice, me=each.no == context.member.no),
                    helper=badge_words(helpers.get(each.no), words),
                    text=_can_do(can_do[each.no], voice),
                )
                for each, far in found.people
            ),
            pager=pager(
                context,
                "/people",
                {"q": query.text, "km": km, "can": can, "checked": asked["checked"] if checked else ""},
                found.total,
            ),
            empty=None
            if found.people
            else Empty(
                text=words.gettext("Nobody found. Try a part of the name, or another word."), action=everybody
            ),
        )
    )


def _passed_over(words: Words) -> str:
    """Return words that say nothing of whom somebody looks for; each language has its own."""
    return words.gettext(
        "who can could do does a an the for my me us our is are there any somebody someone anybody with to of in and"
    )


def _find(
    tx: ReadTx, query: PeopleQuery, now_ms: int, names: dict[str, str], passed_over: str
) -> tuple[FoundPeople, dict[int, Skills]]:
    found = find_people(tx, query, now_ms, names, passed_over)
    return found, {member.no: skills_of(tx, member.no) for member, _ in found.people}


def _summary(found: FoundPeople, query: str, voice: Voice) -> str:
    words, said = voice.words, {"num": found.total, "query": query}
    if not query:
        return words.ngettext("%(num)d person", "%(num)d people", found.total) % said
    if found.partly:
        return (
            words.ngettext(
                "Nobody for all of “%(query)s”. %(num)d person comes near it",
                "Nobody for all of “%(query)s”. %(num)d people come near it",
                found.total,
            )
            % said
        )
    return (
        words.ngettext("%(num)d person for “%(query)s”", "%(num)d people for “%(query)s”", found.total) % said
    )


def _where(member: Member, km: int | None, voice: Voice, *, me: bool) -> str:
    """Return where somebody lives, and how far that is."""
    far = "" if me else distance(km, voice)
    return ", ".join(each for each in (member.place, far) if each)


def _can_do(skills: Skills, voice: Voice) -> str:
    """Return the first of what somebody can do."""
    said = skills_said(skills, voice.words)
    if not said:
        return ""
    shown = ", ".join(said[:SKILLS_SHOWN]) + (" …" if len(said) > SKILLS_SHOWN else "")
    return voice.words.gettext("Can do: %(what)s") % {"what": shown}


async def person(context: Context) -> web.Response:
    """GET /people/{number}"""
    me, voice = context.member, context.voice
    shown, trades, skills, lines = await context.read(
        _person, context.number("number"), me, context.node.scheme
    )
    cards = await _listings(context, shown)
    is_me = shown.no == me.no
    return context.show(
        PersonView(
            name=shown.name,
            number=shown.number,
            place=shown.place,
            badge="",
            portrait=await portrait_shown(context, shown),
            helper=badge_words(
                await context.read(helper_until, shown, context.settings, context.node.helpers.today()),
                context.words,
            ),
            about=paragraphs_of(shown.about),
            facts=_facts(shown, voice),
            skills=skills_said(skills, context.words),
            contacts=contact_facts(lines, voice),
            offers=tuple(card for card in cards if card.kind != "want"),
            wants=tuple(card for card in cards if card.kind == "want"),
            thanks=tuple(
                Fact(label=first_name(note.other.name), text=note.text)
                for note in await context.read(notes_shown, shown.account_no)
                if note.other is not None
            ),
            between_us=tuple(_between(trade, voice) for trade in trades[:BETWEEN_SHOWN]),
            message_href="" if is_me else f"/messages/new?to={shown.number}",
            record_href="" if is_me or not shown.may_trade else f"/record/what?who={shown.number}",
            is_me=is_me,
        )
    )


def _person(
    tx: ReadTx, no: int, me: Member, own: SchemeId
) -> tuple[Member, list[Trade], Skills, tuple[ContactLine, ...]]:
    member = member_by_no(tx, no)
    if member is None or member.state is State.LEFT:
        raise NoSuchPage
    skills, lines = skills_of(tx, no), contacts_for(tx, member, reader_of(tx, member, me, own))
    if member.no == me.no:
        return member, [], skills, lines
    trades = newest_trades(tx, me.account_no, TRADES_LOOKED_AT)
    return member, [trade for trade in trades if trade.concerns(member.account_no)], skills, lines


async def _listings(context: Context, shown: Member) -> tuple[ListingCard, ...]:
    """Return what somebody offers and wants now."""
    mine = await context.read(listings_of, shown.no)
    find, own = context.node.market.listing, context.node.scheme
    keys = [owned.listing.key for owned in mine if owned.listing.state is ListingState.PUBLISHED]
    found = [await find(own, key) for key in keys[:LISTINGS_SHOWN]]
    cards = tuple(card for card in found if card is not None)
    return cards_view(cards, {shown.no: shown}, context, here_of(context))


def _facts(member: Member, voice: Voice) -> tuple[Fact, ...]:
    _ = voice.words.gettext
    facts = [Fact(label=_("Member since"), text=voice.month(member.joined_ms))]
    if member.state is State.AWAY and (member.away_until or 0) > voice.now_ms:
        facts.append(Fact(label=_("Away until"), text=voice.day((member.away_until or 0) - 1)))
    elif member.seen_ms:
        facts.append(Fact(label=_("Last here"), text=voice.lately_day(member.seen_ms)))
    return tuple(facts)


def _between(trade: Trade, voice: Voice) -> Link:
    text = voice.words.gettext("%(what)s, %(amount)s, %(day)s") % {
        "what": trade.text,
        "amount": voice.spoken(trade.amount),
        "day": voice.day(trade.created_ms),
    }
    return Link(text=text, href=f"/t/{reference(trade)}")


ROUTES: Final = (
    get("/people", people, MEMBER, for_others=True),
    get("/people/{number}", person, MEMBER, for_others=True),
)
