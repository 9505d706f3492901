"""Searches that members keep: what comes in is held against them, and whoever looks for it is told, of each listing once.

Listings are noted as they come into the index, our own and neighbours' alike, and looked at some minutes later, beside
everything else. Nobody is told of their own. Source: docs/pages.md 7.2 (`/my/searches`).
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from node.clock import Clock
from node.mail import alert_texts
from node.mail.night import is_night
from node.mail.outbox import Outbox
from node.services import alert_rows as rows
from node.services.alert_rows import Fresh, Hit, Saved, Tell, Wanted
from node.services.cards import Card, Cards
from node.services.catching_up import Offload
from node.services.mail_wishes import MailWishes, Purpose, searches_again
from node.services.members import Member, Reach
from node.services.settings import Settings
from node.store import ReadTx, Store, Tx
from node.web.listing_names import listing_id
from protocol.limits import DAY_MS, ITEM_LIFE_MS_MAX
from protocol.names import ItemKey, SchemeId

# Each is held against every listing that comes in; and who looks for more than this looks at everything.
SEARCHES_MAX: Final = 10
# So often are new listings looked at: what comes within that time is in one mail.
LOOK_EVERY_S: Final = 600.0
# Mails at once to one member within a day, whatever neighbours list: the rest comes together the day after.
MAILS_A_DAY_MAX: Final = 8
SHOWN_MAX: Final = 10  # in one mail


class TooManySearches(Exception):
    """An honest no: this member keeps enough searches."""


class Alerts:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, outbox: Outbox, settings: Settings, wishes: MailWishes, cards: Cards, own: SchemeId,
        origin: str, zone: tzinfo, offload: Offload,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._outbox: Final = outbox
        self._settings: Final = settings
        self._wishes: Final = wishes
        self._cards: Final = cards
        self._own: Final = own
        self._origin: Final = origin.rstrip("/")
        self._zone: Final = zone
        self._offload: Final = offload

    # --- what members do --------------------------------------------------------------------------------------

    async def keep(self, member: Member, wanted: Wanted, tell: Tell) -> None:
        """Keep a search; one that is kept already stays as it is. Raises TooManySearches."""
        await self._store.write(self._keep, member.no, wanted, tell)

    def _keep(self, tx: Tx, member_no: int, wanted: Wanted, tell: Tell) -> None:
        known = rows.searches_of(tx, member_no)
        if any(each.wanted == wanted for each in known):
            return
        if len(known) >= SEARCHES_MAX:
            raise TooManySearches
        rows.put_search(tx, member_no, wanted, tell, self._clock.now_ms())

    async def change(self, no: int, member: Member, tell: Tell) -> None:
        """Let a member's search tell in another way. Raises LookupError: they keep no such search."""
        await self._store.write(self._change, no, member.no, tell)

    def _change(self, tx: Tx, no: int, member_no: int, tell: Tell) -> None:
        if not rows.change_search(tx, no, member_no, tell):
            raise LookupError(f"search {no}")
        if tell is not Tell.NOT_NOW:
            searches_again(tx, member_no, self._clock.now_ms())

    async def drop(self, no: int, member: Member) -> None:
        """Forget a member's search."""
        await self._store.write(rows.drop_search, no, member.no)

    # --- what comes in ----------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Hold what came in against all searches, and tell those who want to know at once."""
        while fresh := await self._store.read(rows.read_fresh):
            searches = await self._store.read(rows.all_searches)
            found = await self._offload(_match, [each for _, _, each in fresh if each is not None], searches)
            await self._store.write(self._note, [(scheme, key) for scheme, key, _ in fresh], found)
        if is_night(self._clock.now_ms(), self._zone):
            return  # in one mail, in the morning
        for member in await self._store.read(rows.members_untold, Tell.AT_ONCE):
            await self._store.write(self._tell, member)

    def _note(
        self, tx: Tx, fresh: list[tuple[SchemeId, ItemKey]], found: list[tuple[Saved, Fresh]]
    ) -> None:  # fmt: skip
        for scheme, key in fresh:
            rows.looked_at(tx, scheme, key)
        for saved, each in found:
            rows.put_hit(tx, saved, each, self._clock.now_ms())

    def _tell(self, tx: Tx, member: Member) -> None:
        now_ms = self._clock.now_ms()
        hits = rows.untold(tx, member.no, Tell.AT_ONCE)
        if not hits or rows.count_told(tx, member.no, now_ms - DAY_MS) >= MAILS_A_DAY_MAX:
            return
        cards = self.cards_of(tx, hits)
        # Who has no mail finds them on their page.
        if cards and member.email is not None and member.reach is Reach.EMAIL and self._outbox.sends:
            self._mail(tx, member, member.email, cards)
        rows.note_told(tx, member.no, hits, now_ms)

    def _mail(self, tx: Tx, member: Member, address: str, cards: list[Card]) -> None:
        link = self._wishes.link(member.no, Purpose.SEARCHES)
        about = [self.line_of(card) for card in cards[:SHOWN_MAX]]
        mail = alert_texts.found_mail(
            self._settings.now, member.language, member.name, about, len(cards), self._origin, link
        )  # fmt: skip
        self._outbox.queue(
            tx,
            address,
            mail.subject,
            mail.body,
            member_no=member.no,
            private=True,
            rests=True,
            stop_link=link,
        )

    # --- what was found ---------------------------------------------------------------------------------------

    def cards_of(self, tx: ReadTx, hits: list[Hit]) -> list[Card]:
        """Return what was found and can be found still."""
        now_ms = self._clock.now_ms()
        found = [self._cards.listing(tx, now_ms, hit.scheme, hit.key) for hit in hits]
        return [card for card in found if card is not None]

    def line_of(self, card: Card) -> alert_texts.Found:
        """Return a listing as a line of a mail."""
        here = card.scheme == self._own
        name = listing_id(card.key, None if here else card.scheme)
        other = "" if card.other is None else card.other.name
        return alert_texts.Found(card.content.title, card.content.kind, other, f"/l/{name}")

    async def forget_old(self) -> None:
        """Forget what was found long ago and is gone."""
        await self._store.write(rows.forget_hits, self._clock.now_ms() - ITEM_LIFE_MS_MAX)


def _match(fresh: list[Fresh], searches: list[Saved]) -> list[tuple[Saved, Fresh]]:
    """Return which searches find what; nobody's finds their own."""
    return [
        (saved, each)
        for each in fresh
        for saved in searches
        if saved.member_no != each.member_no and saved.wanted.fits(each)
    ]
