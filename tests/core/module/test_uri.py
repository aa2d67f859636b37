"""Names of tokens and keys by RFC 7512, from the worst input to every good one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.errors import Malformed, Refused
from trustworks.core.module import Pkcs11Uri
from trustworks.core.module.uri import TYPES


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begins no PKCS#11 URI"),
        ("tsu", "begins no PKCS#11 URI"),
        ("https://example.com/", "begins no PKCS#11 URI"),
        ("pkcs11", "begins no PKCS#11 URI"),
        ("pkcs11:token", "NAME=VALUE"),
        ("pkcs11:token=a;;serial=1", "NAME=VALUE"),
        ("pkcs11:token=a;token=b", "twice"),
        ("pkcs11:tokn=a", "'tokn'"),
        ("pkcs11:token=a?pin-file=x", "'pin-file'"),
        ("pkcs11:pin-source=file:x", "'pin-source'"),  # belongs behind the question mark
        ("pkcs11:token=a?pin_source=file:x", "'pin_source'"),
        ("pkcs11:token=%zz", "percent-encoded"),
        ("pkcs11:token=%4", "percent-encoded"),
        ("pkcs11:token=a b", "percent-encoded"),
        ("pkcs11:token=a/b", "percent-encoded"),
        ("pkcs11:token=ü", "percent-encoded"),
        ("pkcs11:token=%ff", "UTF-8"),
        ("pkcs11:slot-id=one", "decimal"),
        ("pkcs11:slot-id=-1", "decimal"),
        ("pkcs11:slot-id=", "decimal"),
        ("pkcs11:type=key", "type"),
    ],
)
def test_what_is_no_uri_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        Pkcs11Uri.parse(text)


@pytest.mark.req("TRUSTWORKS:MODULE-PIN-OUTSIDE")
@pytest.mark.parametrize(
    "text", ["pkcs11:token=a?pin-value=Sekret-4711", "pkcs11:token=a;pin-value=Sekret-4711?pin-source=file:x"]
)
def test_a_uri_that_holds_a_pin_is_refused_and_the_pin_not_repeated(text: str) -> None:
    with pytest.raises(Refused) as caught:
        Pkcs11Uri.parse(text)
    assert caught.value.requirement == "TRUSTWORKS:MODULE-PIN-OUTSIDE"
    assert "Sekret" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["pkcs11:token=a?pin-value:Sekret-4711", "pkcs12:token=a?pin-value=Sekret-4711"]
)
def test_a_mistyped_pin_is_not_repeated_either(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        Pkcs11Uri.parse(text)
    assert "Sekret" not in str(caught.value)


def test_the_example_of_the_rfc_is_read() -> None:
    uri = Pkcs11Uri.parse(
        "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;"
        "object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial="
        "?pin-source=file:/etc/token_pin"
    )
    assert uri.token == "The Software PKCS#11 Softtoken"
    assert uri.manufacturer == "Snake Oil, Inc."
    assert uri.id == bytes.fromhex("69953e5cf4bdec91")
    assert not uri.serial
    assert uri.serial is not None
    assert uri.pin_source == "file:/etc/token_pin"


def test_the_scheme_is_case_insensitive() -> None:
    assert Pkcs11Uri.parse("PKCS11:token=a") == Pkcs11Uri(token="a")


def test_an_object_s_uri_names_no_pin() -> None:
    uri = Pkcs11Uri(token="a", pin_source="file:x", module_path="/x.so").of_object(label="k", key_id=b"\1")
    assert str(uri) == "pkcs11:token=a;object=k;type=private;id=%01"


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
URIS = st.builds(
    Pkcs11Uri,
    **{
        name: st.none() | TEXTS
        for name in (
            "token",
            "manufacturer",
            "serial",
            "model",
            "library_manufacturer",
            "library_description",
            "library_version",
            "slot_description",
            "slot_manufacturer",
            "object",
            "pin_source",
            "module_name",
            "module_path",
        )
    },
    slot_id=st.none() | st.integers(0, 2**64 - 1),
    type=st.none() | st.sampled_from(sorted(TYPES)),
    id=st.none() | st.binary(max_size=32),
)


@given(URIS)
def test_every_uri_is_read_back_as_it_was_written(uri: Pkcs11Uri) -> None:
    assert Pkcs11Uri.parse(str(uri)) == uri
    assert str(uri).isascii()


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    for candidate in (text, f"pkcs11:{text}", f"pkcs11:token=a?{text}"):
        try:
            uri = Pkcs11Uri.parse(candidate)
        except (Malformed, Refused):
            continue
        assert Pkcs11Uri.parse(str(uri)) == uri
