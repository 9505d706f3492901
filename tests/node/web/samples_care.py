"""Believable views of checked helpers, help that is asked for, and the cash box, for `samples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from node.web.forms import Filled
from node.web.views.care import CheckRow, HelpersView, HelperView, MyChecksView
from node.web.views.helping import (
    HelpDeskView,
    HelperCard,
    HelpMatchView,
    HelpRow,
    HelpView,
    MyHelpView,
    NewHelpView,
)
from node.web.views.page import Empty, Fact, Link, Option, Pill, View
from node.web.views.tokens import DeskForm, TokenBookView, TokenReceiptView, TokenRow, TokensView

BADGE: Final = "Checked helper until May 2027"
ROWS: Final = (
    CheckRow(
        what="Police or background check", state=Pill(text="Counts until 12 May 2027", tone="good"),
        lines=("Checked on 13 May 2025 by Rosa Whitfield", "Paper shown, number ends in 417."),
        withdraw_action="/desk/helpers/42/3/withdraw", prefix="c3-",
    ),
    CheckRow(
        what="First aid course", state=Pill(text="Withdrawn", tone="stop"),
        lines=("Checked on 2 Jan 2025 by Rosa Whitfield", "Withdrawn by Sam: the paper was another Ben Carter’s."),
        prefix="c2-",
    ),
    CheckRow(what="References asked", state=Pill(text="Ended on 3 Mar 2025"), lines=("Checked on 3 Mar 2023 by Sam",), prefix="c1-"),
)  # fmt: skip
BEN: Final = Link(text="Ben Carter", href="/desk/helpers/42")
HELPERS: Final = HelpersView(
    helpers=(Link(text="Ben Carter (0042), until 12 May 2027", href="/desk/helpers/42"),),
    soon=(CheckRow(what="Driving licence", state=Pill(text="Counts until 20 Mar 2026", tone="good"), lines=("Checked on 20 Mar 2024 by Sam",), who=BEN),),
    ended=(CheckRow(what="First aid course", state=Pill(text="Ended on 1 Feb 2026"), lines=("Checked on 1 Feb 2024 by Sam",), who=BEN),),
    empty=None,
    form=Filled({"needed": "Identity seen\nReferences asked", "more": "First aid course\nDriving licence"}),
)  # fmt: skip
LOOKING: Final = Pill(text="We look for somebody", tone="wait")
COMES: Final = Pill(text="Somebody comes", tone="good")
SHOPPING: Final = "Shopping, and a hand with the stairs"
FACTS: Final = (
    Fact(label="When", text="Thursday mornings"), Fact(label="Where, roughly", text="Church End"),
    Fact(label="Kind of help", text="Help at home"), Fact(label="Asked", text="today, 9:40"),
    Fact(label="Who knows of it", text="Organisers. Helpers whom they ask read your name once they have said yes."),
)  # fmt: skip
HELP_DESK: Final[Mapping[str, View]] = {
    "help-desk": HelpDeskView(
        waiting=(HelpRow(href="/desk/help/2", what=SHOPPING, state=LOOKING, lines=("Maud Ellis, Thursday mornings, Church End", "2 helpers asked")),),
        found=(HelpRow(href="/desk/help/1", what="A lift to the doctor", state=COMES, lines=("Ana Silva, 4 March at 10, Mill Lane", "1 helper asked")),),
        ended=(), empty=None,
    ),
    "help-desk-none": HelpDeskView(waiting=(), found=(), ended=(), empty=Empty(text="Nobody asks for help.")),
    "help-match": HelpMatchView(
        what=SHOPPING, state=LOOKING, facts=(*FACTS[:4], Fact(label="Phone", text="01632 960 7")),
        asker=Link(text="Maud Ellis", href="/admin/members/7"),
        answers=(HelpRow(href="/admin/members/9", what="Priya Nair", state=Pill(text="Cannot help"), lines=("I work on Thursdays.",)),),
        fitting=(
            HelperCard(name="Ben Carter", number="0042", href="/admin/members/42", badge=BADGE, lines=("Can do: mending bikes, shopping", "Mill Lane, about 2 km")),
            HelperCard(name="Tom Ash", number="0051", href="/admin/members/51", badge="", lines=("Asked before.", "Station Road")),
        ),
        query="", note="Only checked helpers are shown, as asked for.", ask_action="/desk/help/2/ask",
        close_form=Filled({}, {"words": "Please fill this in."}), close_action="/desk/help/2/close", done_action="", another_action="",
    ),
    "help-match-found": HelpMatchView(
        what=SHOPPING, state=COMES, facts=FACTS[:4], asker=Link(text="Maud Ellis", href="/admin/members/7"),
        answers=(HelpRow(href="/admin/members/42", what="Ben Carter", state=Pill(text="Comes", tone="good"), lines=("At nine?",)),),
        fitting=(), query="", note="", ask_action="", close_action="/desk/help/2/close", done_action="/desk/help/2/done",
        another_action="/desk/help/2/another",
    ),
}  # fmt: skip
HELP: Final[Mapping[str, View]] = {
    "my-help": MyHelpView(
        asked=(HelpRow(href="/my/help/2", what=SHOPPING, state=LOOKING, lines=("Thursday mornings",)),),
        brought=(HelpRow(href="/my/help/3", what="A lift to the doctor", state=Pill(text="Yes or no?", tone="wait"), lines=("4 March at 10",)),),
        empty=None,
    ),
    "my-help-none": MyHelpView(
        asked=(), brought=(),
        empty=Empty(text="You asked for nothing, and nobody asked you.", action=Link(text="Ask for help", href="/my/help/new")),
    ),
    "my-help-new": NewHelpView(
        form=Filled({"where": "Church End", "checked": "yes"}, {"task": "Please fill this in."}), once="b" * 22,
        categories=(Option(value="", text="Something else"), Option(value="home", text="Help at home")),
        ring="Rosa Whitfield, 01632 960 123",
    ),
    "my-help-found": HelpView(
        what=SHOPPING, state=COMES, sentence="Ben Carter comes. Agree with each other on the rest, and record it afterwards.",
        facts=FACTS, helper=Link(text="Ben Carter", href="/people/0042"), helper_badge=BADGE, said="At nine?",
        links=(Link(text="Message Ben Carter", href="/messages/new?to=0042"), Link(text="Pay Ben Carter", href="/record/what?who=0042")),
        done_action="/my/help/2/done", another_action="/my/help/2/another", back_action="/my/help/2/back",
    ),
    "my-help-asked": HelpView(
        what=SHOPPING, state=Pill(text="Yes or no?", tone="wait"), facts=FACTS[:3], yes_action="/my/help/2/yes", no_action="/my/help/2/no",
        sentence="An organiser asks whether you can help. You read who it is when you have said yes.",
        once_said=Filled({}, {"": "Only a checked helper can help here."}),
    ),
    "my-help-yes": HelpView(
        what=SHOPPING, state=Pill(text="Comes", tone="good"), facts=(Fact(label="Who", text="Maud Ellis"), *FACTS[:3]), off_action="/my/help/2/off",
        sentence="You said yes. Maud knows that you come. Agree with each other on the rest.", said="At nine?",
        links=(Link(text="Message Maud Ellis", href="/messages/new?to=0007"), Link(text="Ask Maud Ellis to pay you", href="/ask/what?who=0007")),
    ),
}  # fmt: skip
BOOK: Final = (
    TokenRow(number="00002", href="/desk/tokens/2", when="14:05", what="4 tokens sold", who="Mrs Ellis", tokens="+4", money="+20.00 €", tokens_after="4", money_after="40.00 €"),
    TokenRow(number="00003", href="/desk/tokens/3", when="14:20", what="3 tokens handed in, to an account", who="Ben Carter (0042)", tokens="−3", money="", tokens_after="1", money_after="40.00 €"),
    TokenRow(number="00004", href="/desk/tokens/4", when="17:30", what="Day closed, money counted", who="A coin fell down", tokens="", money="−0.50 €", tokens_after="1", money_after="39.50 €"),
)  # fmt: skip
COUNT: Final = ("count", "How many tokens", "", True)
TERMS: Final = Filled({"worth": "1", "price": "5.00", "currency": "€"})
TOKENS: Final[Mapping[str, View]] = {
    "tokens": TokensView(
        facts=(
            Fact(label="One token", text="1 hour, sold for 5.00 €"), Fact(label="In people’s hands", text="1 token, worth 1 hour"),
            Fact(label="Money in the box, by the book", text="39.50 €"), Fact(label="Counted last", text="today, 17:30"),
        ),
        forms=(
            DeskForm(name="sell", title="Sell tokens", hint="You take the money.", button="Sell them", action="/desk/tokens/sell", once="s" * 22, fields=(COUNT, ("who", "Who", "A name, if they give one.", False))),
            DeskForm(name="back", title="Take tokens back, to an account", hint="For example from a helper who was given them.", button="Take them back", action="/desk/tokens/back", once="c" * 22, fields=(COUNT, ("number", "Member number", "For example 0123.", True)), form=Filled({"count": "9", "number": "0042"}, {"count": "That is more than were ever handed out. Please count again."})),
            DeskForm(name="close", title="Close the day", hint="Count the money in the box. What differs is said, and the book follows the box.", button="Close the day", action="/desk/tokens/close", once="d" * 22, fields=(("money", "Counted, in €", "For example 20 or 12.50.", True), ("text", "If it differs: what you know of it", "", False))),
        ),
        newest=BOOK, terms_form=TERMS, unit_name="hours", amount_hint="For example 2, 1:30 or 90 min", wrong="back",
    ),
    "tokens-none": TokensView(
        facts=(Fact(label="Money in the box, by the book", text="0.00 €"),), forms=(), newest=(), terms_form=Filled({"currency": "€"}),
        unit_name="hours", amount_hint="For example 2, 1:30 or 90 min",
    ),
    "token-book": TokenBookView(
        month="March 2026", rows=BOOK, earlier=Link(text="February 2026", href="/desk/tokens/book?month=2026-02"), later=None,
        csv_href="/desk/tokens/book.csv?month=2026-03", printed="Printed on 7 March 2026", empty=None,
    ),
    "token-receipt": TokenReceiptView(
        number="00002", what="4 tokens sold",
        facts=(
            Fact(label="When", text="Saturday 7 March 2026, 14:05"), Fact(label="With", text="Mrs Ellis"), Fact(label="Tokens", text="+4"),
            Fact(label="Worth", text="4 hours"), Fact(label="Money", text="+20.00 €"), Fact(label="By", text="Rosa Whitfield"),
        ),
        links=(Link(text="Put right by receipt 00005", href="/desk/tokens/5"),), pdf_href="/desk/tokens/2/pdf",
        correct_action="/desk/tokens/2/correct", form=Filled({}, {"reason": "Please say why."}), printed="Printed on 7 March 2026",
    ),
}  # fmt: skip
DESK: Final[Mapping[str, View]] = {
    **HELP_DESK,
    **TOKENS,
    "helpers": HELPERS,
    "helpers-none": HelpersView(
        helpers=(), soon=(), ended=(), form=Filled({"needed": ""}, {"needed": "Please name at least one thing."}),
        empty=Empty(
            text="Nobody is a checked helper yet. Begin at somebody’s page.",
            action=Link(text="All members", href="/admin/members"),
        ),
    ),
    "helper": HelperView(
        name="Ben Carter", number="0042", member_href="/admin/members/42", badge=BADGE,
        lacking="Missing for a checked helper: References asked", rows=ROWS,
        form=Filled({"checked": "4 Mar 2026", "until": "yesterday"}, {"until": "Please write a day, for example 4 Mar 2027."}),
        whats=(Option(value="Identity seen", text="Identity seen"), Option(value="References asked", text="References asked")),
        action="/desk/helpers/42",
    ),
}  # fmt: skip
MEMBERS: Final[Mapping[str, View]] = {
    **HELP,
    "my-checks": MyChecksView(badge=BADGE, rows=ROWS[1:], empty=None),
    "my-checks-none": MyChecksView(
        badge="", rows=(),
        empty=Empty(text="Nothing was checked about you. Whoever helps others at home can ask an organiser."),
    ),
}  # fmt: skip
