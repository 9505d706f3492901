"""What somebody of another scheme is told of their wish. Source: docs/protocol.md 5.10, 7.10."""

from __future__ import annotations

from typing import Final

from node.services.gift_rows import Wish
from node.services.gift_words import news_words
from node.services.requests_abroad import Standing
from node.web.words import Words
from protocol.beyond import Stands
from protocol.giving import News, WishState

_STANDS: Final = {
    WishState.WAITING: Stands.WAITING,
    WishState.PROMISED: Stands.AGREED,
    WishState.RECEIVED: Stands.DONE,
    WishState.TAKEN_BACK: Stands.TAKEN_BACK,
    WishState.PASSED: Stands.ENDED,
}


def standing_of(wish: Wish, words: Words, lines: tuple[str, ...] = ()) -> Standing:
    """Return how a wish stands, with `lines` or, where it is promised, with when it is collected."""
    if wish.state is WishState.PROMISED and not lines:
        lines = news_words(News.PROMISED, "", wish.pickup, words)[1:]
    return Standing(stands=_STANDS[wish.state], lines=lines, about_no=wish.no)
