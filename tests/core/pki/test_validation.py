"""Paths held against RFC 5280, 6.1: each check, on paths made here; NIST's suite is in tests/conformance."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from foreign_pki import DAY, NOW, Entity, named, path_of, usage

from trustworks.core.der.encode import SEQUENCE, oid, tlv
from trustworks.core.pki.building import Path, TrustAnchor
from trustworks.core.pki.path_verdict import FailureCode, PathSettings
from trustworks.core.pki.validation import validate_path

ROOT = Entity("root")
ISSUING = Entity("issuing", ROOT)
P1, P2, P3 = (x509.ObjectIdentifier(f"1.3.9999.{number}") for number in (1, 2, 3))
ANY = x509.ObjectIdentifier("2.5.29.32.0")


def leaf(issuer: Entity = ISSUING, **given: Any) -> Entity:
    return Entity(given.pop("name", "signer"), issuer, ca=False, **given)


def codes(
    *entities: Entity, at: datetime = NOW, settings: PathSettings | None = None, path: Path | None = None
) -> list[str]:
    verdict = validate_path(path or path_of(*entities), at=at, settings=settings or PathSettings())
    assert verdict.ok == (not verdict.failures)
    for failure in verdict.failures:
        assert failure.sentence.endswith(".")
        assert failure.certificate == verdict.path.certificates[failure.number]
    return [str(one.code) for one in verdict.failures]


def test_a_path_that_holds_has_no_failure() -> None:
    signer = leaf()
    assert codes(signer, ISSUING, ROOT) == []
    verdict = validate_path(path_of(signer, ISSUING, ROOT), at=NOW)
    assert verdict.key == signer.token.key


@pytest.mark.req("RFC5280:6.1.3-SIGNATURE")
def test_every_signature_is_that_of_the_certificate_above() -> None:
    assert codes(leaf(signed_by=ROOT.key), ISSUING, ROOT) == ["signature"]
    assert codes(leaf(), Entity("issuing", ROOT, signed_by=ISSUING.key, key=ISSUING.key), ROOT) == [
        "signature"
    ]
    assert codes(leaf(issuer_name=named("nobody")), ISSUING, ROOT) == ["name-chaining"]
    verdict = validate_path(path_of(leaf(signed_by=ROOT.key), ISSUING, ROOT), at=NOW)
    assert verdict.of_chain == verdict.failures


@pytest.mark.req("RFC5280:6.1.3-VALIDITY")
@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW - DAY, []),
        (NOW + DAY, []),
        (NOW - DAY - timedelta(seconds=1), ["not-yet-valid"] * 2),
        (NOW + DAY + timedelta(seconds=1), ["expired"] * 2),
    ],
)
def test_validity_is_told_apart_from_the_chain(at: datetime, expected: list[str]) -> None:
    verdict = validate_path(path_of(leaf(), ISSUING, ROOT), at=at)
    assert [str(one.code) for one in verdict.failures] == expected
    assert verdict.out_of_validity == verdict.failures
    assert verdict.of_chain == ()


@pytest.mark.req("EN319102-1:5.2.6-SUNSET")
def test_an_anchor_is_trusted_between_its_dates() -> None:
    since, sunset = NOW - timedelta(hours=2), NOW + timedelta(hours=2)
    anchor = TrustAnchor.of(ROOT.token, label="service", since=since, sunset=sunset)
    path = Path((leaf().token, ISSUING.token), anchor)
    assert codes(path=path) == []
    assert codes(path=path, at=sunset) == []
    assert codes(path=path, at=sunset + timedelta(seconds=1)) == ["anchor-sunset"]
    assert codes(path=path, at=since - timedelta(seconds=1)) == ["anchor-not-yet-trusted"]
    verdict = validate_path(path, at=sunset + timedelta(seconds=1))
    assert verdict.of_anchor == verdict.failures
    assert verdict.path.anchor.label == "service"


@pytest.mark.req("RFC5280:6.1.4-CA")
def test_only_a_ca_issues() -> None:
    assert codes(leaf(), Entity("issuing", ROOT, key=ISSUING.key, ca=False, usage=None), ROOT) == ["not-ca"]
    assert codes(leaf(), Entity("issuing", ROOT, key=ISSUING.key, constraints=False), ROOT) == ["not-ca"]
    wrong = Entity("issuing", ROOT, key=ISSUING.key, usage=usage("crl_sign"))
    assert codes(leaf(), wrong, ROOT) == ["key-usage"]
    assert codes(leaf(), Entity("issuing", ROOT, key=ISSUING.key, usage=None), ROOT) == []


@pytest.mark.req("RFC5280:6.1.4-CA")
def test_the_path_length_counts_cas_that_are_not_self_issued() -> None:
    top = Entity("top", ROOT, path_length=0)
    below = Entity("below", top)
    assert codes(leaf(top), top, ROOT) == []
    assert codes(leaf(below), below, top, ROOT) == ["path-length"]
    renewed = Entity("top", top)
    assert codes(leaf(renewed), renewed, top, ROOT) == []


@pytest.mark.req("RFC5280:4.2-CRITICAL")
def test_a_critical_extension_that_nobody_processes_is_refused() -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.9999.7"), b"\x05\x00")
    assert codes(leaf(extensions=[(unknown, False)]), ISSUING, ROOT) == []
    refused = leaf(extensions=[(unknown, True)])
    assert codes(refused, ISSUING, ROOT) == ["critical-extension"]
    processed = PathSettings(processed=frozenset({"1.3.9999.7"}))
    assert codes(refused, ISSUING, ROOT, settings=processed) == []
    authority = Entity("issuing", ROOT, key=ISSUING.key, extensions=[(unknown, True)])
    assert codes(leaf(), authority, ROOT, settings=processed) == ["critical-extension"]


@pytest.mark.req("RFC5280:4.2-CRITICAL")
def test_an_extension_that_restricts_and_cannot_be_read_is_refused() -> None:
    broken = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.30"), b"\x05\x00")
    authority = Entity("issuing", ROOT, key=ISSUING.key, extensions=[(broken, False)])
    assert codes(leaf(), authority, ROOT) == ["extension-unreadable"]


# Name constraints


def constrained(*, permitted: Any = None, excluded: Any = None) -> Entity:
    extension = x509.NameConstraints(permitted, excluded)
    return Entity("issuing", ROOT, key=ISSUING.key, extensions=[(extension, True)])


def alternative(*names: x509.GeneralName) -> list[tuple[x509.ExtensionType, bool]]:
    return [(x509.SubjectAlternativeName(names), False)]


COUNTRY = (NameOID.COUNTRY_NAME, "XX")
ORGANISATION = (NameOID.ORGANIZATION_NAME, "Examples")
DIRECTORY = x509.DirectoryName(x509.Name([x509.NameAttribute(*COUNTRY)]))


def mailbox(text: str) -> x509.OtherName:
    return x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), tlv(0x0C, text.encode()))


INSIDE_AND_OUTSIDE = [
    (x509.DNSName("example.org"), "www.example.org", "notexample.org"),
    (x509.DNSName("example.org"), "EXAMPLE.org", "example.com"),
    (x509.RFC822Name("example.org"), "somebody@example.org", "somebody@sub.example.org"),
    (x509.RFC822Name(".example.org"), "somebody@sub.example.org", "somebody@example.org"),
    (x509.RFC822Name("one@example.org"), "one@EXAMPLE.org", "two@example.org"),
    (
        x509.UniformResourceIdentifier("host.example.org"),
        "https://host.example.org/a",
        "https://example.org/",
    ),
    (x509.UniformResourceIdentifier(".example.org"), "ldap://host.example.org:389", "urn:example.org"),
    (x509.UniformResourceIdentifier(".example.org"), "https://a.example.org", "https://192.0.2.1/"),
]


@pytest.mark.req("RFC5280:6.1.3-NAMES")
@pytest.mark.parametrize(("base", "inside", "outside"), INSIDE_AND_OUTSIDE)
def test_names_are_within_what_is_permitted_and_not_in_what_is_excluded(
    base: x509.GeneralName, inside: str, outside: str
) -> None:
    kind = type(base)
    within, beyond = (leaf(extensions=alternative(kind(text))) for text in (inside, outside))  # type: ignore[call-arg]  # all three take a text
    permitting, excluding = constrained(permitted=[base]), constrained(excluded=[base])
    assert codes(within, permitting, ROOT) == []
    assert codes(beyond, permitting, ROOT) == ["name-constraints"]
    assert codes(within, excluding, ROOT) == ["name-constraints"]
    # What has no host at all cannot be shown to be outside of what is excluded.
    hostless = outside.startswith("urn:") or "192.0.2.1" in outside
    assert codes(beyond, excluding, ROOT) == (["name-constraints"] if hostless else [])
    assert codes(leaf(), permitting, ROOT) == []


@pytest.mark.req("RFC5280:6.1.3-NAMES")
def test_addresses_of_the_network_and_names_of_the_directory() -> None:
    net = constrained(permitted=[x509.IPAddress(ip_network("192.0.2.0/24"))])
    inside, outside, other = (
        leaf(extensions=alternative(x509.IPAddress(ip_network(text).network_address)))
        for text in ("192.0.2.77/32", "198.51.100.1/32", "2001:db8::1/128")
    )
    assert [codes(one, net, ROOT) for one in (inside, outside, other)] == [
        [],
        ["name-constraints"],
        ["name-constraints"],
    ]
    country = constrained(permitted=[DIRECTORY])
    assert codes(leaf(name=named("signer", COUNTRY, ORGANISATION)), country, ROOT) == []
    assert codes(leaf(name=named("signer", (NameOID.COUNTRY_NAME, "YY"))), country, ROOT) == [
        "name-constraints"
    ]
    assert codes(leaf(name=named("signer", ORGANISATION, COUNTRY)), country, ROOT) == ["name-constraints"]
    # Letters of either case are the same name (RFC 5280, 7.1).
    assert codes(leaf(name=named("signer", (NameOID.COUNTRY_NAME, "xx"))), country, ROOT) == []


@pytest.mark.req("RFC5280:6.1.3-NAMES")
def test_an_address_in_the_subject_counts_where_there_is_no_other() -> None:
    authority = constrained(excluded=[x509.RFC822Name("example.org")])
    subject = named("signer", (NameOID.EMAIL_ADDRESS, "somebody@example.org"))
    assert codes(leaf(name=subject), authority, ROOT) == ["name-constraints"]
    other = alternative(x509.RFC822Name("somebody@example.com"))
    assert codes(leaf(name=subject, extensions=other), authority, ROOT) == []
    assert codes(leaf(extensions=alternative(mailbox("a\u00fc@example.org"))), authority, ROOT) == [
        "name-constraints"
    ]
    assert codes(leaf(extensions=alternative(mailbox("a\u00fc@example.com"))), authority, ROOT) == []


@pytest.mark.req("RFC5280:6.1.3-NAMES")
def test_constraints_of_several_cas_hold_together_and_unknown_forms_are_refused() -> None:
    upper = Entity(
        "upper", ROOT, extensions=[(x509.NameConstraints([x509.DNSName("example.org")], None), True)]
    )
    lower = Entity("lower", upper, extensions=[(x509.NameConstraints([x509.DNSName("org")], None), True)])
    inside = leaf(lower, extensions=alternative(x509.DNSName("a.example.org")))
    outside = leaf(lower, extensions=alternative(x509.DNSName("other.org")))
    assert codes(inside, lower, upper, ROOT) == []
    assert codes(outside, lower, upper, ROOT) == ["name-constraints"]
    form = x509.OtherName(x509.ObjectIdentifier("1.3.9999.8"), b"\x05\x00")
    authority = constrained(permitted=[form])
    assert codes(leaf(extensions=alternative(form)), authority, ROOT) == ["name-constraints"]
    assert codes(leaf(), authority, ROOT) == []


@pytest.mark.req("RFC5280:6.1.3-NAMES")
def test_a_ca_that_issued_to_itself_is_exempt_the_end_entity_is_not() -> None:
    top = Entity(
        named("top"),
        ROOT,
        extensions=[(x509.NameConstraints(None, [x509.DirectoryName(named("top"))]), True)],
    )
    renewed = Entity(named("top"), top)
    assert codes(leaf(renewed), renewed, top, ROOT) == []
    assert codes(Entity(named("top"), top, ca=False), top, ROOT) == ["name-constraints"]


@pytest.mark.req("RFC5280:6.1.3-NAMES")
def test_more_names_under_more_constraints_than_are_compared_are_refused() -> None:
    many = [x509.DNSName(f"{number}.example.org") for number in range(600)]
    authority = constrained(permitted=many)
    assert codes(leaf(extensions=alternative(*many)), authority, ROOT) == ["name-constraints"]


# Policies


def policies(*oids: x509.ObjectIdentifier) -> tuple[x509.ExtensionType, bool]:
    return x509.CertificatePolicies([x509.PolicyInformation(oid, None) for oid in oids]), False


def mapping(*pairs: tuple[x509.ObjectIdentifier, x509.ObjectIdentifier]) -> tuple[x509.ExtensionType, bool]:
    """PolicyMappings, which the library cannot write."""
    inner = b"".join(tlv(SEQUENCE, oid(a.dotted_string), oid(b.dotted_string)) for a, b in pairs)
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), tlv(SEQUENCE, inner)), True


REQUIRED = PathSettings(explicit_policy=True)


def wanting(*oids: x509.ObjectIdentifier, **given: Any) -> PathSettings:
    return PathSettings(
        user_initial_policies=frozenset(one.dotted_string for one in oids), explicit_policy=True, **given
    )


def authority(
    *extensions: tuple[x509.ExtensionType, bool], issuer: Entity = ROOT, name: str = "issuing"
) -> Entity:
    return Entity(name, issuer, key=ISSUING.key, extensions=extensions)


@pytest.mark.req("RFC5280:6.1.3-POLICIES", "RFC5280:6.1.5-POLICIES")
def test_a_policy_that_is_required_is_one_of_the_whole_path() -> None:
    both = authority(policies(P1, P2))
    one = leaf(extensions=[policies(P1)])
    assert codes(one, both, ROOT, settings=REQUIRED) == []
    assert codes(one, both, ROOT, settings=wanting(P1)) == []
    assert codes(one, both, ROOT, settings=wanting(P2)) == ["policy"]
    assert codes(leaf(extensions=[policies(P3)]), both, ROOT, settings=REQUIRED) == ["policy"]
    assert codes(leaf(), both, ROOT, settings=REQUIRED) == ["policy"]
    assert codes(leaf(), both, ROOT) == []
    verdict = validate_path(path_of(one, both, ROOT), at=NOW)
    assert [(policy.oid, policy.domain) for policy in verdict.policies] == [
        (P1.dotted_string, frozenset({P1.dotted_string}))
    ]


@pytest.mark.req("RFC5280:6.1.3-POLICIES")
def test_a_ca_without_a_policy_fails_where_one_is_required() -> None:
    below = Entity("below", ISSUING)
    assert codes(leaf(below), below, ISSUING, ROOT, settings=REQUIRED) == ["policy"] * 3


@pytest.mark.req("RFC5280:6.1.5-POLICIES")
def test_policies_are_required_from_where_a_ca_says_so() -> None:
    at_once = authority((x509.PolicyConstraints(0, None), True), policies(P1))
    assert codes(leaf(), at_once, ROOT) == ["policy"]
    assert codes(leaf(extensions=[policies(P1)]), at_once, ROOT) == []
    later = authority((x509.PolicyConstraints(5, None), True), policies(P1))
    assert codes(leaf(), later, ROOT) == []
    own = leaf(extensions=[(x509.PolicyConstraints(0, None), True)])
    assert codes(own, ISSUING, ROOT) == ["policy"]


@pytest.mark.req("RFC5280:6.1.5-POLICIES")
def test_mapped_policies_stand_for_those_of_the_anchors_domain() -> None:
    mapped = authority(policies(P1), mapping((P1, P2)))
    signer = leaf(extensions=[policies(P2)])
    assert codes(signer, mapped, ROOT, settings=wanting(P1)) == []
    assert codes(signer, mapped, ROOT, settings=wanting(P2)) == ["policy"]
    assert codes(leaf(extensions=[policies(P1)]), mapped, ROOT, settings=REQUIRED) == ["policy"]
    assert codes(signer, mapped, ROOT, settings=wanting(P1, inhibit_policy_mapping=True)) == ["policy"]
    out_of_any = authority(policies(ANY), mapping((P1, P2)))
    assert codes(signer, out_of_any, ROOT, settings=wanting(P1)) == []
    inhibiting = Entity("top", ROOT, extensions=[(x509.PolicyConstraints(None, 0), True), policies(P1)])
    below = authority(policies(P1), mapping((P1, P2)), issuer=inhibiting)
    assert codes(signer, below, inhibiting, ROOT, settings=wanting(P1)) == ["policy"]


@pytest.mark.req("RFC5280:6.1.3-POLICIES")
@pytest.mark.parametrize("pair", [(P1, ANY), (ANY, P1)])
def test_nothing_is_mapped_from_or_to_any_policy(
    pair: tuple[x509.ObjectIdentifier, x509.ObjectIdentifier],
) -> None:
    assert codes(leaf(), authority(policies(P1), mapping(pair)), ROOT) == [str(FailureCode.POLICY_MAPPING)]


@pytest.mark.req("RFC5280:6.1.5-POLICIES")
def test_any_policy_stands_for_all_until_it_is_inhibited() -> None:
    any_policy = authority(policies(ANY))
    assert codes(leaf(extensions=[policies(P1)]), any_policy, ROOT, settings=wanting(P1)) == []
    assert codes(leaf(extensions=[policies(ANY)]), any_policy, ROOT, settings=wanting(P1)) == []
    inhibited = wanting(P1, inhibit_any_policy=True)
    assert codes(leaf(extensions=[policies(P1)]), any_policy, ROOT, settings=inhibited)[-1] == "policy"
    stopping = authority(policies(P1), (x509.InhibitAnyPolicy(0), True))
    assert codes(leaf(extensions=[policies(ANY)]), stopping, ROOT, settings=REQUIRED) == ["policy"]
    assert codes(leaf(extensions=[policies(P1)]), stopping, ROOT, settings=REQUIRED) == []


def test_policies_that_multiply_do_not_cost_time() -> None:
    """CVE-2023-0464: in a tree every pair of policies would double the nodes at each CA."""
    pairs = [(a, b) for a in (P1, P2) for b in (P1, P2)]
    chain = [ROOT]
    for number in range(9):
        chain.append(Entity(f"ca {number}", chain[-1], extensions=[policies(P1, P2), mapping(*pairs)]))
    signer = leaf(chain[-1], extensions=[policies(P1, P2)])
    verdict = validate_path(path_of(signer, *reversed(chain)), at=NOW, settings=REQUIRED)
    assert verdict.ok
    assert {one.oid for one in verdict.policies} == {P1.dotted_string, P2.dotted_string}


def test_an_anchor_that_is_the_certificate_itself_needs_nothing_else() -> None:
    signer = leaf()
    path = Path((signer.token,), TrustAnchor.of(signer.token))
    assert codes(path=path) == []
    assert codes(path=path, at=NOW + 2 * DAY) == ["expired"]


def test_a_key_that_inherits_its_parameters_is_the_working_key() -> None:
    assert leaf(key=ec.generate_private_key(ec.SECP384R1())).token.key.bits == 384
