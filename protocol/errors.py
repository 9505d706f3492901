"""Every way a rule of docs/protocol.md can be broken, and every honest no. Source: style: three kinds of wrong."""

from __future__ import annotations

from typing import ClassVar


class ProtocolError(Exception):
    """A rule of docs/protocol.md was broken."""

    code: ClassVar[str] = "protocol_error"


class InvalidValue(ProtocolError):
    """A field is out of its range or of the wrong kind."""

    code = "invalid_value"


class MalformedMessage(ProtocolError):
    """The bytes are not the canonical bytes of a message."""

    code = "malformed_message"


class OutOfOrder(ProtocolError):
    """The right message at the wrong moment; nothing changed."""

    code = "out_of_order"


class NotAuthentic(ProtocolError):
    """The signature is not its author's, or its key does not count for this purpose."""

    code = "not_authentic"


class Forked(ProtocolError):
    """Two different signed objects at one position; both are kept as evidence. Source: 10."""

    code = "forked"


class InvalidOp(ProtocolError):
    """An op that is invalid at its own ack. Source: 6.3."""

    code = "invalid_op"


class TooMuch(ProtocolError):
    """A quota or limit of this node is used up."""

    code = "too_much"
