"""Paths that hold and paths that do not: made here, and NIST's PKITS where it is at hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from dsa_keys import dsa_2048
from timestamping_testbed import usage

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki import path
from trustworks.core.pki.path import LONGEST, MOST_CANDIDATES, TIME_STAMPING, Purpose, find_path

NOW = datetime(2026, 5, 4, tzinfo=UTC)
DAY = timedelta(days=1)
STAMPING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Entity:
    """A key with its certificate, and what it issues."""

    def __init__(self, subject: str, issuer: Entity | None = None, **given: Any) -> None:
        self.key = given.get("key") or ec.generate_private_key(ec.SECP256R1())
        self.subject = named(subject)
        signer = issuer or self
        ca = given.get("ca", True)
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(given.get("issuer_name") or signer.subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(given.get("begins", NOW - DAY))
            .not_valid_after(given.get("ends", NOW + DAY))
        )
        extensions: list[tuple[x509.ExtensionType, bool]] = list(given.get("extensions", []))
        if given.get("constraints", True):
            constraints = x509.BasicConstraints(ca=ca, path_length=given.get("path_length"))
            extensions.append((constraints, True))
        if given.get("usage", True):
            allowed = given.get("usage") if isinstance(given.get("usage"), x509.KeyUsage) else None
            extensions.append((allowed or usage(key_cert_sign=ca, digital_signature=not ca), True))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        self.certificate = builder.sign(
            given.get("signed_by", signer.key), given.get("hash", hashes.SHA256())
        )


def leaf(issuer: Entity, **given: Any) -> Entity:
    return Entity("unit", issuer, ca=False, extensions=[(STAMPING, True)], **given)


def outcome(*entities: Entity, at: datetime = NOW, purpose: Purpose | None = TIME_STAMPING) -> str:
    """``ok``, or why not; the first entity is the leaf, the last one the anchor."""
    first, *others = [one.certificate for one in entities]
    try:
        found = find_path(first, untrusted=others[:-1], anchors=others[-1:] or [], at=at, purpose=purpose)
    except Rejected as error:
        return error.code
    assert found[0] == first
    return "ok"


ROOT = Entity("root")
ISSUING = Entity("issuing", ROOT)


def test_a_path_that_holds() -> None:
    assert outcome(leaf(ISSUING), ISSUING, ROOT) == "ok"
    assert outcome(leaf(ROOT), ROOT) == "ok"


def test_no_path() -> None:
    assert outcome(leaf(ISSUING), ROOT) == "path.no-anchor"
    assert outcome(leaf(ISSUING)) == "path.no-anchor"


def unreadable(entity: Entity, *, what: str) -> x509.Certificate:
    """The certificate with octets in it that its reader finds too late."""
    old, new = {
        "name": (b"\x0c\x04junk", b"\x0c\x04\xffunk"),
        "twice": (b"\x06\x03\x55\x1d\x13", b"\x06\x03\x55\x1d\x0f"),  # keyUsage for basicConstraints
        "content": (b"\x30\x03\x01\x01\xff", b"\x30\x03\x02\x01\xff"),  # basicConstraints with a number
        "begin": (b"20500101000000Z", b"00000101000000Z"),
        "end": (b"20510101000000Z", b"00000101000000Z"),
    }[what]
    der = entity.certificate.public_bytes(Encoding.DER)
    assert old in der
    return x509.load_der_x509_certificate(der.replace(old, new))


def unreadable_ones(issuer: Entity = ROOT) -> dict[str, x509.Certificate]:
    return {
        "subject": unreadable(Entity("junk", issuer), what="name"),
        "issuer": unreadable(Entity("issuing", issuer, issuer_name=named("junk")), what="name"),
        "twice": unreadable(Entity("issuing", issuer), what="twice"),
        "content": unreadable(Entity("issuing", issuer), what="content"),
        "begin": unreadable(Entity("issuing", issuer, **FAR), what="begin"),
        "end": unreadable(Entity("issuing", issuer, **FAR), what="end"),
    }


FAR = {"begins": datetime(2050, 1, 1, tzinfo=UTC), "ends": datetime(2051, 1, 1, tzinfo=UTC)}
UNREADABLE = ["subject", "issuer", "twice", "content", "begin", "end"]


@pytest.mark.parametrize("part", UNREADABLE)
def test_certificates_in_between_that_cannot_be_read_lead_nowhere(part: str) -> None:
    junk = unreadable_ones()[part]
    with pytest.raises((ValueError, x509.DuplicateExtension)):
        _ = junk.subject, junk.issuer, junk.extensions, junk.not_valid_before_utc, junk.not_valid_after_utc
    unit = leaf(ISSUING).certificate
    given: dict[str, Any] = {"anchors": [ROOT.certificate], "at": NOW, "purpose": TIME_STAMPING}
    found = find_path(unit, untrusted=[junk, ISSUING.certificate], **given)
    assert found == (unit, ISSUING.certificate, ROOT.certificate)
    with pytest.raises(Rejected) as refused:
        find_path(unit, untrusted=[junk], **given)
    assert refused.value.code == "path.no-anchor"
    given["anchors"] = [junk, ROOT.certificate]
    assert find_path(unit, untrusted=[ISSUING.certificate], **given) == found


def test_of_a_trust_anchor_name_and_key_are_enough() -> None:
    anchor = unreadable(Entity("root", key=ROOT.key), what="twice")
    unit = leaf(ROOT).certificate
    assert find_path(unit, untrusted=[], anchors=[anchor], at=NOW, purpose=TIME_STAMPING) == (unit, anchor)


@pytest.mark.req("ECCG-ACM:PATH-KEYS")
def test_a_trust_anchor_with_a_key_of_no_known_kind_is_refused_with_that_reason() -> None:
    p256, other = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d030177")
    der = ROOT.certificate.public_bytes(Encoding.DER)
    assert p256 in der
    strange = x509.load_der_x509_certificate(der.replace(p256, other))
    given: dict[str, Any] = {"untrusted": [], "at": NOW, "purpose": TIME_STAMPING}
    with pytest.raises(Rejected, match="cannot be read") as refused:
        find_path(leaf(ROOT).certificate, anchors=[strange], **given)
    assert refused.value.code == "path.algorithm"
    unit = leaf(ROOT).certificate
    assert find_path(unit, anchors=[strange, ROOT.certificate], **given) == (unit, ROOT.certificate)


@pytest.mark.parametrize("part", UNREADABLE)
def test_a_leaf_that_cannot_be_read_is_malformed(part: str) -> None:
    junk = unreadable_ones()[part]
    with pytest.raises(Malformed, match=r"cannot be read: .* Give another certificate\."):
        find_path(junk, untrusted=[], anchors=[ROOT.certificate], at=NOW, purpose=TIME_STAMPING)


def test_a_leaf_that_is_an_anchor_itself_needs_no_ca() -> None:
    unit = leaf(ISSUING).certificate
    assert find_path(unit, untrusted=[], anchors=[unit], at=NOW, purpose=TIME_STAMPING) == (unit,)
    with pytest.raises(Rejected):
        find_path(unit, untrusted=[], anchors=[unit], at=NOW + 2 * DAY, purpose=TIME_STAMPING)


@pytest.mark.req("RFC5280:6.1.3-SIGNATURE")
def test_signatures_and_names_must_chain() -> None:
    stranger = Entity("issuing")
    assert outcome(leaf(ISSUING, signed_by=stranger.key), ISSUING, ROOT) == "path.signature"
    assert outcome(leaf(ISSUING), Entity("issuing", ROOT), ROOT) == "path.signature"
    assert outcome(leaf(ISSUING, issuer_name=named("nobody")), ISSUING, ROOT) == "path.no-anchor"
    # Of two CAs of the same name the one whose key signed is found.
    assert outcome(leaf(ISSUING), Entity("issuing", ROOT), ISSUING, ROOT) == "ok"


@pytest.mark.req("RFC5280:6.1.3-SIGNATURE")
def test_any_number_of_ca_names_without_the_key_hide_no_path() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    junk = [Entity("issuing", ROOT, key=key) for _ in range(MOST_CANDIDATES + 1)]
    assert outcome(leaf(ISSUING), *junk, ISSUING, ROOT) == "ok"
    assert outcome(leaf(ISSUING), ISSUING, *junk, ROOT) == "ok"
    assert outcome(leaf(ISSUING), *junk, ROOT) == "path.signature"
    old = Entity("issuing", ROOT, key=ISSUING.key, ends=NOW - timedelta(hours=1))
    assert outcome(leaf(ISSUING), *junk, old, ROOT) == "path.expired"


def test_the_search_ends_after_a_number_of_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    junk = [Entity("issuing", ROOT, key=ROOT.key) for _ in range(5)]
    monkeypatch.setattr(path, "MOST_SIGNATURES", 5)
    assert outcome(leaf(ISSUING), *junk, ISSUING, ROOT) == "path.signature"
    monkeypatch.setattr(path, "MOST_SIGNATURES", 8)  # five, the right one, and the root's on that
    assert outcome(leaf(ISSUING), *junk, ISSUING, ROOT) == "ok"


@pytest.mark.req("RFC5280:6.1.3-VALIDITY")
@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW - DAY, "ok"),
        (NOW + DAY, "ok"),
        (NOW - DAY - timedelta(seconds=1), "path.not-yet-valid"),
        (NOW + DAY + timedelta(seconds=1), "path.expired"),
    ],
)
def test_both_ends_of_the_validity_are_within_it(at: datetime, expected: str) -> None:
    assert outcome(leaf(ISSUING), ISSUING, ROOT, at=at) == expected


@pytest.mark.req("RFC5280:6.1.3-VALIDITY")
def test_a_ca_s_validity_counts_and_the_anchor_s_does_not() -> None:
    old_ca = Entity("issuing", ROOT, ends=NOW - timedelta(hours=1))
    assert outcome(leaf(old_ca), old_ca, ROOT) == "path.expired"
    old_root = Entity("root", ends=NOW - timedelta(hours=1))
    assert outcome(leaf(old_root), old_root) == "ok"


@pytest.mark.req("RFC5280:6.1.4-CA")
def test_what_is_no_ca_issues_nothing() -> None:
    for given, expected in (
        ({"ca": False}, "path.not-ca"),
        ({"constraints": False}, "path.not-ca"),
        ({"usage": usage(digital_signature=True)}, "path.key-usage"),
        ({"usage": False}, "ok"),
    ):
        ca = Entity("issuing", ROOT, **given)
        assert outcome(leaf(ca), ca, ROOT) == expected, given


@pytest.mark.req("RFC5280:6.1.4-CA")
@pytest.mark.parametrize(
    ("upper", "lower", "expected"), [(0, None, "path.length"), (1, 0, "ok"), (1, None, "ok")]
)
def test_path_lengths(upper: int, lower: int | None, expected: str) -> None:
    first = Entity("first", ROOT, path_length=upper)
    second = Entity("second", first, path_length=lower)
    assert outcome(leaf(second), second, first, ROOT) == expected


@pytest.mark.req("RFC5280:6.1.4-CA")
def test_a_self_issued_certificate_does_not_count_in_the_path_length() -> None:
    first = Entity("first", ROOT, path_length=0)
    second = Entity("first", first)
    assert outcome(leaf(second), second, first, ROOT) == "ok"


@pytest.mark.req("RFC5280:6.1.4-CA")
def test_a_ca_for_other_purposes_vouches_for_no_unit() -> None:
    tls = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    either = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]
    )
    for purposes, expected in ((tls, "path.purpose"), (either, "ok"), (STAMPING, "ok")):
        ca = Entity("issuing", ROOT, extensions=[(purposes, False)])
        assert outcome(leaf(ca), ca, ROOT) == expected
    ca = Entity("issuing", ROOT, extensions=[(tls, False)])
    assert outcome(leaf(ca), ca, ROOT, purpose=None) == "ok"


@pytest.mark.req("RFC3161:2.3-PURPOSE")
@pytest.mark.parametrize(
    ("purposes", "critical", "expected"),
    [
        (None, True, "path.purpose"),
        ([ExtendedKeyUsageOID.TIME_STAMPING], True, "ok"),
        ([ExtendedKeyUsageOID.TIME_STAMPING], False, "path.purpose"),
        ([ExtendedKeyUsageOID.CODE_SIGNING], True, "path.purpose"),
        ([ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING], True, "path.purpose"),
    ],
)
def test_a_unit_is_for_time_stamping_alone(
    purposes: list[x509.ObjectIdentifier] | None, expected: str, *, critical: bool
) -> None:
    extensions = [] if purposes is None else [(x509.ExtendedKeyUsage(purposes), critical)]
    unit = Entity("unit", ISSUING, ca=False, extensions=extensions)
    assert outcome(unit, ISSUING, ROOT) == expected
    assert outcome(unit, ISSUING, ROOT, purpose=None) == "ok"


@pytest.mark.req("RFC3161:2.3-PURPOSE")
def test_a_unit_s_key_is_for_signatures() -> None:
    assert outcome(leaf(ISSUING, usage=usage(key_agreement=True)), ISSUING, ROOT) == "path.key-usage"
    assert outcome(leaf(ISSUING, usage=usage(content_commitment=True)), ISSUING, ROOT) == "ok"
    both = usage(digital_signature=True, content_commitment=True)
    assert outcome(leaf(ISSUING, usage=both), ISSUING, ROOT) == "ok"
    for other in ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"):
        unit = leaf(ISSUING, usage=usage(**{"digital_signature": True, other: True}))
        assert outcome(unit, ISSUING, ROOT) == "path.key-usage", other
        assert outcome(unit, ISSUING, ROOT, purpose=Purpose(oid=TIME_STAMPING.oid)) == "ok"
    assert outcome(leaf(ISSUING, usage=False), ISSUING, ROOT) == "ok"


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.1"), b"\x05\x00")
NAMES = x509.NameConstraints(permitted_subtrees=[x509.DNSName("test")], excluded_subtrees=None)
EXAMPLE_POLICY = x509.PolicyInformation(x509.ObjectIdentifier("2.999"), None)
POLICIES = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)


POINT = x509.DistributionPoint([x509.UniformResourceIdentifier("http://ca.test/crl")], None, None, None)


@pytest.mark.req("RFC5280:4.2-CRITICAL")
@pytest.mark.parametrize(
    ("extension", "critical", "refused"),
    [
        (UNKNOWN, True, True),
        (UNKNOWN, False, False),
        (NAMES, True, True),
        (NAMES, False, True),
        (POLICIES, True, True),
        (x509.InhibitAnyPolicy(0), True, True),
        (
            x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("2.999"), None)]),
            True,
            False,
        ),
        (x509.SubjectAlternativeName([x509.DNSName("test")]), True, False),
        (x509.CRLDistributionPoints([POINT]), True, False),
    ],
)
def test_what_is_not_processed_is_refused(
    extension: x509.ExtensionType, *, critical: bool, refused: bool
) -> None:
    expected = "path.critical-extension" if refused else "ok"
    ca = Entity("issuing", ROOT, extensions=[(extension, critical)])
    assert outcome(leaf(ca), ca, ROOT) == expected
    unit = Entity("unit", ISSUING, ca=False, extensions=[(STAMPING, True), (extension, critical)])
    assert outcome(unit, ISSUING, ROOT) == expected


@pytest.mark.req("RFC5280:4.2-CRITICAL")
def test_what_the_caller_processes_is_his_for_the_end_entity_alone() -> None:
    period = x509.PrivateKeyUsagePeriod(not_before=NOW - DAY, not_after=NOW + DAY)
    unit = Entity("unit", ISSUING, ca=False, extensions=[(STAMPING, True), (period, True)])
    assert outcome(unit, ISSUING, ROOT) == "ok"
    assert outcome(unit, ISSUING, ROOT, purpose=None) == "path.critical-extension"
    ca = Entity("issuing", ROOT, extensions=[(period, True)])
    assert outcome(leaf(ca), ca, ROOT) == "path.critical-extension"


@pytest.mark.req("RFC5280:6.1.3-SIGNATURE")
def test_weak_hashes_are_refused() -> None:
    assert outcome(leaf(ISSUING, hash=hashes.SHA224()), ISSUING, ROOT) == "path.algorithm"


def described(key: Any) -> str:
    curve = getattr(key, "curve", None)
    return f"{type(key).__name__}-{getattr(key, 'key_size', '') if curve is None else curve.name}"


WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point


@pytest.mark.req("ECCG-ACM:PATH-KEYS")
@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (WEAK, "path.algorithm"),
        (rsa.generate_private_key(65537, 2040), "path.algorithm"),  # noqa: S505 - as above
        (ec.generate_private_key(ec.SECP224R1()), "path.algorithm"),
        (ec.generate_private_key(ec.SECP256K1()), "path.algorithm"),
        (rsa.generate_private_key(65537, 2048), "ok"),
        (ec.generate_private_key(ec.SECP256R1()), "ok"),
        (ec.generate_private_key(ec.SECP521R1()), "ok"),
        (ec.generate_private_key(ec.BrainpoolP256R1()), "ok"),
        (ed25519.Ed25519PrivateKey.generate(), "ok"),
    ],
    ids=lambda value: value if isinstance(value, str) else described(value),
)
def test_no_key_of_a_path_is_too_short_or_of_another_kind(key: Any, expected: str) -> None:
    assert outcome(leaf(ISSUING, key=key), ISSUING, ROOT) == expected


@pytest.mark.req("ECCG-ACM:PATH-KEYS")
def test_no_key_of_a_path_is_for_dsa() -> None:
    assert outcome(leaf(ISSUING, key=dsa_2048()), ISSUING, ROOT) == "path.algorithm"


@pytest.mark.req("ECCG-ACM:PATH-KEYS")
def test_the_keys_above_count_too() -> None:
    root = Entity("weak root", key=WEAK)
    assert outcome(leaf(root), root) == "path.algorithm"
    issuing = Entity("weak issuing", ROOT, key=WEAK)
    assert outcome(leaf(issuing), issuing, ROOT) == "path.algorithm"
    unit = leaf(ISSUING, key=WEAK).certificate
    with pytest.raises(Rejected, match="The key of CN=unit has 1024 bits, fewer than the 2048"):
        find_path(unit, untrusted=[], anchors=[unit], at=NOW, purpose=TIME_STAMPING)


def with_exponent(exponent: int, issuer: Entity) -> x509.Certificate:
    """A CA's certificate whose RSA key has that public exponent."""
    modulus = RSA.public_key().public_numbers().n
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    shown = SimpleNamespace(public_key=lambda: key)
    return Entity("issuing", issuer, key=shown, signed_by=issuer.key).certificate


