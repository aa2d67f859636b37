"""Whether status data at hand is enough for level LT: up to trust anchors, answers with who gave them."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import Entity, crl, entity, key, ocsp_answer

from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.certificate import Certificate
from trustworks.formats.verification.validation_data import AtHand

ROOT = entity("root", ca=True)
CA = entity("ca", ROOT, ca=True)
SIGNER = entity("signer", CA)
OCSP = (ExtendedKeyUsageOID.OCSP_SIGNING,)
RESPONDER = entity(
    "responder", CA, usage=("digital_signature",), purposes=OCSP, extensions=(x509.OCSPNoCheck(),)
)
ASKED = entity("responder that is asked about", CA, usage=("digital_signature",), purposes=OCSP)


def complete(
    *data: bytes,
    trusted: tuple[Entity, ...] = (),
    beside: tuple[Entity, ...] = (CA, ROOT),
    answers: tuple[bytes, ...] = (),
    of: Entity = SIGNER,
) -> bool:
    anchors = TrustAnchors(TrustAnchor.of(Certificate.read(one.der)) for one in trusted)
    at_hand = AtHand([one.der for one in (of, *beside)], data, answers, anchors)
    return at_hand.are_complete([of.der])


def test_the_status_of_everyone_below_a_certificate_by_itself_is_needed() -> None:
    assert complete(crl(CA), crl(ROOT))
    assert not complete(crl(CA))
    assert not complete(crl(ROOT))
    assert not complete()


def test_nothing_is_asked_of_whom_one_trusts_and_who_is_above() -> None:
    assert complete(crl(CA), trusted=(CA,))
    assert complete(crl(CA), trusted=(CA,), beside=())
    assert complete(trusted=(SIGNER,), beside=())
    assert not complete(crl(ROOT), trusted=(CA,))
    assert complete(crl(CA), crl(ROOT), trusted=(ROOT,))


def test_what_is_said_of_a_certificate_cannot_be_verified_without_who_issued_it() -> None:
    assert not complete(crl(CA), beside=())
    assert not complete(crl(CA), crl(ROOT), beside=(CA,))


def test_an_answer_needs_who_gave_it_and_the_status_of_that_one() -> None:
    answered = ocsp_answer(SIGNER, RESPONDER)
    assert complete(crl(ROOT), answers=(answered,))
    assert not complete(crl(ROOT), answers=(ocsp_answer(SIGNER, RESPONDER, alone=True),))
    by_another = ocsp_answer(SIGNER, ASKED)
    assert not complete(crl(ROOT), answers=(by_another,))
    assert complete(crl(ROOT), answers=(by_another, ocsp_answer(ASKED, RESPONDER)))
    assert complete(crl(ROOT), answers=(by_another,), trusted=(ASKED,))


def test_an_answer_about_the_certificate_of_another_authority_says_nothing() -> None:
    other = entity("other", ca=True)
    of_other = (
        x509.CertificateBuilder()
        .subject_name(SIGNER.certificate.subject)
        .issuer_name(other.certificate.subject)
        .public_key(SIGNER.certificate.public_key())
        .serial_number(SIGNER.certificate.serial_number)
        .not_valid_before(SIGNER.certificate.not_valid_before_utc)
        .not_valid_after(SIGNER.certificate.not_valid_after_utc)
        .sign(key("other"), hashes.SHA256())
    )
    answered = ocsp_answer(Entity("signer", of_other, other), RESPONDER)
    assert not complete(crl(ROOT), answers=(answered,))


@pytest.mark.parametrize("number", [2, 40])
def test_authorities_that_certify_each_other_are_followed_to_an_end(number: int) -> None:
    """In a circle, each has its status; and of too many one after the other nobody says that all is there."""
    first = entity("c0", ca=True)
    chain = [first]
    for place in range(1, number):
        chain.append(entity(f"c{place}", chain[-1], ca=True))
    back = entity("c0", chain[-1], ca=True)
    leaf = entity("leaf", back)
    lists = [crl(one) for one in chain]
    assert complete(*lists, beside=(back, *chain[1:]), of=leaf) is (number < 32)
