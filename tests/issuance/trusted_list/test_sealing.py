"""What is signed is looked at again: by whom, how, over what, and what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from trusted_list_bench import party
from trusted_list_house import NOW, making, operator

from trustworks.core.errors import Rejected
from trustworks.core.pki.trusted_lists.model import Finding, Text
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.issuance.trusted_list.contents import list_scheme
from trustworks.issuance.trusted_list.sealing import (
    Signer,
    check_own,
    faults_of_contents,
    faults_of_signature,
    sealed,
)
from trustworks.issuance.trusted_list.writing import written

SCHEME = list_scheme(operator(), making())
PARTY = party("TEST", "XX")


def signer() -> Signer:
    return Signer(
        certificate=PARTY.der,
        scheme="ECDSA_SHA256",
        sign=lambda octets: PARTY.key.sign(octets, ec.ECDSA(hashes.SHA256())),
    )


def a_list() -> bytes:
    return sealed(written(SCHEME, ()), signer(), NOW)


@pytest.mark.req("TS119612:B.1", "TS119612:5.1.1")
def test_what_was_signed_is_what_was_meant() -> None:
    octets = a_list()
    assert faults_of_signature(octets, PARTY.der) == ()
    assert check_own(octets, signer(), SCHEME, ()).scheme == SCHEME


@pytest.mark.req("TS119612:B.1")
def test_a_signature_that_does_not_hold_is_found() -> None:
    changed = a_list().replace(b"TEST Town", b"TEST Toun")
    (fault,) = faults_of_signature(changed, PARTY.der)
    assert "does not hold" in fault
    with pytest.raises(Rejected, match="is not published") as rejected:
        check_own(changed, signer(), SCHEME, ())
    assert rejected.value.code == "trusted-list.own"


@pytest.mark.req("TS119612:B.1")
def test_a_signature_by_another_is_found() -> None:
    (fault,) = faults_of_signature(a_list(), party("another", "XX").der)
    assert "another certificate" in fault


@pytest.mark.req("TS119612:B.1")
def test_no_signature_is_found() -> None:
    (fault,) = faults_of_signature(written(SCHEME, ()), PARTY.der)
    assert "0 signatures" in fault


@pytest.mark.req("TS119612:B.1")
@pytest.mark.parametrize(
    ("place", "told"),
    [
        (b"CanonicalizationMethod", "not canonicalised exclusively"),
        (b"SigningTime", "not of the level"),
    ],
)
def test_a_signature_of_another_form_is_found(place: bytes, told: str) -> None:
    octets = a_list()
    if place == b"SigningTime":
        begin, end = octets.index(b"<xades:SigningTime"), octets.index(b"</xades:SigningTime>")
        octets = octets[:begin] + octets[end + len(b"</xades:SigningTime>") :]
    else:
        method = b'CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"'
        assert method in octets
        octets = octets.replace(method, method.replace(b"2001/10/xml-exc-c14n#", b"2006/12/xml-c14n11"))
    assert any(told in one for one in faults_of_signature(octets, PARTY.der))


@pytest.mark.req("TS119612:5.1.1")
def test_a_list_that_says_something_else_is_found() -> None:
    found = read_trusted_list(a_list())
    assert faults_of_contents(found, SCHEME, ()) == ()
    other = replace(SCHEME, names=(Text("en", "XX:another TEST"),))
    assert faults_of_contents(found, other, ()) != ()
    assert faults_of_contents(replace(found, tag=""), SCHEME, ()) != ()
    strange = Finding(code="x", place="here", words="Something is strange.")
    assert faults_of_contents(replace(found, findings=(strange,)), SCHEME, ()) != ()
