"""What lists and answers say, and which are not accepted; NIST's lists are in tests/conformance."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from foreign_pki import DAY, NOW, Entity, usage

from trustworks.core.der.encode import extension
from trustworks.core.der.ocsp import cert_hash_extension, nonce_extension
from trustworks.core.pki import revocation_list
from trustworks.core.pki.building import CertificatePool, TrustAnchors
from trustworks.core.pki.crl_scope import ALL_REASONS, goes_with, is_within_scope, points_of
from trustworks.core.pki.path_verdict import Issuer
from trustworks.core.pki.revocation import (
    Findings,
    Refusal,
    RefusalCode,
    RevocationData,
    RevocationFact,
    fact_of_answer,
    fact_of_list,
    find_facts,
)
from trustworks.core.pki.tokens import OcspAnswer, RevocationList

ROOT = Entity("root")
LEAF = Entity("leaf", ROOT, ca=False)
OTHER = Entity("other", ROOT, ca=False)
RESPONDER_USAGE = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
RESPONDER = Entity("responder", ROOT, ca=False, extensions=[RESPONDER_USAGE])
ISSUER = Issuer(subject=ROOT.token.subject, key=ROOT.token.key, certificate=ROOT.token)
HOUR = timedelta(hours=1)


def findings(*data: RevocationList | OcspAnswer, of: Entity = LEAF, pool: Any = (), **given: Any) -> Findings:
    return find_facts(
        of.token,
        ISSUER,
        RevocationData(
            (one for one in data if isinstance(one, RevocationList)),
            (one for one in data if isinstance(one, OcspAnswer)),
        ),
        pool=CertificatePool(one.token for one in pool),
        **given,
    )


def refused(*data: RevocationList | OcspAnswer, **given: Any) -> list[RefusalCode]:
    found = findings(*data, **given)
    assert found.facts == ()
    for one in found.refusals:
        assert one.sentence.endswith(".")
        assert one.sentence[0].isupper()
    return [one.code for one in found.refusals]


def fact(*data: RevocationList | OcspAnswer, **given: Any) -> RevocationFact:
    return findings(*data, **given).facts[0]


def idp(**given: Any) -> tuple[x509.ExtensionType, bool]:
    default: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**(default | given)), True


def url(text: str) -> list[x509.GeneralName]:
    return [x509.UniformResourceIdentifier(text)]


# Lists


def test_a_list_says_who_is_revoked_when_and_why() -> None:
    revoked = {"at": NOW - DAY, "reason": x509.ReasonFlags.key_compromise}
    told = fact(ROOT.crl([(OTHER, {}), (LEAF, revoked)]))
    assert (told.status, told.revoked_at, told.reason) == ("revoked", NOW - DAY, 1)
    assert told.signers == (None,)
    assert told.is_revoked_at(NOW - DAY)
    assert not told.is_revoked_at(NOW - DAY - HOUR)
    assert not told.is_on_hold
    good = fact(ROOT.crl([(OTHER, {})]))
    assert (good.status, good.reasons) == ("good", ALL_REASONS)
    assert fact(ROOT.crl([(LEAF, {"reason": x509.ReasonFlags.certificate_hold})])).is_on_hold


def test_the_newest_comes_first() -> None:
    old, new = ROOT.crl(this_update=NOW - DAY), ROOT.crl([(LEAF, {})])
    assert [one.tokens[0] for one in findings(old, new).facts] == [new, old]


@pytest.mark.req("RFC5280:6.3.3-SIGNER")
def test_a_list_is_signed_by_its_issuer() -> None:
    assert refused(ROOT.crl(key=OTHER.key)) == [RefusalCode.SIGNATURE]
    assert findings(Entity("root", key=OTHER.key).crl(issuer_name=OTHER.name)).refusals == ()
    may_not = Entity("root", key=ROOT.key, usage=usage("key_cert_sign"))
    issuer = Issuer(subject=may_not.token.subject, key=may_not.token.key, certificate=may_not.token)
    told = fact_of_list(LEAF.token, issuer, ROOT.crl(), pool=CertificatePool())
    assert isinstance(told, Refusal)
    assert told.code is RefusalCode.NOT_AUTHORISED
    # A key for lists alone, under a certificate with the same name.
    lists = Entity("root", ROOT, usage=usage("crl_sign"))
    assert fact(lists.crl(), pool=[lists]).signers == (lists.token,)
    assert refused(lists.crl()) == [RefusalCode.SIGNATURE]
    other_use = Entity("root", ROOT, usage=usage("digital_signature"))
    assert refused(other_use.crl(), pool=[other_use]) == [RefusalCode.NOT_AUTHORISED]


@pytest.mark.req("RFC5280:5.2-CRITICAL")
def test_a_list_with_an_unknown_critical_extension_is_not_used() -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.9999.7"), b"\x05\x00")
    assert refused(ROOT.crl(extensions=[(unknown, True)])) == [RefusalCode.UNKNOWN_CRITICAL]
    assert fact(ROOT.crl(extensions=[(unknown, False)])).status == "good"
    of_entry = {"extensions": [(unknown, True)]}
    assert refused(ROOT.crl([(OTHER, of_entry)])) == [RefusalCode.UNKNOWN_CRITICAL]
    assert fact(ROOT.crl([(OTHER, {"extensions": [(unknown, False)]})])).status == "good"
    broken = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.20"), b"\x05\x00")
    assert refused(ROOT.crl(extensions=[(broken, False)])) == [RefusalCode.UNREADABLE]


@pytest.mark.req("RFC5280:6.3.3-SCOPE")
def test_a_list_is_about_the_kind_of_certificate_and_the_place_that_it_says() -> None:
    authority = Entity("authority", ROOT)
    users, cas = idp(only_contains_user_certs=True), idp(only_contains_ca_certs=True)
    assert fact(ROOT.crl(extensions=[users])).status == "good"
    assert refused(ROOT.crl(extensions=[cas])) == [RefusalCode.NOT_ABOUT]
    assert fact(ROOT.crl(extensions=[cas]), of=authority).status == "good"
    assert refused(ROOT.crl(extensions=[users]), of=authority) == [RefusalCode.NOT_ABOUT]
    attributes = idp(only_contains_attribute_certs=True)
    assert refused(ROOT.crl(extensions=[attributes])) == [RefusalCode.NOT_ABOUT]
    here, there = "http://example.org/1.crl", "http://example.org/2.crl"
    point = x509.DistributionPoint(url(here), None, None, None)
    placed = Entity("placed", ROOT, ca=False, extensions=[(x509.CRLDistributionPoints([point]), False)])
    assert fact(ROOT.crl(extensions=[idp(full_name=url(here))]), of=placed).status == "good"
    assert refused(ROOT.crl(extensions=[idp(full_name=url(there))]), of=placed) == [RefusalCode.NOT_ABOUT]
    assert fact(ROOT.crl(), of=placed).status == "good"
    assert not is_within_scope(points_of(placed.token)[0], placed.token, OTHER.crl())


def test_a_list_of_another_issuer_is_about_what_names_it() -> None:
    """An indirect list (RFC 5280, 5.2.5 and 5.3.3): entries of several issuers, each by name."""
    lister = Entity("lister", ROOT, usage=usage("crl_sign"))
    point = x509.DistributionPoint(None, None, None, [x509.DirectoryName(lister.name)])
    listed = Entity("listed", ROOT, ca=False, extensions=[(x509.CRLDistributionPoints([point]), False)])
    issuer = (x509.CertificateIssuer([x509.DirectoryName(ROOT.name)]), True)
    stranger = Entity("stranger", Entity("elsewhere"), ca=False, serial=listed.x509.serial_number)
    indirect = [idp(indirect_crl=True)]
    of_it = lister.crl([(listed, {"extensions": [issuer]})], extensions=indirect)
    assert fact(of_it, of=listed, pool=[lister]).status == "revoked"
    following = lister.crl([(OTHER, {"extensions": [issuer]}), (listed, {})], extensions=indirect)
    assert fact(following, of=listed, pool=[lister]).status == "revoked"
    other = (x509.CertificateIssuer([x509.DirectoryName(OTHER.name)]), True)
    of_another = lister.crl([(stranger, {"extensions": [other]})], extensions=indirect)
    assert fact(of_another, of=listed, pool=[lister]).status == "good"
    assert refused(lister.crl([(listed, {"extensions": [issuer]})]), of=listed, pool=[lister]) == [
        RefusalCode.NOT_ABOUT
    ]


def test_a_list_for_some_reasons_tells_of_these() -> None:
    compromise = frozenset({x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise})
    rest = (
        frozenset(x509.ReasonFlags)
        - compromise
        - {x509.ReasonFlags.unspecified, x509.ReasonFlags.remove_from_crl}
    )
    half = ROOT.crl(extensions=[idp(only_some_reasons=compromise)])
    other_half = ROOT.crl(extensions=[idp(only_some_reasons=rest)])
    assert fact(half).reasons == {1, 2}
    assert fact(other_half).reasons == ALL_REASONS - {1, 2}


# Delta lists


def number(value: int) -> tuple[x509.ExtensionType, bool]:
    return x509.CRLNumber(value), False


def delta(
    base: int, own: int, revoked: Any = (), *more: tuple[x509.ExtensionType, bool], **given: Any
) -> RevocationList:
    extensions = [number(own), (x509.DeltaCRLIndicator(base), True), *more]
    return ROOT.crl(revoked, extensions=extensions, **given)


@pytest.mark.req("RFC5280:6.3.3-DELTA")
def test_a_delta_list_goes_on_from_a_complete_one() -> None:
    complete = ROOT.crl(extensions=[number(5)], this_update=NOW - DAY, next_update=NOW + DAY)
    assert goes_with(delta(5, 6), complete)
    assert goes_with(delta(4, 6), complete)
    assert not goes_with(delta(6, 7), complete)  # the base is newer
    assert not goes_with(delta(4, 5), complete)  # the delta list is no newer
    assert not goes_with(delta(5, 6, (), idp(only_contains_user_certs=True)), complete)
    assert not goes_with(
        delta(5, 6, (), (x509.AuthorityKeyIdentifier(b"other", None, None), False)), complete
    )
    assert not goes_with(delta(5, 6), ROOT.crl())
    told = fact(complete, delta(5, 6, [(LEAF, {})]))
    assert (told.status, len(told.tokens)) == ("revoked", 2)
    assert refused(delta(5, 6)) == [RefusalCode.NO_BASE]
    held = ROOT.crl(
        [(LEAF, {"reason": x509.ReasonFlags.certificate_hold})], extensions=[number(5)], this_update=NOW - DAY
    )
    assert fact(held, delta(5, 6, [(LEAF, {"reason": x509.ReasonFlags.remove_from_crl})])).status == "good"
    assert fact(held, delta(5, 6)).status == "revoked"


# Answers


def test_an_answer_of_the_issuer_or_of_who_it_authorised() -> None:
    for answer in (
        ROOT.answer(LEAF, ROOT),
        ROOT.answer(LEAF, ROOT, by_name=True),
        RESPONDER.answer(LEAF, ROOT),
        RESPONDER.answer(LEAF, ROOT, by_name=True),
    ):
        assert fact(answer).status == "good"
    assert fact(ROOT.answer(LEAF, ROOT)).signers == (None,)
    assert fact(RESPONDER.answer(LEAF, ROOT, certificates=()), pool=[RESPONDER]).signers == (RESPONDER.token,)
    revoked = RESPONDER.answer(LEAF, ROOT, "revoked", reason=4)
    assert (fact(revoked).status, fact(revoked).reason) == ("revoked", 4)
    assert fact(revoked).revoked_at == NOW - timedelta(hours=2)


@pytest.mark.req("RFC6960:4.2.2.2-AUTHORISED")
def test_an_answer_of_anyone_else_is_refused() -> None:
    assert refused(OTHER.answer(LEAF, ROOT)) == [RefusalCode.NOT_AUTHORISED]
    elsewhere = Entity("responder", Entity("root"), ca=False, extensions=[RESPONDER_USAGE])
    assert fact(elsewhere.answer(LEAF, ROOT)).authority == "by-path"
    assert refused(RESPONDER.answer(LEAF, ROOT, key=OTHER.key)) == [RefusalCode.SIGNATURE]
    assert refused(RESPONDER.answer(LEAF, ROOT, certificates=())) == [RefusalCode.SIGNATURE]
    trusted = TrustAnchors([elsewhere.anchor])
    told = fact(elsewhere.answer(LEAF, ROOT), anchors=trusted)
    assert (told.signers, told.authority) == ((elsewhere.token,), "delegated")


def test_an_answer_about_another_certificate_or_without_a_status_is_refused() -> None:
    about = fact_of_answer(OTHER.token, ISSUER, ROOT.answer(LEAF, ROOT), pool=CertificatePool())
    assert isinstance(about, Refusal)
    assert about.code is RefusalCode.NOT_ABOUT
    assert refused(ROOT.answer(LEAF, ROOT, "unknown")) == [RefusalCode.NO_STATUS]
    failure = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    told = fact_of_answer(
        LEAF.token, ISSUER, OcspAnswer.read(failure.public_bytes(Encoding.DER)), pool=CertificatePool()
    )
    assert isinstance(told, Refusal)
    assert told.code is RefusalCode.NO_STATUS


@pytest.mark.req("RFC6960:4.4-CRITICAL")
def test_an_answer_with_an_unknown_critical_extension_is_not_used() -> None:
    critical, other = (extension("1.3.9999.7", b"\x05\x00", critical=one) for one in (True, False))
    for bad in ({"extensions": (critical,)}, {"single_extensions": (critical,)}):
        assert refused(ROOT.answer(LEAF, ROOT, "good", **bad)) == [RefusalCode.UNKNOWN_CRITICAL]
    for well in ({"extensions": (other,)}, {"single_extensions": (other,)}):
        assert fact(ROOT.answer(LEAF, ROOT, "good", **well)).status == "good"
    assert ROOT.answer(LEAF, ROOT, extensions=(nonce_extension(b"12345678"),)).nonce == b"12345678"


@pytest.mark.req("COMMONPKI:CERT-HASH")
def test_the_hash_in_an_answer_is_that_of_the_certificate() -> None:
    assert fact(hashed_answer(LEAF.token.sha256)).knows_certificate
    assert refused(hashed_answer(OTHER.token.sha256)) == [RefusalCode.CERT_HASH]
    assert not fact(ROOT.answer(LEAF, ROOT)).knows_certificate


def hashed_answer(sha256: bytes) -> OcspAnswer:
    return ROOT.answer(LEAF, ROOT, single_extensions=(cert_hash_extension(sha256),))


# Time


@pytest.mark.req("EN319102-1:5.2.5-FRESH")
def test_freshness_is_by_a_limit_or_by_the_time_between_updates() -> None:
    told = fact(ROOT.crl(this_update=NOW - HOUR, next_update=NOW + HOUR))
    assert told.is_fresh(NOW + HOUR)
    assert not told.is_fresh(NOW + 2 * HOUR)
    assert told.is_fresh(NOW, HOUR)
    assert not told.is_fresh(NOW, timedelta(minutes=59))
    assert not fact(ROOT.answer(LEAF, ROOT, next_update=None)).is_fresh(NOW)


def test_what_was_issued_after_the_expiry_need_not_tell_of_it() -> None:
    late: dict[str, Any] = {
        "this_update": LEAF.token.not_after + HOUR,
        "next_update": LEAF.token.not_after + DAY,
    }
    assert not fact(ROOT.crl(**late)).tells_of_expired(LEAF.token)
    kept = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.60"), b"\x18\x0f20200101000000Z")
    told = fact(ROOT.crl(**late, extensions=[(kept, False)]))
    assert told.tells_of_expired(LEAF.token)
    assert told.keeps_expired_since == datetime(2020, 1, 1, tzinfo=NOW.tzinfo)


# Bounds


def test_the_same_number_any_number_of_times_is_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = ROOT.crl([(LEAF, {}), (LEAF, {"reason": x509.ReasonFlags.superseded})])
    monkeypatch.setattr(revocation_list, "MOST_HITS", 2)
    assert fact(listed).reason == 4
    monkeypatch.setattr(revocation_list, "MOST_HITS", 1)
    again = ROOT.crl([(LEAF, {}), (LEAF, {})], this_update=NOW - 2 * HOUR)
    assert refused(again) == [RefusalCode.UNREADABLE]
