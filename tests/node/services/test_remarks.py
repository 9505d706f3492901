"""What was said about a proposal: taken back, reported, taken off. Rule 5.13."""

from __future__ import annotations

import pytest

from node.services.acts import Deed, NotAllowed, acts_for
from node.services.proposal_rows import ProposalKey, Remark, proposal_by_key, remark_by_no, remarks_of
from node.services.reports import CannotReport, can_take_down, open_reports
from node.store import ReadTx
from protocol.circle import Act
from tests.node.services.test_proposals import Oakvale, oakvale

__all__ = ["oakvale"]  # a fixture of the file beside


async def said(oakvale: Oakvale, key: ProposalKey) -> list[Remark]:
    def query(tx: ReadTx) -> list[Remark]:
        found = proposal_by_key(tx, key)
        assert found is not None
        return remarks_of(tx, found.no)

    return await oakvale.town.node.store.read(query)


async def remark(oakvale: Oakvale, key: ProposalKey) -> int:
    """Let Maud say something; return its number."""
    await oakvale.proposals.say(key, oakvale.people[2], "It is loud.", oakvale.once())
    return (await said(oakvale, key))[-1].no


async def test_one_takes_back_ones_own_words_and_nobody_elses(oakvale: Oakvale) -> None:
    ana, _, maud, _ = oakvale.people
    key, other = await oakvale.put(ana), await oakvale.put(ana)
    no, remarks = await remark(oakvale, key), oakvale.town.node.remarks
    for who in (ana, oakvale.people[1]):
        with pytest.raises(NotAllowed):
            await remarks.take_back(key, no, who)
    for wrong, number, who in ((other, no, maud), (key, no + 1, maud), (key, no, oakvale.people[3])):
        with pytest.raises(LookupError):
            await remarks.take_back(wrong, number, who)
    await remarks.take_back(key, no, maud)
    assert await said(oakvale, key) == []
    with pytest.raises(LookupError):
        await remarks.take_back(key, no, maud)


async def test_whoever_reads_it_reports_it_and_an_organiser_takes_it_off(oakvale: Oakvale) -> None:
    ana, ben, maud, otto = oakvale.people
    node, key = oakvale.town.node, await oakvale.put(ana)
    no = await remark(oakvale, key)
    with pytest.raises(LookupError):
        await node.reports.remark(otto, no, "I guessed its number")
    with pytest.raises(CannotReport):
        await node.reports.remark(maud, no, "mine")
    report_no = await node.reports.remark(ben, no, "Rude")
    with pytest.raises(CannotReport):
        await node.reports.remark(ben, no, "Rude")
    (report,) = await node.store.read(open_reports)
    assert (report.quoted, report.about_no) == ("A mower\nIt is loud.", maud.no)
    await node.reports.take_down(report_no, oakvale.rosa.acts("pin"), "Rude.")
    (left,) = await said(oakvale, key)
    assert (left.removed_by, left.reason) == ("Rosa", "Rude.")
    acts = await node.store.read(acts_for, maud.no)
    assert [each.why for each in acts if each.deed is Deed.GROUP] == ["Rude."]
    with pytest.raises(LookupError):
        await node.reports.remark(ana, no, "Late")
    with pytest.raises(LookupError):
        await node.reports.take_down(report_no, oakvale.rosa.acts("pin"), "Twice.")


async def test_what_is_gone_is_not_taken_off(oakvale: Oakvale) -> None:
    """Taken back after it was reported, or gone with its group."""
    ana, ben, maud, _ = oakvale.people
    node, key = oakvale.town.node, await oakvale.put(ana)
    first, second = await remark(oakvale, key), await remark(oakvale, key)
    for no in (first, second):
        await node.reports.remark(ben, no, "Rude")
    await node.remarks.take_back(key, first, maud)
    for who in (ben, maud, ana):
        await oakvale.circles.act(oakvale.key, Act.LEAVE, who, who.no)
    assert await node.store.read(remark_by_no, second) is None
    for report in await node.store.read(open_reports):
        assert not await node.store.read(can_take_down, report, node.scheme)
        with pytest.raises(LookupError):
            await node.reports.take_down(report.no, oakvale.rosa.acts("pin"), "Late.")
