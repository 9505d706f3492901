"""Telling of groups: keepers who asks to come in, whoever asked what the answer is, voters that a vote begins and what came of it.

By mail as often as each wants to be written to, or on the desk's list of what is told on paper, in the unit it tells of. It is on
their first page as well. Source: docs/protocol.md 5.12, 5.13; docs/pages.md 7.2, 9.
"""

from __future__ import annotations

from babel.dates import LOCALTZ

from node.services.circle_rows import Known, circle_by_no, names_in
from node.services.mail_wishes import Level, level_of
from node.services.members import existing
from node.services.proposal_rows import Proposal
from node.services.proposal_words import outcome_said
from node.services.telling import Telling
from node.store import Tx
from node.web.dates import local, long_day
from node.web.words import Words
from protocol.circle import Act, Circle
from protocol.proposal import Count


class CircleTelling(Telling):
    """Tells of groups as `Telling` tells of trades. Notes on paper name nobody and quote nothing: they outlive what was erased."""

    def asks(self, tx: Tx, known: Known, circle: Circle, who_no: int) -> None:
        """Tell all keepers that somebody asks to come in: it waits for them."""
        name, path = names_in(tx, known.no)[who_no], f"/groups/{known.key.hex()}/people"
        for each in circle.keepers:
            keeper = existing(tx, each.who)
            _ = self._words(keeper).gettext
            said = _("%(name)s asks to come into “%(group)s”") % {"name": name, "group": known.name}
            note = _("Somebody asks to come into “%(group)s”.") % {"group": known.name}
            self.told_or_noted(tx, keeper, (said,), path, note)

    def let_in_or_not(self, tx: Tx, known: Known, who_no: int, act: Act) -> None:
        """Tell whoever asked to come in what a keeper said."""
        who = existing(tx, who_no)
        _ = self._words(who).gettext
        yes = _("You are in the group “%(group)s” now.")
        no = _("A keeper of “%(group)s” said no: you are not in it.")
        said = (yes if act is Act.ACCEPT else no) % {"group": known.name}
        self.told_or_noted(tx, who, (said,), f"/groups/{known.key.hex()}")

    def vote_begins(self, tx: Tx, proposal: Proposal, roll: list[int]) -> None:
        """Tell all on the roll but whoever put it that they may vote."""
        group = None if proposal.circle_no is None else circle_by_no(tx, proposal.circle_no)
        where = self._settings.now.name if group is None else group.name
        for no in roll:
            if no == proposal.author_no or level_of(tx, no) is Level.MUST_ACT:
                continue  # nobody has to vote; it is on their pages
            member = existing(tx, no)
            words, path = self._words(member), f"/decisions/{proposal.key.hex()}"
            said = words.gettext("Please vote: %(title)s") % {"title": proposal.title}
            until = {"day": self._day(proposal.motion.closes - 1, words)}
            when = words.gettext("Vote until the end of %(day)s") % until
            note = words.gettext("There is something to vote on in “%(group)s”.") % {"group": where}
            self.told_or_noted(tx, member, (said, f"{where}. {when}"), path, f"{note} {when}")

    def vote_over(self, tx: Tx, proposal: Proposal, count: Count, roll: list[int]) -> None:
        """Tell all who could vote what came of it; it needs no answer."""
        path = f"/decisions/{proposal.key.hex()}"
        for no in roll:
            member = existing(tx, no)
            words = self._words(member)
            said = words.gettext("The vote is over: %(title)s") % {"title": proposal.title}
            came = outcome_said(count, proposal.motion, words)
            self._news_of(tx, member, (said, came), path)

    @staticmethod
    def _day(at_ms: int, words: Words) -> str:
        return long_day(local(at_ms, LOCALTZ).date(), words)
