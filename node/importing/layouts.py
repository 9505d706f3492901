"""The layouts of files we read: which column is what. Our own, TimeOverflow, Komunitin, Cyclos 3,
CES, Cclite.

Where a program writes no names of columns, or writes them in any language, the places count. What the layouts are was read from
those programs' own importers and exporters; docs/operating.md lists them. Source: docs/pages.md 7.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Layout(StrEnum):
    """Which program wrote a file, and of what."""

    OWN_MEMBERS = "members"
    OWN_LISTINGS = "listings"
    TIMEOVERFLOW_MEMBERS = "timeoverflow-members"  # the managers' export
    TIMEOVERFLOW_USERS = "timeoverflow-users"  # the import file, without names of columns
    TIMEOVERFLOW_OFFERS = "timeoverflow-offers"
    TIMEOVERFLOW_REQUESTS = "timeoverflow-requests"
    CYCLOS_MEMBERS = "cyclos-members"
    CYCLOS_ADS = "cyclos-ads"
    CES_USERS = "ces-users"
    CES_ADVERTS = "ces-adverts"
    CCLITE_USERS = "cclite-users"
    CCLITE_ADS = "cclite-ads"
    KOMUNITIN_ACCOUNTS = "komunitin-accounts"
    OWN_TRADES = "trades"
    TIMEOVERFLOW_TRANSFERS = "timeoverflow-transfers"  # the managers' export
    TIMEOVERFLOW_PAYMENTS = "timeoverflow-payments"  # the import file, without names of columns
    CES_TRANSACTIONS = "ces-transactions"
    CCLITE_TRADES = "cclite-trades"  # the table: two rows for each trade within a registry
    CCLITE_BATCH = "cclite-batch"  # what its batch program reads
    KOMUNITIN_TRANSFERS = "komunitin-transfers"
    KOMUNITIN_PAYMENTS = "komunitin-payments"  # "Multiple": From, To, Description, Amount


# Columns by name; those that stand for nothing here are read over, any other is an error.
HEADED: Final[Mapping[Layout, Mapping[str, str]]] = {
    Layout.OWN_MEMBERS: {
        "number": "old", "name": "name", "email": "email", "phone": "phone", "address": "address", "place": "place",
        "about": "about", "balance": "balance", "lower": "lower", "upper": "upper",
    },
    Layout.OWN_LISTINGS: {
        "member": "owner", "kind": "kind", "title": "title", "text": "text", "category": "category", "price": "price",
        "per": "each",
    },
    Layout.CYCLOS_MEMBERS: {
        "name": "name", "username": "old", "password": "", "email": "email", "creationdate": "", "balance": "balance",
        "creditlimit": "lower", "uppercreditlimit": "upper", "phone": "phone", "mobilephone": "phone", "address": "address",
        "city": "place", "area": "place",
    },
    Layout.CYCLOS_ADS: {
        "owner": "owner", "title": "title", "description": "text", "html": "", "publicationstart": "", "publicationend": "",
        "tradetype": "kind", "external": "", "price": "price", "category": "category",
    },
    Layout.CES_USERS: {
        "uid": "old", "usertype": "", "firstname": "first", "surname": "last", "orgname_long": "group", "address1": "address",
        "address2": "address", "address3": "address", "postcode": "address", "subarea": "place", "email": "email",
        "phone": "phone", "balance": "balance",
    },
    Layout.CES_ADVERTS: {
        "id": "", "uid": "owner", "ad_type": "kind", "offering_type": "", "category": "category", "keywords": "",
        "title": "title", "description": "text", "talent_rate": "rate", "date_expires": "", "image": "", "hide": "hide",
    },
    Layout.CCLITE_USERS: {
        "userlogin": "old", "username": "name", "useremail": "email", "usertelephone": "phone", "usermobile": "phone",
        "userstreet": "address", "usertown": "address", "userpostcode": "address", "userarea": "place",
        "userdescription": "about", "userlevel": "level",
    },
    Layout.CCLITE_ADS: {
        "status": "shown", "type": "kind", "fromuserid": "owner", "subject": "title", "description": "text", "price": "price",
        "unit": "per", "category": "",
    },
    Layout.KOMUNITIN_ACCOUNTS: {
        "code": "old", "balance": "number", "creditlimit": "lower-number", "maximumbalance": "upper-number",
    },
    Layout.OWN_TRADES: {
        "id": "key", "date": "day", "from": "payer", "to": "payee", "amount": "amount", "text": "text",
    },
    Layout.CES_TRANSACTIONS: {
        "txid": "key", "buyer": "payer", "seller": "payee", "seller_amount": "number", "description": "text",
        "date_entered": "day",
    },
    Layout.CCLITE_TRADES: {
        "tradeid": "key", "tradestatus": "state", "tradedate": "day", "tradesource": "payer", "tradedestination": "payee",
        "trademirror": "mirror", "tradecurrency": "currency", "tradetype": "half", "tradeamount": "number",
        "tradetitle": "text", "tradedescription": "text", "tradehash": "hash",
    },
    Layout.KOMUNITIN_TRANSFERS: {
        "id": "key", "created": "day", "state": "state", "amount": "number", "description": "text", "payer.code": "payer",
        "payee.code": "payee",
    },
}  # fmt: skip
# Columns by place.
PLACED: Final[Mapping[Layout, tuple[str, ...]]] = {
    Layout.TIMEOVERFLOW_MEMBERS: ("old", "name", "email", "phone", "", "", "", "", "clock"),
    Layout.TIMEOVERFLOW_USERS: ("old", "", "first", "last", "last", "", "", "phone", "", "email"),
    Layout.TIMEOVERFLOW_OFFERS: ("row", "title", "tags", "named", "made"),
    Layout.TIMEOVERFLOW_REQUESTS: ("row", "title", "tags", "named", "made"),
    Layout.TIMEOVERFLOW_TRANSFERS: ("day", "payer", "payee", "text", "clock"),
    Layout.TIMEOVERFLOW_PAYMENTS: (
        "payer",
        "payer-kind",
        "payee",
        "payee-kind",
        "seconds",
        "day",
        "text",
        "",
    ),
    Layout.CCLITE_BATCH: (
        "day",
        "payer",
        "payee",
        "registry",
        "other-registry",
        "currency",
        "half",
        "",
        "number",
        "text",
    ),
    Layout.KOMUNITIN_PAYMENTS: ("payer", "payee", "text", "number"),
}
WITH_HEADING: Final = frozenset({
    Layout.TIMEOVERFLOW_MEMBERS, Layout.TIMEOVERFLOW_OFFERS, Layout.TIMEOVERFLOW_REQUESTS, Layout.TIMEOVERFLOW_TRANSFERS,
})  # fmt: skip
# May be there or not.
HEADING: Final[Mapping[Layout, tuple[str, ...]]] = {
    Layout.KOMUNITIN_PAYMENTS: ("from", "to", "description", "amount"),
}
COMMENTS: Final = frozenset({Layout.CCLITE_BATCH})  # lines that begin with #
# Tables of databases and exports with figures beside: columns that are not named here are read over.
OPEN: Final = frozenset({
    Layout.CCLITE_USERS, Layout.CCLITE_ADS, Layout.CCLITE_TRADES, Layout.CES_TRANSACTIONS, Layout.KOMUNITIN_ACCOUNTS,
    Layout.KOMUNITIN_TRANSFERS,
})  # fmt: skip
# Tables that spreadsheets may have kept from being formulas by a ' in front.
OWN: Final = frozenset({Layout.OWN_MEMBERS, Layout.OWN_LISTINGS, Layout.OWN_TRADES})
IN_HOURS: Final = frozenset({
    Layout.TIMEOVERFLOW_MEMBERS, Layout.TIMEOVERFLOW_TRANSFERS, Layout.TIMEOVERFLOW_PAYMENTS,
})  # fmt: skip
NEEDED: Final[Mapping[Layout, tuple[str, ...]]] = {
    Layout.OWN_MEMBERS: ("name",),
    Layout.OWN_LISTINGS: ("owner", "kind", "title"),
    Layout.CYCLOS_MEMBERS: ("name",),
    Layout.CYCLOS_ADS: ("owner", "title"),
    Layout.CES_USERS: ("old",),
    Layout.CES_ADVERTS: ("owner", "kind", "title"),
    Layout.CCLITE_USERS: ("old", "name"),
    Layout.CCLITE_ADS: ("owner", "kind", "title"),
    Layout.KOMUNITIN_ACCOUNTS: ("old", "number"),
    Layout.OWN_TRADES: ("day", "payer", "payee", "amount"),
    Layout.CES_TRANSACTIONS: ("day", "payer", "payee", "number"),
    Layout.CCLITE_TRADES: ("day", "payer", "payee", "number", "half", "state"),
    Layout.KOMUNITIN_TRANSFERS: ("day", "payer", "payee", "number", "state"),
}
LISTING_LAYOUTS: Final = frozenset({
    Layout.OWN_LISTINGS, Layout.TIMEOVERFLOW_OFFERS, Layout.TIMEOVERFLOW_REQUESTS, Layout.CYCLOS_ADS, Layout.CES_ADVERTS,
    Layout.CCLITE_ADS,
})  # fmt: skip
TRADE_LAYOUTS: Final = frozenset({
    Layout.OWN_TRADES, Layout.TIMEOVERFLOW_TRANSFERS, Layout.TIMEOVERFLOW_PAYMENTS, Layout.CES_TRANSACTIONS,
    Layout.CCLITE_TRADES, Layout.CCLITE_BATCH, Layout.KOMUNITIN_TRANSFERS, Layout.KOMUNITIN_PAYMENTS,
})  # fmt: skip
