"""Whether status data at hand is enough for level LT: up to trust anchors, answers with who gave them."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import Entity, crl, entity, key, ocsp_answer

from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.public_keys import PublicKey
from trustworks.formats.collector import Collector
from trustworks.formats.evidence import Where
from trustworks.formats.verification.validation_data import AtHand, _at_hand

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


def test_responders_that_vouch_for_each_other_are_vouched_for_by_nobody() -> None:
    """One that answers about itself is asked about once."""
    other = entity("other responder", CA, usage=("digital_signature",), purposes=OCSP)
    answered = ocsp_answer(SIGNER, ASKED)
    ring = (ocsp_answer(ASKED, other), ocsp_answer(other, ASKED))
    assert not complete(crl(ROOT), answers=(answered, *ring))
    assert complete(crl(ROOT), answers=(answered, *ring, ocsp_answer(other, RESPONDER)))
    assert complete(crl(ROOT), answers=(answered, ocsp_answer(ASKED, ASKED)))


def test_a_certificate_by_itself_ends_a_path_whoever_is_trusted() -> None:
    elsewhere = entity("elsewhere", ca=True)
    assert complete(crl(CA), crl(ROOT), trusted=(elsewhere,))
    assert not complete(crl(ROOT), trusted=(elsewhere,))
    assert complete(crl(ROOT), trusted=(CA,), of=elsewhere)


def test_a_new_key_that_a_trust_anchor_certified_is_asked_about_as_any_other() -> None:
    renewed = entity("new key", ROOT, ca=True, subject_name="root")
    below = entity("below", renewed)
    assert not complete(crl(CA), trusted=(ROOT,), beside=(renewed,), of=below)
    assert complete(crl(ROOT), trusted=(ROOT,), beside=(renewed,), of=below)
    assert complete(crl(ROOT), trusted=(ROOT,), beside=(), of=renewed)
    assert not complete(trusted=(ROOT,), beside=(), of=renewed)
    # Its status may be told in another way than that of what it issued.
    responder = entity(
        "of root", ROOT, usage=("digital_signature",), purposes=OCSP, extensions=(x509.OCSPNoCheck(),)
    )
    below_responder = entity(
        "of new key", renewed, usage=("digital_signature",), purposes=OCSP, extensions=(x509.OCSPNoCheck(),)
    )
    about_below = ocsp_answer(below, below_responder)
    about_renewed = ocsp_answer(renewed, responder)
    assert not complete(answers=(about_below,), trusted=(ROOT,), beside=(renewed,), of=below)
    assert complete(answers=(about_below, about_renewed), trusted=(ROOT,), beside=(renewed,), of=below)
    # What the anchor's own key signed needs nobody between, and nobody trusted is above another's.
    assert complete(crl(ROOT), trusted=(ROOT,), beside=(CA, renewed), of=CA)
    assert complete(answers=(about_below,), trusted=(CA,), beside=(renewed,), of=below)


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


@pytest.mark.parametrize("number", [2, 20, 40])
def test_paths_are_followed_to_an_end(number: int) -> None:
    """Of too many authorities one below the other nobody says that all is there."""
    chain = [entity("c0", ca=True)]
    for place in range(1, number):
        chain.append(entity(f"c{place}", chain[-1], ca=True))
    lists = [crl(one) for one in chain]
    of = entity("leaf", chain[-1])
    assert complete(*lists, beside=tuple(chain), of=of) is (number < 32)
    assert complete(*lists, beside=tuple(reversed(chain)), of=of) is (number < 32)


def test_authorities_that_certify_each_other_lead_to_nobody() -> None:
    first = entity("c0", ca=True)
    second = entity("c1", first, ca=True)
    back = entity("c0", second, ca=True)
    of, lists = entity("leaf", back), (crl(first), crl(second))
    assert not complete(*lists, beside=(back, second), of=of)
    assert complete(*lists, beside=(back, second), of=of, trusted=(first,))


@pytest.mark.parametrize("trusted", [(), (ROOT,)])
def test_what_is_asked_costs_by_what_there_is_and_not_by_one_times_the_other(
    monkeypatch: pytest.MonkeyPatch, trusted: tuple[Entity, ...]
) -> None:
    """There are many keys of the issuer's name, many signers and many answers."""
    issuers = [entity(f"ca{one}", ROOT, ca=True, subject_name="ca") for one in range(30)]
    signers = [entity(f"s{one}", CA) for one in range(30)]
    answers = [ocsp_answer(one, RESPONDER) for one in signers]
    digested: list[str] = []
    kept = PublicKey.hashed

    def hashed(key: PublicKey, hash_name: str) -> bytes:
        digested.append(hash_name)
        return kept(key, hash_name)

    monkeypatch.setattr(PublicKey, "hashed", hashed)
    anchors = TrustAnchors(TrustAnchor.of(Certificate.read(one.der)) for one in trusted)
    named = [one.der for one in (*signers, *issuers, CA, ROOT)]
    at_hand = AtHand(named, [crl(ROOT)], answers, anchors)
    for one in signers:
        assert at_hand.are_complete([one.der])
    assert len(digested) < 3 * len(named)


def test_what_came_with_one_signature_and_with_the_next_is_looked_at_once() -> None:
    collector = Collector()
    certificates = frozenset(
        collector.certificate(one.der, Where.CMS_SIGNED_DATA) for one in (SIGNER, CA, ROOT)
    )
    revocation = frozenset(collector.revocation_list(crl(one), Where.CMS_SIGNED_DATA) for one in (CA, ROOT))
    first = _at_hand(certificates, revocation, collector)
    assert first.are_complete([SIGNER.der])
    assert _at_hand(frozenset(sorted(certificates)), revocation, collector) is first
    other = _at_hand(certificates, frozenset(sorted(revocation)[:1]), collector)
    assert other is not first
    assert not other.are_complete([SIGNER.der])
