"""Certificates as the trusted lists of Europe have them: all are read, as two other readers read them."""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from asn1crypto import x509 as lenient
from counted_work import calls_at_most
from cryptography import x509

from trustworks.core.errors import Malformed
from trustworks.core.pki.certificates import FAILURES
from trustworks.core.pki.tokens import Certificate

LISTS: Final = Path(__file__).parents[3] / "shared" / "corpus" / "trusted-lists"

pytestmark = [
    pytest.mark.skipif(not LISTS.is_dir(), reason=f"NOT TESTED, because {LISTS} is absent"),
    # The library warns of serial numbers and countries, which are as they are.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@cache
def octets() -> tuple[bytes, ...]:
    found = set()
    for file in sorted(LISTS.iterdir()):
        for text in re.findall(rb"X509Certificate>([^<]+)<", file.read_bytes()):
            found.add(base64.b64decode(text))
    return tuple(sorted(found - {b""}))


def test_every_certificate_is_read() -> None:
    """Also those that the strict reader refuses; more than 50 of some 3,100 are such."""
    with calls_at_most(5_000_000):
        read = [Certificate.read(one) for one in octets()]
    assert len(read) > 3000
    assert [one for one in read if one.faults] == []
    assert [one for one in read if one.key.why_not is not None] == []
    assert [one for one in read if one.signature_algorithm is None] == []
    refused = 0
    for one in read:
        try:
            strict = x509.load_der_x509_certificate(one.der)
            extensions = [(each.oid.dotted_string, each.critical) for each in strict.extensions]
        except FAILURES:
            refused += 1
            continue
        assert (one.serial, one.not_before, one.not_after) == (
            strict.serial_number,
            strict.not_valid_before_utc,
            strict.not_valid_after_utc,
        )
        assert [(oid, critical) for oid, critical, _ in one.extensions] == extensions
        assert len(one.subject.attributes) == len(list(strict.subject))
    assert refused > 50


def test_another_lenient_reader_agrees() -> None:
    for der in octets()[::5]:
        ours, theirs = Certificate.read(der), lenient.Certificate.load(der)
        assert ours.serial == theirs.serial_number
        assert ours.is_ca == bool(theirs.ca)
        assert ours.subject_key_identifier == theirs.key_identifier
        named = ours.authority_key_identifier
        assert (None if named is None else named.key_identifier) == theirs.authority_key_identifier
        policies = theirs.certificate_policies_value
        expected = None if policies is None else [one["policy_identifier"].dotted for one in policies]
        assert (None if ours.policies is None else [one.oid for one in ours.policies]) == expected


def test_those_that_signed_themselves_did() -> None:
    roots = [one for one in map(Certificate.read, octets()) if one.is_self_issued]
    assert len(roots) > 600
    assert [one.subject.text for one in roots if not one.is_self_signed] == []


def test_damage_is_refused() -> None:
    for der in octets()[::50]:
        with pytest.raises(Malformed):
            Certificate.read(der[:-3])
