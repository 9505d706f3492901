"""What pages show of things that are given away: to whoever gives them, and to whoever would like them.

Source: docs/pages.md 8.14; docs/protocol.md 5.10.
"""

from __future__ import annotations

from dataclasses import dataclass

from node.services.gift_rows import Wish, gift_in, wishes_for
from node.services.gift_words import pickup_words
from node.services.gifts import GIFT
from node.services.members import Member, member_by_account
from node.services.own_listings import Owned
from node.store import ReadTx
from node.web.context import Context
from node.web.forms import EMPTY, Filled
from node.web.listing_names import listing_id
from node.web.pages.listings import ShownListing
from node.web.present import Voice, first_name
from node.web.views.gifts import GiftPart
from node.web.views.page import Link
from node.web.words import Words
from protocol.giving import Gift, GiftState, WishState
from protocol.names import ItemKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A thing and who would like it."""

    gift: Gift
    wishes: tuple[Wish, ...]

    def of(self, account_no: int) -> Wish | None:
        """Return the wish of a member that may still come true."""
        return next((each for each in self.wishes if each.taker_no == account_no and each.open), None)

    @property
    def promised(self) -> Wish | None:
        """Return the wish that it is promised to."""
        if self.gift.state is not GiftState.PROMISED:
            return None
        return next(each for each in self.wishes if each.no == self.gift.promised_to)


def read_asked(tx: ReadTx, key: ItemKey) -> Asked:
    """Query: who would like a listing of ours."""
    return Asked(gift=gift_in(tx, key), wishes=tuple(wishes_for(tx, key)))


async def givers_part(context: Context, owned: Owned) -> GiftPart | None:
    """Return what the page of one's own listing shows; None where it is not given away."""
    if owned.listing.content.kind != GIFT:
        return None
    asked = await context.read(read_asked, owned.listing.key)
    href = f"/l/{listing_id(owned.listing.key)}/wishes"
    return GiftPart(who=Link(text=await who_text(context, asked), href=href))


async def who_text(context: Context, asked: Asked) -> str:
    """Return "3 people would like it", or to whom it is promised."""
    words, promised = context.words, asked.promised
    if promised is not None:
        return words.gettext("Promised to %(name)s") % {"name": await taker_name(context, promised)}
    count = len(asked.gift.waiting)
    if not count:
        return words.gettext("Who would like it")
    return words.ngettext(
        "%(num)d person would like it", "%(num)d people would like it", count
    ) % {"num": count}  # fmt: skip


async def taker_name(context: Context, wish: Wish) -> str:
    """Return how somebody who would like a thing is called."""
    member = None if wish.taker_no is None else await context.read(member_by_account, wish.taker_no)
    return taker_called(context.words, wish, member)


def taker_called(words: Words, wish: Wish, member: Member | None) -> str:
    """Return the same, where the member was read already."""
    name = wish.their_name if member is None else member.name
    return first_name(name) or words.gettext("Somebody")


async def takers_part(context: Context, shown: ShownListing, form: Filled = EMPTY) -> GiftPart | None:
    """Return what the page of somebody else's listing shows; None where it is not given away in our scheme."""
    _ = context.words.gettext
    if shown.content.kind != GIFT or shown.owner is None:
        return None
    asked = await context.read(read_asked, shown.key)
    wish = asked.of(context.member.account_no)
    if wish is None:
        promised = asked.gift.state is GiftState.PROMISED
        said = _("It is promised to somebody. You can ask all the same: perhaps they do not collect it.")
        return GiftPart(
            sentence=said if promised else "", form=form, wish_action=f"/l/{shown.id}/wish"
        )  # fmt: skip
    if wish.state is WishState.PROMISED:
        return GiftPart(
            sentence=promised_words(context.voice, wish, shown.owner),
            received_action=f"/my/gifts/{wish.no}/received",
            back_action=f"/my/gifts/{wish.no}/back",
        )
    said = _("You are on the list. %(name)s chooses, and you are told.")
    return GiftPart(
        sentence=said % {"name": first_name(shown.owner.name)}, back_action=f"/my/gifts/{wish.no}/back"
    )


def promised_words(voice: Voice, wish: Wish, giver: Member) -> str:
    """Return what somebody reads to whom a thing is promised."""
    _, when = voice.words.gettext, pickup_words(wish.pickup, voice.words)
    told = _("%(name)s promised it to you.") % {"name": first_name(giver.name)}
    return " ".join(
        each
        for each in (told, _("Collect it: %(when)s.") % {"when": when} if when else "", wish.pickup.said)
        if each
    )  # fmt: skip
