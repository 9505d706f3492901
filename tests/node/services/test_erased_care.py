"""Erasing takes what was checked, what help was asked for and said, and names on receipts of the desk. Rules 3.1, 3.9."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from node.services.acts import Role
from node.services.help_rows import NewRequest, answers_to, request_by_no
from node.services.helper_checks import NewCheck
from node.services.helper_rows import checks_of
from node.services.token_rows import all_done
from node.services.tokens import NewAct
from protocol.helping import AnswerState, HelpEvent
from protocol.limits import DAY_MS
from protocol.tokens import Box, Terms, TokenAct
from tests.erasing import open_scheme


async def test_words_and_names_go_and_what_happened_stays(tmp_path: Path) -> None:
    async with open_scheme(tmp_path) as scheme:
        rosa, otto, ana, ben, *_ = scheme.members
        node, by = scheme.node, rosa.acts("pin")
        today = node.helpers.today()
        for member in (ana, ben):
            new = NewCheck(
                member_no=member.no,
                what="Identity seen",
                checked=today,
                until=today + timedelta(9),
                note="blue folder",
            )
            await node.helpers.record(by, new)
        asked = NewRequest(what="Stairs", when="Thursdays", place="Mill Lane", checked_only=False)
        mine = await node.helping.ask(ana, asked, b"a" * 16)
        theirs = await node.helping.ask(ben, asked, b"b" * 16)
        await node.helping.bring(by, mine.no, ben.no)
        await node.helping.bring(by, theirs.no, ana.no)
        await node.helping.answer(ben, mine.no, HelpEvent.SAY_NO, "Too steep for me")
        await node.helping.answer(ana, theirs.no, HelpEvent.SAY_YES, "At nine")
        await node.tokens.set_terms(by, Terms(worth=60, price=5), "€")
        for key, act in ((b"1", TokenAct.DRAWN), (b"2", TokenAct.BACK)):
            await node.tokens.do(by, NewAct(act=act, count=1, member_no=ana.no), key * 16)
        await scheme.erase(ana, rosa, otto)

        assert await node.store.read(checks_of, ana.no) == []
        (kept,) = await node.store.read(checks_of, ben.no)
        assert (kept.note, kept.by_name) == ("blue folder", rosa.name)
        request = await node.store.read(request_by_no, mine.no)
        assert request is not None
        assert (request.what, request.when, request.place) == ("", "", "")
        assert (await node.store.read(answers_to, mine.no))[ben.no].said == ""
        answer = (await node.store.read(answers_to, theirs.no))[ana.no]
        assert (answer.said, answer.state) == ("", AnswerState.NO)
        acts = await node.store.read(all_done)
        assert [(act.member_no, act.by_name) for act in acts] == [(ana.no, rosa.name)] * 2
        assert acts[-1].box == Box()

        sam = await scheme.join(Role.ADMIN)
        scheme.clock.now += 8 * DAY_MS  # whoever is new at the desk confirms nothing
        await scheme.erase(rosa, sam, otto)
        assert {act.by_name for act in await node.store.read(all_done)} == {""}
        (kept,) = await node.store.read(checks_of, ben.no)
        assert kept.by_name == ""
