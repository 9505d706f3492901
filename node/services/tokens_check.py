"""The desk's book of tokens and money, compared with the entries: a part of checking the whole book.

Money is in no entry; what must hold of it is that each line follows from the one before. Source: docs/protocol.md 3.9.
"""

from __future__ import annotations

from node.services.ledger_walk import Findings, Reckoned
from node.services.token_rows import Done, all_done
from node.store import ReadTx
from protocol.ledger import LOCAL, SystemRole, system_account_id
from protocol.names import SchemeId
from protocol.tokens import Box, TokenAct


def check_tokens(tx: ReadTx, scheme: SchemeId, reckoned: Reckoned, findings: Findings) -> None:
    """Look at every act of the desk, and at every entry that moves what tokens are worth."""
    account = system_account_id(scheme, SystemRole.TOKENS, LOCAL)
    flat = reckoned.legs.get(account, ())
    legs = {flat[at]: flat[at + 1] for at in range(0, len(flat), 3)}
    for at in range(0, len(flat), 3):
        if flat[at + 2] < 0:
            findings.add(
                "token_act",
                f"of entry {flat[at]}",
                f"tokens are worth {flat[at + 2]} after it, less than nothing",
            )
    box, acts = Box(), all_done(tx)
    by_no = {each.no: each for each in acts}
    for done in acts:
        box = Box(tokens=box.tokens + done.change.tokens, money=box.money + done.change.money)
        findings.equal(
            "token_act",
            done.no,
            tokens_after=(done.box.tokens, box.tokens),
            money_after=(done.box.money, box.money),
        )
        if box.tokens < 0 or box.money < 0:
            findings.add(
                "token_act", done.no, f"it leaves {box.tokens} tokens outside and {box.money} in the box"
            )
        box = done.box  # so that one wrong line is named once
        _check_entry(done, legs, findings)
        if (done.corrects_no is not None) != (done.kind is TokenAct.CORRECTED):
            findings.add("token_act", done.no, f"it is {done.kind.value}, and corrects {done.corrects_no}")
        mistaken = None if done.corrects_no is None else by_no.get(done.corrects_no)
        if mistaken is not None and done.change != mistaken.change.opposite():
            findings.add("token_act", done.no, f"it is not the opposite of {mistaken.no}")
    for seq in legs:
        findings.add("token_act", f"of entry {seq}", "missing: that entry moves what tokens are worth")


def _check_entry(done: Done, legs: dict[int, int], findings: Findings) -> None:
    """Compare an act with its entry, and take that off the list of those without one."""
    if done.entry_seq is None:
        if done.change.amount or done.change.tokens:
            findings.add("token_act", done.no, "tokens move, and no entry booked it")
        return
    moved = legs.pop(done.entry_seq, None)
    if moved != done.change.amount:
        findings.add(
            "token_act", done.no, f"amount is {done.change.amount}, entry {done.entry_seq} moves {moved or 0}"
        )
