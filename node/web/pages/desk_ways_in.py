"""The organisers' desk: what can be done about a member's ways to log in, beside PIN and link. Source: docs/pages.md 7.3, 8.13."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.web.context import ADMIN, ORGANISER, Context, Route, post
from node.web.pages.desk_leaving import ask_of_two
from node.web.pages.desk_members import known_member


async def ask_step(context: Context) -> web.Response:
    """Ask that a member logs in without the second step they lost; a second organiser confirms it."""
    return await ask_of_two(context, context.node.joint_acts.ask_step)


async def log_out(context: Context) -> web.Response:
    """Log a member out on all their browsers: a telephone was lost, or somebody else knows the PIN."""
    known = await known_member(context)
    await context.node.sign_in.sign_out_everywhere(context.actor, known.member.no)
    return context.redirect(f"/admin/members/{known.member.no}", note="logged-out-there")


async def log_out_everybody(context: Context) -> web.Response:
    """Log everybody out, also whoever presses this, who then logs in again."""
    await context.node.sign_in.sign_out_all(context.actor)
    context.cookies.drop(context.cookies.names.session)
    return context.redirect("/", note="everybody-out")


ROUTES: Final[tuple[Route, ...]] = (
    post("/admin/members/{no}/second-step", ask_step, ORGANISER),
    post("/admin/members/{no}/log-out", log_out, ORGANISER),
    post("/admin/log-out-everybody", log_out_everybody, ADMIN),
)
