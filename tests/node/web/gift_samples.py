"""Believable views of the pages about what is given away."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from node.web.forms import Filled
from node.web.views.gifts import (
    GiftPart,
    GiftRow,
    GiftsView,
    PromisedCard,
    PromiseView,
    WishCard,
    WishesView,
)
from node.web.views.member import ListingView, PostPriceView
from node.web.views.page import Empty, Fact, Link, ListingCard, Option, Pill, View
from node.web.views.requests import AbroadPart, RequestActions, RequestRow, RequestsView

SOFA: Final = ListingView(
    card=ListingCard(href="/l/sofa", kind="gift", title="Green sofa, two seats", price="free", place="about 3 km", category="Furniture", owner="Ben Carter"),
    price_note="", paragraphs=("One scratch on the left arm. It comes apart and fits into an estate car.",),
    facts=(Fact(label="Category", text="Furniture"), Fact(label="Listed until", text="Tuesday 4 August 2026")),
    owner_href="/people/0002", own=False, state=None, message_href="/messages/new?listing=sofa", record_href="", cannot_record="",
    gift=GiftPart(sentence="It is promised to somebody. You can ask all the same: perhaps they do not collect it.", wish_action="/l/sofa/wish"),
)  # fmt: skip
WISHES: Final = WishesView(
    title="Green sofa, two seats", listing_href="/l/sofa",
    promised=PromisedCard(name="Ana", lines=("Saturday 7 March 2026, 10:30", "By the garden gate"), message_href="/messages/4", collected_action="/l/sofa/collected", back_action="/l/sofa/unpromise"),
    waiting=(WishCard(name="Maud Ellis", href="/people/0007", when="Asked yesterday, 9:40", paragraphs=("For my daughter, who moves in next week. I can come any evening.",), message_href="/messages/5"),
             WishCard(name="Priya Nair", href="/people/0118", when="Asked today, 8:02", message_href="/messages/6")),
    wrote=(WishCard(name="Karim", badge="Riverside", when="Wrote today, 9:12", paragraphs=("I would like it, please.",), message_href="/messages/7"),),
    empty=None,
)  # fmt: skip
PROMISE: Final = PromiseView(
    title="Green sofa, two seats", name="Maud", back_href="/l/sofa/wishes", action="/l/sofa/promise", hidden=(("wish", "5"),),
    form=Filled({"day": "2025-01-01", "time": "10:30", "said": "By the garden gate"}, {"day": "Please choose a day from today on."}),
)  # fmt: skip
GIFTS: Final = GiftsView(
    counts="Given away: 2. Received: 1.",
    giving=(GiftRow(title="Green sofa, two seats", href="/l/sofa", state=Pill(text="Listed until 4 Aug 2026", tone="good"), lines=("Saturday 7 March 2026, 10:30", "By the garden gate"), action=Link(text="Promised to Ana", href="/l/sofa/wishes")),),
    wanting=(GiftRow(title="Bicycle for a child of six", href="/l/bike", state=Pill(text="Promised to you", tone="good"), lines=("Maud promised it to you. Collect it: Sunday 8 March 2026.",), action=Link(text="Messages", href="/messages/9"), received_action="/my/gifts/3/received", back_action="/my/gifts/3/back"),
             GiftRow(title="Jam jars", href="/l/jars", state=Pill(text="On the list", tone="wait"), action=Link(text="Messages", href="/messages/8"), back_action="/my/gifts/4/back"),
             GiftRow(title="Seed potatoes", href="", state=Pill(text="Gone"))),
    empty=None,
)  # fmt: skip
VIEWS: Final[dict[str, View]] = {
    "gift": replace(SOFA, gift=GiftPart(wish_action="/l/sofa/wish")),
    "gift-promised": SOFA,
    "gift-mine": replace(SOFA, gift=GiftPart(sentence="Ben promised it to you. Collect it: Saturday 7 March 2026, 10:30. By the garden gate", received_action="/my/gifts/3/received", back_action="/my/gifts/3/back")),
    "gift-abroad": replace(SOFA, card=replace(SOFA.card, badge="Riverside", owner="Karim"), owner_href="", gift=None, abroad=AbroadPart(ask_action="/l/sofa/wish", hint="For example when you could collect it")),
    "rent-abroad": replace(SOFA, card=replace(SOFA.card, title="Cargo bike", kind="rent", badge="Riverside", owner="Karim"), owner_href="", gift=None, abroad=AbroadPart(lines=("Saturday 12 December 2026, 14:00 to 16:00: It is for you then.",), days=Link(text="Ask for it", href="/l/bike/days"), acts=RequestActions(message=Link(text="What I asked for", href="/my/abroad")))),
    "gift-abroad-mine": replace(SOFA, card=replace(SOFA.card, badge="Riverside", owner="Karim"), owner_href="", gift=None, abroad=AbroadPart(lines=("Karim promised it to you.", "Please collect it: Saturday 7 March 2026, 10:30", "By the garden gate"), acts=RequestActions(received_action="/my/abroad/3/received", back_action="/my/abroad/3/back", message=Link(text="Messages", href="/messages/9")))),
    "gift-own": replace(SOFA, own=True, edit_href="/post?listing=sofa", message_href="", state=Pill(text="Listed until 4 Aug 2026", tone="good"), withdraw_action="/l/sofa/withdraw", gift=GiftPart(who=Link(text="3 people would like it", href="/l/sofa/wishes"))),
    "post-2-gift": PostPriceView(kind="gift", form=Filled({"share": "yes"}), unit_name="hours", amount_hint="For example 2, 1:30 or 90 min", hour_hint="", categories=(Option(value="home", text="Home"),)),
    "post-2-lift": PostPriceView(kind="lift", form=Filled({"price_kind": "amount", "per": "seat", "share": "yes"}), unit_name="hours", amount_hint="For example 2, 1:30 or 90 min", hour_hint="", categories=(Option(value="transport", text="Transport"),)),
    "wishes": WISHES,
    "wishes-free": replace(WISHES, promised=None, waiting=tuple(replace(each, promise_href="/l/sofa/promise?wish=5") for each in WISHES.waiting), wrote=tuple(replace(each, promise_href="/l/sofa/promise?thread=7") for each in WISHES.wrote)),
    "wishes-none": replace(WISHES, promised=None, waiting=(), wrote=(), empty=Empty(text="Nobody has asked yet. You are told when somebody does.")),
    "promise": PROMISE,
    "gifts": GIFTS,
    "requests": RequestsView(
        rows=(RequestRow(title="Green sofa, two seats", href="/l/sofa", badge="Riverside", state=Pill(text="Promised to you", tone="good"), lines=("Karim promised it to you.", "Please collect it: Saturday 7 March 2026, 10:30"), acts=RequestActions(received_action="/my/abroad/3/received", back_action="/my/abroad/3/back", message=Link(text="Messages", href="/messages/9"))),
              RequestRow(title="Cargo bike", href="/l/bike", badge="Riverside", state=Pill(text="Agreed", tone="good"), lines=("Saturday 12 December 2026, 14:00 to 16:00", "It is for you then."), acts=RequestActions(received_action="/my/abroad/4/received", received_text="I brought it back", back_action="/my/abroad/4/back", back_text="Call it off", pay=Link(text="Pay 12.00 Acorns", href="/record/what"), message=Link(text="Messages", href="/messages/9"))),
              RequestRow(title="Trailer", href="", badge="Riverside", state=Pill(text="Over"), lines=("Saturday 5 December 2026", "It is over.", "A lamp is broken", "Karim asks to keep 12 Acorns of the deposit. Until then all of it stays set aside: 2 hours.", "That is about 1 hour of yours."), acts=RequestActions(keep_action="/my/abroad/5/keep", keep_text="Yes, 12 Acorns may be kept", looks=Link(text="How it looks", href="/my/abroad/5"), message=Link(text="Messages", href="/messages/9"))),
              RequestRow(title="Seed potatoes", href="/l/seed", badge="Hilltop", state=Pill(text="No answer", tone="wait"), lines=("Hilltop did not take your question within two weeks. You can ask once more.",), acts=RequestActions(again_action="/my/abroad/2/again", back_action="/my/abroad/2/back", message=Link(text="Messages", href="/messages/8"))),
              RequestRow(title="Jam jars", href="", badge="Riverside", state=Pill(text="Gone"), lines=("It is not to be had any more.",), acts=RequestActions(message=Link(text="Messages", href="/messages/7")))),
        empty=None,
    ),
    "requests-none": RequestsView(rows=(), empty=Empty(text="You have asked for nothing in other schemes.", action=Link(text="See what is given away", href="/find?kind=gift"))),
    "gifts-none": GiftsView(counts="Nothing given away or received yet.", giving=(), wanting=(), empty=Empty(text="You give nothing away now, and have asked for nothing.", action=Link(text="See what is given away", href="/find?kind=gift"))),
}  # fmt: skip
