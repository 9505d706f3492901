"""Whose key is whose: the identity logs of an export, each checked from its first event. Rules 2.1, 2.2."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from crypto.digest import tagged
from crypto.keys import BadKey, VerifyingKey
from scripts.auditor.files import Export, Findings, Opened, open_wire, short

TAG: Final = "interlets/1/identity"


@dataclass
class Key:
    """An online key: what it may sign, and from which event on it may no more."""

    purpose: str
    key: VerifyingKey | None
    revoked: int | None = None


@dataclass
class Identity:
    """One scheme's keys. The first root key is in the first event, whose id is the scheme's."""

    root: VerifyingKey
    root_seq: int
    promised: tuple[bytes, ...]
    head: bytes
    length: int = 1
    keys: dict[int, Key] = field(default_factory=dict)


class Identities:
    """Every identity log of all exports given: the longest of each scheme counts."""

    def __init__(self, exports: list[Export], findings: Findings):
        self._findings: Final = findings
        self._known: Final[dict[bytes, Identity]] = {}
        for export in exports:
            logs: dict[str, list[dict[str, Any]]] = {}
            for record in export.of("identities"):
                logs.setdefault(str(record.get("scheme")), []).append(record)
            for name, log in logs.items():
                self._learn(f"{export.name}, identity of {name[:12]}", name, log)

    def check(self, where: str, scheme: bytes, purpose: str, opened: Opened) -> Key | None:
        """Say what is wrong with a signature; return the key that made it, if it is good."""
        identity = self._known.get(scheme)
        if identity is None:
            self._findings.add(where, f"the identity of {short(scheme)} is not among the files")
            return None
        key = identity.keys.get(opened.key_seq)
        if key is None or key.purpose != purpose or key.key is None:
            self._findings.add(
                where, f"event {opened.key_seq} of {short(scheme)} names no key for a {purpose}"
            )
        elif not opened.signed_by(key.key):
            self._findings.add(where, "the signature does not verify: changed, or signed by somebody else")
        else:
            return key
        return None

    def _learn(self, where: str, name: str, log: list[dict[str, Any]]) -> None:
        identity: Identity | None = None
        try:
            scheme = bytes.fromhex(name)
            for seq, record in enumerate(log):
                opened = open_wire(record, TAG, 6)
                identity = (
                    _first(scheme, opened) if identity is None else _next(identity, scheme, seq, opened)
                )
        except (ValueError, TypeError, IndexError, KeyError) as error:
            self._findings.add(where, f"event {0 if identity is None else identity.length}: {error}")
        if identity is not None:
            known = self._known.get(scheme)
            if known is None or known.length < identity.length:
                self._known[scheme] = identity


def _first(scheme: bytes, opened: Opened) -> Identity:
    kind, roots, _threshold, promised = opened.body[5]
    if opened.id != scheme or kind != "inception" or len(roots) != 1:
        raise ValueError("not the first event of this scheme")
    root = VerifyingKey(roots[0])
    if not opened.signed_by(root):
        raise ValueError("the root key did not sign it")
    return Identity(root, 0, promised, opened.id)


def _next(identity: Identity, scheme: bytes, seq: int, opened: Opened) -> Identity:
    _tag, of, own_seq, prev, _time, event = opened.body
    if of != scheme or own_seq != seq or prev != identity.head:
        raise ValueError("it does not follow the event before it")
    kind, *what = event
    signer = identity.root
    if kind == "rotate":
        (new,), _threshold, promised = what
        if tagged("interlets/1/next-root-key", new) not in identity.promised:
            raise ValueError("it shows a root key that was never promised")
        signer = identity.root = VerifyingKey(new)
        identity.root_seq, identity.promised = seq, promised
    if opened.key_seq != identity.root_seq or not opened.signed_by(signer):
        raise ValueError("the root key did not sign it")
    if kind == "delegate":
        identity.keys[seq] = Key(what[0], _usable(what[1]))
    elif kind == "revoke":
        identity.keys[what[0]].revoked = seq
    identity.head, identity.length = opened.id, seq + 1
    return identity


def _usable(raw: bytes) -> VerifyingKey | None:
    try:
        return VerifyingKey(raw)
    except BadKey:
        return None  # a key for sealing, which never signs
