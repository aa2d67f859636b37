"""What speaks against a signature behind the reason that it ends with: to forgive one forgives no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import DAY, FRESH, NOW, YEAR, Graph, crl, entity, ocsp_answer, proven, verdict

from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.tokens import Certificate
from trustworks.formats.evidence import TimeStampKind
from trustworks.validation import Trust
from trustworks.validation.policies.constraints import Context
from trustworks.validation.policies.policy import Policy, shipped
from trustworks.validation.rules.inputs import NOTHING, Inputs
from trustworks.validation.rules.past import validate_past_certificate
from trustworks.validation.rules.poe import Poes

if TYPE_CHECKING:
    from evidence_graphs import Entity

HOUR = timedelta(hours=1)
ROOT = entity("root", ca=True, since=NOW - 22 * YEAR, until=NOW + 20 * YEAR)
CA = entity("ca", ROOT, ca=True, since=NOW - 22 * YEAR, until=NOW + 10 * YEAR)
TRUST = Trust.of([ROOT.der])


def unit(
    name: str,
    issuer: Entity = ROOT,
    *,
    until: datetime = NOW + 10 * YEAR,
    digest: str = "sha256",
    purposes: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,),
) -> Entity:
    return entity(
        name,
        issuer,
        since=NOW - 22 * YEAR,
        until=until,
        digest=digest,
        usage=("digital_signature",),
        purposes=purposes,
    )


TSA = unit("tsa")


def day(year: int, month: int = 1) -> datetime:
    return datetime(year, month, 1, tzinfo=UTC)


def reliable_until(when: datetime) -> Policy:
    """The default policy, where SHA-384 is reliable until then alone."""
    policy = shipped()
    return replace(policy, suite=replace(policy.suite, digests={**policy.suite.digests, "sha384": when}))


def weak_and_expired(signed_at: datetime, *, known: bool = True) -> str:
    """A signer whose certificate has a weak algorithm and ended in 2010; `known`: it is proven to be old."""
    leaf = entity("signer", CA, since=day(2008), until=day(2010), digest="sha384")
    tsa = unit("tsa")
    graph = Graph()
    signature = graph.sign(leaf)
    graph.certificates(CA, ROOT, tsa)
    tokens = graph.lists(crl(CA, day(2009, 6), lasts=YEAR), crl(ROOT, day(2009, 6)), crl(ROOT))
    material = (leaf.id, CA.id, *tokens)
    if known:
        graph.stamp(None, day(2009, 7), tsa, kind=TimeStampKind.ARCHIVE, covers=material)
    stamp = graph.stamp(signature, signed_at, tsa)
    graph.stamp(signature, signed_at + DAY, tsa, kind=TimeStampKind.ARCHIVE, covers=(stamp.id, *material))
    return verdict(graph.run(TRUST, policy=reliable_until(day(2012, 8))))


@pytest.mark.req("EN319102-1:5.6.2.4.4-4")
def test_a_weak_algorithm_does_not_hide_that_the_certificate_had_expired() -> None:
    assert weak_and_expired(day(2009, 9)) == "TOTAL-PASSED"
    assert weak_and_expired(day(2011, 9)) == "OUT_OF_BOUNDS_NOT_REVOKED"
    assert weak_and_expired(day(2025, 9)) == "OUT_OF_BOUNDS_NOT_REVOKED"
    assert weak_and_expired(day(2025, 9), known=False) == "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"


@pytest.mark.req("EN319102-1:5.6.2.4.4-4")
@pytest.mark.parametrize(
    ("proven", "expected"), [(day(2009, 9), "TOTAL-PASSED"), (NOW - DAY, "REVOKED_NO_POE")]
)
def test_a_weak_algorithm_does_not_hide_that_a_time_stamping_unit_had_expired(
    proven: datetime, expected: str
) -> None:
    tsa_ca = entity("tsa-ca", ROOT, ca=True, since=day(2005), until=NOW + 10 * YEAR)
    old, new = unit("old", tsa_ca, until=day(2010), digest="sha384"), unit("tsa")
    leaf = entity("signer", CA, since=day(2008))
    graph = Graph()
    signature = graph.sign(leaf)
    graph.certificates(ROOT, CA, tsa_ca, old, new)
    tokens = graph.lists(crl(tsa_ca, day(2009, 6), lasts=YEAR))
    graph.lists(crl(ROOT), crl(CA, revoked=[(leaf, day(2015), x509.ReasonFlags.key_compromise)]))
    graph.stamp(None, day(2009, 7), new, kind=TimeStampKind.ARCHIVE, covers=(old.id, *tokens))
    # The time that it tells is its own word; since when it is there, the other says.
    stamp = graph.stamp(signature, day(2009, 5), old)
    graph.stamp(signature, proven, new, kind=TimeStampKind.ARCHIVE, covers=(stamp.id, leaf.id))
    assert verdict(graph.run(TRUST, policy=reliable_until(day(2012, 8)))) == expected


def stale(
    until: datetime, signed_after: timedelta, *, revoked: datetime | None = None, policy: str = FRESH
) -> str:
    """A signature with a list of a year ago that is too old now, and was fresh then."""
    leaf = entity("signer", CA, since=NOW - 3 * YEAR, until=until)
    old, new = unit("old", until=NOW - 100 * DAY), unit("tsa")
    graph = Graph()
    signature = graph.sign(leaf)
    graph.certificates(ROOT, CA, old, new)
    tokens = graph.lists(crl(CA, NOW - YEAR, lasts=7 * DAY), crl(ROOT, NOW - YEAR))
    gone = [] if revoked is None else [(CA, revoked, x509.ReasonFlags.key_compromise)]
    graph.lists(crl(ROOT, revoked=gone, expired_since=NOW - 20 * YEAR))
    stamp = graph.stamp(signature, NOW - YEAR + signed_after, old)
    graph.stamp(
        signature,
        NOW - 150 * DAY,
        new,
        kind=TimeStampKind.ARCHIVE,
        covers=(stamp.id, leaf.id, CA.id, old.id, *tokens),
    )
    return verdict(graph.run(TRUST, policy=policy))


@pytest.mark.req("EN319102-1:5.6.2.4.4-3")
def test_data_that_was_fresh_does_not_hide_that_the_certificate_had_expired() -> None:
    assert stale(NOW + YEAR, 5 * HOUR) == "TOTAL-PASSED"
    assert stale(NOW - YEAR + 2 * HOUR, -HOUR) == "TOTAL-PASSED"
    assert stale(NOW - YEAR + 2 * HOUR, 20 * HOUR) == "OUT_OF_BOUNDS_NOT_REVOKED"


@pytest.mark.req("EN319102-1:5.6.2.4.4-3")
def test_data_that_was_fresh_does_not_hide_that_the_authority_had_been_revoked() -> None:
    assert stale(NOW + YEAR, 5 * HOUR, revoked=NOW - 2 * YEAR) == "TRY_LATER"
    assert stale(NOW + YEAR, 5 * HOUR, revoked=NOW - 2 * YEAR, policy="") == "REVOKED_CA_NO_POE"


def anchored(*, slid: bool = False, **dates: datetime) -> str:
    """A signature under an anchor with dates; `slid`: its certificate was reliable until 450 days ago."""
    leaf = entity("signer", CA, since=NOW - 3 * YEAR, digest="sha384" if slid else "sha256")
    graph = Graph()
    signature = graph.sign(leaf)
    graph.certificates(CA, ROOT)
    graph.lists(crl(CA), crl(ROOT))
    trust = Trust(TrustAnchors([TrustAnchor.of(Certificate.read(ROOT.der), **dates)]))
    old = proven(leaf.id, signature.id, at=NOW - 500 * DAY)
    stamp = graph.stamp(signature, NOW - HOUR, TSA, kind=TimeStampKind.ARCHIVE)
    assert stamp.owner == signature.id
    return verdict(graph.run(trust, policy=reliable_until(NOW - 450 * DAY), extra=old if slid else NOTHING))


@pytest.mark.req("EN319102-1:5.2.6.4-3-SINCE")
def test_an_anchor_that_is_not_trusted_yet_is_none() -> None:
    assert anchored(since=NOW - DAY) == "TOTAL-PASSED"
    assert anchored(since=NOW + DAY) == "NO_CERTIFICATE_CHAIN_FOUND"
    assert anchored(sunset=NOW - 2 * DAY) == "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"


@pytest.mark.req("EN319102-1:5.6.2.2.4-SINCE")
def test_time_is_not_moved_to_before_an_anchor_was_trusted() -> None:
    assert anchored(slid=True) == "TOTAL-PASSED"
    assert anchored(slid=True, since=NOW - 600 * DAY) == "TOTAL-PASSED"
    assert anchored(slid=True, since=NOW - 400 * DAY) == "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"


@pytest.mark.req("EN319102-1:5.2.6.4-CONSTRAINT-VALUES")
@pytest.mark.parametrize("purposes", [(), (ExtendedKeyUsageOID.TIME_STAMPING,)])
def test_a_certificate_that_is_an_anchor_stamps_time_only_if_it_is_for_that(
    purposes: tuple[x509.ObjectIdentifier, ...],
) -> None:
    alone = entity("alone", usage=("digital_signature",), purposes=purposes, since=NOW - 5 * YEAR)
    leaf = entity("signer", CA, since=NOW - 3 * YEAR)
    graph = Graph()
    signature = graph.sign(leaf)
    graph.certificates(CA, ROOT, alone)
    graph.lists(crl(CA, revoked=[(leaf, NOW - YEAR, None)]), crl(ROOT))
    graph.stamp(signature, NOW - 2 * YEAR, alone)
    trust = Trust.of([ROOT.der, alone.der])
    outcome = graph.run(trust)
    assert verdict(outcome) == ("TOTAL-PASSED" if purposes else "REVOKED_NO_POE")
    inputs = Inputs(evidence=graph.evidence, trust=trust, policy=shipped(), at=NOW)
    past = validate_past_certificate(
        Certificate.read(alone.der), Context.TIME_STAMP, inputs, Poes(inputs), NOW
    ).conclusion
    assert past.passed is bool(purposes)
    if not purposes:
        assert str(outcome.time_stamps[0].verdict.sub_indication) == "CHAIN_CONSTRAINTS_FAILURE"
        assert past.reasons()[0].id == "xcv.extended-key-usage"


@pytest.mark.req("EN319102-1:5.2.6.4-CONSTRAINT-VALUES")
def test_a_signer_that_is_an_anchor_needs_the_key_usage_that_the_policy_asks_for() -> None:
    graph = Graph()
    graph.sign(TSA)
    trust = Trust.of([TSA.der])
    assert verdict(graph.run(trust)) == "TOTAL-PASSED"
    usage = '[signature.signing-certificate]\nkey-usage = { level = "fail", values = ["nonRepudiation"] }'
    assert verdict(graph.run(trust, policy=usage)) == "CHAIN_CONSTRAINTS_FAILURE"


def under_expired_authority(signed_at: datetime, policy: str = "") -> str:
    """A signer whose certificate is valid still, by an authority whose own ended in 2010."""
    gone = entity("gone", ROOT, ca=True, since=day(2005), until=day(2010))
    leaf = entity("long", gone, since=day(2008))
    graph = Graph()
    signature = graph.sign(leaf)
    graph.certificates(gone, ROOT, TSA)
    # No list is too old: that is another matter.
    tokens = graph.lists(*(crl(one, day(2009, 6), lasts=20 * YEAR) for one in (gone, ROOT)))
    graph.lists(crl(ROOT))
    graph.stamp(None, day(2009, 7), TSA, kind=TimeStampKind.ARCHIVE, covers=(gone.id,))
    stamp = graph.stamp(signature, signed_at, TSA)
    covers = (stamp.id, leaf.id, gone.id, *tokens)
    graph.stamp(signature, signed_at + DAY, TSA, kind=TimeStampKind.ARCHIVE, covers=covers)
    return verdict(graph.run(TRUST, policy=policy))


@pytest.mark.req("EN319102-1:5.6.2.4.4-3-PATH")
def test_a_signature_made_after_its_authority_had_expired_is_not_valid_in_the_past_either() -> None:
    assert under_expired_authority(day(2009, 9)) == "TOTAL-PASSED"
    assert under_expired_authority(day(2025)) == "OUT_OF_BOUNDS_NO_POE"


@pytest.mark.req("EN319102-1:5.6.2.4.4-3-PATH")
def test_forgiving_an_expired_signer_forgives_no_authority_that_expired_before() -> None:
    gone = entity("gone", ROOT, ca=True, since=day(2005), until=day(2010))
    leaf = entity("longer", gone, since=day(2008), until=day(2020))
    responder = unit("responder", purposes=(ExtendedKeyUsageOID.OCSP_SIGNING,))
    for signed_at, expected in ((day(2009, 9), "TOTAL-PASSED"), (day(2015), "OUT_OF_BOUNDS_NO_POE")):
        graph = Graph()
        signature = graph.sign(leaf)
        graph.certificates(gone, ROOT, TSA, responder)
        graph.answers(ocsp_answer(leaf, responder, day(2009, 10)))
        graph.lists(crl(ROOT, day(2009, 10)), crl(ROOT))
        graph.stamp(signature, signed_at, TSA)
        assert verdict(graph.run(Trust.of([ROOT.der, responder.der]))) == expected
