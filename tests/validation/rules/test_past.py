"""The past: proofs of existence from time-stamps, evidence records and who asks, and what they make valid."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from counted_work import calls_at_most
from evidence_graphs import (
    DAY,
    NOW,
    YEAR,
    Graph,
    at_hand,
    crl,
    entity,
    house,
    proven,
    signed,
    verdict,
)

from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.revocation import RevocationFact
from trustworks.core.pki.tokens import Certificate, RevocationList
from trustworks.formats.evidence import TimeStampKind
from trustworks.validation import Indication, PoeOrigin, SubIndication, Trust
from trustworks.validation.model import PASSED, failed, indeterminate
from trustworks.validation.policies.constraints import Context
from trustworks.validation.policies.policy import Model, Policy, shipped
from trustworks.validation.policies.suites import Use, Weakness
from trustworks.validation.rules.inputs import Inputs
from trustworks.validation.rules.ltv import acceptable, imprint_reliable
from trustworks.validation.rules.past import (
    moved_by_algorithms,
    moved_by_freshness,
    moved_by_revocation,
    path_found,
    validate_past_certificate,
)
from trustworks.validation.rules.past_signature import existed, status_proven_before, used_while_reliable
from trustworks.validation.rules.poe import Poes, proven_by, proven_by_record
from trustworks.validation.rules.revocation_status import Status

if TYPE_CHECKING:
    from datetime import datetime

    from evidence_graphs import House

    from trustworks.formats.evidence import TimeStamp

SIGNED = NOW - 2 * YEAR
ARCHIVED = NOW - 2 * YEAR + 10 * DAY
GONE = house(until=NOW - YEAR, since=NOW - 3 * YEAR)


class Archive:
    """A signature of two years ago, with its time-stamp and validation data; `archive` adds a time-stamp."""

    def __init__(self, of: House = GONE, *, revoked: datetime | None = None, **changes: Any) -> None:
        self.of = of
        self.graph, _, self.signature = signed(of, **changes)
        self.graph.certificates(of.ca, of.root, of.tsa)
        self.stamp = self.graph.stamp(self.signature, SIGNED, of.tsa)
        self.tokens = self.graph.lists(crl(of.ca, SIGNED + DAY), crl(of.root, SIGNED + DAY))
        if revoked is not None:
            self.graph.lists(crl(of.ca, NOW - 400 * DAY, revoked=[(of.signer, revoked, None)]))
        # About the time-stamping unit, now.
        self.graph.lists(crl(of.root))

    def archive(self, *, covers: tuple[str, ...] | None = None, **changes: Any) -> TimeStamp:
        of = self.of
        everything = (self.stamp.id, *self.tokens, of.signer.id, of.ca.id, of.root.id, of.tsa.id)
        return self.graph.stamp(
            self.signature,
            changes.pop("time", ARCHIVED),
            changes.pop("tsa", of.tsa),
            kind=TimeStampKind.ARCHIVE,
            covers=everything if covers is None else covers,
            **changes,
        )

    def verdict(self, **changes: Any) -> str:
        return verdict(self.graph.run(self.of.trust, **changes))


@pytest.mark.req("EN319102-1:5.6.3.4-3")
def test_an_expired_signer_that_is_known_not_to_be_revoked_needs_its_time_stamp_alone() -> None:
    assert Archive().verdict() == "TOTAL-PASSED"


def out_of_bounds(issued: datetime = SIGNED + DAY, **changes: Any) -> Archive:
    """An expired signer, with revocation data by someone whose certificate has expired as well."""
    of = GONE
    found = Archive(**changes)
    old = entity("old-ca", of.root, ca=True, since=NOW - 5 * YEAR, until=NOW - YEAR, subject_name="ca")
    found.graph = Graph()
    found.graph.collector.signature(found.signature)
    found.graph.certificates(of.signer, of.ca, of.root, of.tsa, old)
    found.stamp = found.graph.stamp(found.signature, SIGNED, of.tsa)
    found.tokens = (*found.graph.lists(crl(old, issued), crl(of.root, SIGNED + DAY)), old.id)
    found.graph.lists(crl(of.root))
    return found


@pytest.mark.req("EN319102-1:5.6.3.4-3-MATERIAL")
@pytest.mark.req("EN319102-1:5.6.2.3.4-1")
def test_what_an_archive_time_stamp_proves_makes_an_expired_signer_valid() -> None:
    found = out_of_bounds()
    assert found.verdict() == "OUT_OF_BOUNDS_NO_POE"
    assert found.graph.run(found.of.trust).signatures[0].archival.checks[-1].id == "lta.material"
    stamp = found.archive()
    outcome = found.graph.run(found.of.trust)
    assert verdict(outcome) == "TOTAL-PASSED"
    assert outcome.signatures[0].best_signature_time == SIGNED
    (proof,) = [one for one in outcome.poes if one.object == found.stamp.id]
    assert (proof.time, proof.origin, proof.by) == (ARCHIVED, PoeOrigin.SIGNATURE, stamp.id)


@pytest.mark.req("EN319102-1:5.6.2.3.4-1")
def test_a_time_stamp_that_is_not_whole_proves_nothing() -> None:
    broken = out_of_bounds()
    stamp = broken.archive()
    missing = replace(stamp.references[0], intact=False, actual=b"other")
    assert proven_by(replace(stamp, references=(stamp.references[0], missing))) == frozenset()
    assert proven_by(stamp) == stamp.covers
    assert broken.verdict() == "TOTAL-PASSED"
    broken.graph.collector.time_stamp(replace(stamp, references=(missing,)))
    assert broken.verdict() == "REVOCATION_OUT_OF_BOUNDS_NO_POE"


@pytest.mark.req("EN319102-1:5.6.2.4.4-1")
def test_whose_data_it_was_must_be_proven_to_have_been_valid() -> None:
    bare = out_of_bounds()
    bare.archive(covers=(bare.stamp.id, *bare.tokens[:-1], GONE.signer.id, GONE.ca.id))
    assert bare.verdict() == "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    (old,) = bare.tokens[-1:]
    assert bare.verdict(extra=proven(old, at=ARCHIVED)) == "TOTAL-PASSED"


@pytest.mark.req("EN319102-1:5.6.2.2.4-2-A")
def test_sliding_needs_data_that_is_proven_by_the_control_time() -> None:
    found = out_of_bounds()
    found.archive(covers=(found.stamp.id,))
    anchor = TrustAnchor.of(Certificate.read(GONE.root.der), sunset=NOW - 400 * DAY)
    outcome = found.graph.run(Trust(TrustAnchors([anchor])))
    # The anchor was trusted until then alone, and nothing but the time-stamp is known to be as old.
    assert verdict(outcome) == "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"
    assert "vts.proven" in [one.id for one in outcome.signatures[0].archival.reasons()]


@pytest.mark.req("EN319102-1:5.6.3.4-3")
def test_after_the_sunset_of_its_anchor_a_signature_holds_by_proofs_from_before() -> None:
    of, graph = house(), Graph()
    signature = graph.sign(of.signer)
    graph.certificates(of.ca, of.root, of.tsa)
    tokens = graph.lists(crl(of.ca, NOW - 501 * DAY), crl(of.root, NOW - 501 * DAY))
    anchor = TrustAnchor.of(Certificate.read(of.root.der), sunset=NOW - 400 * DAY)
    trust = Trust(TrustAnchors([anchor]))
    assert verdict(graph.run(trust)) == "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"
    told = proven(signature.id, *tokens, of.signer.id, of.ca.id, of.root.id, at=NOW - 500 * DAY)
    outcome = graph.run(trust, extra=told)
    assert verdict(outcome) == "TOTAL-PASSED"
    assert outcome.signatures[0].best_signature_time == NOW - 500 * DAY
    assert PoeOrigin.CLIENT in {one.origin for one in outcome.poes}


@pytest.mark.req("EN319102-1:5.6.2.4.4-3")
def test_a_signature_that_came_after_the_control_time_stays_as_it_is() -> None:
    of, graph = house(), Graph()
    signature = graph.sign(of.signer)
    graph.certificates(of.ca, of.root)
    tokens = graph.lists(crl(of.ca, SIGNED + DAY), crl(of.root, SIGNED + DAY))
    trust = Trust(TrustAnchors([TrustAnchor.of(Certificate.read(of.root.der), sunset=NOW - 400 * DAY)]))
    early = proven(*tokens, of.signer.id, of.ca.id, of.root.id, at=NOW - 500 * DAY)
    late = proven(signature.id, at=NOW - 300 * DAY)
    both = replace(early, poes=(*early.poes, *late.poes))
    assert verdict(graph.run(trust, extra=both)) == "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"


@pytest.mark.req("EN319102-1:5.6.2.4.4-3")
def test_a_signature_exists_by_the_control_time_or_is_told_not_to() -> None:
    assert existed(NOW, NOW) is None
    told = existed(NOW + DAY, NOW)
    assert told is not None
    assert f"{NOW:%Y-%m-%d %H:%M:%SZ}" in told


def ended(digest: str, when: datetime) -> Policy:
    """The default policy, with another end of a hash function."""
    policy = shipped()
    return replace(policy, suite=replace(policy.suite, digests={**policy.suite.digests, digest: when}))


@pytest.mark.req("EN319102-1:5.6.2.4.4-4")
def test_a_weak_algorithm_is_forgiven_where_it_is_proven_to_have_been_used_before() -> None:
    found = Archive(house())
    newest = found.archive()
    policy = ended("sha256", NOW - YEAR)
    assert found.verdict(policy=policy) == "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    tokens = found.graph.evidence.revocation
    of = found.of
    told = proven(newest.id, of.tsa.id, of.root.id, *tokens, at=NOW - 500 * DAY)
    assert found.verdict(policy=policy, extra=told) == "TOTAL-PASSED"
    late = proven(newest.id, of.tsa.id, of.root.id, *tokens, at=NOW - 300 * DAY)
    assert found.verdict(policy=policy, extra=late) == "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"


@pytest.mark.req("EN319102-1:5.6.3.4-5-IMPRINT")
def test_a_time_stamp_with_a_weak_imprint_proves_nothing() -> None:
    found = out_of_bounds()
    found.archive(digest="sha1")
    outcome = found.graph.run(found.of.trust)
    assert verdict(outcome) == "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    assert {str(one.verdict.sub_indication) for one in outcome.time_stamps} == {
        "None",
        "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
    }


@pytest.mark.req("EN319102-1:5.6.3.4-5-IMPRINT")
def test_the_hash_of_an_imprint_is_judged_when_the_time_stamp_is_known_to_have_existed() -> None:
    weak_one = (Weakness(use=Use(subject="T", what="imprint", digest="sha1"), algorithm="SHA-1", until=None),)
    assert imprint_reliable(weak_one) is not None
    assert imprint_reliable(()) is None


def record(*, found: bool = True, intact: bool = True, covers: tuple[str, ...] = ()) -> tuple[Archive, Any]:
    """An evidence record of two time-stamps over everything, in place of an archive time-stamp."""
    archive = out_of_bounds()
    of, graph = archive.of, archive.graph
    first, second = (
        graph.stamp(None, time, of.tsa, kind=TimeStampKind.EVIDENCE_RECORD)
        for time in (ARCHIVED, ARCHIVED + YEAR)
    )
    everything = (
        archive.signature.id, archive.stamp.id, *archive.tokens, of.signer.id, of.ca.id, of.root.id, of.tsa.id
    )  # fmt: skip
    graph.record((first, second), covers or everything, found=found, intact=intact)
    return archive, graph.run(of.trust)


@pytest.mark.req("EN319102-1:5.6.3.4-1-C")
def test_an_evidence_record_proves_what_it_covers() -> None:
    _, outcome = record()
    (one,) = outcome.evidence_records
    assert one.verdict.passed
    assert one.time == ARCHIVED
    assert verdict(outcome) == "TOTAL-PASSED"


@pytest.mark.req("EN319102-1:5.6.3.4-1-C")
def test_an_evidence_record_that_is_not_whole_proves_nothing() -> None:
    _, outcome = record(intact=False)
    (one,) = outcome.evidence_records
    assert one.verdict.indication is Indication.FAILED
    assert str(one.verdict.sub_indication) == "HASH_FAILURE"
    assert one.time is None
    assert verdict(outcome) == "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    archive, _ = record()
    (whole,) = archive.graph.evidence.evidence_records
    broken = replace(whole, references=(replace(whole.references[0], intact=False),))
    assert proven_by_record(whole) == whole.covers
    assert proven_by_record(broken) == frozenset()


@pytest.mark.req("EN319102-1:5.6.3.4-1-B-FOUND")
def test_an_evidence_record_about_nothing_that_is_there_is_not_found() -> None:
    _, outcome = record(found=False)
    assert str(outcome.evidence_records[0].verdict.sub_indication) == "SIGNED_DATA_NOT_FOUND"
    archive, _ = record(found=False)
    (one,) = archive.graph.evidence.evidence_records
    policy = '[evidence-record]\ndata-object-existence = "ignore"'
    again = archive.graph.run(archive.of.trust, policy=policy)
    assert str(again.evidence_records[0].verdict.sub_indication) == "SIGNED_DATA_NOT_FOUND"
    assert one.id == again.evidence_records[0].id


@pytest.mark.req("EN319102-1:5.6.2.4.4-3-CA")
def test_the_revocation_of_an_authority_is_forgiven_by_data_from_before() -> None:
    of, graph = house(), Graph()
    signature = graph.sign(of.signer)
    graph.certificates(of.ca, of.root, of.tsa)
    (old,) = graph.lists(crl(of.ca, SIGNED + DAY))
    graph.lists(crl(of.root, revoked=[(of.ca, NOW - YEAR, None)]))
    assert verdict(graph.run(of.trust)) == "REVOKED_CA_NO_POE"
    graph.stamp(signature, SIGNED, of.tsa)
    graph.stamp(
        signature,
        ARCHIVED,
        of.tsa,
        kind=TimeStampKind.ARCHIVE,
        covers=(old, of.signer.id, of.ca.id, of.root.id),
    )
    assert verdict(graph.run(of.trust)) == "TOTAL-PASSED"


def status(**changes: Any) -> Status:
    fact = RevocationFact(
        tokens=(RevocationList.read(crl(house().ca)),),
        signers=(None,),
        status=changes.pop("status", "revoked"),
        this_update=NOW - DAY,
        next_update=NOW + DAY,
        produced_at=NOW - DAY,
        **changes,
    )
    return Status(fact=fact, token="R-1", signer=None, trusted=True, uses=())


@pytest.mark.req("EN319102-1:5.6.2.2.4-2-B")
@pytest.mark.parametrize(
    ("model", "number", "reason", "moved"),
    [
        (Model.SHELL, 0, 4, True),
        (Model.CHAIN, 0, 4, False),
        (Model.CHAIN, 0, 1, True),
        (Model.CHAIN, 0, None, True),
        (Model.HYBRID, 0, 4, False),
        (Model.HYBRID, 1, 4, True),
    ],
)
def test_a_revocation_moves_the_control_time_as_the_model_says(
    model: Model, number: int, reason: int | None, moved: bool
) -> None:
    revoked = status(revoked_at=NOW - YEAR, reason=reason)
    assert moved_by_revocation(revoked, model, number, NOW) == (NOW - YEAR if moved else NOW)
    assert moved_by_revocation(status(status="good"), model, number, NOW) == NOW


@pytest.mark.req("EN319102-1:5.6.2.2.4-2-C")
def test_data_that_is_not_fresh_moves_the_control_time() -> None:
    assert moved_by_freshness(status(status="good"), True, NOW) == NOW
    assert moved_by_freshness(status(status="good"), False, NOW) == NOW - DAY


@pytest.mark.req("EN319102-1:5.6.2.2.4-2-C")
@pytest.mark.parametrize(("before", "expected"), [(DAY, "TOTAL-PASSED"), (9 * DAY, "OUT_OF_BOUNDS_NO_POE")])
def test_data_proves_nothing_of_a_signature_that_came_long_after_it(before: timedelta, expected: str) -> None:
    found = out_of_bounds(issued=SIGNED - before)
    found.archive()
    assert found.verdict() == expected


@pytest.mark.req("EN319102-1:5.6.2.2.4-2-D")
def test_an_algorithm_that_ended_moves_the_control_time_before_its_end() -> None:
    use = Use(subject="C-1", what="a certificate", digest="sha1")
    ended = Weakness(use=use, algorithm="SHA-1", until=NOW - YEAR)
    never = Weakness(use=use, algorithm="MD2", until=None)
    assert moved_by_algorithms((ended, never), NOW) < NOW - YEAR
    assert moved_by_algorithms((), NOW) == NOW


@pytest.mark.req("EN319102-1:5.6.2.1.4-1")
def test_the_past_needs_a_path_too() -> None:
    of = house()
    graph = Graph().certificates(of.signer, of.ca)
    inputs = Inputs(evidence=graph.evidence, trust=Trust(), policy=shipped(), at=NOW)
    found = validate_past_certificate(
        Certificate.read(of.signer.der), Context.SIGNATURE, inputs, Poes(inputs), NOW
    )
    assert found.conclusion.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert found.control is None
    assert path_found(found=False) is not None


@pytest.mark.req("EN319102-1:5.6.2.1.4-2")
def test_the_past_needs_a_path_that_held_when_all_of_it_was_valid() -> None:
    root = entity("root", ca=True, since=NOW - 20 * YEAR, until=NOW + 20 * YEAR)
    ca = entity("ca", root, ca=True, since=NOW - 9 * YEAR, until=NOW - 5 * YEAR)
    late = entity("late", ca)
    graph = Graph().certificates(late, ca)
    inputs = Inputs(evidence=graph.evidence, trust=Trust.of([root.der]), policy=shipped(), at=NOW)
    found = validate_past_certificate(
        Certificate.read(late.der), Context.SIGNATURE, inputs, Poes(inputs), NOW
    )
    assert found.conclusion.sub_indication is SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE


def test_the_same_inputs_give_the_same_outcome() -> None:
    found = out_of_bounds()
    found.archive()
    first, second = (found.graph.run(found.of.trust) for _ in range(2))
    assert first == second
    assert repr(first) == repr(second)


@pytest.mark.req("EN319102-1:5.6.3.4-LEVEL")
@pytest.mark.parametrize("name", ["t-level-time-stamp", "lta-level-time-stamp"])
def test_a_policy_may_ask_for_valid_time_stamps(name: str) -> None:
    policy = f'[signature.unsigned-attributes]\n{name} = "fail"'
    graph, of, _ = signed()
    at_hand(graph, of)
    assert verdict(graph.run(of.trust, policy=policy)) == "SIG_CONSTRAINTS_FAILURE"
    found = Archive(house())
    found.archive()
    assert found.verdict(policy=policy) == "TOTAL-PASSED"


@pytest.mark.parametrize(
    "name", ["t-level-time-stamp", "lta-level-time-stamp", "signature-time-stamp", "archive-time-stamp"]
)
def test_a_time_stamp_over_something_else_makes_no_level(name: str) -> None:
    policy = f'[signature.unsigned-attributes]\n{name} = "fail"'
    graph, of, signature = signed()
    at_hand(graph, of)
    archival = name.startswith(("lta", "archive"))
    kind = TimeStampKind.ARCHIVE if archival else TimeStampKind.SIGNATURE
    stamp = graph.stamp(signature, NOW - DAY, of.tsa, kind=kind)
    assert verdict(graph.run(of.trust, policy=policy)) == "TOTAL-PASSED"
    graph.collector.time_stamp(replace(stamp, covers=frozenset({"D-something-else"})))
    assert verdict(graph.run(of.trust, policy=policy)) == "SIG_CONSTRAINTS_FAILURE"


@pytest.mark.req("EN319102-1:5.6.3.4-3")
def test_what_is_broken_is_not_looked_at_with_proofs() -> None:
    assert acceptable(PASSED) is None
    assert acceptable(indeterminate(SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE)) is None
    assert acceptable(indeterminate(SubIndication.SIG_CONSTRAINTS_FAILURE)) is None
    assert acceptable(indeterminate(SubIndication.NO_CERTIFICATE_CHAIN_FOUND)) is not None
    assert acceptable(failed(SubIndication.HASH_FAILURE)) is not None


def proofs(*objects: str, at: datetime) -> Poes:
    extra = proven(*objects, at=at)
    return Poes(Inputs(evidence=Graph().evidence, trust=Trust(), policy=shipped(), at=NOW, extra=extra))


def test_thousands_of_proofs_of_one_object_are_kept_once_each_and_in_time() -> None:
    found = proofs(at=NOW)
    moments = [NOW - DAY + number * timedelta(seconds=1) for number in range(5000)]
    # Some ten for each; thousands where each is compared with all.
    with calls_at_most(500_000):
        for moment in [*moments, *moments]:
            found.add_all(("S-1",), moment, "T-1")
    assert [one.time for one in found.all()] == moments
    assert found.earliest("S-1").time == moments[0]


@pytest.mark.req("EN319102-1:5.6.2.4.4-3-CA")
def test_data_about_the_signer_must_be_older_than_the_revocation_of_the_authority() -> None:
    known = (status(status="good"),)
    assert status_proven_before(known, proofs("R-1", at=NOW - 2 * YEAR), NOW - YEAR) is None
    assert status_proven_before(known, proofs("R-1", at=NOW - DAY), NOW - YEAR) is not None
    assert status_proven_before((), proofs("R-1", at=NOW - 2 * YEAR), NOW - YEAR) is not None
    assert status_proven_before(known, proofs("R-1", at=NOW - 2 * YEAR), None) is not None


@pytest.mark.req("EN319102-1:5.6.2.4.4-4")
def test_what_a_weak_algorithm_protects_must_be_older_than_its_end() -> None:
    use = Use(subject="S-1", what="the signature value", digest="sha1")
    ended = Weakness(use=use, algorithm="SHA-1", until=NOW - YEAR)
    never = Weakness(use=use, algorithm="MD2", until=None)
    before, after = proofs("S-1", at=NOW - 2 * YEAR), proofs("S-1", at=NOW - DAY)
    assert used_while_reliable((ended,), before) is None
    assert used_while_reliable((ended,), after) is not None
    assert used_while_reliable((never,), before) is not None


@pytest.mark.parametrize(
    ("model", "expected"),
    [("shell", "OUT_OF_BOUNDS_NO_POE"), ("chain", "TOTAL-PASSED"), ("hybrid", "TOTAL-PASSED")],
)
def test_an_authority_may_have_expired_since_where_the_model_says(model: str, expected: str) -> None:
    of, graph = house(), Graph()
    ca = entity("ca", of.root, ca=True, since=NOW - 5 * YEAR, until=NOW - DAY)
    graph.sign(entity("long", ca, since=NOW - 2 * YEAR))
    graph.certificates(ca)
    graph.lists(crl(ca, NOW - 2 * DAY), crl(of.root, NOW - 2 * DAY))
    # Whose lists are those of an authority that has expired as well.
    policy = '[signature.signing-certificate]\nrevocation-issuer-not-expired = "ignore"'
    assert verdict(graph.run(of.trust, policy=f'model = "{model}"\n{policy}')) == expected
