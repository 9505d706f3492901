"""Which addresses may be called. Source: docs/protocol.md 9.4; attack T26."""

from __future__ import annotations

import pytest

from node.federation.addresses import is_callable, network_of

GLOBAL = ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
OWN_NETWORK = [
    "127.0.0.1",
    "127.255.0.7",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",  # 127.0.0.1 behind NAT64
    "2002:7f00:1::",  # 127.0.0.1 in 6to4
    "2002:c0a8:101::",  # 192.168.1.1 in 6to4
]
NEVER = ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1", "::ffff:0.0.0.0"]


@pytest.mark.parametrize("host", GLOBAL)
def test_global_addresses_may_be_called(host):
    assert is_callable(host, lan=False)
    assert is_callable(host, lan=True)


@pytest.mark.parametrize("host", [*OWN_NETWORK, "100.64.0.1", "192.0.2.1", "198.18.0.1"])
def test_others_only_where_an_admin_marked_the_peer(host):
    assert not is_callable(host, lan=False)


@pytest.mark.parametrize("host", OWN_NETWORK)
def test_the_own_network_when_marked(host):
    assert is_callable(host, lan=True)


@pytest.mark.parametrize("host", NEVER)
def test_some_never(host):
    assert not is_callable(host, lan=False)
    assert not is_callable(host, lan=True)


@pytest.mark.parametrize("address, network", [
    ("192.0.2.7", "192.0.2.7"),
    ("::ffff:192.0.2.7", "192.0.2.7"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
    ("fe80::1%eth0", "fe80::/64"),
    ("unix", "unix"),
])  # fmt: skip
def test_what_is_counted_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network
