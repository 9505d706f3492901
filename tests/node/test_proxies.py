"""Whose word about an address is taken. Source: docs/operating.md, docs/pages.md 0.8."""

from __future__ import annotations

import pytest

from node.proxies import LOOPBACK, Proxies, range_around

MEMBER, LIAR = "203.0.113.9", "198.51.100.7"


@pytest.mark.parametrize(
    ("trusted", "remote", "lines", "address"),
    [
        (LOOPBACK, "127.0.0.1", [MEMBER], MEMBER),
        (LOOPBACK, "::1", [MEMBER], MEMBER),
        (LOOPBACK, "::ffff:127.0.0.1", [MEMBER], MEMBER),
        # Who asks may write the header too: what stands before our own server's word is his.
        (LOOPBACK, "127.0.0.1", [f"{LIAR}, {MEMBER}"], MEMBER),
        (LOOPBACK, "127.0.0.1", [LIAR, MEMBER], MEMBER),  # some write a line of their own
        (LOOPBACK, "127.0.0.1", [f"{LIAR}, {MEMBER}, 127.0.0.1"], MEMBER),  # two servers of ours in a row
        (LOOPBACK, "127.0.0.1", [f"127.0.0.1, {MEMBER}"], MEMBER),
        (LOOPBACK, "127.0.0.1", ["127.0.0.1"], "127.0.0.1"),  # asked on the server itself
        (LOOPBACK, "127.0.0.1", [], "127.0.0.1"),
        (LOOPBACK, "127.0.0.1", ["not an address"], "not an address"),
        (LOOPBACK, MEMBER, [LIAR], MEMBER),  # not by way of our server
        (("172.18.0.0/16",), "172.18.0.2", [MEMBER], MEMBER),
        (("172.18.0.0/16",), "127.0.0.1", [MEMBER], "127.0.0.1"),
        ((), "127.0.0.1", [MEMBER], "127.0.0.1"),
        (LOOPBACK, None, [MEMBER], ""),
    ],
)
def test_only_what_a_named_server_wrote_itself_is_believed(trusted, remote, lines, address):
    """Who invents addresses must not get around the throttles."""
    assert Proxies(trusted).address_of(remote, lines) == address


@pytest.mark.parametrize(
    ("address", "around"),
    [
        ("172.18.0.2", "172.18.0.0/24"),
        ("10.1.2.3", "10.1.2.0/24"),
        ("127.0.0.1", "127.0.0.1/32"),
        (MEMBER, "203.0.113.0/24"),  # an example range counts as private
        ("9.9.9.9", "9.9.9.9/32"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("no address", None),
    ],
)
def test_the_range_to_name_is_told(address, around):
    assert range_around(address) == around


def test_a_server_that_is_not_named_is_noticed_once_and_only_where_servers_are_expected(capsys):
    """Source: docs/operating.md, `doctor`."""
    proxies = Proxies(LOOPBACK)
    assert proxies.address_of("172.18.0.2", [MEMBER]) == "172.18.0.2"
    assert proxies.to_add == "172.18.0.0/24"
    proxies.address_of("172.18.0.3", [MEMBER])
    assert capsys.readouterr().out.count("unnamed_web_server") == 1

    alone = Proxies()
    alone.address_of("172.18.0.2", [MEMBER])
    proxies.address_of("127.0.0.1", [MEMBER])
    assert (alone.to_add, proxies.to_add) == (None, "172.18.0.0/24")


def test_what_is_no_range_is_refused():
    with pytest.raises(ValueError, match="host bits"):
        Proxies(("172.18.0.1/16",))
