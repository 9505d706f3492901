"""The token desk: tokens sold and taken back, handed out and in, money in the box, the day closed. Source: docs/pages.md 7.6."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from node.services.members import Member, member_by_no
from node.services.token_rows import Done, box_now, last_counted, newest_done
from node.services.tokens import CannotDo, NewAct
from node.store import ReadTx
from node.web.amounts import Unit, Unreadable, as_typed, parse_amount
from node.web.context import ORGANISER, Context, Handler, Route, get, post
from node.web.forms import EMPTY, Filled, Form, SpendForm, WholeNumber, amount_sentence, line, once_key
from node.web.pages.token_words import book_row, cannot_do_words, money_unit
from node.web.present import name_of
from node.web.views.page import Fact
from node.web.views.tokens import DeskForm, TokensView
from node.web.words import Words
from protocol.errors import InvalidValue
from protocol.limits import AMOUNT_MAX, TOKENS_AT_ONCE_MAX
from protocol.tokens import Box, Terms, TokenAct

NEWEST_SHOWN: Final = 10
AMOUNT_CHARACTERS_MAX: Final = 40
WHO_CHARACTERS_MAX: Final = 60
TEXT_CHARACTERS_MAX: Final = 120
EACH_MAX: Final = AMOUNT_MAX // TOKENS_AT_ONCE_MAX


class TermsForm(Form):
    worth: line(AMOUNT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below
    price: line(AMOUNT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above
    currency: line(6, 1)  # type: ignore[valid-type]  # see above


class CountForm(SpendForm):
    """Tokens against money: who it is, is only words."""

    count: WholeNumber
    who: line(WHO_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above


class AccountForm(SpendForm):
    """Tokens against a member's account."""

    count: WholeNumber
    number: WholeNumber


