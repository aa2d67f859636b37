"""What is missing is fetched, once, and judged again; what cannot be had is told and stops nothing."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID
from evidence_graphs import DAY, NOW, YEAR, Entity, Graph, crl, entity, ocsp_answer, verdict

from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.pki.tokens import Certificate
from trustworks.validation.gathering.fetching import Cache, Fetcher, FetchLimits
from trustworks.validation.gathering.rounds import Gathered, certificates_in, gather, ocsp_request
from trustworks.validation.policies.policy import Policy, shipped
from trustworks.validation.rules.inputs import NOTHING
from trustworks.validation.trust import Trust

if TYPE_CHECKING:
    from pathlib import Path

OCSP, CRL, ISSUER = "http://ca.example/ocsp", "http://ca.example/crl", "http://ca.example/ca.cer"


class Web(Fetcher):
    """Answers from a table in place of the web, and notes what it was asked."""

    def __init__(self, answers: dict[str, bytes], cache: Cache | None = None) -> None:
        super().__init__(FetchLimits(), cache)
        self.answers = answers
        self.asked: list[str] = []

    def get(self, url: str) -> bytes:
        self.asked.append(url)
        if url not in self.answers:
            raise Unavailable("fetch.status", f"{url} answered 404.")
        return self.answers[url]

    def post(self, url: str, body: bytes, content_type: str) -> bytes:
        assert content_type == "application/ocsp-request"
        assert ocsp.load_der_ocsp_request(body).serial_number
        return self.get(url)


def at(url: str, method: x509.ObjectIdentifier) -> x509.AccessDescription:
    return x509.AccessDescription(method, x509.UniformResourceIdentifier(url))


ROOT = entity("root", ca=True, since=NOW - 20 * YEAR, until=NOW + 20 * YEAR)
CA = entity("ca", ROOT, ca=True, since=NOW - 10 * YEAR, until=NOW + 10 * YEAR)
NAMED = x509.AuthorityInformationAccess(
    [at(OCSP, AuthorityInformationAccessOID.OCSP), at(ISSUER, AuthorityInformationAccessOID.CA_ISSUERS)]
)
LISTED = x509.CRLDistributionPoints(
    [x509.DistributionPoint([x509.UniformResourceIdentifier(CRL)], None, None, None)]
)
SIGNER = entity("signer", CA, extensions=[NAMED, LISTED])
OF_ROOT = crl(ROOT)


def gathered(
    web: Web, *, anchor: Entity = ROOT, policy: Policy | None = None, issuer: bool = False
) -> Gathered:
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
    cache.keep(CRL, b"", old, time.time() + 60)
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
    gathered(web)
    assert web.asked == [ISSUER]


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
