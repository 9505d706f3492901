"""Tells systemd that the node is ready, or stopping; says nothing where nobody asked. Source: sd_notify(3)."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


def notify(state: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send `state` (READY=1, STOPPING=1, EXTEND_TIMEOUT_USEC=…) to whoever started this process and asked."""
    path = environment.get("NOTIFY_SOCKET", "")
    if path.startswith(("/", "@")):
        address = "\0" + path[1:] if path.startswith("@") else path
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.connect(address)
            sender.sendall(state.encode())
