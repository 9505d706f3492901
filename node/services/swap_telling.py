"""What the two of a swap are told: in the conversation about the listing, and by mail where they chose it.

Source: docs/protocol.md 5.14; docs/pages.md 8.15.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from node.mail.texts import words_of
from node.services import threads
from node.services.acts import clip
from node.services.gift_rows import thread_about
from node.services.letters import Letters, Writing
from node.services.members import Member
from node.services.settings import Settings
from node.services.swap_rows import Swapped
from node.services.swap_words import News, swap_news, swap_title
from node.services.telling import Telling
from node.store import Tx
from node.web.amounts import HARD_SPACE, spoken
from node.web.units import unit_of
from node.web.words import Words
from protocol.limits import LETTER_NAME_BYTES_MAX
from protocol.names import ItemKey, SchemeId
from protocol.swap import Side, Terms


class SwapTelling:
    """Writes into conversations and mails; a part of the unit it tells of."""

    def __init__(
        self, *, own: SchemeId, letters: Callable[[], Letters], settings: Settings, telling: Telling
    ):  # fmt: skip
        self._own: Final = own
        self._letters: Final = letters
        self._settings: Final = settings
        self._telling: Final = telling

    def begin(self, tx: Tx, asker: Member, owner: Member, key: ItemKey, lines: tuple[str, ...]) -> bytes:
        """Write to the owner, in the conversation about the listing if there is one; return which it is."""
        writing = Writing(
            account_no=asker.account_no, name=clip(asker.name, LETTER_NAME_BYTES_MAX), scheme=self._own,
            to_account=owner.account_no, to_name=owner.name, listing=(self._own, key), text="\n".join(lines),
        )  # fmt: skip
        known = thread_about(tx, asker.account_no, key, self._own, owner.account_no)
        if known is None:
            known = self._letters().write_in(tx, writing)
        else:
            self._letters().reply_in(tx, known, writing)
        return threads.thread_by_no(tx, known).id

    def tell(
        self, tx: Tx, found: Swapped, terms: Terms, news: News, asker: Member, owner: Member, writer: Member, said: str
    ) -> None:  # fmt: skip
        """Write into the conversation as `writer`, one of the two, and to the other by mail."""
        reader = owner if writer.no == asker.no else asker
        lines = self.lines(news, found.title, terms, asker, owner, reader, said)
        thread = threads.thread_by_id(tx, found.thread_id, self._own, writer.account_no)
        if thread is not None:
            writing = Writing(
                account_no=writer.account_no, name=clip(writer.name, LETTER_NAME_BYTES_MAX), scheme=self._own,
                text="\n".join(lines),
            )  # fmt: skip
            self._letters().reply_in(tx, thread.no, writing)
        self.mail(tx, reader, found.no, lines)

    def remind(self, tx: Tx, found: Swapped, member: Member, news: News) -> None:
        """Write a mail to one of the two that nobody but the calendar caused."""
        words = self._words(member)
        self.mail(
            tx,
            member,
            found.no,
            swap_news(news, swap_title(found.title, found.swap.terms.given, words), words),
        )

    def mail(self, tx: Tx, member: Member, no: int, lines: tuple[str, ...]) -> None:
        """Write a mail to one of the two."""
        self._telling.told(tx, member, lines, f"/my/swaps/{no}")

    def lines(
        self, news: News, title: str, terms: Terms, asker: Member, owner: Member, reader: Member, said: str = ""
    ) -> tuple[str, ...]:  # fmt: skip
        """Return what `reader` is told."""
        words, difference = self._words(reader), ""
        if terms.payer is not None:
            settings = self._settings.now
            amount = spoken(terms.amount, unit_of(settings), settings.language_for(reader.language))
            payer, payee = (asker, owner) if terms.payer is Side.ASKER else (owner, asker)
            difference = words.gettext("%(payer)s also gives %(payee)s %(amount)s.") % {
                "payer": payer.name,
                "payee": payee.name,
                "amount": amount.replace(HARD_SPACE, " "),
            }
        return swap_news(news, swap_title(title, terms.given, words), words, difference=difference, said=said)

    def _words(self, reader: Member) -> Words:
        return words_of(self._settings.now, reader.language)
