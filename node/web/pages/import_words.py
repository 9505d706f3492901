"""Bringing in files of other programs, in words: layouts, what is wrong with a line, why nothing was done. Source: docs/pages.md 7.4."""

from __future__ import annotations

from node.importing.layouts import Layout
from node.importing.rows import Fault, Wrong
from node.services.import_rows import Remainder
from node.services.imports import Why
from node.web.words import Words


def layout_words(layout: Layout, words: Words) -> tuple[str, str]:
    """Return what a layout is called, and which columns it has."""
    _ = words.gettext
    match layout:
        case Layout.OWN_MEMBERS:
            return _(
                "Members, from a table of your own"
            ), "number, name, email, phone, address, place, about, balance, lower, upper"
        case Layout.OWN_LISTINGS:
            return _(
                "Offers and wants, from a table of your own"
            ), "member, kind, title, text, category, price, per"
        case Layout.TIMEOVERFLOW_MEMBERS:
            return _("TimeOverflow: the managers’ list of members"), _("With balances, as it is saved there")
        case Layout.TIMEOVERFLOW_USERS:
            return _("TimeOverflow: the import file of users"), _(
                "Without names of columns, and without balances"
            )
        case Layout.TIMEOVERFLOW_OFFERS:
            return _("TimeOverflow: the list of offers"), _("Bring in the members first")
        case Layout.TIMEOVERFLOW_REQUESTS:
            return _("TimeOverflow: the list of requests"), _("Bring in the members first")
        case Layout.CYCLOS_MEMBERS:
            return _(
                "Cyclos 3: members"
            ), "name, username, email, creationdate, balance, creditlimit, uppercreditlimit"
        case Layout.CYCLOS_ADS:
            return _("Cyclos 3: advertisements"), "owner, title, description, tradetype, price, category"
        case Layout.CES_USERS:
            return _("CES: users"), "uid, firstname, surname, address1, postcode, subarea, balance"
        case Layout.CES_ADVERTS:
            return _("CES: adverts"), "uid, ad_type, title, description, category, talent_rate, hide"
        case Layout.CCLITE_USERS:
            return _(
                "Cclite: the table of users"
            ), "userLogin, userName, userEmail, userTelephone, userStreet"
        case Layout.CCLITE_ADS:
            return _(
                "Cclite: the yellow pages"
            ), "fromuserid, type, subject, description, price, unit, status"
        case Layout.KOMUNITIN_ACCOUNTS:
            return _("Komunitin: accounts"), _(
                "With balances and limits, and without names: members are called by their code at first"
            )
        case _:
            return trade_layout_words(layout, words)


def trade_layout_words(layout: Layout, words: Words) -> tuple[str, str]:
    """Return the same of a layout of trades."""
    _ = words.gettext
    match layout:
        case Layout.OWN_TRADES:
            return _("Past trades, from a table of your own"), "date, from, to, amount, text, id"
        case Layout.TIMEOVERFLOW_TRANSFERS:
            return _("TimeOverflow: the list of transfers"), _("As the managers save it")
        case Layout.TIMEOVERFLOW_PAYMENTS:
            return _("TimeOverflow: the import file of transfers"), _(
                "Without names of columns; amounts in seconds"
            )
        case Layout.CES_TRANSACTIONS:
            return _("CES: transactions"), "txid, buyer, seller, seller_amount, description, date_entered"
        case Layout.CCLITE_TRADES:
            return _(
                "Cclite: the table of trades"
            ), "tradeStatus, tradeDate, tradeSource, tradeDestination, tradeType, tradeAmount, tradeHash"
        case Layout.CCLITE_BATCH:
            return _("Cclite: a batch of trades"), _("Ten columns without names; lines with # are left out")
        case Layout.KOMUNITIN_TRANSFERS:
            return _(
                "Komunitin: transfers"
            ), "id, created, state, amount, description, payer.code, payee.code"
        case Layout.KOMUNITIN_PAYMENTS:
            return _("Komunitin: several payments"), "From, To, Description, Amount"
        case _:
            raise LookupError(layout)


def fault_words(fault: Fault, words: Words) -> str:
    """Return what is wrong with a line, in a sentence; what stands there in quotation marks."""
    sentence = _wrong_words(fault.wrong, words)
    if not fault.detail:
        return sentence
    return words.gettext("%(sentence)s It says: “%(detail)s”") % {
        "sentence": sentence,
        "detail": fault.detail,
    }


