"""What a browser is asked for a passkey, and whether its answer is right. The only file that imports `fido2`.

Nothing is stored here, and challenges come in as arguments. The key's maker is not asked about (attestation "none"), for it
would tell us what telephone somebody has. Source: WebAuthn level 2, 7.1 and 7.2; docs/pages.md 8.13.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from protocol.errors import InvalidValue, ProtocolError
from protocol.message import decode_message, encode_message
from protocol.passkey_proof import PasskeyProof

if TYPE_CHECKING:
    from fido2.server import Fido2Server

ANSWER_CHARACTERS_MAX: Final = 8192
CREDENTIAL_BYTES_MAX: Final = 1023  # WebAuthn, 4
# ES256, EdDSA and RS256: what telephones, keys and Windows make.
ALGORITHMS: Final = (-7, -8, -257)
# All that reading bytes of somebody else's may raise in the library.
_UNREADABLE: Final = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, OverflowError,
    RuntimeError,  # of which are too deep a nesting, and what the library has not
    struct.error, UnsupportedAlgorithm,
)  # fmt: skip


class NotThisKey(Exception):
    """The answer is not what this passkey, asked here and now, would have said."""


@dataclass(frozen=True, slots=True)
class Party:
    """For whom passkeys are made: browsers use them at this address and nowhere else."""

    host: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A passkey that was just made."""

    credential: bytes
    public_key: bytes
    counter: int


def party_of(origin: str) -> Party | None:
    """Return the party of a scheme's public address; None where browsers make no passkeys: not secure, or no name."""
    address = urlsplit(origin)
    host = address.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        if address.scheme == "https" or host == "localhost":
            return Party(host, origin.rstrip("/"))
    return None


def _server(party: Party, scheme: str) -> Fido2Server:
    # Read by few pages, and it loads a long list of domain names.
    from fido2.server import Fido2Server
    from fido2.webauthn import PublicKeyCredentialRpEntity

    return Fido2Server(
        PublicKeyCredentialRpEntity(name=scheme, id=party.host),
        # Not any address under the same name, as the library would: ours.
        verify_origin=lambda origin: origin == party.origin,
    )


def new_options(
    party: Party, scheme: str, *, owner: bytes, name: str, known: list[bytes], challenge: bytes
) -> dict[str, Any]:  # fmt: skip
    """Return what a browser is given to make a passkey for a member, whose telephones with a `known` one make none."""
    from fido2.webauthn import (
        PublicKeyCredentialDescriptor,
        PublicKeyCredentialType,
        PublicKeyCredentialUserEntity,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    server = _server(party, scheme)
    server.allowed_algorithms = [each for each in server.allowed_algorithms if each.alg in ALGORITHMS]
    options, _ = server.register_begin(
        PublicKeyCredentialUserEntity(id=owner, name=name, display_name=name),
        [PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=each) for each in known],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        challenge=challenge,
    )
    return _plain(options)


