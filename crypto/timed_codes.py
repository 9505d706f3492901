"""Codes of six digits that change every half minute, as a telephone's app reckons them from a shared secret.

Which step was used last is for the caller to keep: a code is good once. Source: RFC 6238 with SHA-1, which is what
every such app can do.
"""

from __future__ import annotations

import base64
import hmac
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

SECRET_BYTES: Final = 20  # the length of the digest, as RFC 4226 recommends
DIGITS: Final = 6
STEP_MS: Final = 30_000
# Clocks of telephones are right, and a code is typed within half a minute; one step either way is enough.
STEPS_AROUND: Final = 1


def _reckoner(secret: bytes) -> TOTP:
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret for codes is {SECRET_BYTES} bytes")
    # SHA-1 is no weakness here: HMAC needs no collision resistance (RFC 6238, 1.2).
    return TOTP(secret, DIGITS, SHA1(), STEP_MS // 1000)  # noqa: S303 - see above


def code_at(secret: bytes, step: int) -> str:
    """Return the six digits of a step, counted from 1970. Raises ValueError: a secret of another length."""
    return _reckoner(secret).generate(step * (STEP_MS // 1000)).decode("ascii")


def step_of(secret: bytes, code: str, now_ms: int, used: int) -> int | None:
    """Return the step whose code this is: the present one or a neighbour of it, after `used`; None if it is none.

    Takes as long for a wrong code as for a right one.
    """
    present = now_ms // STEP_MS
    found = None
    for step in range(present - STEPS_AROUND, present + STEPS_AROUND + 1):
        fits = hmac.compare_digest(code_at(secret, step).encode(), code.encode("utf-8", "replace"))
        if fits and step > used and found is None:
            found = step
    return found


def secret_text(secret: bytes) -> str:
    """Return a secret as it is typed into an app: letters and the digits 2 to 7, in groups of four."""
    text = base64.b32encode(secret).decode("ascii")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def setup_address(secret: bytes, account: str, issuer: str) -> str:
    """Return what an app reads from a picture: the secret, and whose it is."""
    # A colon divides the two in the address, whatever else is in them.
    return _reckoner(secret).get_provisioning_uri(account.replace(":", " "), issuer.replace(":", " "))
