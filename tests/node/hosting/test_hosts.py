"""Which scheme a request is for: by its `Host` header alone, to the letter. Source: decision 63; RFC 9112, 3.2."""

from __future__ import annotations

import pytest

from node.hosting.hosts import Name, all_names, asked_for, names_of, typed_host
from protocol.errors import InvalidValue

OAK = Name("oakvale.example", None)


@pytest.mark.parametrize(
    ("hosts", "target", "name"),
    [
        (["oakvale.example"], "/", OAK),
        (["OakVale.EXAMPLE"], "/", OAK),
        (["oakvale.example."], "/", OAK),
        (["oakvale.example:443"], "/admin?x=//y", Name("oakvale.example", 443)),
        (["oakvale.example:8480"], "/", Name("oakvale.example", 8480)),
        (["[::1]:8480"], "/", Name("[::1]", 8480)),
        (["xn--bcher-kva.example"], "/", Name("xn--bcher-kva.example", None)),
        # Absolute form: only what the header says too.
        (["oakvale.example"], "http://oakvale.example/admin", OAK),
        (["oakvale.example"], "HTTPS://OAKVALE.example.?x", OAK),
        (["oakvale.example"], "http://acorns.example/", None),
        (["oakvale.example"], "http://oakvale.example:80/", None),
        (["oakvale.example"], "http://acorns.example@oakvale.example/", None),
        (["oakvale.example"], "http://oakvale.example@acorns.example/", None),
        (["oakvale.example"], "*", None),
        (["oakvale.example"], "acorns.example:443", None),
        # None, several, or none that can be.
        ([], "/", None),
        ([""], "/", None),
        (["oakvale.example", "oakvale.example"], "/", None),
        (["oakvale.example, acorns.example"], "/", None),
        (["oakvale.example:"], "/", None),
        (["oakvale.example:0"], "/", None),
        (["oakvale.example:080"], "/", None),
        (["oakvale.example:999999"], "/", None),
        (["oakvale.example.."], "/", None),
        ([".oakvale.example"], "/", None),
        ([" oakvale.example"], "/", None),
        (["oakvale.example\x00"], "/", None),
        (["oakvale.example/"], "/", None),
        (["ana@oakvale.example"], "/", None),
        (["bücher.example"], "/", None),
        (["oakvale\uff0eexample"], "/", None),
        (["\u212akvale.example"], "/", None),
        (["a" * 64 + ".example"], "/", None),
        (["a." * 2000 + "example"], "/", None),
    ],
)
def test_a_request_names_one_scheme_or_none(hosts: list[str], target: str, name: Name | None) -> None:
    assert asked_for(hosts, target) == name


@pytest.mark.parametrize(
    ("address", "found", "not_found"),
    [
        ("https://oakvale.example", ["oakvale.example", "oakvale.example:443"], ["oakvale.example:80", "oakvale.example:8480"]),
        ("http://oakvale.example", ["oakvale.example", "oakvale.example:80"], ["oakvale.example:443"]),
        ("http://oakvale.example:8480", ["oakvale.example:8480"], ["oakvale.example", "oakvale.example:80"]),
        ("http://[::1]:8480", ["[::1]:8480"], ["[::1]"]),
    ],
)  # fmt: skip
def test_the_usual_port_is_the_same_as_none(address: str, found: list[str], not_found: list[str]) -> None:
    assert all(asked_for([host], "/") in names_of(address) for host in found)
    assert not any(asked_for([host], "/") in names_of(address) for host in not_found)


def test_an_address_that_is_none_has_no_names() -> None:
    assert all_names(["https://a.example", "http://b.example:81"]) == {
        Name("a.example", None), Name("a.example", 443), Name("b.example", 81),
    }  # fmt: skip
    with pytest.raises(InvalidValue):
        names_of("oakvale.example")


def test_people_type_names_of_other_scripts_and_capitals() -> None:
    assert typed_host(" Bücher.Example. ") == "xn--bcher-kva.example"
    assert typed_host("acorns.example:8443") == "acorns.example:8443"
    for wrong in ("a b", "a/b", "ana@acorns.example"):
        with pytest.raises(ValueError, match="ost "):
            typed_host(wrong)
