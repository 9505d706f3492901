"""The certificate under the scheme's public address, as a browser sees it: whoever renews it may have stopped. Source: docs/operating.md."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from node.findings import Finding, State
from node.texts import to_translate
from protocol.limits import DAY_MS, HOUR_MS

WAIT_S: Final = 10.0
# Whoever renews by itself does so a month before: by then it has failed for a while.
ENDS_SOON_DAYS: Final = 21
ENDS_NOW_DAYS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of looking."""

    ends_ms: int | None = None  # of a certificate that browsers believe
    wrong: str = ""  # why they do not believe it, in the words of the TLS library
    unseen: str = ""  # why nothing can be seen from here


async def look(origin: str, context: ssl.SSLContext | None = None) -> Seen:
    """Look at the certificate under `origin`, an https address, through the door that browsers come by."""
    address = urlsplit(origin)
    host, port = address.hostname or "", address.port or 443
    try:
        async with asyncio.timeout(WAIT_S):
            _, writer = await asyncio.open_connection(
                host, port, ssl=context or ssl.create_default_context(), server_hostname=host
            )
    except ssl.SSLCertVerificationError as error:
        return Seen(wrong=error.verify_message)
    except TimeoutError:
        return Seen(unseen=f"no answer within {WAIT_S:.0f} s")
    except OSError as error:  # of which ssl's own errors are
        return Seen(unseen=error.strerror or str(error))
    try:
        told = writer.get_extra_info("peercert") or {}
        return Seen(ends_ms=int(ssl.cert_time_to_seconds(str(told["notAfter"])) * 1000))
    finally:
        writer.close()


class Watched:
    """The certificate under one address; what was seen is believed for an hour, so that no page waits for another look."""

    def __init__(self, origin: str):
        self._origin: Final = origin
        self._seen: Seen | None = None
        self._seen_ms = 0

    async def finding(self, now_ms: int) -> Finding:
        """Return what is to be said about it now."""
        if self._seen is None or not 0 <= now_ms - self._seen_ms < HOUR_MS:
            self._seen, self._seen_ms = await look(self._origin), now_ms
        return certificate_finding(self._origin, self._seen, now_ms)


def certificate_finding(origin: str, seen: Seen, now_ms: int) -> Finding:
    """Return what is to be said about the certificate of the public address."""
    name, of = "certificate", {"origin": origin, "why": seen.wrong or seen.unseen}
    fix = to_translate("See what the web server in front says about renewing it (docs/operating.md).")
    if seen.wrong:
        text = to_translate("browsers do not believe the certificate of %(origin)s: %(why)s")
        return Finding(name, State.PROBLEM, text, fix, of)
    if seen.ends_ms is None:
        return Finding(
            name,
            State.NOTE,
            to_translate("%(origin)s cannot be reached from this computer, so its certificate was not looked at: %(why)s"),
            to_translate("Open the address from a telephone that is not in the same network. If that works all is well."),
            of,
        )  # fmt: skip
    days = (seen.ends_ms - now_ms) // DAY_MS
    text = to_translate("the certificate of %(origin)s is good for %(days)d more days")
    with_days = {**of, "days": days}
    if days < ENDS_NOW_DAYS:
        return Finding(name, State.PROBLEM, text, fix, with_days)
    if days < ENDS_SOON_DAYS:
        return Finding(name, State.NOTE, text, fix, with_days)
    return Finding(name, State.OK, text, "", with_days)
