"""What a simulated town need not work out twice: the same bytes have the same signature, line and identity.

Every copy of an op is verified where it arrives, and once more by the verdict; every look at a line reads it from its
row, and every boot folds everybody's identity log. In one process the same bytes come round again and again. What is remembered here is an answer to exactly the same
question, so nothing is believed that was not checked: a signature that differs in a bit is another question.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache

import structlog

from crypto.keys import VerifyingKey
from node.services import directory, line_rows
from protocol.identity import IdentityState

VIEWS_KEPT = 4_096
SIGNATURES_KEPT = 16_384
IDENTITIES_KEPT = 256


@contextmanager
def quiet() -> Iterator[None]:
    """Run without the logs of the nodes."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        yield
    finally:
        structlog.configure(**before)


@contextmanager
def thrifty() -> Iterator[None]:
    """Run with answers remembered, and let the collector of garbage wait until the run is over."""
    verifies, decode_view, fold_log = VerifyingKey.verifies, line_rows.decode_view, directory.fold_log
    fold = lru_cache(IDENTITIES_KEPT)(fold_log)

    def fold_remembered(wires: Iterable[bytes]) -> IdentityState:
        return fold(tuple(wires))

    remembered = lru_cache(SIGNATURES_KEPT)(verifies)  # by the key's own bytes: keys are equal by these
    VerifyingKey.verifies = remembered  # type: ignore[assignment]
    line_rows.decode_view = lru_cache(VIEWS_KEPT)(decode_view)
    directory.fold_log = fold_remembered
    collects = gc.isenabled()
    gc.disable()
    gc.freeze()  # at the end only what the run made is looked through
    try:
        yield
    finally:
        VerifyingKey.verifies, line_rows.decode_view = verifies, decode_view  # type: ignore[method-assign]
        directory.fold_log = fold_log
        if collects:
            gc.enable()
            gc.collect()
        gc.unfreeze()
