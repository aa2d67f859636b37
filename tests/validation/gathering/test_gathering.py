"""What is missing is fetched, once, and judged again; what cannot be had is told and stops nothing."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID
from evidence_graphs import DAY, NOW, YEAR, Entity, Graph, crl, entity, ocsp_answer, verdict
from evidence_web import Web, access, at, listed

from trustworks.core.errors import Malformed
from trustworks.core.pki.tokens import Certificate
from trustworks.formats.evidence import Attributes, PolicyReference
from trustworks.validation.gathering.fetching import Cache
from trustworks.validation.gathering.questions import certificates_in, ocsp_request
from trustworks.validation.gathering.rounds import Gathered, gather
from trustworks.validation.policies.policy import Policy, shipped
from trustworks.validation.rules.inputs import NOTHING
from trustworks.validation.trust import Trust

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.validation import Outcome

OCSP, CRL, ISSUER = "http://ca.example/ocsp", "http://ca.example/crl", "http://ca.example/ca.cer"


ROOT = entity("root", ca=True, since=NOW - 20 * YEAR, until=NOW + 20 * YEAR)
CA = entity("ca", ROOT, ca=True, since=NOW - 10 * YEAR, until=NOW + 10 * YEAR)
NAMED, LISTED = access(ocsp=OCSP, issuer=ISSUER), listed(CRL)
SIGNER = entity("signer", CA, extensions=[NAMED, LISTED])
OF_ROOT = crl(ROOT)


def gathered(
    web: Web, *, anchor: Entity = ROOT, policy: Policy | None = None, issuer: bool = False
) -> Gathered[Outcome]:
    graph = Graph()
    graph.sign(SIGNER)
    graph.lists(OF_ROOT)
    if issuer:
        graph.certificates(CA)
    return gather(
        graph.evidence,
        trust=Trust.of([anchor.der]),
        policy=policy or shipped(),
        extra=NOTHING,
        fetcher=web,
        at=NOW,
    )


def test_the_issuer_is_fetched_and_then_what_it_says_of_revocation() -> None:
    web = Web({ISSUER: CA.der, OCSP: ocsp_answer(SIGNER, CA), CRL: crl(CA)})
    found = gathered(web)
    assert verdict(found.outcome) == "TOTAL-PASSED"
    assert web.asked[0] == ISSUER
    assert set(web.asked) == {ISSUER, OCSP, CRL}
    assert len(web.asked) == len(set(web.asked)), "nothing is asked twice"
    assert found.troubles == ()
    assert {one.id[0] for one in (*found.extra.certificates, *found.extra.revocation)} == {"C", "R", "O"}


def test_an_issuer_that_is_a_trust_anchor_need_not_be_in_the_file() -> None:
    web = Web({OCSP: ocsp_answer(SIGNER, CA)})
    found = gathered(web, anchor=CA)
    assert verdict(found.outcome) == "TOTAL-PASSED"
    assert OCSP in web.asked


def test_what_cannot_be_had_is_told_and_the_rest_is_used() -> None:
    found = gathered(Web({ISSUER: CA.der, CRL: crl(CA), OCSP: b"no answer"}))
    assert verdict(found.outcome) == "TOTAL-PASSED"
    assert len(found.troubles) == 1
    nothing = gathered(Web({}))
    assert verdict(nothing.outcome) == "NO_CERTIFICATE_CHAIN_FOUND"
    assert nothing.troubles == (f"{ISSUER} answered 404.",)


def test_a_revocation_that_is_fetched_counts() -> None:
    revoked = crl(CA, revoked=[(SIGNER, NOW - DAY, None)])
    assert verdict(gathered(Web({ISSUER: CA.der, CRL: revoked})).outcome) == "REVOKED_NO_POE"


def test_what_was_kept_counts_only_while_it_is_newer_than_what_is_at_hand(tmp_path: Path) -> None:
    policy = shipped("qualified")
    old, fresh = crl(CA, NOW - 3 * DAY, lasts=5 * YEAR), crl(CA, lasts=5 * YEAR)
    cache = Cache(tmp_path)
    cache.keep("crl", CRL, b"", old, time.time() + 60)
    graph = Graph()
    graph.sign(SIGNER)
    graph.certificates(CA)
    graph.lists(OF_ROOT, old)
    web = Web({CRL: fresh}, cache)
    found = gather(
        graph.evidence, trust=Trust.of([ROOT.der]), policy=policy, extra=NOTHING, fetcher=web, at=NOW
    )
    assert CRL in web.asked
    assert verdict(found.outcome) == "TOTAL-PASSED"
    again = Web({}, cache)
    gathered(again, issuer=True, policy=policy)
    assert CRL not in again.asked, "what was fetched is kept"


def test_offline_nothing_is_asked() -> None:
    graph = Graph()
    graph.sign(SIGNER)
    found = gather(
        graph.evidence, trust=Trust.of([ROOT.der]), policy=shipped(), extra=NOTHING, fetcher=None, at=NOW
    )
    assert verdict(found.outcome) == "NO_CERTIFICATE_CHAIN_FOUND"
    assert found.extra == NOTHING


def test_no_more_is_asked_than_the_limit_allows() -> None:
    web = Web({ISSUER: CA.der, OCSP: ocsp_answer(SIGNER, CA), CRL: crl(CA)})
    web.limits = replace(web.limits, answers=1)
    found = gathered(web)
    assert web.asked == [ISSUER]
    assert found.troubles == ("More than 1 answers are missing, and that many may be asked for.",)


def test_no_more_rounds_are_made_than_the_limit_allows() -> None:
    web = Web({ISSUER: CA.der, OCSP: ocsp_answer(SIGNER, CA), CRL: crl(CA)})
    web.limits = replace(web.limits, rounds=1)
    found = gathered(web)
    assert web.asked == [ISSUER]
    assert found.troubles == ("Evidence was still missing after 1 rounds of asking, and that is the limit.",)
    web.limits = replace(web.limits, rounds=2)
    assert gathered(web).troubles == ()


def test_all_answers_together_have_a_time_and_what_came_in_it_is_judged() -> None:
    now = [0.0]
    web = Web({ISSUER: CA.der, OCSP: ocsp_answer(SIGNER, CA), CRL: crl(CA)}, clock=lambda: now[0])
    web.answered = lambda: now.__setitem__(0, now[0] + 61)
    found = gathered(web)
    assert web.asked == [ISSUER]
    assert verdict(found.outcome) == "CERTIFICATE_CHAIN_GENERAL_FAILURE", "there is a chain now"
    assert found.troubles == ("Evidence was looked for 60 seconds, and no longer: that is the limit.",)


def test_all_answers_together_have_a_size_those_from_the_cache_included(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.keep("issuer", ISSUER, b"", CA.der, time.time() + 60)
    web = Web({OCSP: ocsp_answer(SIGNER, CA)}, cache)
    web.limits = replace(web.limits, all_octets=len(CA.der) - 1)
    found = gathered(web)
    assert verdict(found.outcome) == "NO_CERTIFICATE_CHAIN_FOUND"
    assert found.troubles == (f"More than {len(CA.der) - 1} octets of evidence came, and that is the limit.",)


def forged(entity: Entity, other: str) -> bytes:
    """A list with the name of an authority, by whoever has no key of it."""
    return crl(replace(entity, name=other))


def test_an_answer_that_did_not_verify_is_not_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    first = gathered(Web({CRL: forged(CA, "stranger")}, cache), issuer=True)
    assert verdict(first.outcome) != "TOTAL-PASSED"
    assert cache.get("crl", CRL, b"") is None
    good = Web({CRL: crl(CA, lasts=5 * YEAR)}, cache)
    assert verdict(gathered(good, issuer=True).outcome) == "TOTAL-PASSED"
    assert cache.get("crl", CRL, b"") == good.answers[CRL]


def test_a_kept_answer_that_does_not_verify_is_dropped_and_asked_for_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.keep("crl", CRL, b"", forged(CA, "stranger"), time.time() + 60)
    cache.keep("issuer", ISSUER, b"", entity("stranger", ca=True, subject_name="ca").der, time.time() + 60)
    web = Web({ISSUER: CA.der, CRL: crl(CA, lasts=5 * YEAR)}, cache)
    assert verdict(gathered(web).outcome) == "TOTAL-PASSED"
    assert web.asked.count(CRL) == web.asked.count(ISSUER) == 1
    assert (cache.get("issuer", ISSUER, b""), cache.get("crl", CRL, b"")) == (CA.der, web.answers[CRL])
    offline = Web({}, cache)
    assert verdict(gathered(offline).outcome) == "TOTAL-PASSED"


def test_a_kept_answer_that_cannot_be_replaced_is_asked_for_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.keep("crl", CRL, b"", forged(CA, "stranger"), time.time() + 60)
    web = Web({}, cache)
    assert verdict(gathered(web, issuer=True).outcome) != "TOTAL-PASSED"
    assert web.asked.count(CRL) == 1
    assert cache.get("crl", CRL, b"") is None


POLICY = "http://ca.example/policy"


def with_policy(web: Web) -> Gathered[Outcome]:
    graph = Graph()
    document = b"the policy"
    named = PolicyReference(
        identifier="1.2.3", uri=POLICY, digest_algorithm="sha256", digest=hashlib.sha256(document).digest()
    )
    graph.sign(SIGNER, attributes=Attributes(signing_time=NOW - DAY, policy=named))
    graph.certificates(CA)
    graph.lists(OF_ROOT, crl(CA))
    return gather(
        graph.evidence, trust=Trust.of([ROOT.der]), policy=shipped(), extra=NOTHING, fetcher=web, at=NOW
    )


def test_the_document_of_a_policy_is_used_and_never_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    wrong = with_policy(Web({POLICY: b"another"}, cache))
    assert wrong.extra.policies == {"1.2.3": b"another"}
    assert cache.get("policy 1.2.3", POLICY, b"") is None
    cache.keep("policy 1.2.3", POLICY, b"", b"another", time.time() + 60)
    web = Web({POLICY: b"the policy"}, cache)
    assert with_policy(web).extra.policies == {"1.2.3": b"the policy"}
    assert web.asked.count(POLICY) == 1
    assert cache.get("policy 1.2.3", POLICY, b"") == b"another"


def test_a_list_that_a_signature_names_as_its_policy_is_never_kept_as_a_list(tmp_path: Path) -> None:
    # Whoever signs chooses address and digest: as the document of a policy it would be kept for days.
    cache, before = Cache(tmp_path), crl(CA)
    named = PolicyReference(
        identifier="1.2.3", uri=CRL, digest_algorithm="sha256", digest=hashlib.sha256(before).digest()
    )
    graph = Graph()
    graph.sign(SIGNER, attributes=Attributes(signing_time=NOW - DAY, policy=named))
    graph.certificates(CA)
    graph.lists(OF_ROOT, before)
    web = Web({CRL: before}, cache)
    stranger = gather(
        graph.evidence, trust=Trust.of([ROOT.der]), policy=shipped(), extra=NOTHING, fetcher=web, at=NOW
    )
    assert stranger.extra.policies == {"1.2.3": before}
    after = Web({CRL: crl(CA, revoked=[(SIGNER, NOW - DAY, None)])}, cache)
    found = gathered(after, issuer=True)
    assert CRL in after.asked
    assert verdict(found.outcome) == "REVOKED_NO_POE"


def test_a_request_is_about_the_certificate_and_its_issuer() -> None:
    read = ocsp.load_der_ocsp_request(ocsp_request(Certificate.read(SIGNER.der), Certificate.read(CA.der)))
    built = ocsp.OCSPRequestBuilder()
    sha1 = read.hash_algorithm
    theirs = built.add_certificate(SIGNER.certificate, CA.certificate, sha1).build()
    assert read.public_bytes(Encoding.DER) == theirs.public_bytes(Encoding.DER)


def test_the_place_of_an_issuer_may_hold_a_certificate_or_several() -> None:
    assert certificates_in(CA.der) == [CA.der]
    assert certificates_in(CA.certificate.public_bytes(Encoding.PEM)) == [CA.der]
    several = pkcs7.serialize_certificates([CA.certificate, ROOT.certificate], Encoding.DER)
    assert sorted(certificates_in(several)) == sorted([CA.der, ROOT.der])
    with pytest.raises(Malformed):
        certificates_in(b"a page of HTML")


def test_of_many_addresses_for_one_thing_a_few_are_asked_and_the_rest_is_told() -> None:
    issuers = [f"http://ca{number}.example/ca.cer" for number in range(200)]
    named = x509.AuthorityInformationAccess(
        [at("ldap://ca.example/ca", AuthorityInformationAccessOID.CA_ISSUERS)]
        + [at(one, AuthorityInformationAccessOID.CA_ISSUERS) for one in issuers]
    )
    graph = Graph()
    graph.sign(entity("signer", CA, extensions=[named]))
    web = Web({})
    found = gather(
        graph.evidence, trust=Trust.of([ROOT.der]), policy=shipped(), extra=NOTHING, fetcher=web, at=NOW
    )
    assert sorted(web.asked) == issuers[:4]
    assert (
        f"Beside {issuers[0]} 197 further addresses are named for the same, more than are asked."
        in found.troubles
    )
