"""The writer of TBSCertificates writes what the builder of `cryptography` writes, octet for octet."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from certificate_bench import NOW, PAYMENT_SERVICES, PUBLIC_URL, SETTINGS, Benches, built
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.der.algorithms import SIGNATURES
from trustworks.core.der.qc_statements import IDENTIFICATION_METHODS
from trustworks.issuance.model import NAME_ORDER, NameAttribute, Profile
from trustworks.issuance.model.requests import Declarations, Limit, Template
from trustworks.issuance.profiles import PROFILES, VERSIONS, tbs

if TYPE_CHECKING:
    import pytest

BENCHES = Benches()
WRITER = tbs.Writer(SETTINGS, PUBLIC_URL)
KEY = ec.generate_private_key(ec.SECP256R1())
SPKIS = [
    key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for key in (
        KEY,
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(65537, 3072),
        ed25519.Ed25519PrivateKey.generate(),
    )
]
ISSUERS = [BENCHES.root.public_bytes(Encoding.DER), BENCHES.issuing.public_bytes(Encoding.DER)]
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=15
)  # no common name may have more than 64 octets


# Identifiers of all forms: what is said of them depends on the form.
IDENTIFIERS = st.sampled_from(["PNOXX-1", "NTRXX-1", "XX/XX/1", "EI:XX-1", "CODES"])
COUNTRIES = {"countryName", "jurisdictionCountryName"}


def attribute(name: str) -> st.SearchStrategy[NameAttribute]:
    identifies = name in {"serialNumber", "organizationIdentifier"}
    values = st.just("XX") if name in COUNTRIES else IDENTIFIERS if identifies else TEXT
    return values.map(lambda value: NameAttribute(name, value))


SUBJECTS = st.lists(st.sampled_from(NAME_ORDER), min_size=1, unique=True).flatmap(
    lambda names: st.tuples(*map(attribute, names))
)
NAMES = st.sampled_from(["DNS:tsp.example.com", "DNS:a.test", "IP:192.0.2.1", "IP:2001:db8::1"])
TEMPLATES = st.builds(
    lambda profile, begin, days, **given: Template(
        profile=profile,
        not_before=begin,
        not_after=begin + timedelta(days=days, seconds=-1),
        path_length=profile.path_length,
        **given,
    ),
    profile=st.sampled_from([profile for versions in VERSIONS.values() for profile in versions]),
    declarations=st.builds(
        Declarations,
        limit=st.none() | st.builds(Limit, currency=st.just("EUR"), amount=st.integers(0, 10**6)),
        identification=st.none() | st.sampled_from(list(IDENTIFICATION_METHODS)),
        payment_services=st.none() | st.just(PAYMENT_SERVICES),
    ),
    begin=st.integers(0, 80 * 365 * 86400).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    days=st.integers(1, 4000),
    subject=SUBJECTS,
    alternative_names=st.lists(NAMES, max_size=4).map(tuple),
    spki=st.sampled_from(SPKIS),
    serial=st.integers(1, 2**159 - 1),
    semantics=st.booleans(),
    issuer_certificate=st.sampled_from([None, *ISSUERS]),
    authority=st.sampled_from(["root", "issuing"]),
)


@given(TEMPLATES)
def test_the_writer_writes_what_the_builder_does(template: Template) -> None:
    certificate = built(template).sign(KEY, hashes.SHA256())
    assert WRITER.write(template, SIGNATURES["ECDSA_SHA256"]) == certificate.tbs_certificate_bytes


def test_what_is_kept_depends_on_every_field_that_is_not_a_certificates_own() -> None:
    """A field that is added to templates is part of the key by itself."""
    own = {"subject", "alternative_names", "spki", "serial", "not_before", "not_after"}
    assert own == set(tbs._BLANK)
    assert own < {field.name for field in fields(Template)}


def test_a_changed_profile_is_not_taken_for_the_one_before() -> None:
    writer = tbs.Writer(SETTINGS, PUBLIC_URL)
    profile: Profile = PROFILES["audit-signer"]
    template = Template(
        profile=profile,
        subject=(NameAttribute("commonName", "TEST"),),
        alternative_names=(),
        spki=SPKIS[0],
        serial=5,
        not_before=NOW,
        not_after=NOW + timedelta(days=1),
        semantics=False,
        issuer_certificate=ISSUERS[1],
        authority="issuing",
        path_length=None,
    )
    algorithm = SIGNATURES["ECDSA_SHA256"]
    first = writer.write(template, algorithm)
    other = replace(template, profile=replace(profile, key_usage=("content_commitment",)))
    assert writer.write(other, algorithm) != first
    assert writer.write(template, algorithm) == first


def test_what_is_kept_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tbs, "_MOST_KEPT", 8)
    writer = tbs.Writer(SETTINGS, PUBLIC_URL)
    for number in range(20):
        writer._common(
            Template(
                profile=PROFILES["audit-signer"],
                subject=(),
                alternative_names=(),
                spki=b"",
                serial=0,
                not_before=NOW,
                not_after=NOW,
                semantics=False,
                issuer_certificate=ISSUERS[1],
                authority=f"issuing-{number}",
                path_length=None,
            )
        )
    assert 0 < len(writer._kept) <= 8