class MoneyForm(SpendForm):
    money: line(AMOUNT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above
    text: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above


class CountedForm(SpendForm):
    money: line(AMOUNT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above
    text: line(TEXT_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above


_FORMS: Final[dict[str, tuple[TokenAct, type[SpendForm]]]] = {
    "sell": (TokenAct.SOLD, CountForm),
    "back": (TokenAct.BACK, AccountForm),
    "buy": (TokenAct.BOUGHT, CountForm),
    "draw": (TokenAct.DRAWN, AccountForm),
    "put-in": (TokenAct.PUT_IN, MoneyForm),
    "take-out": (TokenAct.TAKEN_OUT, MoneyForm),
    "close": (TokenAct.COUNTED, CountedForm),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    box: Box
    counted_ms: int | None
    newest: list[tuple[Done, Member | None]]


def _read(tx: ReadTx) -> _Desk:
    newest = [
        (done, None if done.member_no is None else member_by_no(tx, done.member_no))
        for done in newest_done(tx, NEWEST_SHOWN)
    ]
    return _Desk(box=box_now(tx), counted_ms=last_counted(tx), newest=newest)


async def tokens(context: Context) -> web.Response:
    """GET /desk/tokens"""
    return context.show(await _view(context))


async def _view(
    context: Context, *, wrong: str = "", form: Filled = EMPTY, terms: Filled | None = None
) -> TokensView:
    desk, settings, voice = await context.read(_read), context.settings, context.voice
    stored = {"currency": settings.currency}
    if settings.token_worth:
        stored["worth"] = as_typed(settings.token_worth, context.unit, context.language)
        stored["price"] = _typed_money(settings.token_price, context)
    forms = tuple(_forms(context)) if settings.token_worth else ()
    return TokensView(
        facts=tuple(_facts(context, desk)),
        forms=tuple(replace(each, form=form) if each.name == wrong else each for each in forms),
        newest=tuple(
            book_row(done, who_of(done, member, context.words), settings, voice)
            for done, member in desk.newest
        ),
        terms_form=terms or Filled(stored),
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        wrong=wrong,
    )


def _typed_money(minor: int, context: Context) -> str:
    return as_typed(minor, money_unit(context.settings), context.language) if minor else "0"


def who_of(done: Done, member: Member | None, words: Words) -> str:
    """Return with whom an act was done: a member, or somebody in words."""
    return done.who if member is None else f"{name_of(member, words)} ({member.number})"


def _facts(context: Context, desk: _Desk) -> Iterable[Fact]:
    words, voice, settings = context.words, context.voice, context.settings
    _, money = words.gettext, money_unit(context.settings)
    if settings.token_worth:
        each = _("%(worth)s, sold for %(price)s") % {
            "worth": voice.spoken(settings.token_worth), "price": voice.short(settings.token_price, money)
        }  # fmt: skip
        yield Fact(label=_("One token"), text=each)
        outside = words.ngettext("%(num)d token, worth %(amount)s", "%(num)d tokens, worth %(amount)s", desk.box.tokens) % {
            "num": desk.box.tokens, "amount": voice.spoken(desk.box.tokens * settings.token_worth)
        }  # fmt: skip
        yield Fact(label=_("In people’s hands"), text=outside)
    yield Fact(label=_("Money in the box, by the book"), text=voice.short(desk.box.money, money))
    counted = _("never") if desk.counted_ms is None else voice.lately(desk.counted_ms)
    yield Fact(label=_("Counted last"), text=counted)


def _forms(context: Context) -> Iterable[DeskForm]:
    _, symbol = context.words.gettext, context.settings.currency
    count = ("count", _("How many tokens"), "", True)
    number = ("number", _("Member number"), _("For example 0123."), True)
    who = ("who", _("Who"), _("A name, if they give one."), False)
    money = ("money", _("How much, in %(money)s") % {"money": symbol}, _("For example 20 or 12.50."), True)
    said = ("text", _("What for"), "", True)
    differs = ("text", _("If it differs: what you know of it"), "", False)
    told = {
        "sell": (_("Sell tokens"), _("You take the money."), _("Sell them"), (count, who)),
        "back": (
            _("Take tokens back, to an account"), _("For example from a helper who was given them."),
            _("Take them back"), (count, number),
        ),
        "buy": (_("Take tokens back, for money"), _("You pay out the money."), _("Take them back for money"), (count, who)),
        "draw": (
            _("Hand out tokens, from an account"), _("For a member who wants to give some to a helper."),
            _("Hand them out"), (count, number),
        ),
        "put-in": (_("Put money in"), _("For example change to begin with."), _("Put it in"), (money, said)),
        "take-out": (_("Take money out"), _("For example to the bank."), _("Take it out"), (money, said)),
        "close": (
            _("Close the day"), _("Count the money in the box. What differs is said, and the book follows the box."),
            _("Close the day"), (("money", _("Counted, in %(money)s") % {"money": symbol}, money[2], True), differs),
        ),
    }  # fmt: skip
    for name, (title, hint, button, fields) in told.items():
        yield DeskForm(
            name=name, title=title, hint=hint, button=button, action=f"/desk/tokens/{name}", once=context.once(), fields=fields
        )  # fmt: skip


async def terms(context: Context) -> web.Response:
    """POST /desk/tokens/terms: what a token is worth and costs."""
    form = context.form(TermsForm)
    if isinstance(form, Filled):
        return context.show(await _view(context, terms=form), 422)
    wrong = Filled(form.model_dump())
    worth = _amount(context, form.worth, context.unit)
    price = _amount(context, form.price, money_unit(context.settings), zero=True)
    for name, read in (("worth", worth), ("price", price)):
        if isinstance(read, str):
            wrong = wrong.with_error(name, read)
    if isinstance(worth, str) or isinstance(price, str):
        return context.show(await _view(context, terms=wrong), 422)
    try:
        await context.node.tokens.set_terms(context.actor, Terms(worth=worth, price=price), form.currency)
    except (InvalidValue, CannotDo) as no:
        field, said = (
            cannot_do_words(no.why, context.words) if isinstance(no, CannotDo) else ("worth", str(no))
        )
        return context.show(await _view(context, terms=wrong.with_error(field, said)), 422)
    return context.redirect("/desk/tokens", note="saved")


def _amount(context: Context, typed: str, unit: Unit, *, zero: bool = False) -> int | str:
    """Return an amount that was typed, or why it cannot be read."""
    read = parse_amount(typed, unit, most=EACH_MAX)
    if read is Unreadable.ZERO and zero:
        return 0
    if isinstance(read, Unreadable):
        return amount_sentence(read, typed, unit, EACH_MAX, context.words)
    return read


async def _act(context: Context, name: str) -> web.Response:
    """Do one thing at the desk, and show its receipt."""
    act, model = _FORMS[name]
    form = context.form(model)
    if isinstance(form, Filled):
        return context.show(await _view(context, wrong=name, form=form), 422)
    typed = Filled({key: context.fields.get(key, "") for key in model.model_fields})
    match form:
        case CountForm():
            new = NewAct(act=act, count=form.count, who=form.who)
        case AccountForm():
            new = NewAct(act=act, count=form.count, member_no=form.number)
        case MoneyForm() | CountedForm():
            money = _amount(context, form.money, money_unit(context.settings), zero=act is TokenAct.COUNTED)
            if isinstance(money, str):
                return context.show(
                    await _view(context, wrong=name, form=typed.with_error("money", money)), 422
                )
            new = NewAct(act=act, money=money, text=form.text)
        case _:
            raise AssertionError("a form of the table above")
    try:
        done = await context.node.tokens.do(context.actor, new, once_key(form.once))
    except CannotDo as no:
        wrong = typed.with_error(*cannot_do_words(no.why, context.words))
        return context.show(await _view(context, wrong=name, form=wrong), 422)
    return context.redirect(f"/desk/tokens/{done.no}", note="desk-done")


def _door(name: str) -> Handler:
    """Return what takes the form called `name`: POST /desk/tokens/{name}"""

    async def send(context: Context) -> web.Response:
        return await _act(context, name)

    return send


ROUTES: Final[tuple[Route, ...]] = (
    get("/desk/tokens", tokens, ORGANISER),
    post("/desk/tokens/terms", terms, ORGANISER),
    post("/desk/tokens/sell", _door("sell"), ORGANISER),
    post("/desk/tokens/back", _door("back"), ORGANISER),
    post("/desk/tokens/buy", _door("buy"), ORGANISER),
    post("/desk/tokens/draw", _door("draw"), ORGANISER),
    post("/desk/tokens/put-in", _door("put-in"), ORGANISER),
    post("/desk/tokens/take-out", _door("take-out"), ORGANISER),
    post("/desk/tokens/close", _door("close"), ORGANISER),
)