def entry_options(party: Party, scheme: str, challenge: bytes) -> dict[str, Any]:
    """Return what a browser is given to log somebody in with whichever passkey they choose."""
    from fido2.webauthn import UserVerificationRequirement

    options, _ = _server(party, scheme).authenticate_begin(
        user_verification=UserVerificationRequirement.REQUIRED, challenge=challenge
    )
    return _plain(options)


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): plain(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [plain(each) for each in value]
        return value

    return {str(key): plain(value) for key, value in options.items()}


def _state(challenge: bytes) -> dict[str, Any]:
    from fido2.utils import websafe_encode
    from fido2.webauthn import UserVerificationRequirement

    return {
        "challenge": websafe_encode(challenge),
        "user_verification": UserVerificationRequirement.REQUIRED,
    }


def _read(answer: str) -> Mapping[str, Any]:
    if len(answer) > ANSWER_CHARACTERS_MAX:
        raise NotThisKey("too long")
    try:
        read = json.loads(answer)
    except (ValueError, RecursionError):
        raise NotThisKey("no answer of a browser") from None
    if not isinstance(read, dict):
        raise NotThisKey("no answer of a browser")
    return read


def check_new(party: Party, scheme: str, challenge: bytes, answer: str) -> NewKey:
    """Return the passkey that a browser made when asked with `challenge`. Raises NotThisKey, and nothing else."""
    read = _read(answer)
    try:
        made = _server(party, scheme).register_complete(_state(challenge), read)
        key = made.credential_data
        if key is None or key.public_key.ALGORITHM not in ALGORITHMS:
            raise NotThisKey("a kind of key that was not asked for")
        if not 0 < len(key.credential_id) <= CREDENTIAL_BYTES_MAX:
            raise NotThisKey("an id that no key has")
        return NewKey(credential=bytes(key.credential_id), public_key=bytes(key), counter=made.counter)
    except _UNREADABLE as error:
        raise NotThisKey(str(error)) from None


def credential_of(answer: str) -> bytes:
    """Return the id of the passkey that an answer says it is of. Raises NotThisKey."""
    from fido2.utils import websafe_decode

    try:
        return bytes(websafe_decode(_read(answer)["rawId"]))
    except _UNREADABLE:
        raise NotThisKey("no id of a key") from None


def proof_of(public_key: bytes, answer: str) -> bytes:
    """Return what is kept of an answer that `check_entry` found right, as `check_proof` reads it. Raises NotThisKey."""
    from fido2 import cbor
    from fido2.webauthn import AttestedCredentialData, AuthenticationResponse

    try:
        said = AuthenticationResponse.from_dict(_read(answer)).response
        proof = PasskeyProof(
            key=cbor.encode(dict(AttestedCredentialData(public_key).public_key)),
            authenticator=bytes(said.authenticator_data),
            client=bytes(said.client_data),
            signature=bytes(said.signature),
        )
    except (*_UNREADABLE, InvalidValue) as error:
        raise NotThisKey(str(error)) from None
    return encode_message(proof)


def check_proof(proof: bytes, book: bytes) -> None:
    """Check what a passkey said of an entry with this `book` digest. Source: docs/protocol.md 3.5. Raises NotThisKey, and nothing else."""
    from fido2 import cbor
    from fido2.cose import CoseKey
    from fido2.webauthn import AuthenticatorData, CollectedClientData

    try:
        said = decode_message(PasskeyProof, proof)
        client, seen = CollectedClientData(said.client), AuthenticatorData(said.authenticator)
        if client.type != CollectedClientData.TYPE.GET or client.challenge != book:
            raise NotThisKey("it was said of something else")
        if not (seen.is_user_present() and seen.is_user_verified()):
            raise NotThisKey("its owner was not seen")
        named = cbor.decode(said.key)
        if not isinstance(named, Mapping):
            raise NotThisKey("no key")
        key = CoseKey.parse(named)
        if key.ALGORITHM not in ALGORITHMS:
            raise NotThisKey("a kind of key that is not used")
        key.verify(said.authenticator + client.hash, said.signature)
    except InvalidSignature:
        raise NotThisKey("another key signed it, or something else was signed") from None
    except (*_UNREADABLE, ProtocolError) as error:
        raise NotThisKey(str(error)) from None


def proof_holds(proof: bytes, book: bytes) -> bool:
    """Tell whether a passkey signed what an entry with this `book` digest books. Source: docs/protocol.md 3.5."""
    try:
        check_proof(proof, book)
    except NotThisKey:
        return False
    return True


def check_entry(
    party: Party, scheme: str, challenge: bytes, public_key: bytes, owner: bytes, answer: str
) -> int:
    """Return the counter of a passkey that signed `challenge` here, for the owner it was made for. Raises NotThisKey, and nothing else."""
    from fido2.webauthn import AttestedCredentialData, AuthenticationResponse

    read = _read(answer)
    try:
        response = AuthenticationResponse.from_dict(read)
        named = response.response.user_handle
        # A key found by itself names its owner (7.2, step 6).
        if named is None or bytes(named) != owner:
            raise NotThisKey("another member's key")
        _server(party, scheme).authenticate_complete(
            _state(challenge), [AttestedCredentialData(public_key)], response
        )
        return int(response.response.authenticator_data.counter)
    except _UNREADABLE as error:
        raise NotThisKey(str(error)) from None