RSA = rsa.generate_private_key(65537, 2048)


@pytest.mark.req("ECCG-ACM:PATH-KEYS")
@pytest.mark.parametrize("exponent", [2**64 - 1, 2**64 + 1, 2**2047 + 1], ids=["most", "more", "all"])
def test_an_exponent_that_makes_a_signature_dear_is_refused_before_it_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, exponent: int
) -> None:
    looked_at: list[x509.Certificate] = []
    look = path._check_signature

    def watched(issued: x509.Certificate, issuer: x509.Certificate) -> None:
        looked_at.append(issuer)
        look(issued, issuer)

    monkeypatch.setattr(path, "_check_signature", watched)
    dear = with_exponent(exponent, ROOT)
    unit = leaf(ISSUING, signed_by=RSA).certificate
    with pytest.raises(Rejected) as caught:
        find_path(unit, untrusted=[dear], anchors=[ROOT.certificate], at=NOW, purpose=TIME_STAMPING)
    assert caught.value.code == ("path.signature" if exponent < 2**64 else "path.algorithm")
    assert (dear in looked_at) is (exponent < 2**64)
    assert ("public exponent" in str(caught.value)) is (exponent > 2**64)


def test_long_paths_and_rings_end() -> None:
    chain = [ROOT]
    for number in range(LONGEST + 2):
        chain.append(Entity(f"ca-{number}", chain[-1]))
    assert outcome(leaf(chain[-1]), *reversed(chain)) == "path.no-anchor"
    fits = chain[: LONGEST - 1]
    assert outcome(leaf(fits[-1]), *reversed(fits)) == "ok"
    key = ec.generate_private_key(ec.SECP256R1())
    ring = [Entity("ring", key=key) for _ in range(12)]
    assert outcome(leaf(ring[0]), *ring, ROOT) == "path.no-anchor"


