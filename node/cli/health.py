"""Whether the node of this machine is ready, as containers ask. Source: docs/operating.md."""

from __future__ import annotations

import http.client
from http import HTTPStatus
from typing import Final

from node.cli.admin import CannotDo
from node.config import Config

TIMEOUT_S: Final = 4.0
ANSWER_BYTES_MAX: Final = 200
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on


def ask_ready(config: Config) -> str:
    """Return what the node says when it is ready. Raises CannotDo: it is not, or nobody answers."""
    host = _EVERYWHERE.get(config.node.listen_host, config.node.listen_host)
    connection = http.client.HTTPConnection(host, config.node.listen_port, timeout=TIMEOUT_S)
    try:
        # By the name of the scheme: others may be served at the same port.
        connection.request("GET", "/readyz", headers={"Host": config.node.origin.partition("://")[2]})
        answer = connection.getresponse()
        said = answer.read(ANSWER_BYTES_MAX).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        raise CannotDo(f"no node answers on {host}, port {config.node.listen_port}: {error}") from None
    finally:
        connection.close()
    if answer.status != HTTPStatus.OK:
        raise CannotDo(f"the node is not ready: {said}")
    return said
