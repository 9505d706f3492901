"""Zeroconf on loopback: two nodes hint at each other. Source: docs/protocol.md 9.1; attack T24."""

from __future__ import annotations

import asyncio
import socket

import pytest
from zeroconf import ServiceInfo

from node.federation.caller import Place
from node.federation.discovery import SERVICE, Discovery
from protocol.names import SchemeId, scheme_text
from tests.simulation import ANA, BEN

LOOPBACK = socket.inet_aton("127.0.0.1")


def discovery(own: SchemeId, port: int, hints: list, *, secure: bool = False) -> Discovery:
    return Discovery(
        own=own,
        addresses=[LOOPBACK],
        port=port,
        secure=secure,
        on_hint=lambda scheme, place: hints.append((scheme, place)),
        interfaces=["127.0.0.1"],
    )


async def test_two_nodes_in_one_network_find_each_other():
    hints: dict[str, list] = {"ana": [], "ben": []}
    nodes = [
        discovery(ANA.scheme, 8001, hints["ana"]),
        discovery(BEN.scheme, 8002, hints["ben"], secure=True),
    ]
    try:
        running = [asyncio.ensure_future(node.run()) for node in nodes]
        async with asyncio.timeout(10):
            while not all(hints.values()):  # noqa: ASYNC110 - a hint is a plain call
                await asyncio.sleep(0.02)
    except OSError as error:
        pytest.skip(f"no multicast here: {error}")
    finally:
        for node in nodes:
            node.stop()
        await asyncio.gather(*running)
    assert hints["ana"][0] == (BEN.scheme, Place(address="https://127.0.0.1:8002", lan=True))
    assert hints["ben"][0] == (ANA.scheme, Place(address="http://127.0.0.1:8001", lan=True))


@pytest.mark.parametrize(
    "properties, address, port, hinted",
    [
        ({"scheme": scheme_text(BEN.scheme), "tls": "1"}, "192.168.1.7", 8000, 1),
        ({"scheme": scheme_text(ANA.scheme)}, "192.168.1.7", 8000, 0),  # ourselves
        ({"scheme": "lets1nonsense"}, "192.168.1.7", 8000, 0),
        ({}, "192.168.1.7", 8000, 0),
        ({"scheme": scheme_text(BEN.scheme)}, "224.0.0.1", 8000, 0),
        ({"scheme": scheme_text(BEN.scheme)}, "192.168.1.7", 0, 0),
    ],
)
def test_what_anybody_announces_is_a_hint_or_nothing(properties, address, port, hinted):
    """Rule 9.1."""

    async def scenario() -> None:
        hints: list = []
        info = ServiceInfo(
            SERVICE, f"x.{SERVICE}", addresses=[socket.inet_aton(address)], port=port, properties=properties
        )
        discovery(ANA.scheme, 8001, hints)._hint(info)
        assert len(hints) == hinted

    asyncio.run(scenario())