# NIST PKITS, without its revocation, policies and name constraints

PKITS = Path(__file__).parents[4] / "shared" / "corpus" / "pkits"
SECTIONS = {"401", "402", "403", "406", "407", "416"}
LEFT_OUT = {
    "40704",  # the CRL issuer's key usage
    "40705",
    "40105",  # a DSA key without its parameters, which the library does not read
}
# Valid by the folding of case, spaces and string types in names (RFC 5280, 7.1), which is not done.
FOLDED = {"40303", "40304", "40305", "40310", "40311"}
# Valid, and refused: DSA is no agreed mechanism.
DSA = {"40104"}


def pkits_cases() -> list[dict[str, Any]]:
    if not (PKITS / "pkits.json").is_file():
        return []
    cases: list[dict[str, Any]] = json.loads((PKITS / "pkits.json").read_text(encoding="utf-8"))
    return [one for one in cases if one["id"][:3] in SECTIONS and one["id"] not in LEFT_OUT]


def test_pkits_is_at_hand() -> None:
    if not pkits_cases():
        pytest.skip("NOT TESTED, NIST PKITS is not at hand: paths were judged by our own certificates alone")
    assert len(pkits_cases()) == 46


@pytest.mark.req(
    "RFC5280:6.1.3-SIGNATURE", "RFC5280:6.1.3-VALIDITY", "RFC5280:6.1.4-CA", "RFC5280:4.2-CRITICAL"
)
@pytest.mark.parametrize("case", pkits_cases(), ids=lambda case: f"{case['id']}-{case['name']}")
def test_pkits(case: dict[str, Any]) -> None:
    def read(name: str) -> x509.Certificate:
        return x509.load_der_x509_certificate((PKITS / "certs" / name).read_bytes())

    reason = ""
    try:
        find_path(
            read(case["cert"]),
            untrusted=[read(name) for name in case.get("other_certs", [])],
            anchors=[read("TrustAnchorRootCertificate.crt")],
            at=datetime(2020, 1, 1, tzinfo=UTC),
            purpose=None,
        )
    except Rejected as error:
        reason = str(error)
    valid = "error" not in case and case["id"] not in FOLDED | DSA
    assert (not reason) == valid, reason or case.get("error")
