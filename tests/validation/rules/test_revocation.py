"""Who may tell of revocation, what counts where several do, and what is asked where they are too old."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import DAY, NOW, YEAR, Entity, Graph, crl, entity, house, ocsp_answer, signed, verdict

from trustworks.formats.evidence import TimeStampKind
from trustworks.validation import Trust
from trustworks.validation.gathering.rounds import gather
from trustworks.validation.model import Level
from trustworks.validation.policies.constraints import Context
from trustworks.validation.policies.policy import shipped
from trustworks.validation.rules.inputs import NOTHING

if TYPE_CHECKING:
    from trustworks.formats.evidence import Signature

HOUR = timedelta(hours=1)
GRAVE = x509.ReasonFlags.key_compromise
AUTHORISED = '[revocation]\nresponder-authorised = "fail"\n'


def responder_of_another() -> Entity:
    """A certificate for OCSP of another authority under the same root."""
    return entity(
        "rogue",
        entity("another", house().root, ca=True),
        usage=("digital_signature",),
        purposes=(ExtendedKeyUsageOID.OCSP_SIGNING,),
        extensions=(x509.OCSPNoCheck(),),
        until=NOW + 9 * YEAR,
    )


def answered_by_another(*, revoked: bool, last: timedelta = HOUR) -> tuple[Graph, Trust]:
    """A list of the issuer, and a newer answer by a responder of another authority: it says good."""
    graph, of, _ = signed()
    rogue = responder_of_another()
    assert rogue.issuer is not None
    graph.certificates(of.ca, of.root, rogue.issuer, rogue)
    of_ca = [(of.signer, NOW - 300 * DAY, GRAVE)] if revoked else []
    graph.lists(crl(of.ca, NOW - 2 * HOUR, revoked=of_ca), crl(of.root), crl(rogue.issuer))
    graph.answers(ocsp_answer(of.signer, rogue, NOW - last))
    return graph, of.trust


@pytest.mark.req("RFC6960:4.2.2.2-LOCAL")
@pytest.mark.parametrize("policy", [None, AUTHORISED, "qualified", "preservation"])
def test_a_responder_of_another_authority_undoes_no_revocation(policy: str | None) -> None:
    graph, trust = answered_by_another(revoked=True)
    given = shipped(policy) if policy in {"qualified", "preservation"} else policy
    assert verdict(graph.run(trust, policy=given)) == "REVOKED_NO_POE"


@pytest.mark.req("RFC6960:4.2.2.2-LOCAL")
def test_whether_a_responder_of_another_authority_counts_is_for_the_policy_to_say() -> None:
    graph, of, _ = signed()
    rogue = responder_of_another()
    assert rogue.issuer is not None
    graph.certificates(of.ca, rogue.issuer)
    graph.lists(crl(of.root))
    graph.answers(ocsp_answer(of.signer, rogue))
    outcome = graph.run(of.trust)
    assert verdict(outcome) == "TOTAL-PASSED"
    # One who is authorised may know better.
    assert [need.about for need in outcome.needs] == [of.signer.id]
    for policy in (AUTHORISED, shipped("qualified"), shipped("preservation")):
        assert verdict(graph.run(of.trust, policy=policy)) == "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    for name in ("qualified", "preservation"):
        assert shipped(name).level(Context.REVOCATION, "responder-authorised") is Level.FAIL


@pytest.mark.req("EN319102-1:5.2.6.4-RAC-ANCHOR")
def test_a_list_by_someone_of_the_same_name_under_another_anchor_is_refused() -> None:
    of, other = house(), entity("other root", ca=True, since=NOW - 9 * YEAR, until=NOW + 9 * YEAR)
    fake = entity("fake", other, subject_name="ca", usage=("crl_sign",))
    for revoked in ([], [(of.signer, NOW - YEAR, GRAVE)]):
        graph, _, _ = signed()
        graph.certificates(of.ca, fake)
        graph.lists(crl(of.root), crl(other), crl(fake))
        trust = Trust.of([of.root.der, other.der])
        assert verdict(graph.run(trust)) == "CERTIFICATE_CHAIN_GENERAL_FAILURE"
        graph.lists(crl(of.ca, NOW - 2 * HOUR, revoked=revoked))
        assert verdict(graph.run(trust)) == ("REVOKED_NO_POE" if revoked else "TOTAL-PASSED")


def test_a_list_by_a_new_key_of_the_authority_counts() -> None:
    graph, of, _ = signed()
    later = entity("ca 2", of.root, subject_name="ca", ca=True)
    graph.certificates(of.ca, later)
    graph.lists(crl(of.root), crl(later))
    assert verdict(graph.run(of.trust)) == "TOTAL-PASSED"


def test_of_lists_of_the_same_second_the_revocation_counts_in_whatever_order() -> None:
    of = house()
    lists = [crl(of.ca), crl(of.ca, revoked=[(of.signer, NOW - YEAR, GRAVE)]), crl(of.ca)]
    for _ in range(6):
        random.shuffle(lists)
        graph, _, _ = signed()
        graph.certificates(of.ca)
        graph.lists(crl(of.root), *lists)
        assert verdict(graph.run(of.trust)) == "REVOKED_NO_POE"


def test_certificates_for_ocsp_that_signed_nothing_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, of, _ = signed()
    graph.certificates(of.ca, *(heap_of_responders()))
    graph.lists(crl(of.ca), crl(of.root))
    # Paths of who signs lists and answers are not built where nobody of these signed any.
    monkeypatch.setattr("trustworks.validation.rules.building_blocks.revocation.build_paths", None)
    assert verdict(graph.run(of.trust)) == "TOTAL-PASSED"


def heap_of_responders() -> list[Entity]:
    made = (
        entity(f"x{number}", subject_name="x", purposes=(ExtendedKeyUsageOID.OCSP_SIGNING,))
        for number in range(5)
    )
    return list(made)


@pytest.mark.parametrize("policy", ["ades", "qualified"])
def test_what_is_too_old_is_asked_for_anew_also_where_the_policy_only_warns(policy: str) -> None:
    graph, of, _ = signed()
    graph.certificates(of.ca)
    graph.lists(crl(of.ca, NOW - 400 * DAY), crl(of.root, NOW - 400 * DAY))
    outcome = graph.run(of.trust, policy=shipped(policy))
    assert verdict(outcome) == ("TOTAL-PASSED" if policy == "ades" else "TRY_LATER")
    asked = {need.about: need.fresher_than for need in outcome.needs}
    assert asked[of.signer.id] == NOW - 400 * DAY
    assert policy == "qualified" or asked[of.ca.id] == NOW - 400 * DAY


@pytest.mark.req("RFC6960:4.2.2.1-FUTURE")
@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(timedelta(minutes=5), "TOTAL-PASSED"), (300 * DAY, "REVOKED_NO_POE")],
)
def test_data_from_the_future_is_refused_where_validation_is_for_the_present(
    ahead: timedelta, expected: str
) -> None:
    graph, of, _ = signed()
    graph.certificates(of.ca)
    graph.lists(crl(of.ca, revoked=[(of.signer, NOW - YEAR, GRAVE)]), crl(of.ca, NOW + ahead), crl(of.root))
    found = gather(
        graph.evidence, trust=of.trust, policy=shipped(), extra=NOTHING, fetcher=None, now=lambda: NOW
    )
    assert verdict(found.outcome) == expected
    # For a time that is given, what came later may tell more.
    assert verdict(graph.run(of.trust)) == "TOTAL-PASSED"


def told_by_one_revoked_since() -> tuple[Graph, Signature, tuple[str, ...]]:
    """A list by a second key of the authority, which was revoked an hour after."""
    graph, of, signature = signed()
    later = entity("later", of.root, subject_name="ca", usage=("crl_sign",))
    graph.certificates(of.ca, of.root, of.tsa, later)
    tokens = graph.lists(crl(later, NOW - 3 * HOUR))
    graph.lists(crl(of.root, revoked=[(later, NOW - 2 * HOUR, GRAVE)]))
    return graph, signature, (*tokens, of.signer.id, of.ca.id, of.root.id, later.id)


@pytest.mark.req("EN319102-1:5.2.6.4-REVOCATION-ISSUER-REVOKED")
def test_who_was_revoked_since_is_not_believed_about_the_time_of_what_he_said() -> None:
    graph, _, _ = told_by_one_revoked_since()
    of = house()
    outcome = graph.run(of.trust)
    assert verdict(outcome) == "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    assert of.signer.id in [need.about for need in outcome.needs]
    graph.lists(crl(of.ca, NOW - 4 * HOUR))
    assert verdict(graph.run(of.trust)) == "TOTAL-PASSED"
    graph.lists(crl(of.ca, NOW - 3.5 * HOUR, revoked=[(of.signer, NOW - DAY, GRAVE)]))
    assert verdict(graph.run(of.trust)) == "REVOKED_NO_POE"


@pytest.mark.req("EN319102-1:5.2.6.4-REVOCATION-ISSUER-REVOKED")
@pytest.mark.parametrize(
    ("proven", "expected"),
    [(2.5 * HOUR, "TOTAL-PASSED"), (1.5 * HOUR, "REVOCATION_OUT_OF_BOUNDS_NO_POE")],
)
def test_what_is_proven_to_be_older_than_the_revocation_of_who_said_it_counts(
    proven: timedelta, expected: str
) -> None:
    graph, signature, tokens = told_by_one_revoked_since()
    tsa = house().tsa
    graph.stamp(signature, NOW - proven, tsa)
    graph.stamp(signature, NOW - proven, tsa, kind=TimeStampKind.ARCHIVE, covers=tokens)
    assert verdict(graph.run(house().trust)) == expected


@pytest.mark.parametrize(
    ("before", "lasts", "expected"),
    [
        (HOUR, 2 * DAY, "TOTAL-PASSED"),
        (HOUR, None, "TOTAL-PASSED"),
        (-DAY, None, "TOTAL-PASSED"),
        (9 * DAY, 2 * DAY, "OUT_OF_BOUNDS_NO_POE"),
        (9 * DAY, None, "OUT_OF_BOUNDS_NO_POE"),
    ],
)
def test_of_an_expired_signer_the_status_is_known_by_data_that_was_recent_when_he_signed(
    before: timedelta, lasts: timedelta | None, expected: str
) -> None:
    of = house(since=NOW - 9 * YEAR, until=NOW - YEAR)
    graph, _, signature = signed(of)
    graph.certificates(of.ca, of.root, of.tsa)
    graph.lists(crl(of.root))
    if lasts is None:
        graph.answers(ocsp_answer(of.signer, of.responder, NOW - 2 * YEAR - before, lasts=None))
    else:
        graph.lists(crl(of.ca, NOW - 2 * YEAR - before, lasts=lasts))
    graph.stamp(signature, NOW - 2 * YEAR, of.tsa)
    assert verdict(graph.run(of.trust)) == expected
