"""What is built is read back, level by level; BER of others keeps its octets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cms_maker import AA, WHO, Signer, digest, signed_data, token
from cms_maker import CONTENT as FOREIGN_CONTENT
from evidence_graphs import NOW, ocsp_answer
from evidence_graphs import house as other_house
from foreign_tokens import attribute, tst_info
from hypothesis import given
from hypothesis import strategies as st
from signed_making import SCHEMES, SIGNING_TIME, certificate, holds, house, judged, sign, stamp

from trustworks.core.der import ber
from trustworks.core.der.algorithms import hash_identifier
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, tlv
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.ports import ValidationData
from trustworks.formats.cades.creating.signature import (
    Options,
    Prepared,
    counter_sign,
    prepare,
)
from trustworks.formats.cades.creating.unsigned import (
    Target,
    octets_to_archive,
    octets_to_stamp,
    with_archive_time_stamp,
    with_policy_store,
    with_time_stamp,
    with_values,
)
from trustworks.formats.claims import NO_CLAIMS, Claims
from trustworks.formats.cms.structure import read_signed_data
from trustworks.formats.data import DigestOnly, Octets
from trustworks.formats.evidence import PolicyReference, TimeStampKind
from trustworks.formats.read import read

if TYPE_CHECKING:
    from trustworks.formats.evidence import Evidence

CONTENT = Octets(b"what is signed", "data.bin")
CLAIMS = Claims(signing_time=SIGNING_TIME)
OPTIONS = Options(scheme="ECDSA_SHA256")


def prepared(scheme: str = "ECDSA_SHA256", claims: Claims = CLAIMS, **given_: Any) -> Prepared:
    options = Options(scheme=scheme, **given_)
    made = prepare(CONTENT, [certificate(scheme), house().ca.der], claims, options)
    return Prepared.decode(made.encode())


def built(scheme: str = "ECDSA_SHA256", *, inside: bool = True, **given_: Any) -> bytes:
    made = prepared(scheme, **given_)
    return made.complete(sign(made.dtbs), content=CONTENT if inside else None)


def evidence(structure: bytes, *, inside: bool = True) -> Evidence:
    return read(Octets(structure), detached=() if inside else [CONTENT])


def values() -> ValidationData:
    return ValidationData(certificates=house().authorities, lists=house().lists)


def archived(target: Target, hours: int, hash_name: str = "sha256") -> Target:
    octets = octets_to_archive(target, hash_name)
    made = stamp(octets, NOW - timedelta(days=10) + timedelta(hours=hours), hash_name)
    return replace(target, structure=with_archive_time_stamp(target, made, hash_name))


def augmented(target: Target) -> list[Target]:
    """At the levels T, LT, LTA, and LTA once more."""
    found = [replace(target, structure=with_time_stamp(target, stamp(octets_to_stamp(target))))]
    found.append(replace(target, structure=with_values(found[-1], values())))
    found.append(archived(found[-1], 1))
    found.append(archived(found[-1], 2, "sha512"))
    return found


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_level_by_level(scheme: str, inside: bool) -> None:
    structure = built(scheme, inside=inside)
    target = Target(structure=structure, beside=() if inside else [CONTENT])
    every = [target, *augmented(target)]
    found = [evidence(one.structure, inside=inside) for one in every]
    levels = [one.signatures[0].level for one in found]
    assert levels == [f"CAdES-BASELINE-{one}" for one in ("B", "T", "LT", "LTA", "LTA")]
    assert [holds(one) for one in found] == [[True]] * 5
    assert ber.is_der(ber.read(every[-1].structure))
    last = found[-1].time_stamps
    assert [one.kind for one in last] == [
        TimeStampKind.SIGNATURE,
        TimeStampKind.ARCHIVE,
        TimeStampKind.ARCHIVE,
    ]
    assert all(one.intact for stamp_ in last for one in stamp_.references)
    assert last[1].id in last[2].covers
    if scheme != "ED25519":
        assert judged(found[-1], outside=False) == ["TOTAL-PASSED"]


def test_the_digest_of_detached_content_is_enough() -> None:
    known = DigestOnly((("sha256", CONTENT.digest("sha256")),))
    made = prepare(known, [certificate()], CLAIMS, OPTIONS)
    assert holds(evidence(made.complete(sign(made.dtbs)), inside=False)) == [True]


def test_parallel_and_counter_signatures() -> None:
    structure = built()
    for scheme in ("RSA_PSS_SHA256", "ECDSA_SHA512"):
        made = prepared(scheme)
        structure = made.join(sign(made.dtbs), structure)
    assert holds(evidence(structure)) == [True] * 3
    for signer in (0, 1, 1):
        made = counter_sign(
            structure,
            signer,
            [certificate("RSA_PKCS1_SHA256")],
            CLAIMS,
            replace(OPTIONS, scheme="RSA_PKCS1_SHA256"),
        )
        structure = made.join_counter(sign(made.dtbs), structure, signer)
    found = evidence(structure)
    assert holds(found) == [True] * 6
    assert {one.level for one in found.signatures} == {"CAdES-BASELINE-B"}
    assert sorted(len(one.counter_signatures) for one in found.signatures) == [0, 0, 0, 0, 1, 2]


def test_time_stamps_of_the_content() -> None:
    made = stamp(CONTENT.content, SIGNING_TIME - timedelta(minutes=1))
    found = evidence(built(time_stamps=[made]))
    assert holds(found) == [True]
    assert [(one.kind, one.references[0].intact) for one in found.time_stamps] == [
        (TimeStampKind.CONTENT, True)
    ]


def indefinite(octets: bytes) -> bytes:
    """The same with every constructed element of indefinite length, but in what is signed."""

    def again(element: ber.Element, depth: int) -> bytes:
        if not element.constructed or depth > 3:
            return element.octets
        inside = b"".join(again(one, depth + 1) for one in element.children())
        return bytes([element.tag]) + b"\x80" + inside + b"\0\0"

    return again(ber.read(octets), 0)


@pytest.mark.parametrize("inside", [True, False])
def test_foreign_structures_in_ber_keep_their_octets(inside: bool) -> None:
    content = FOREIGN_CONTENT if inside else None
    structure = indefinite(signed_data(Signer.over(FOREIGN_CONTENT).info(), content=content))
    assert not ber.is_der(ber.read(structure))
    beside = [] if inside else [Octets(FOREIGN_CONTENT)]
    target = Target(structure=structure, beside=beside)
    before = read_signed_data(structure)
    for one in augmented(target):
        after = read_signed_data(one.structure)
        assert after.encapsulated.octets == before.encapsulated.octets
        assert {part.octets for part in before.certificates} <= {part.octets for part in after.certificates}
        wanted = [part.octets for part in before.signers[0].element.children()]
        assert [part.octets for part in after.signers[0].element.children()][:6] == wanted[:6]
        target = one
    found = read(Octets(target.structure), detached=beside)
    # Nothing is known of the status of the foreign certificate.
    assert found.signatures[0].level == "CAdES-BASELINE-T"
    assert [one.kind for one in found.time_stamps][1:] == [TimeStampKind.ARCHIVE] * 2
    assert all(one.intact for stamp_ in found.time_stamps for one in stamp_.references)
    own = replace(CONTENT, content=FOREIGN_CONTENT)
    made = prepare(own, [certificate()], CLAIMS, OPTIONS)
    joined = made.join(sign(made.dtbs), target.structure, beside=beside)
    assert [
        all(part.intact for part in one.references)
        for one in read(Octets(joined), detached=beside).signatures
    ] == [True, True]


def test_answers_raise_the_version_of_the_structure() -> None:
    of = other_house()
    answer = ocsp_answer(of.signer, of.responder)
    structure = with_values(Target(structure=built()), ValidationData(answers=[answer]))
    assert read_signed_data(structure).version == 5
    found = evidence(structure)
    assert holds(found) == [True]
    assert [one.der for one in found.revocation.values()] == [answer]
    assert with_values(Target(structure=structure), ValidationData(answers=[answer])) == structure


def test_a_stored_policy_is_read_back() -> None:
    policy = PolicyReference(identifier="1.2.3", digest_algorithm="sha256", digest=b"d" * 32)
    structure = built(claims=Claims(signing_time=SIGNING_TIME, policy=policy))
    found = evidence(with_policy_store(Target(structure=structure), b"policy", "1.2.3.4"))
    said = found.signatures[0].attributes.policy
    assert said is not None
    assert (said.octets, said.specification) == (b"policy", "1.2.3.4")


_TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x24F), min_size=1, max_size=12)
_OIDS = st.builds(
    lambda arcs: "1.2." + ".".join(map(str, arcs)), st.lists(st.integers(0, 99_999), min_size=1, max_size=4)
)
_POLICIES = st.builds(
    PolicyReference,
    identifier=_OIDS,
    digest_algorithm=st.sampled_from(["sha256", "sha512", "sha3_256"]),
    digest=st.binary(min_size=20, max_size=64).filter(any),
    uri=st.none() | st.just("https://example.org/policy"),
    user_notice=st.none() | _TEXTS,
)
_CLAIMS = st.builds(
    Claims,
    signing_time=st.integers(-600_000_000, 4_000_000_000).map(lambda at: datetime.fromtimestamp(at, UTC)),
    policy=st.one_of(st.none(), st.just(PolicyReference(identifier=None)), _POLICIES),
    location=st.dictionaries(st.sampled_from(["country", "locality", "postal-address"]), _TEXTS, min_size=1),
    claimed_roles=st.lists(_TEXTS, max_size=3).map(tuple),
    commitments=st.lists(_OIDS, max_size=3, unique=True).map(tuple),
)


@given(claims=_CLAIMS, mime=st.none() | st.just("text/plain"), description=st.none() | _TEXTS)
def test_what_a_signer_says_comes_back(claims: Claims, mime: str | None, description: str | None) -> None:
    found = evidence(built(claims=claims, mime_type=mime, description=description))
    said = found.signatures[0].attributes
    assert holds(found) == [True]
    assert said.signing_time == claims.signing_time
    assert said.policy == claims.policy
    assert said.location == claims.location
    assert said.claimed_roles == claims.claimed_roles
    assert set(said.commitments) == set(claims.commitments)
    assert said.mime_type == mime
    assert (said.content_hints is None) is (description is None)


@pytest.mark.req("EN319122-1:5-UNBROKEN")
def test_what_an_archive_time_stamp_of_the_older_kind_covers_is_not_changed() -> None:
    signer = Signer.over(FOREIGN_CONTENT)
    outside = signed_data(signer.info(), content=FOREIGN_CONTENT)
    data = read_signed_data(outside)
    over = data.encapsulated.octets + b"".join(one.octets for one in data.sets) + signer.fields
    stamped = attribute(f"{AA}.48", token(over))
    structure = signed_data(signer.info(stamped), content=FOREIGN_CONTENT)
    assert all(one.references[0].intact for one in read(Octets(structure)).time_stamps)
    with pytest.raises(Rejected) as refused:
        with_values(Target(structure=structure), values())
    assert refused.value.code == "adding.broken"


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda: prepare(CONTENT, [], CLAIMS, OPTIONS), "cades.certificate"),
        (lambda: prepare(CONTENT, [certificate()], CLAIMS, Options(scheme="DSA")), "signature.scheme"),
        (lambda: prepare(DigestOnly(()), [certificate()], CLAIMS, OPTIONS), "digest.unknown"),
        (lambda: prepared(claims=Claims(claimed_roles=("\ud800",))), "cades.text"),
        (lambda: built(hash_name="sha1"), "digest.unknown"),
        (lambda: built(claims=Claims(location={"planet": "Earth"})), "cades.location"),
        (lambda: built(claims=Claims(location={"postal-address": "\n" * 6})), "cades.location"),
        (lambda: built(claims=Claims(commitments=("urn:x",))), "cades.identifier"),
        (lambda: built(claims=Claims(policy=PolicyReference(identifier="1.2"))), "cades.policy"),
        (
            lambda: built(claims=Claims(policy=PolicyReference(identifier="1.2", description="d"))),
            "cades.policy",
        ),
        (lambda: prepared().complete(b"\x00" * 70), "signature.own"),
        (lambda: prepared().complete(sign(prepared().dtbs), content=Octets(b"other")), "signature.content"),
        (
            lambda: prepared().join(
                sign(prepared().dtbs), signed_data(Signer.over(b"x").info(), content=b"x")
            ),
            "signature.content",
        ),
        (lambda: counter_sign(built(), 1, [certificate()], NO_CLAIMS, OPTIONS), "cades.signer"),
        (lambda: octets_to_stamp(Target(structure=built(), signer=-1)), "cades.signer"),
        (lambda: octets_to_archive(Target(structure=built(inside=False))), "cades.content"),
        (lambda: octets_to_archive(Target(structure=built()), "md5"), "digest.unknown"),
        (lambda: with_time_stamp(Target(structure=built()), stamp(b"other")), "adding.time-stamp"),
        (lambda: with_time_stamp(Target(structure=built()), certificate()), "adding.time-stamp"),
        (lambda: with_archive_time_stamp(Target(structure=built()), stamp(b"other")), "adding.time-stamp"),
        (lambda: with_values(Target(structure=built()), ValidationData()), "cades.values"),
    ],
)
def test_what_cannot_be_built_is_refused(act: Any, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        act()
    assert refused.value.code == code


@pytest.mark.parametrize("structure", [b"", b"0", b"\x30\x80", b"\x30\x03\x02\x01\x01", b"text"])
def test_what_is_no_structure_is_malformed(structure: bytes) -> None:
    for act in (
        lambda: octets_to_stamp(Target(structure=structure)),
        lambda: with_values(Target(structure=structure), values()),
        lambda: with_archive_time_stamp(Target(structure=built()), structure),
        lambda: Prepared.decode(structure),
    ):
        with pytest.raises(Malformed):
            act()


def test_a_token_whose_own_value_does_not_verify_is_not_put_in() -> None:
    """With its certificate in it or at hand; where neither is, only what it is over is asked for."""
    target = Target(structure=built())
    for put, over in ((with_time_stamp, octets_to_stamp), (with_archive_time_stamp, octets_to_archive)):
        right = stamp(over(target))
        with pytest.raises(Rejected, match="token does not verify") as refused:
            put(target, right[:-1] + bytes([right[-1] ^ 1]))
        assert refused.value.code == "signature.own"
    info = tst_info(
        imprint=tlv(SEQUENCE, hash_identifier("sha256"), tlv(OCTET_STRING, digest(octets_to_stamp(target))))
    )
    bare = WHO.token(info, certificates=[])
    changed = bare[:-1] + bytes([bare[-1] ^ 1])
    assert evidence(with_time_stamp(target, changed)).time_stamps[0].references[0].intact
    beside = with_values(target, ValidationData(certificates=[WHO.certificate]))
    with_time_stamp(Target(structure=beside), bare)
    with pytest.raises(Rejected, match="token does not verify"):
        with_time_stamp(Target(structure=beside), changed)
