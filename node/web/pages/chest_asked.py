"""What waits for a second organiser about the community chest, in words: a new fee, or what the chest is to give. Source: docs/protocol.md 3.8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from node.services.fee_rows import ChestGift, Rule, gift_by_no, rule_by_no
from node.services.fee_telling import rule_words
from node.services.joint_kinds import Asked, Kind
from node.services.members import Member, member_by_account
from node.store import ReadTx
from node.web.context import Context
from node.web.present import name_of

CHEST: str = "/admin/chest"


@dataclass(frozen=True, slots=True)
class AskedOfChest:
    """A fee that is to begin, or what the chest is to give a member."""

    rule: Rule | None
    gift: ChestGift | None
    member: Member | None


def read_of_chest(tx: ReadTx, asked: Sequence[Asked]) -> dict[int, AskedOfChest]:
    """Return what is asked about fees and chest, by number of what is asked. A part of a page's read."""
    found = {}
    for each in asked:
        if each.kind is Kind.FEE:
            found[each.no] = AskedOfChest(rule_by_no(tx, each.number), None, None)
        elif each.kind is Kind.CHEST:
            gift = gift_by_no(tx, each.number)
            member = None if gift is None else member_by_account(tx, gift.account_no)
            found[each.no] = AskedOfChest(None, gift, member)
    return found


def chest_card(context: Context, asked: AskedOfChest) -> tuple[str, str, str, str]:
    """Return what is asked, more of it, what happens when it is confirmed, and where it is shown."""
    _, voice = context.words.gettext, context.voice
    if asked.rule is not None:
        return (
            _("A new fee: %(what)s") % {"what": asked.rule.text},
            rule_words(asked.rule.fee, context.settings, context.words),
            _(
                "Confirmed, every member is told now. It goes to the community chest by itself on its days; nobody is "
                "taken further behind than they may go."
            ),
            f"{CHEST}/fees/{asked.rule.no}",
        )
    assert asked.gift is not None, "asked for by number, and never deleted"
    assert asked.member is not None, "asked for by number, and never deleted"
    who = name_of(asked.member, context.words)
    said = {"who": who, "amount": voice.spoken(asked.gift.amount), "what": asked.gift.text}
    return (
        _("The community chest gives %(who)s %(amount)s") % said,
        _("For: %(what)s") % said,
        _("Confirmed, it stands on %(who)s’s statement at once, and they are told.") % said,
        CHEST,
    )
