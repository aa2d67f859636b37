"""Levels, told apart by facts alone."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from trustworks.formats.evidence import Attributes, PolicyReference
from trustworks.formats.xades.levels import Facts, SignedReference, level_of
from trustworks.formats.xades.signed import DataObjectFormat, Signed

FORMAT = DataObjectFormat(
    reference="R1",
    in_document=True,
    mime_type="text/plain",
    encoding=None,
    mime_types=1,
    encodings=0,
    descriptions=0,
    identifiers=0,
)
SIGNED = Signed(
    attributes=Attributes(),
    certificates=(),
    formats=(FORMAT,),
    commitments=(),
    time_stamps=(),
    counts=MappingProxyType({"SigningTime": 1, "SigningCertificateV2": 1}),
    cert_uri=False,
)
FACTS = Facts(
    signed=SIGNED,
    references=(SignedReference(id="R1", is_data=True), SignedReference(id=None, is_data=False)),
    key_infos=1,
    canonicalizations=1,
    transforms_repeated=False,
    signer_in_key_info=True,
    signer_signed_in_key_info=False,
)


def level(*, counts: dict[str, int] | None = None, signed: dict[str, Any] | None = None, **facts: Any) -> str:
    about = replace(SIGNED, **(signed or {}))
    if counts is not None:
        about = replace(about, counts=MappingProxyType({**SIGNED.counts, **counts}))
    return level_of(replace(FACTS, signed=about, **facts))


def with_format(**fields: Any) -> dict[str, Any]:
    return {"formats": (replace(FORMAT, **fields),)}


STAMPED: dict[str, Any] = {"tokens": (1,)}
REFERENCES = {"CompleteCertificateRefs": 1, "CompleteRevocationRefs": 1}


@pytest.mark.req("EN319132-1:6.3-B")
@pytest.mark.parametrize(
    "missing",
    [
        {"key_infos": 0},
        {"transforms_repeated": True},
        {"canonicalizations": 2},
        {"references": FACTS.references[:1]},
        {"signer_in_key_info": False},
        {"counts": {"SigningTime": 0}},
        {"counts": {"SignaturePolicyIdentifier": 2}},
        {"unsigned": {"SignaturePolicyStore": 2}},
        {"signed": {"cert_uri": True}},
        {"signed": with_format(mime_types=0, descriptions=1)},
        {"signed": with_format(encodings=2)},
    ],
)
def test_what_baseline_b_asks_for_makes_the_difference_to_bes(missing: dict[str, Any]) -> None:
    assert level() == "XAdES-BASELINE-B"
    assert level(**missing) == "XAdES-BES"


@pytest.mark.req("EN319132-1:6.3-k")
def test_baseline_b_says_what_each_data_object_is() -> None:
    two = (*FACTS.references, SignedReference(id="R2", is_data=True))
    assert level(references=two) == "XAdES-BES"
    unnamed = (*FACTS.references, SignedReference(id=None, is_data=True))
    assert level(references=unnamed) == "XAdES-BASELINE-B"


@pytest.mark.req("EN319132-1:5.2.4")
@pytest.mark.parametrize(
    "fields",
    [
        {"mime_types": 0},
        {"reference": None},
        {"in_document": False},
        {"reference": "nothing"},
        {"mime_type": "text/html"},
        {"encoding": "urn:other"},
    ],
)
def test_a_format_that_is_of_nothing_is_not_xades(fields: dict[str, Any]) -> None:
    own = SignedReference(id="R1", is_data=True, object_mime_type="text/plain", object_encoding="urn:one")
    references = (own, FACTS.references[1])
    assert level(references=references) == "XAdES-BASELINE-B"
    assert level(references=references, signed=with_format(**fields)) == "XML-NOT-ETSI"


def test_a_format_may_be_of_an_entry_of_a_manifest() -> None:
    manifest = SignedReference(id="M", is_data=False, entries=(SignedReference(id="R1", is_data=True),))
    assert level(references=(manifest, FACTS.references[1])) == "XAdES-BASELINE-B"


@pytest.mark.req("EN319132-2:5.1")
@pytest.mark.parametrize(
    "wrong",
    [
        {"SigningTime": 2},
        {"SigningCertificateV2": 2},
        {"SigningCertificateV2": 0},
        {"SignerRole": 1, "SignerRoleV2": 1},
        {"SignatureProductionPlace": 2},
    ],
)
def test_without_the_signing_certificate_once_it_is_not_xades(wrong: dict[str, int]) -> None:
    assert level(counts=wrong) == "XML-NOT-ETSI"


def test_a_signed_key_info_is_as_good_as_the_signed_property() -> None:
    counts = {"SigningCertificateV2": 0}
    assert level(counts=counts, signer_signed_in_key_info=True) == "XAdES-BES"


@pytest.mark.req("EN319132-2:5.2")
def test_a_policy_makes_epes_and_is_stored_only_with_its_digest() -> None:
    def epes(unsigned: dict[str, int], digest: str | None) -> str:
        policy = PolicyReference(identifier="1.2", digest_algorithm=digest)
        return level(
            counts={"SignaturePolicyIdentifier": 1, "SigningTime": 0},
            signed={"attributes": Attributes(policy=policy)},
            unsigned=unsigned,
        )

    assert epes({}, None) == "XAdES-EPES"
    assert epes({"SignaturePolicyStore": 1}, "sha256") == "XAdES-EPES"
    assert epes({"SignaturePolicyStore": 1}, None) == "XAdES-BES"
    assert level(counts={"SigningTime": 0}) == "XAdES-BES"


@pytest.mark.req("EN319132-2:5.3")
def test_a_time_stamp_in_time_makes_t() -> None:
    assert level(**STAMPED) == "XAdES-BASELINE-T"
    assert level(**STAMPED, key_infos=0) == "XAdES-T"
    assert level(**STAMPED, stamped_in_time=False) == "XAdES-BASELINE-B"
    assert level(tokens=(1, 0)) == "XAdES-BASELINE-B"


@pytest.mark.req("EN319132-1:6.3-n")
def test_two_tokens_in_one_property_are_not_of_the_baseline() -> None:
    assert level(tokens=(2,)) == "XAdES-T"


@pytest.mark.req("EN319132-1:6.3-LT")
def test_validation_data_makes_lt() -> None:
    assert level(**STAMPED, validation_data=True) == "XAdES-BASELINE-LT"
    assert level(**STAMPED, validation_data=True, archived=True) == "XAdES-BASELINE-LTA"
    assert level(**STAMPED, archived=True) == "XAdES-BASELINE-T"
    assert level(**STAMPED, only_self_signed=True, unsigned={"CertificateValues": 1}) == "XAdES-BASELINE-LT"
    assert level(**STAMPED, validation_data=True, evidence_records=True) == "XAdES-ERS"
    assert level(**STAMPED, key_infos=0, validation_data=True) == "XAdES-LT"
    assert level(**STAMPED, key_infos=0, validation_data=True, archived=True) == "XAdES-A"


@pytest.mark.req("EN319132-1:6.3-LT-references")
@pytest.mark.parametrize("unsigned", [REFERENCES, {"CertificateValues": 2}, {"RefsOnlyTimeStampV2": 1}])
def test_references_are_not_of_baseline_lt(unsigned: dict[str, int]) -> None:
    assert level(**STAMPED, validation_data=True, unsigned=unsigned) != "XAdES-BASELINE-LT"


@pytest.mark.req("EN319132-2:5.4")
def test_references_make_c_and_what_is_above() -> None:
    assert level(**STAMPED, unsigned=REFERENCES) == "XAdES-C"
    assert level(**STAMPED, unsigned={"CompleteCertificateRefs": 1}) == "XAdES-BASELINE-T"
    assert level(**STAMPED, unsigned={**REFERENCES, "CompleteCertificateRefsV2": 1}) == "XAdES-BASELINE-T"
    stamped = {**REFERENCES, "SigAndRefsTimeStamp": 1}
    assert level(**STAMPED, unsigned=stamped) == "XAdES-X"
    assert level(**STAMPED, unsigned=stamped, validation_data=True) == "XAdES-XL"
    assert level(**STAMPED, unsigned=stamped, validation_data=True, archived=True) == "XAdES-A"
    assert level(**STAMPED, unsigned=stamped, validation_data=True, evidence_records=True) == "XAdES-ERS"
    assert level(**STAMPED, unsigned=REFERENCES, validation_data=True) == "XAdES-C"
