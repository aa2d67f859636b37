"""What shows that a certificate stood: enough to judge again without a network, or why there is none."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import DAY, NOW, YEAR, Entity, crl, entity, ocsp_answer
from evidence_web import Web, access, listed

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.tokens import Certificate
from trustworks.core.ports import ValidationData
from trustworks.formats.verification.validation_data import AtHand
from trustworks.validation import Context, Policy, Trust, validate_certificate
from trustworks.validation.gathering.certificate_evidence import CertificateEvidence
from trustworks.validation.gathering.fetching import FetchLimits
from trustworks.validation.gathering.memory import Memory
from trustworks.validation.policies.policy import shipped
from trustworks.validation.rules.inputs import NO_FILE, Extra, Inputs, token
from trustworks.validation.rules.supporting import data_of, is_whole, support

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

HOUR = timedelta(hours=1)
OCSP, CRL, ISSUER = "http://ca.example/ocsp", "http://ca.example/ca.crl", "http://ca.example/ca.cer"
ROOT_CRL = "http://root.example/root.crl"
STATUS = partial(entity, since=NOW - 10 * YEAR, until=NOW + 10 * YEAR)
ROOT = entity("root", ca=True, since=NOW - 20 * YEAR, until=NOW + 20 * YEAR)
CA = STATUS("ca", ROOT, ca=True, extensions=[listed(ROOT_CRL)])
NAMED = [access(ocsp=OCSP, issuer=ISSUER), listed(CRL)]
SIGNER = entity("signer", CA, extensions=NAMED)
AS_RESPONDER: dict[str, Any] = {
    "usage": ("digital_signature",),
    "purposes": (ExtendedKeyUsageOID.OCSP_SIGNING,),
}
RESPONDER = STATUS("responder", CA, extensions=[x509.OCSPNoCheck()], **AS_RESPONDER)
UNIT = entity(
    "unit",
    CA,
    usage=("digital_signature",),
    purposes=(ExtendedKeyUsageOID.TIME_STAMPING,),
    extensions=NAMED,
)


NO_SHA256 = replace(shipped(), suite=replace(shipped().suite, digests={}))


def everything(**changes: bytes) -> dict[str, bytes]:
    """What the authorities publish; `changes` by the name of the address."""
    found = {OCSP: ocsp_answer(SIGNER, RESPONDER), CRL: crl(CA), ISSUER: CA.der, ROOT_CRL: crl(ROOT)}
    return found | {globals()[name]: octets for name, octets in changes.items()}


def source(
    web: Web | None, *anchors: Entity, policy: Policy | str = "ades", now: datetime = NOW
) -> CertificateEvidence:
    trust = Trust.of([one.der for one in anchors or (ROOT,)])
    used = shipped(policy) if isinstance(policy, str) else policy
    return CertificateEvidence(trust=lambda: trust, policy=used, fetcher=web, now=lambda: now)


def of(
    web: Web | Mapping[str, bytes] | None,
    certificate: Entity = SIGNER,
    *anchors: Entity,
    at: datetime = NOW,
    policy: Policy | str = "ades",
    now: datetime = NOW,
    **asked: Any,
) -> ValidationData:
    """The evidence, after it was seen that it is enough for whoever has nothing else."""
    found = web if web is None or isinstance(web, Web) else Web(dict(web))
    data = source(found, *anchors, policy=policy, now=now).evidence_of(certificate.der, at, **asked)
    trust = Trust.of([one.der for one in anchors or (ROOT,)])
    result = validate_certificate(
        certificate.der,
        trust=trust,
        policy=policy,
        at=max(at, now) if now <= certificate.certificate.not_valid_after_utc else at,
        certificates=data.certificates,
        lists=data.lists,
        answers=data.answers,
        context=Context.TIME_STAMP if asked.get("time_stamp") else Context.SIGNATURE,
    )
    revoked_since = result.revoked_at is not None and result.revoked_at > at
    assert result.conclusion.passed or revoked_since, result.conclusion.reasons()
    assert AtHand(data.certificates, data.lists, data.answers, trust.anchors).are_complete([certificate.der])
    for kind in (data.certificates, data.lists, data.answers):
        assert len(set(kind)) == len(kind), "each once"
    return data


def refused(
    web: Web | Mapping[str, bytes] | None, certificate: Entity = SIGNER, *args: Any, **asked: Any
) -> str:
    """The code and the sentence with which evidence is refused."""
    with pytest.raises((Rejected, Unavailable)) as caught:
        of(web, certificate, *args, **asked)
    error = caught.value
    assert isinstance(error, (Rejected, Unavailable))
    assert certificate.name in str(error), "the sentence names the certificate"
    return f"{error.code} {error}"


# What is handed out


@pytest.mark.req("EN319122-1:6.3-LT-STATUS")
def test_it_is_the_path_with_its_anchor_and_the_status_of_each_below() -> None:
    web = Web(everything())
    data = of(web)
    assert data.certificates == (SIGNER.der, CA.der, ROOT.der)
    assert data.answers == (web.answers[OCSP],)
    assert data.lists == (web.answers[ROOT_CRL],)
    assert CRL not in web.asked, "where an answer is enough, no list is asked for"
    assert len(web.asked) == len(set(web.asked))


def test_nothing_is_asked_for_what_is_at_hand_and_what_is_not_used_is_left_out() -> None:
    other = entity("other", CA)
    answer = ocsp_answer(SIGNER, RESPONDER)
    at_hand = ValidationData(
        certificates=(other.der, CA.der), lists=(crl(other), crl(ROOT)), answers=(answer,)
    )
    data = of(None, at_hand=at_hand)
    assert data == ValidationData(
        certificates=(SIGNER.der, CA.der, ROOT.der), lists=at_hand.lists[1:], answers=(answer,)
    )


def test_a_list_is_asked_for_where_no_answer_came() -> None:
    web = Web(everything(OCSP=b"nothing"))
    data = of(web)
    assert set(data.lists) == {web.answers[CRL], web.answers[ROOT_CRL]}
    assert data.answers == ()


@pytest.mark.req("EN319122-1:6.3-LT-STATUS")
def test_a_responder_about_whom_one_may_ask_is_asked_about() -> None:
    responder = STATUS("responder", CA, extensions=[listed(CRL)], **AS_RESPONDER)
    web = Web(everything(OCSP=ocsp_answer(SIGNER, responder)))
    data = of(web)
    assert set(data.lists) == {web.answers[CRL], web.answers[ROOT_CRL]}
    assert "evidence.missing" in refused(everything(OCSP=ocsp_answer(SIGNER, responder), CRL=b""))


def test_a_responder_whom_the_answer_does_not_bring_is_handed_out_beside_it() -> None:
    answers = everything(OCSP=ocsp_answer(SIGNER, RESPONDER, alone=True))
    data = of(answers, at_hand=ValidationData(certificates=(RESPONDER.der,)))
    assert data.certificates == (SIGNER.der, CA.der, ROOT.der, RESPONDER.der)


def test_a_central_responder_has_a_path_and_a_status_of_his_own() -> None:
    central = STATUS("central", ROOT, ca=True, extensions=[listed(ROOT_CRL)])
    responder = STATUS("responder", central, extensions=[x509.OCSPNoCheck()], **AS_RESPONDER)
    data = of(
        everything(OCSP=ocsp_answer(SIGNER, responder)),
        at_hand=ValidationData(certificates=(central.der,)),
    )
    assert set(data.certificates) == {SIGNER.der, CA.der, ROOT.der, central.der}
    no_issuer = refused(everything(OCSP=ocsp_answer(SIGNER, responder), CRL=b""))
    assert no_issuer.startswith("evidence.missing")


@pytest.mark.req("EN319122-1:6.3-LT-STATUS")
def test_of_lists_about_some_reasons_all_are_handed_out() -> None:
    reasons = [one for one in x509.ReasonFlags if one.name not in {"unspecified", "remove_from_crl"}]
    first, second = listed("http://ca.example/1", *reasons[:4]), listed("http://ca.example/2", *reasons[4:])
    signer = entity("signer", CA, extensions=[x509.CRLDistributionPoints([*first, *second])])
    parts = []
    for number, few in ((1, reasons[:4]), (2, reasons[4:])):
        scope = x509.IssuingDistributionPoint(
            full_name=[x509.UniformResourceIdentifier(f"http://ca.example/{number}")],
            relative_name=None,
            only_contains_user_certs=False,
            only_contains_ca_certs=False,
            only_some_reasons=frozenset(few),
            indirect_crl=False,
            only_contains_attribute_certs=False,
        )
        parts.append(crl(CA, NOW - number * HOUR, scope=scope))
    web = everything() | {"http://ca.example/1": parts[0], "http://ca.example/2": parts[1]}
    data = of(web, signer, at_hand=ValidationData(certificates=(CA.der,)))
    assert set(data.lists) == {*parts, web[ROOT_CRL]}


@pytest.mark.req("EN319122-1:6.3-LT-STATUS")
def test_a_time_stamping_unit_is_judged_as_one() -> None:
    web = everything(OCSP=ocsp_answer(UNIT, RESPONDER))
    assert of(web, UNIT, time_stamp=True).certificates[0] == UNIT.der
    # The policy only warns where nothing is known of its authorities; level LT needs it.
    found = refused({**web, ROOT_CRL: b""}, UNIT, time_stamp=True)
    assert "is shown by revocation data about CN=ca, and there is none." in found
    assert ROOT_CRL in found


@pytest.mark.req("EN319122-1:6.3-LT-STATUS")
@pytest.mark.parametrize("part", ["certificates", "lists", "answers"])
def test_what_is_handed_out_is_whole_and_without_a_part_of_it_is_not(part: str) -> None:
    all_of_it = of(everything())
    extra = Extra(
        certificates=tuple(token("C", one) for one in all_of_it.certificates),
        revocation=(*(token("R", one) for one in all_of_it.lists), token("O", all_of_it.answers[0])),
    )
    inputs = Inputs(evidence=NO_FILE, trust=Trust.of([ROOT.der]), policy=shipped(), at=NOW, extra=extra)
    found = support(Certificate.read(SIGNER.der), Context.SIGNATURE, inputs)
    assert data_of(found, inputs) == all_of_it
    assert is_whole(found, all_of_it, inputs)
    assert not is_whole(found, replace(all_of_it, **{part: ()}), inputs)


def test_an_anchor_above_and_an_anchor_itself_need_nobody_above() -> None:
    below = of(everything(), SIGNER, CA)
    assert (below.certificates, below.lists) == ((SIGNER.der, CA.der), ())
    alone = of(Web({}), SIGNER, SIGNER)
    assert alone == ValidationData(certificates=(SIGNER.der,))
    itself = entity("itself")
    assert of(Web({}), itself, itself) == ValidationData(certificates=(itself.der,))


def enough_for(anchor: Entity, data: ValidationData, certificate: Entity = SIGNER) -> bool:
    """Whether the data has level LT for who trusts that anchor alone."""
    trust = Trust.of([anchor.der])
    at_hand = AtHand(data.certificates, data.lists, data.answers, trust.anchors)
    return at_hand.are_complete([certificate.der]) and anchor.der in data.certificates


@pytest.mark.req("TRUSTWORKS:SIGNING-FURTHEST-ANCHOR")
@pytest.mark.parametrize("anchors", [(CA, ROOT), (ROOT, CA), (SIGNER, CA, ROOT), (SIGNER, ROOT)])
def test_evidence_goes_up_to_the_furthest_anchor_so_that_it_is_enough_for_who_trusts_any(
    anchors: tuple[Entity, ...],
) -> None:
    web = Web(everything())
    data = of(web, SIGNER, *anchors, at_hand=ValidationData(certificates=(CA.der,)))
    assert set(data.certificates) == {SIGNER.der, CA.der, ROOT.der}
    assert (data.lists, data.answers) == ((web.answers[ROOT_CRL],), (web.answers[OCSP],))
    assert all(enough_for(one, data) for one in anchors)
    assert len(web.asked) == len(set(web.asked))


@pytest.mark.req("TRUSTWORKS:SIGNING-FURTHEST-ANCHOR")
def test_a_unit_that_is_an_anchor_has_evidence_up_to_the_root() -> None:
    data = of(everything(OCSP=ocsp_answer(UNIT, RESPONDER)), UNIT, UNIT, CA, ROOT, time_stamp=True)
    assert all(enough_for(one, data, UNIT) for one in (UNIT, CA, ROOT))


@pytest.mark.parametrize(
    "answer", [b"", crl(ROOT, revoked=[(CA, NOW - DAY, None)])], ids=["not to be had", "revoked"]
)
def test_where_the_status_above_does_not_help_the_nearest_anchor_is_enough(answer: bytes) -> None:
    web = Web(everything(ROOT_CRL=answer))
    data = of(web, SIGNER, CA, ROOT)
    assert (data.certificates, data.lists) == ((SIGNER.der, CA.der), ())
    assert ROOT_CRL in web.asked


def test_between_the_furthest_and_the_nearest_there_may_be_one_that_is_enough() -> None:
    top = entity("top", ca=True, since=NOW - 20 * YEAR, until=NOW + 20 * YEAR)
    root = STATUS("root", top, ca=True, extensions=[listed("http://top.example/crl")])
    data = of(everything(), SIGNER, CA, root, top)
    assert data.certificates == (SIGNER.der, CA.der, root.der)
    assert len(data.lists) == 1


def test_nobody_is_asked_about_an_anchor_above_which_none_is_known() -> None:
    between = STATUS("between", ROOT, ca=True, extensions=[listed(ROOT_CRL)])
    below = STATUS("below", between, ca=True, extensions=[access(issuer="http://between.example/cer")])
    signer = entity("signer", below, extensions=[listed(CRL)])
    web = Web({CRL: crl(below), "http://between.example/cer": between.der, ROOT_CRL: crl(ROOT)})
    data = of(web, signer, below, ROOT)
    assert data.certificates == (signer.der, below.der)
    assert web.asked == [CRL]


def test_an_anchor_that_is_a_name_and_a_key_is_enough_to_ask_a_responder() -> None:
    public = CA.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    anchors = TrustAnchors([TrustAnchor.named(CA.certificate.subject.public_bytes(), public)])
    web = Web({OCSP: ocsp_answer(SIGNER, RESPONDER)})
    trusting = CertificateEvidence(
        trust=lambda: Trust(anchors), policy=shipped(), fetcher=web, now=lambda: NOW
    )
    data = trusting.evidence_of(SIGNER.der, NOW)
    assert data == ValidationData(certificates=(SIGNER.der,), answers=(web.answers[OCSP],))


@pytest.mark.parametrize("oid", ["0.4.0.194121.2.1", "2.5.29.56"])
def test_a_certificate_that_says_that_nobody_tells_needs_no_status(oid: str) -> None:
    said = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), b"\x05\x00")
    short = entity("short", CA, extensions=[said, access(issuer=ISSUER)])
    web = Web(everything())
    assert of(web, short).answers == ()
    assert OCSP not in web.asked


# Whether it stood


@pytest.mark.req("EN319122-1:6.3-LT-STATUS")
def test_what_was_revoked_by_then_has_no_evidence_and_what_was_revoked_since_has() -> None:
    yesterday = crl(CA, revoked=[(SIGNER, NOW - DAY, None)])
    found = refused(everything(OCSP=b"", CRL=yesterday))
    assert found.startswith(
        "evidence.revoked CN=signer: The certificate was revoked at 2026-05-31 12:00:00Z."
    )
    assert yesterday in of(everything(OCSP=b"", CRL=yesterday), at=NOW - 2 * DAY).lists
    revoked = ocsp_answer(SIGNER, RESPONDER, revoked=NOW - DAY)
    assert refused(everything(OCSP=revoked)).startswith("evidence.revoked")


def test_an_authority_that_was_revoked_is_named() -> None:
    revoked = crl(ROOT, revoked=[(CA, NOW - DAY, None)])
    assert refused(everything(ROOT_CRL=revoked)).startswith("evidence.revoked CN=ca, above CN=signer:")


def test_what_is_suspended_is_no_evidence() -> None:
    hold = crl(CA, revoked=[(SIGNER, NOW - DAY, x509.ReasonFlags.certificate_hold)])
    assert refused(everything(OCSP=b"", CRL=hold)).startswith("evidence.suspended CN=signer:")


def test_nothing_is_asked_about_a_certificate_that_is_not_valid_then() -> None:
    web = Web(everything())
    assert refused(web, at=NOW + 3 * YEAR).startswith("evidence.expired CN=signer: expired at")
    assert refused(web, at=NOW - 3 * YEAR).startswith("evidence.not-yet-valid CN=signer: valid from")
    assert web.asked == []


def test_an_authority_that_expired_is_named() -> None:
    ca = entity("ca", ROOT, ca=True, until=NOW - DAY, extensions=[listed(ROOT_CRL)])
    found = refused(everything(ISSUER=ca.der))
    assert found.startswith("evidence.expired CN=ca, above CN=signer:")


@pytest.mark.parametrize(
    ("certificate", "asked", "code"),
    [
        (SIGNER, {"time_stamp": True}, "evidence.constraints CN=signer: The extended key usage"),
        (
            entity("nocheck", CA, extensions=[*NAMED, x509.OCSPNoCheck()]),
            {},
            "evidence.constraints CN=nocheck:",
        ),
        (SIGNER, {"policy": NO_SHA256}, "evidence.algorithms CN=signer:"),
        (
            entity("below", entity("no authority", CA), extensions=NAMED),
            {"at_hand": ValidationData(certificates=(entity("no authority", CA).der,))},
            "evidence.no-path",
        ),
    ],
    ids=["purpose", "forbidden", "algorithm", "not-an-authority"],
)
def test_what_the_policy_does_not_take_has_no_evidence(
    certificate: Entity, asked: dict[str, Any], code: str
) -> None:
    answer = ocsp_answer(certificate, RESPONDER)
    assert refused(everything(OCSP=answer), certificate, **asked).startswith(code)


def test_where_nobody_trusted_is_above_there_is_no_path() -> None:
    itself, stranger = entity("itself"), entity("stranger", ca=True)
    found = refused(Web({}), itself)
    assert found.startswith("evidence.no-path No path leads from CN=itself to a trust anchor.")
    assert "nobody is above that" in found
    unnamed = refused(Web({}), entity("unnamed", stranger))
    assert unnamed.startswith("evidence.no-path")
    assert "CN=stranger" in unnamed
    assert refused(everything(), SIGNER, stranger).startswith("evidence.no-path")


# What is missing


def test_what_was_not_to_be_had_is_named_with_where_it_was_asked_for() -> None:
    issuer = refused(Web({}))
    assert issuer.startswith("evidence.missing That CN=signer stands is shown by the certificate of who")
    assert f"{ISSUER} answered 404." in issuer
    status = refused({ISSUER: CA.der, ROOT_CRL: crl(ROOT)})
    assert "is shown by revocation data about CN=signer, and there is none" in status
    assert f"{OCSP} answered 404." in status
    assert f"{CRL} answered 404." in status
    above = refused({ISSUER: CA.der, OCSP: ocsp_answer(SIGNER, RESPONDER)})
    assert "is shown by revocation data about CN=ca, and there is none" in above
    assert f"{ROOT_CRL} answered 404." in above
    nowhere = refused(everything(), entity("nowhere", CA), at_hand=ValidationData(certificates=(CA.der,)))
    assert "CN=nowhere names no place where it is to be had." in nowhere
    offline = refused(None, at_hand=ValidationData(certificates=(CA.der,)))
    assert f"It would be at {OCSP}, {CRL}; nothing is fetched here." in offline
    assert refused(None).startswith("evidence.missing")


def test_what_does_not_verify_is_no_evidence() -> None:
    forged = crl(replace(CA, name="stranger"))
    assert refused(everything(OCSP=b"", CRL=forged)).startswith("evidence.missing")
    assert refused(everything(OCSP=b"", CRL=crl(CA, NOW + YEAR))).startswith("evidence.missing")


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (FetchLimits(answers=1), "More than 1 answers are missing"),
        (FetchLimits(rounds=1), "Evidence was still missing after 1 rounds"),
        (FetchLimits(all_seconds=0), "Evidence was looked for 0 seconds"),
    ],
)
def test_the_limits_of_fetching_end_the_search(limits: FetchLimits, told: str) -> None:
    found = refused(Web(everything(), limits=limits))
    assert found.startswith("evidence.missing")
    assert told in found


def test_a_certificate_that_cannot_be_read_is_malformed() -> None:
    with pytest.raises(Malformed):
        source(None).evidence_of(b"no certificate", NOW)


# Freshness


def not_fresh(web: Web | Mapping[str, bytes], **asked: Any) -> tuple[str, datetime | None]:
    with pytest.raises(Unavailable) as caught:
        of(web, **asked)
    assert caught.value.code == "evidence.not-fresh"
    return str(caught.value), caught.value.again


@pytest.mark.req("EN319102-1:5.2.5-FRESH-EVIDENCE")
def test_what_is_older_than_was_asked_for_is_not_taken_and_the_next_is_told() -> None:
    web = Web(everything(OCSP=ocsp_answer(SIGNER, RESPONDER, NOW - 2 * HOUR)))
    said, again = not_fresh(web, since=NOW)
    assert again == NOW - HOUR + 2 * DAY - HOUR
    assert "of 2026-06-01 12:00:00Z or later" in said
    assert f"{again:%Y-%m-%d %H:%M:%SZ}" in said
    assert CRL in web.asked, "the list might have been newer"
    assert of(everything(OCSP=ocsp_answer(SIGNER, RESPONDER, NOW)), since=NOW).answers
    assert of(everything(), since=NOW - HOUR).answers, "of the moment itself is late enough"
    later = of(everything(CRL=crl(CA, NOW)), since=NOW)
    assert later.answers == ()


def test_nobody_says_when_the_next_is_due() -> None:
    ca = STATUS("ca", ROOT, ca=True, extensions=[listed(ROOT_CRL)])
    signer = entity("signer", ca, extensions=[access(ocsp=OCSP, issuer=ISSUER)])
    said, again = not_fresh(
        everything(OCSP=ocsp_answer(signer, ca, lasts=None)), certificate=signer, since=NOW
    )
    assert again is None
    assert "Nobody says when the next is due" in said


@pytest.mark.req("EN319102-1:5.2.5-FRESH-EVIDENCE")
def test_what_a_policy_only_warns_of_is_no_evidence_for_a_new_signature() -> None:
    old = crl(ROOT, NOW - 10 * DAY)
    said, again = not_fresh(everything(ROOT_CRL=old))
    assert again is None
    assert "CN=ca" in said
    assert "was due at" in said
    assert of(everything(ROOT_CRL=crl(ROOT, NOW - 100 * DAY, lasts=YEAR))).lists


@pytest.mark.req("EN319102-1:5.2.5-FRESH-EVIDENCE")
@pytest.mark.parametrize(
    ("policy", "age", "good"),
    [
        ("qualified", 2 * HOUR, True),
        ("qualified", 30 * HOUR, False),
        ("preservation", timedelta(0), True),
        ("preservation", HOUR, False),
    ],
)
def test_policies_say_how_fresh(policy: str, age: timedelta, good: bool) -> None:
    web = everything(OCSP=ocsp_answer(SIGNER, RESPONDER, NOW - age, lasts=YEAR), CRL=b"")
    if good:
        assert of(web, policy=policy).answers
        assert not_fresh(web, policy=policy, since=NOW + HOUR)
    else:
        assert not_fresh(web, policy=policy)
        assert not_fresh(web, policy=policy, since=NOW - 2 * DAY), "what the policy asks is asked still"


def test_old_data_at_hand_is_replaced_by_new() -> None:
    old = ValidationData(answers=(ocsp_answer(SIGNER, RESPONDER, NOW - 5 * HOUR),))
    web = everything()
    assert of(web, at_hand=old, since=NOW - 2 * HOUR).answers == (web[OCSP],)
    assert of(web, at_hand=old).answers == old.answers, "it is fresh enough for the policy"


def test_a_responder_that_answers_anew_is_asked_again_in_a_second() -> None:
    web = Web(everything(OCSP=ocsp_answer(SIGNER, RESPONDER, NOW), CRL=b""))
    since = NOW + timedelta(milliseconds=700)
    clock = [NOW + timedelta(milliseconds=800)]
    said, again = not_fresh(web, since=since, now=clock[0])
    assert again == NOW + timedelta(seconds=1)
    assert "ask again at 2026-06-01 12:00:01Z" in said

    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        clock[0] += timedelta(seconds=seconds)
        web.answers[OCSP] = ocsp_answer(SIGNER, RESPONDER, clock[0].replace(microsecond=0))

    trust = Trust.of([ROOT.der])
    patient = CertificateEvidence(
        trust=lambda: trust,
        policy=shipped(),
        fetcher=web,
        patience=timedelta(seconds=2),
        now=lambda: clock[0],
        sleep=sleep,
    )
    assert patient.evidence_of(SIGNER.der, since, since=since).answers == (web.answers[OCSP],)
    assert waited == [pytest.approx(0.2)]
    with pytest.raises(Unavailable):
        patient.evidence_of(SIGNER.der, NOW, since=NOW + timedelta(minutes=1))
    assert len(waited) == 1, "it is not waited for what comes later than that"


# The past


@pytest.mark.req("EN319102-1:5.2.6.4-REVOCATION-ISSUER-LATER")
def test_of_a_certificate_of_long_ago_a_responder_of_today_tells() -> None:
    today = entity("responder", CA, since=NOW - DAY, extensions=[x509.OCSPNoCheck()], **AS_RESPONDER)
    data = of(everything(OCSP=ocsp_answer(SIGNER, today), CRL=b""), at=NOW - YEAR)
    assert data.answers
    gone = entity(
        "gone", ROOT, subject_name="ca", since=NOW - 9 * DAY, until=NOW - DAY, usage=("crl_sign",),
        extensions=[x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.56"), b"\x05\x00")],
    )  # fmt: skip
    found = refused(
        everything(OCSP=b"", CRL=crl(gone, NOW - 2 * DAY)),
        at=NOW - YEAR,
        at_hand=ValidationData(certificates=(CA.der, gone.der)),
    )
    assert found.startswith("evidence.missing")
    assert "whose certificate is valid no more" in found


@pytest.mark.req("EN319102-1:5.2.6.4-REVOCATION-ISSUER-LATER")
def test_who_was_revoked_since_is_not_believed() -> None:
    later = STATUS("later", ROOT, subject_name="ca", usage=("crl_sign",), extensions=[listed(ROOT_CRL)])
    revoked = crl(ROOT, revoked=[(later, NOW - HOUR, x509.ReasonFlags.key_compromise)])
    web = everything(OCSP=b"", CRL=crl(later, NOW - 2 * HOUR), ROOT_CRL=revoked)
    found = refused(web, at_hand=ValidationData(certificates=(CA.der, later.der)))
    assert found.startswith("evidence.missing")
    assert "signed by somebody who was revoked since" in found


# Many in a row


def test_a_hundred_signatures_of_an_authority_are_asked_about_once() -> None:
    web = Web(everything(), Memory(clock=NOW.timestamp))
    many = source(web)
    first = many.evidence_of(SIGNER.der, NOW)
    assert sorted(web.asked) == sorted((ISSUER, OCSP, ROOT_CRL))
    for number in range(99):
        assert many.evidence_of(SIGNER.der, NOW + number * timedelta(seconds=1)) == first
    assert len(web.asked) == 3, "requests for a hundred signatures"


def test_threads_that_ask_about_the_same_ask_once() -> None:
    web = Web(everything(), Memory(clock=NOW.timestamp))
    trust, barrier, waits = Trust.of([ROOT.der]), threading.Barrier(4), threading.local()

    def now() -> datetime:
        if not hasattr(waits, "over"):  # all of them are there before the first one asks
            waits.over = barrier.wait(60)
        return NOW

    many = CertificateEvidence(trust=lambda: trust, policy=shipped(), fetcher=web, now=now)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: many.evidence_of(SIGNER.der, NOW), range(4)))
    assert set(found) == {of(web.answers)}
    assert sorted(web.asked) == sorted((ISSUER, OCSP, ROOT_CRL))


def test_what_was_remembered_and_is_too_old_is_asked_for_again() -> None:
    web = Web(everything(), Memory(clock=NOW.timestamp))
    many = source(web)
    many.evidence_of(SIGNER.der, NOW)
    web.asked.clear()
    web.answers[OCSP] = ocsp_answer(SIGNER, RESPONDER, NOW)
    assert many.evidence_of(SIGNER.der, NOW, since=NOW).answers == (web.answers[OCSP],)
    assert web.asked == [OCSP]
