"""Is the level reached that was asked for; and what is told of the data that a signature lacks."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options
from evidence_graphs import NOW, crl, entity, house, ocsp_answer
from signed_stories import KINDS, Signing, token
from signing_house import house as signing_house

from trustworks.core.errors import Rejected
from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.certificate import Certificate
from trustworks.core.ports import ValidationData
from trustworks.core.trace import rule_of
from trustworks.formats.data import Octets
from trustworks.formats.read import read
from trustworks.signing.model import Level
from trustworks.signing.rules.level import check_level, is_reached, rank_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.formats.evidence import Evidence

HOUSE: Final = house()
DAY: Final = timedelta(days=1)
ANCHORS: Final = TrustAnchors((TrustAnchor.of(Certificate.read(HOUSE.root.der)),))
CHAIN: Final = (HOUSE.signer, HOUSE.ca, HOUSE.tsa)
WHOLE: Final = ValidationData(
    certificates=[HOUSE.ca.der, HOUSE.tsa.der, HOUSE.root.der],
    lists=[crl(HOUSE.ca), crl(HOUSE.root)],
)


def stamp(time: Any = NOW) -> Callable[[bytes], bytes]:
    return lambda over: token(HOUSE.tsa, over, time)


def story(**changed: Any) -> Signing:
    given: dict[str, Any] = {"by": HOUSE.signer, "time": NOW - DAY}
    return Signing(**(given | changed))


def evidence_of(kind: str, octets: bytes, anchors: TrustAnchors | None = None) -> Evidence:
    return read(Octets(octets, f"a.{KINDS[kind].suffix}"), anchors=anchors)


def lacks(evidence: Evidence, asked: Level, **options: Any) -> str:
    """What is told: the sentence of the refusal, by the rule."""
    with pytest.raises(Rejected) as caught:
        check_level(evidence, evidence.signatures[0], asked, **options)
    assert caught.value.code == "signature.level"
    assert rule_of(caught.value) == "TRUSTWORKS:SIGNING-LEVEL-REACHED"
    return str(caught.value)


@pytest.mark.req("TRUSTWORKS:SIGNING-LEVEL-REACHED")
@pytest.mark.req("ART24-2-E:D-1-e", "EN419111:2-EXPORT")
@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_without_a_time_stamp_is_no_b_t(kind: str) -> None:
    evidence = evidence_of(kind, KINDS[kind].sign(story()))
    check_level(evidence, evidence.signatures[0], Level.B)
    told = lacks(evidence, Level.T)
    assert "BASELINE-B, and B-T was asked for" in told
    assert "Missing: a time-stamp over the signature." in told


@pytest.mark.req("TRUSTWORKS:SIGNING-LEVEL-REACHED", "TS119101:SAP-7")
@pytest.mark.parametrize("kind", KINDS)
def test_of_level_lt_it_is_told_whose_data_is_missing(kind: str) -> None:
    evidence = evidence_of(kind, KINDS[kind].sign(story(stamps=(stamp(),))))
    check_level(evidence, evidence.signatures[0], Level.T)
    told = lacks(evidence, Level.LT)
    assert "revocation data about CN=signer; the certificate of the issuer of CN=signer" in told
    assert "revocation data about CN=tsa; the certificate of the issuer of CN=tsa" in told
    assert "archive" not in told


@pytest.mark.req("TRUSTWORKS:SIGNING-LEVEL-REACHED")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_trusted_is_not_missing(kind: str) -> None:
    signed = KINDS[kind].sign(story(stamps=(stamp(),), chain=(HOUSE.ca,)))
    told = lacks(evidence_of(kind, signed, ANCHORS), Level.LT, anchors=ANCHORS)
    assert "issuer" not in told
    for one in ("signer", "ca", "tsa"):
        assert f"revocation data about CN={one}" in told


@pytest.mark.req("TRUSTWORKS:SIGNING-LEVEL-REACHED", "TS119101:SAP-7")
@pytest.mark.parametrize("kind", KINDS)
def test_of_level_lta_the_archive_time_stamp_is_missing(kind: str) -> None:
    signed = KINDS[kind].sign(story(stamps=(stamp(),), values=WHOLE))
    evidence = evidence_of(kind, signed)
    check_level(evidence, evidence.signatures[0], Level.LT)
    over = "a document" if kind == "PAdES" else "an archive"
    assert f"Missing: {over} time-stamp over the signature and its validation data." in lacks(
        evidence, Level.LTA
    )


@pytest.mark.parametrize("kind", KINDS)
def test_each_level_is_reached_with_all_that_it_asks_for(kind: str) -> None:
    signed = KINDS[kind].sign(story(stamps=(stamp(),), values=WHOLE))
    evidence = evidence_of(kind, KINDS[kind].archive(signed, stamp(NOW + DAY)))
    for asked in Level:
        check_level(evidence, evidence.signatures[0], asked)


@pytest.mark.req("TRUSTWORKS:SIGNING-LEVEL-REACHED")
def test_a_responder_whose_path_is_missing_is_told() -> None:
    other = entity("far responder", entity("far authority", ca=True))
    data = ValidationData(
        certificates=[HOUSE.ca.der, HOUSE.tsa.der, HOUSE.root.der],
        lists=[crl(HOUSE.root)],
        answers=[ocsp_answer(HOUSE.signer, other)],
    )
    signed = KINDS["XAdES"].sign(story(stamps=(stamp(),), values=data))
    told = lacks(evidence_of("XAdES", signed), Level.LT)
    assert "Missing: the certificates (or their status) of who answered about CN=signer." in told


@pytest.mark.req("TRUSTWORKS:SIGNING-LEVEL-REACHED")
@pytest.mark.parametrize("kind", ["XAdES", "CAdES", "JAdES"])
def test_a_time_stamp_after_the_certificate_s_end_makes_no_b_t(kind: str) -> None:
    late = stamp(NOW + timedelta(days=3000))
    told = lacks(evidence_of(kind, KINDS[kind].sign(story(stamps=(late,)))), Level.T)
    assert "a time-stamp from before the end of the signer's certificate (2028-05-31 12:00 UTC)" in told


@pytest.mark.req("TRUSTWORKS:SIGNING-LEVEL-REACHED", "TS119101:SCP-82", "EN419111:2-ATTRIBUTES-RIGHT")
def test_a_signature_below_the_baseline_is_told_what_it_lacks() -> None:
    sign = partial(KINDS["CAdES"].sign, story(time=None))
    told = lacks(evidence_of("CAdES", sign()), Level.B)
    assert "The signature would be CAdES-BES, and B-B was asked for. Missing: a signing time." in told
    # Who adds to a signature of others counts what it holds.
    evidence = evidence_of("CAdES", sign())
    check_level(evidence, evidence.signatures[0], Level.B, extended=True)


@pytest.mark.req("TRUSTWORKS:SIGNING-LEVEL-REACHED", "TS119101:SCP-37")
def test_a_signature_that_does_not_sign_which_certificate_is_its_own_is_refused() -> None:
    """A CMS as many programs make it: with a signing time, and without signing-certificate-v2."""
    private = ec.generate_private_key(ec.SECP256R1())
    certificate = signing_house().issued(private.public_key())
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"what is signed")
    made = builder.add_signer(certificate, private, hashes.SHA256()).sign(Encoding.DER, [PKCS7Options.Binary])
    told = lacks(read(Octets(made)), Level.B)
    assert "Missing: a signed reference to the signer's certificate." in told


@pytest.mark.req("TRUSTWORKS:SIGNING-LEVEL-REACHED")
@pytest.mark.parametrize(
    ("level", "wants"),
    [
        (Level.B, "the time and the certificate of the signer in what is signed"),
        (Level.T, "time-stamps over the value of one token each"),
        (Level.LT, "certificates and revocation data themselves"),
        (Level.LTA, "an archive time-stamp of the baseline"),
    ],
)
def test_what_is_there_in_another_form_is_told_with_what_the_level_wants(level: Level, wants: str) -> None:
    with pytest.raises(
        Rejected, match=f"would be CAdES-X, .* as {level} of the baseline wants it, with {wants}"
    ):
        is_reached("CAdES-X", level, ())


@pytest.mark.req("TRUSTWORKS:SIGNING-LEVEL-REACHED")
def test_a_lower_level_is_never_given_out_silently() -> None:
    with pytest.raises(Rejected, match="ask for a lower level"):
        is_reached("XAdES-BASELINE-T", Level.LT, ["revocation data about CN=signer"])
    is_reached("XAdES-BASELINE-LT", Level.T, [])


@pytest.mark.parametrize(
    ("level", "baseline", "extended"),
    [
        ("XAdES-BASELINE-LTA", 3, 3),
        ("XAdES-A", -1, 3),
        ("CAdES-XL", -1, 2),
        ("PAdES-LTV", -1, 3),
        ("PKCS7-LT", -1, 2),
        ("XAdES-EPES", -1, 0),
        ("XML-NOT-ETSI", -1, -1),
        ("CMS-NOT-ETSI", -1, -1),
        ("", -1, -1),
    ],
)
def test_what_counts_as_which_level(level: str, baseline: int, extended: int) -> None:
    assert (rank_of(level), rank_of(level, extended=True)) == (baseline, extended)