def _wrong_words(wrong: Wrong, words: Words) -> str:
    _ = words.gettext
    match wrong:
        case Wrong.NOT_TEXT:
            return _("This file is no table of text.")
        case Wrong.TOO_LARGE:
            return _("This file is too large. Please bring it in in parts.")
        case Wrong.TOO_MANY:
            return _("This file has too many lines. Please bring it in in parts.")
        case Wrong.BROKEN:
            return _("The quotation marks do not fit here, so nobody knows where a field ends.")
        case Wrong.NO_ROWS:
            return _("There is nothing in this file.")
        case Wrong.UNKNOWN_COLUMN:
            return _("Nobody here knows this column. Please rename it or take it out.")
        case Wrong.COLUMN_TWICE:
            return _("This column is there twice.")
        case Wrong.MISSING_COLUMN:
            return _("A column is missing.")
        case Wrong.NOT_IN_HOURS:
            return _("These balances are hours, and this scheme counts in another unit.")
        case Wrong.FIELDS:
            return _("It has more or fewer fields than there are columns.")
        case Wrong.TOO_LONG:
            return _("A field is too long.")
        case Wrong.SIGNS:
            return _("There are signs in it that no keyboard types.")
        case Wrong.NAME_MISSING:
            return _("The name is missing.")
        case Wrong.NAME_TOO_LONG:
            return _("The name is too long.")
        case Wrong.EMAIL:
            return _("This is not an e-mail address.")
        case Wrong.EMAIL_TWICE:
            return _("Another line has the same e-mail address.")
        case Wrong.EMAIL_IN_USE:
            return _("A member has this e-mail address already.")
        case Wrong.NUMBER_TWICE:
            return _("Another line has the same number, or it was brought in before.")
        case Wrong.BALANCE:
            return _("The balance cannot be read.")
        case Wrong.LIMIT:
            return _("The limit cannot be read.")
        case Wrong.OWNER:
            return _("Nobody here is called so, or more than one.")
        case Wrong.KIND:
            return _("It is neither an offer nor a want.")
        case Wrong.TITLE_MISSING:
            return _("The title is missing.")
        case Wrong.TITLE_TOO_LONG:
            return _("The title is too long.")
        case Wrong.TEXT_TOO_LONG:
            return _("The text is too long.")
        case Wrong.TOO_MANY_LISTINGS:
            return _("This member has as many offers and wants as there may be.")
        case _:
            return _trade_wrong_words(wrong, words)


def _trade_wrong_words(wrong: Wrong, words: Words) -> str:
    _ = words.gettext
    match wrong:
        case Wrong.ALREADY:
            return _("This is here already.")
        case Wrong.HIDDEN:
            return _("It was not shown there any more.")
        case Wrong.NOBODYS:
            return _("This was an account of the old program itself, not a member.")
        case Wrong.DAY:
            return _("This is not a day. Please write it like 2026-03-31.")
        case Wrong.DAY_TO_COME:
            return _("This day is still to come.")
        case Wrong.AMOUNT:
            return _("The amount cannot be read.")
        case Wrong.SIDES:
            return _("Neither of the two is a member here. Please bring in the members first.")
        case Wrong.SAME_SIDES:
            return _("Somebody gave to themselves here.")
        case Wrong.NOT_DONE:
            return _("This trade came to nothing there.")
        case Wrong.ELSEWHERE:
            return _("One side is in another scheme.")
        case Wrong.CURRENCY:
            return _("This counts in something else than most lines of the file.")
        case _:
            raise LookupError(wrong)


def remainder_words(remainder: Remainder, words: Words) -> str:
    """Return where balances go that do not sum to zero."""
    _ = words.gettext
    match remainder:
        case Remainder.REFUSE:
            return _("Nowhere: then bring in nothing")
        case Remainder.OPENING:
            return _("It stays open, in the account of opening balances")
        case Remainder.CHEST:
            return _("The community chest takes it")
        case Remainder.WRITE_OFF:
            return _("It is written off")


def cannot_words(why: Why, names: tuple[str, ...], words: Words) -> str:
    """Return why nothing was brought in or undone, in a sentence."""
    _ = words.gettext
    match why:
        case Why.NOT_EVEN:
            return _("The balances do not sum to zero. Please say where the rest goes.")
        case Why.CHANGED:
            return _("Something has changed meanwhile. Please look at it again.")
        case Why.ENDED:
            return _("This was brought in, undone or forgotten before, or a day is over.")
        case Why.NOTHING:
            return _("No line of it can be brought in.")
        case Why.IN_USE:
            said = {"names": ", ".join(names[:10]) + (" …" if len(names) > 10 else "")}
            return _("It cannot be undone: something happened with %(names)s since.") % said
