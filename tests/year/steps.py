"""The steps of the year, in their order; docs/a-year.md is made of them."""

from __future__ import annotations

from datetime import date
from typing import Final

from tests.year import beginning, desk, ending, outside, weeks
from tests.year.year import BEGINS, Step

STEPS: Final = (
    Step("set-up", "A scheme is made", BEGINS, beginning.set_up, {
        "01-begin": "The first page of set-up, with the button Begin",
        "02-is-this-right": "All answers on one page, before the recovery sheet",
        "03-made": "The scheme is made; a link for the second organiser, and what the computer says",
    }, short=True),
    Step("bring-in", "The members you have", date(2026, 1, 6), beginning.bring_in, {
        "04-lines-left-out": "Nine lines of the file are left out, each with its number and what is wrong",
        "05-bring-it-in": "All 120 lines can be taken; the chest takes what the balances do not sum to",
    }),
    Step("let-in", "Who comes by telephone or computer", date(2026, 1, 7), beginning.let_in, {
        "06-print": "What can be printed: directory, market sheet, cheques, cards, labels",
    }),
    Step("envelope", "Cheques, once a week", date(2026, 1, 9), weeks.first_envelope, {
        "07-envelope": "An envelope is checked: on the third slip is a number nobody has",
    }),
    Step("fee", "A fee for the chest", date(2026, 2, 2), desk.fee, {
        "08-a-new-fee": "A new fee: what members read, how much, how often, from when",
        "09-chest": "The chest, after the fee has gone",
    }),
    Step("complaint", "Something is wrong", date(2026, 3, 10), desk.complaint, {
        "10-something-is-wrong": "What a member wrote about a trade, and the form for the opposite trade",
    }),
    Step("help", "Help in private", date(2026, 4, 7), desk.helper, {
        "11-who-could-help": "A request for help, and a checked helper who could be asked",
    }),
    Step("tokens", "Tokens at the market", date(2026, 4, 25), desk.tokens, {
        "12-receipt-of-tokens": "The receipt for four tokens",
    }),
    Step("neighbours", "Two neighbours", date(2026, 5, 12), outside.neighbours, {
        "13-ask-to-trade": "Six words to compare by telephone, and how far each may go",
        "14-before-anything-moves": "What an offer of a neighbour costs here, before anything moves",
    }),
    Step("drill", "As if the disk were dead", date(2026, 6, 16), outside.drill, {
        "15-would-a-backup-help": "The page of the computer, on which the newest backup is tried",
        "16-brought-back": "What came back after the backup was put back",
    }),
    Step("upgrade", "A new release", date(2026, 8, 18), outside.upgrade, {}),
    Step("erasure", "Somebody leaves and is forgotten", date(2026, 9, 22), ending.erasure, {
        "17-giving-to-the-chest": "Giving what is left to the chest",
        "18-erased": "The page of a member who was erased",
    }),
    Step("close", "The year is closed", date(2027, 1, 11), ending.close_year, {
        "19-books-of-a-year": "The books of the year: all balances together are zero",
        "20-checked-elsewhere": "The signed file, checked on the page of another scheme",
    }),
)  # fmt: skip


def guide() -> str:
    """Return docs/a-year.md, without its heading."""
    out: list[str] = []
    for number, step in enumerate(STEPS, 1):
        out += [f"## {number}. {step.title}", "", f"*{step.day.day} {step.day:%B %Y}.* {step.guide}", ""]
        for name, seen in step.pictures.items():
            out += [f"![{seen}](a-year/{name}.webp)", ""]
    return "\n".join(out)
