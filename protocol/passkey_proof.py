"""What a member's passkey said of an entry, as it stands in the entry's words. Source: docs/protocol.md 3.5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from protocol.message import Blob, Part

KEY_BYTES_MAX: Final = 640  # an RSA key of 4,096 bits
AUTHENTICATOR_BYTES_MAX: Final = 256
CLIENT_BYTES_MAX: Final = 600
SIGNATURE_BYTES_MAX: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyProof(Part):
    """LC1[key, authenticator, client, signature]: an array without a tag of its own, at most ENTRY_PROOF_BYTES_MAX."""

    key: Annotated[bytes, Blob(KEY_BYTES_MAX)]  # a COSE_Key (RFC 9052, 7)
    authenticator: Annotated[bytes, Blob(AUTHENTICATOR_BYTES_MAX)]  # WebAuthn level 2, 6.1
    client: Annotated[bytes, Blob(CLIENT_BYTES_MAX)]  # JSON, WebAuthn level 2, 5.8.1
    signature: Annotated[bytes, Blob(SIGNATURE_BYTES_MAX)]
