"""Taking no more notice of what somebody writes; a conversation opens for the one whose it is. Source: docs/protocol.md 7.7."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.threads import Thread, block, find_thread
from node.web.context import MEMBER, Context, NoSuchPage, post
from node.web.forms import Filled, Form, line


async def find(context: Context) -> Thread:
    """Return the conversation the address names. Raises NoSuchPage, whoever else's it is."""
    found = await context.read(find_thread, context.number("number"), context.member.account_no)
    if found is None:
        raise NoSuchPage
    return found


class BlockForm(Form):
    """Whether to show what the other side writes."""

    blocked: line(3)  # type: ignore[valid-type]  # `line` makes the type of a field


async def block_them(context: Context) -> web.Response:
    """POST /messages/{number}/block: what they write is taken and not shown, or shown again; they are not told."""
    found = await find(context)
    form = context.form(BlockForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    await context.node.store.write(block, found.no, context.member.account_no, form.blocked == "yes")
    return context.redirect(f"/messages/{found.no}", note="saved")


ROUTES: Final = (post("/messages/{number}/block", block_them, MEMBER),)
