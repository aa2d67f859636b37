"""Time-stamps and validation data, added level by level; what would break what was there is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from evidence_graphs import NOW
from foreign_tokens import ForeignAuthority
from lxml import etree
from signed_making import SIGNING_TIME, certificate, holds, house, judged, sign, stamp

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.ports import ValidationData
from trustworks.core.xml.algorithms import C14N, C14N11, EXCLUSIVE
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.formats.evidence import PolicyReference, TimeStampKind
from trustworks.formats.read import read
from trustworks.formats.xades import names
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating.properties import ContentTimeStamp
from trustworks.formats.xades.creating.signature import Options, counter_sign, prepare
from trustworks.formats.xades.creating.unsigned import (
    ARCHIVE_TIME_STAMP,
    SIGNATURE_TIME_STAMP,
    Stamp,
    Target,
    begin_time_stamp,
    octets_of_data,
    octets_to_stamp,
    with_policy_store,
    with_time_stamp,
    with_time_stamp_validation_data,
    with_values,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.formats.xades.creating.packaging import Packaged

DOCUMENT = b'<doc xmlns="urn:d" xmlns:p="urn:p"><p:a Id="one">t</p:a></doc>'
FILES = (Octets(b"one", "a.txt"), Octets(b"two", "b.txt"))
OPTIONS = Options(scheme="ECDSA_SHA256", id="S1")
CLAIMS = Claims(signing_time=SIGNING_TIME)
PACKAGINGS: dict[str, tuple[Packaged, Sequence[Octets]]] = {
    "enveloped": (packaging.enveloped(DOCUMENT), ()),
    "enveloped beside others": (packaging.enveloped(DOCUMENT, parallel=True), ()),
    "enveloping": (packaging.enveloping(FILES), ()),
    "enveloping elements": (packaging.enveloping([Octets(DOCUMENT)], as_xml=True), ()),
    "detached": (packaging.detached(FILES), FILES),
    "internally detached": (packaging.internally_detached(DOCUMENT, ["one"]), ()),
    "manifest": (packaging.manifest(FILES), FILES),
}


def built(packaged: Packaged, options: Options = OPTIONS, claims: Claims = CLAIMS) -> bytes:
    prepared = prepare(packaged, [certificate()], claims, options)
    return prepared.complete(sign(prepared.dtbs))


def stamped(target: Target, property_: Stamp = SIGNATURE_TIME_STAMP, hours: int = 0) -> Target:
    time = NOW - timedelta(days=20) + timedelta(hours=hours)
    document = with_time_stamp(target, stamp(octets_to_stamp(target, property_), time), property_)
    return replace(target, document=document)


def values() -> ValidationData:
    return ValidationData(certificates=house().authorities, lists=house().lists)


@pytest.mark.parametrize("name", PACKAGINGS)
def test_level_by_level(name: str) -> None:
    packaged, beside = PACKAGINGS[name]
    target = Target(document=built(packaged), signature="S1", beside=beside)
    levels = [read(Octets(target.document), detached=beside).signatures[0].level]
    target = stamped(target)
    levels.append(read(Octets(target.document), detached=beside).signatures[0].level)
    target = replace(target, document=with_values(target, values()))
    levels.append(read(Octets(target.document), detached=beside).signatures[0].level)
    for hours in (1, 2):
        target = stamped(target, ARCHIVE_TIME_STAMP, hours)
        more = ValidationData(certificates=[house().root.der])
        target = replace(target, document=with_time_stamp_validation_data(target, more))
    evidence = read(Octets(target.document), detached=beside)
    levels.append(evidence.signatures[0].level)
    assert levels == [f"XAdES-BASELINE-{one}" for one in ("B", "T", "LT", "LTA")]
    assert holds(evidence) == [True]
    assert [one.references[0].intact for one in evidence.time_stamps] == [True] * 3
    assert [one.kind for one in evidence.time_stamps] == [TimeStampKind.SIGNATURE] + [
        TimeStampKind.ARCHIVE
    ] * 2
    assert evidence.time_stamps[1].id in evidence.time_stamps[2].covers
    assert judged(evidence, outside=False) == ["TOTAL-PASSED"]


@pytest.mark.parametrize("algorithm", [EXCLUSIVE, C14N, C14N11])
def test_every_canonicalisation_of_time_stamps(algorithm: str) -> None:
    target = Target(document=built(packaging.enveloped(DOCUMENT)), signature="S1")
    for name in ("SignatureTimeStamp", "ArchiveTimeStamp", "SigAndRefsTimeStampV2"):
        target = stamped(target, Stamp(name=name, canonicalisation=algorithm))
    evidence = read(Octets(target.document))
    assert [one.references[0].intact for one in evidence.time_stamps] == [True] * 3


@pytest.mark.parametrize("version", [names.XADES_111, names.XADES_122])
def test_signatures_of_older_versions_are_time_stamped_by_a_list(version: str) -> None:
    document = built(packaging.enveloping(FILES), replace(OPTIONS, version=version))
    target = stamped(Target(document=document, signature="S1"))
    target = replace(target, document=with_values(target, values()))
    (signature,) = read(Octets(target.document)).signatures
    assert signature.level == "XAdES-BASELINE-LT"
    assert read(Octets(target.document)).time_stamps[0].form == f"xades-{version[-6:-1]}-explicit"
    acts: list[Callable[[], bytes]] = [
        lambda: octets_to_stamp(target, ARCHIVE_TIME_STAMP),
        lambda: with_time_stamp_validation_data(target, values()),
        lambda: with_policy_store(target, b"policy", "1.2.3"),
    ]
    for act in acts:
        with pytest.raises(Rejected) as refused:
            act()
        assert refused.value.code == "xades.version"


@pytest.mark.parametrize("name", PACKAGINGS)
@pytest.mark.parametrize("of", [(), ("{id}-data-1",)])
def test_content_time_stamps_are_over_the_data(name: str, of: tuple[str, ...]) -> None:
    packaged, beside = PACKAGINGS[name]
    wanted = ContentTimeStamp(tokens=(), of=of)
    octets = octets_of_data(packaged, [certificate()], CLAIMS, OPTIONS, wanted)
    token = stamp(octets, SIGNING_TIME - timedelta(minutes=1))
    document = built(packaged, replace(OPTIONS, time_stamps=[replace(wanted, tokens=(token,))]))
    evidence = read(Octets(document), detached=beside)
    assert holds(evidence) == [True]
    assert [(one.kind, one.references[0].intact) for one in evidence.time_stamps] == [
        (TimeStampKind.CONTENT, True)
    ]


def test_a_counter_signature_is_time_stamped_like_any_other() -> None:
    document = built(packaging.enveloping(FILES))
    prepared = counter_sign(document, "S1", [certificate()], CLAIMS, replace(OPTIONS, id="S2"))
    target = stamped(Target(document=prepared.complete(sign(prepared.dtbs)), signature="S2"))
    evidence = read(Octets(target.document))
    assert holds(evidence) == [True, True]
    assert [one.level for one in evidence.signatures] == ["XAdES-BASELINE-B", "XAdES-BASELINE-T"]


def test_a_stored_policy_is_read_back() -> None:
    document = with_policy_store(Target(document=_with_policy(), signature="S1"), b"the policy", "1.2.3.4")
    policy = read(Octets(document)).signatures[0].attributes.policy
    assert policy is not None
    assert (policy.octets, policy.specification) == (b"the policy", "1.2.3.4")


def _with_policy() -> bytes:
    policy = PolicyReference(identifier="1.2.3", digest_algorithm="sha256", digest=b"d" * 32)
    claims = replace(CLAIMS, policy=policy)
    return built(packaging.enveloped(DOCUMENT), claims=claims)


@pytest.mark.req("EN319132-1:5.1.4-UNBROKEN")
def test_what_a_time_stamp_or_a_signature_covers_is_not_changed() -> None:
    document = built(packaging.enveloping(FILES))
    prepared = counter_sign(document, "S1", [certificate()], CLAIMS, replace(OPTIONS, id="S2"))
    target = Target(document=prepared.complete(sign(prepared.dtbs)), signature="S1")
    target = stamped(target)
    target = stamped(target, ARCHIVE_TIME_STAMP)
    inner = replace(target, signature="S2")
    begun = begin_time_stamp(inner)
    token = stamp(begun.over.octets())
    for refuse in (begun.check_place, begun.check_place, lambda: begun.complete(token, None)):
        with pytest.raises(Rejected) as refused:
            refuse()
        assert refused.value.code == "adding.broken"
    around = built(packaging.enveloped(document), options=replace(OPTIONS, id="S3"))
    with pytest.raises(Rejected) as refused:
        with_values(Target(document=around, signature="S1"), values())
    assert refused.value.code == "adding.broken"


def test_one_reference_to_all_of_a_signature_has_its_place_looked_at() -> None:
    """Before a token is asked for: what is over the whole document would not hold."""
    inner = built(packaging.enveloped(DOCUMENT))
    document = built(packaging.enveloped(inner), options=replace(OPTIONS, id="S3"))
    begin_time_stamp(Target(document=document, signature="S3")).check_place()
    with pytest.raises(Rejected) as refused:
        begin_time_stamp(Target(document=document, signature="S1")).check_place()
    assert refused.value.code == "adding.broken"


@pytest.mark.parametrize("over", [b"other", b""])
def test_a_token_over_something_else_is_refused(over: bytes) -> None:
    target = Target(document=built(packaging.enveloped(DOCUMENT)), signature="S1")
    with pytest.raises(Rejected, match="not one over what"):
        with_time_stamp(target, stamp(over))
    with pytest.raises(Rejected, match="not one over what"):
        with_time_stamp(target, ForeignAuthority().certificate)


@pytest.mark.parametrize("kind", [SIGNATURE_TIME_STAMP, ARCHIVE_TIME_STAMP])
def test_a_token_whose_own_value_does_not_verify_is_refused(kind: Stamp) -> None:
    target = Target(document=built(packaging.enveloped(DOCUMENT)), signature="S1")
    right = stamp(octets_to_stamp(target, kind))
    with pytest.raises(Rejected, match="token does not verify") as refused:
        with_time_stamp(target, right[:-1] + bytes([right[-1] ^ 1]), kind)
    assert refused.value.code == "signature.own"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda target: with_values(target, ValidationData()), "xades.values"),
        (
            lambda target: with_values(replace(target, document=with_values(target, values())), values()),
            "xades.values",
        ),
        (lambda target: octets_to_stamp(replace(target, signature="other")), "xades.signature"),
        (lambda _target: Stamp(name="CounterSignature"), "xades.time-stamp"),
        (
            lambda target: octets_to_stamp(target, Stamp(name="ArchiveTimeStamp", canonicalisation="urn:x")),
            "xades.time-stamp",
        ),
        (lambda _target: octets_to_stamp(Target(document=_plain(), signature="S1")), "xades.qualifying"),
        (
            lambda _target: octets_to_stamp(
                Target(document=built(packaging.detached(FILES)), signature="S1"), ARCHIVE_TIME_STAMP
            ),
            "xades.time-stamp",
        ),
    ],
)
def test_what_cannot_be_added_is_refused(change: Any, code: str) -> None:
    target = Target(document=built(packaging.enveloped(DOCUMENT)), signature="S1")
    with pytest.raises(Rejected) as refused:
        change(target)
    assert refused.value.code == code


def _with(target: Target) -> Target:
    return replace(target, document=with_values(target, values()))


def _plain() -> bytes:
    root = etree.fromstring(built(packaging.enveloped(DOCUMENT)))
    (qualifying,) = root.iter("{*}QualifyingProperties")
    qualifying.getparent().remove(qualifying)  # type: ignore[union-attr]  # it is inside of a ds:Object
    return etree.tostring(root)


@pytest.mark.parametrize("document", [b"", b"<a>", b"no XML"])
def test_what_is_no_xml_is_malformed(document: bytes) -> None:
    with pytest.raises(Malformed):
        octets_to_stamp(Target(document=document, signature="S1"))
    with pytest.raises(Malformed):
        with_time_stamp(Target(document=document, signature="S1"), b"")
