"""What is built is read back: every packaging, scheme and version; what cannot be built is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from signed_making import SCHEMES, SIGNING_TIME, certificate, holds, house, judged, sign

from trustworks.core.errors import Malformed, Rejected
from trustworks.formats.claims import Claims
from trustworks.formats.data import DigestOnly, Octets
from trustworks.formats.evidence import PolicyReference, ReferenceKind
from trustworks.formats.read import read
from trustworks.formats.xades import names
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating.packaging import DataFormat, Packaged
from trustworks.formats.xades.creating.signature import Options, Prepared, counter_sign, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence


DOCUMENT = (
    b'<?xml version="1.0"?><!-- a --><doc xmlns="urn:d" xmlns:p="urn:p"><p:a Id="one">t&#13;x</p:a><b/></doc>'
)
FILES = (Octets(b"one", "a file.txt"), Octets(b"two", "b#%.txt"))
OPTIONS = Options(scheme="ECDSA_SHA256")
CLAIMS = Claims(signing_time=SIGNING_TIME)
OF_DSA = Options(scheme="DSA_SHA256")
PACKAGINGS: dict[str, tuple[Packaged, Sequence[Octets]]] = {
    "enveloped": (packaging.enveloped(DOCUMENT), ()),
    "enveloped beside others": (packaging.enveloped(DOCUMENT, parallel=True), ()),
    "enveloped deeper": (packaging.enveloped(DOCUMENT, within="one"), ()),
    "enveloping": (packaging.enveloping(FILES), ()),
    "enveloping elements": (packaging.enveloping([Octets(DOCUMENT)], as_xml=True), ()),
    "detached": (packaging.detached(FILES), FILES),
    "detached without a name": (packaging.detached([Octets(b"x")]), [Octets(b"x")]),
    "internally detached": (packaging.internally_detached(DOCUMENT, ["one"]), ()),
    "manifest": (packaging.manifest(FILES), FILES),
}


def begun(packaged: Packaged, options: Options = OPTIONS, claims: Claims = CLAIMS) -> Prepared:
    return prepare(packaged, [certificate(options.scheme), house().ca.der], claims, options)


def countering(document: bytes, signature: str) -> Prepared:
    return counter_sign(document, signature, [certificate()], CLAIMS, OPTIONS)


def built(packaged: Packaged, options: Options = OPTIONS, claims: Claims = CLAIMS) -> bytes:
    """All three steps, with nothing but octets between them."""
    stored = begun(packaged, options, claims).encode()
    prepared = Prepared.decode(stored)
    value = sign(prepared.dtbs)
    return Prepared.decode(stored).complete(value)


@pytest.mark.parametrize("name", PACKAGINGS)
def test_every_packaging_is_read_as_what_was_built(name: str) -> None:
    packaged, beside = PACKAGINGS[name]
    evidence = read(Octets(built(packaged)), detached=beside)
    (signature,) = evidence.signatures
    assert holds(evidence) == [True]
    assert not evidence.findings
    assert signature.level == "XAdES-BASELINE-B"
    assert signature.attributes.signing_time == SIGNING_TIME


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_is_valid(scheme: str) -> None:
    options = Options(scheme=scheme, hash_name="sha512", sign_key_info=True)
    evidence = read(Octets(built(PACKAGINGS["enveloped"][0], options)))
    assert holds(evidence) == [True]
    # Ed25519 is not among the algorithms that the policy relies on.
    assert judged(evidence) == [
        "CRYPTO_CONSTRAINTS_FAILURE_NO_POE" if scheme == "ED25519" else "TOTAL-PASSED"
    ]
    assert ReferenceKind.KEY_INFO in {one.kind for one in evidence.signatures[0].references}


def test_parallel_signatures_do_not_cover_each_other() -> None:
    first = built(packaging.enveloped(DOCUMENT, parallel=True))
    second = built(packaging.enveloped(first, parallel=True), Options(scheme="ED25519"))
    assert holds(read(Octets(second))) == [True, True]
    third = built(packaging.enveloped(second))
    assert holds(read(Octets(third))) == [True, True, True]


def test_a_signature_over_the_whole_document_loses_by_another_beside_it() -> None:
    first = built(packaging.enveloped(DOCUMENT))
    assert holds(read(Octets(built(packaging.enveloped(first))))) == [False, True]


def test_counter_signatures_of_each_other() -> None:
    document = built(packaging.enveloping(FILES))
    for _ in range(2):
        last = read(Octets(document)).signatures[-1]
        prepared = countering(document, last.name or "")
        document = prepared.complete(sign(prepared.dtbs))
    evidence = read(Octets(document))
    assert holds(evidence) == [True, True, True]
    assert [one.parent for one in evidence.signatures] == [None, *(one.id for one in evidence.signatures[:2])]
    assert [one.level for one in evidence.signatures] == ["XAdES-BASELINE-B"] * 3


@pytest.mark.parametrize("version", sorted(names.VERSIONS))
def test_older_versions_are_written_as_far_as_they_go(version: str) -> None:
    claims = Claims(
        signing_time=SIGNING_TIME,
        location={"city": "Riga", "country": "LV"},
        policy=PolicyReference(identifier="1.2.3", digest_algorithm="sha256", digest=b"d" * 32),
        commitments=("1.2.3.4",),
        certified_roles=(b"an attribute certificate",),
    )
    options = replace(OPTIONS, version=version)
    evidence = read(Octets(built(packaging.enveloping(FILES), options, claims)))
    (signature,) = evidence.signatures
    assert holds(evidence) == [True]
    assert signature.level == "XAdES-BASELINE-B"
    assert signature.attributes.location == claims.location
    assert signature.attributes.certified_roles == 1
    issuer = house().ca.certificate.subject.public_bytes()
    assert signature.signing_certificate[0].issuer == (None if version == names.XADES_132 else issuer)


@pytest.mark.parametrize(
    ("version", "claims"),
    [
        (names.XADES_122, Claims(location={"street": "Brivibas 1"})),
        (names.XADES_111, Claims(claimed_roles=("director",))),
        (
            names.XADES_122,
            Claims(
                policy=PolicyReference(
                    identifier="1.2.3", digest_algorithm="sha256", digest=b"d", specification="1.2.4"
                )
            ),
        ),
    ],
)
def test_what_a_version_has_no_place_for_is_refused(version: str, claims: Claims) -> None:
    with pytest.raises(Rejected, match="has no place for") as refused:
        begun(PACKAGINGS["enveloped"][0], replace(OPTIONS, version=version), claims)
    assert refused.value.code == "xades.version"


def _texts(least: int = 1) -> st.SearchStrategy[str]:
    characters = st.characters(min_codepoint=0x21, max_codepoint=0x24F, exclude_categories=("Cc", "Zs"))
    return st.text(characters, min_size=least, max_size=12)


_OIDS = st.builds(
    lambda arcs: "1.2." + ".".join(map(str, arcs)), st.lists(st.integers(0, 9999), min_size=1, max_size=4)
)
_POLICIES = st.builds(
    PolicyReference,
    identifier=st.one_of(_OIDS, st.just("urn:example:policy")),
    digest_algorithm=st.sampled_from(["sha256", "sha512", "sha3_256"]),
    digest=st.binary(min_size=20, max_size=64),
    uri=st.none() | st.just("https://example.org/policy"),
    user_notice=st.none() | _texts(),
    description=st.none() | _texts(),
    specification=st.none() | _OIDS,
)
_CLAIMS = st.builds(
    Claims,
    signing_time=st.integers(600_000_000, 4_000_000_000).map(lambda at: datetime.fromtimestamp(at, UTC)),
    policy=st.none() | _POLICIES,
    location=st.dictionaries(
        st.sampled_from(["city", "street", "state", "postal-code", "country"]), _texts(), min_size=1
    ),
    claimed_roles=st.lists(_texts(), max_size=3).map(tuple),
    certified_roles=st.lists(st.binary(min_size=1, max_size=8), max_size=2).map(tuple),
    commitments=st.lists(_OIDS, max_size=3, unique=True).map(tuple),
)


@given(claims=_CLAIMS, mime=st.sampled_from(["text/plain", "application/pdf"]))
def test_what_a_signer_says_comes_back(claims: Claims, mime: str) -> None:
    packaged = packaging.enveloping(FILES, formats=[DataFormat(mime_type=mime)] * 2)
    evidence = read(Octets(built(packaged, claims=claims)))
    said = evidence.signatures[0].attributes
    assert holds(evidence) == [True]
    assert said.signing_time == claims.signing_time
    assert said.policy == claims.policy
    assert said.location == claims.location
    assert said.claimed_roles == claims.claimed_roles
    assert said.certified_roles == len(claims.certified_roles)
    assert said.commitments == claims.commitments
    assert said.mime_type == mime


def test_a_value_of_another_key_is_not_given_out() -> None:
    prepared = begun(PACKAGINGS["enveloped"][0])
    other = replace(prepared.dtbs, data=Octets(prepared.dtbs.octets + b" "))
    with pytest.raises(Rejected, match="does not verify"):
        prepared.complete(sign(other))
    with pytest.raises(Rejected, match="DER of two numbers"):
        prepared.complete(b"\x00" * 64)


def test_a_prepared_document_that_was_changed_is_not_completed() -> None:
    prepared = begun(PACKAGINGS["enveloped"][0])
    changed = replace(prepared, document=prepared.document.replace(b"<b/>", b"<c/>"))
    with pytest.raises(Rejected, match="does not verify"):
        changed.complete(sign(prepared.dtbs))
    changed = replace(prepared, document=prepared.document.replace(b"sha256", b"sha512"))
    with pytest.raises(Rejected, match="Prepare it anew"):
        changed.complete(sign(prepared.dtbs))


@pytest.mark.parametrize("moved", [-1, 1, 5, 10_000])
def test_a_value_comes_to_no_other_place(moved: int) -> None:
    prepared = begun(PACKAGINGS["enveloped"][0])
    with pytest.raises((Malformed, Rejected)):
        replace(prepared, place=prepared.place + moved).complete(sign(prepared.dtbs))


def test_detached_data_that_is_another_by_then_is_found_where_it_is_given_again() -> None:
    packaged, _ = PACKAGINGS["detached"]
    prepared = begun(packaged)
    value = sign(prepared.dtbs)
    assert prepared.complete(value, beside=packaged.beside) == prepared.complete(value)
    other = dict(packaged.beside) | {"a%20file.txt": Octets(b"other", "a file.txt")}
    with pytest.raises(Rejected, match="does not verify"):
        prepared.complete(value, beside=other)


def test_only_a_digest_of_detached_data_is_needed() -> None:
    known = DigestOnly((("sha256", FILES[0].digest("sha256")),), FILES[0].name)
    document = built(packaging.detached([known]))
    assert holds(read(Octets(document), detached=[FILES[0]])) == [True]


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda: packaging.detached([]), "xades.nothing"),
        (lambda: packaging.detached([Octets(b"1"), Octets(b"2")]), "xades.names"),
        (lambda: packaging.detached([Octets(b"1", "\udc80")]), "xades.names"),
        (lambda: packaging.detached([Octets(b"1", "a"), Octets(b"2", "a")]), "xades.names"),
        (lambda: packaging.detached(FILES, formats=[DataFormat()]), "xades.formats"),
        (lambda: built(packaging.enveloped(DOCUMENT, within="two")), "xades.within"),
        (lambda: built(packaging.internally_detached(DOCUMENT, ["two"])), "reference.not-found"),
        (
            lambda: prepare(packaging.enveloped(DOCUMENT), [certificate()], CLAIMS, OF_DSA),
            "signature.scheme",
        ),
        (lambda: built(packaging.enveloped(DOCUMENT), replace(OPTIONS, hash_name="md5")), "digest.unknown"),
        (lambda: built(packaging.enveloped(DOCUMENT), replace(OPTIONS, id="one")), "xades.id"),
        (lambda: built(packaging.enveloped(DOCUMENT), replace(OPTIONS, id="1 2")), "xades.id"),
        (lambda: prepare(packaging.enveloped(DOCUMENT), [], CLAIMS, OPTIONS), "xades.certificate"),
        (lambda: begun(packaging.enveloped(DOCUMENT), replace(OPTIONS, version="urn:x")), "xades.version"),
        (lambda: _saying(Claims(location={"planet": "Earth"})), "xades.location"),
        (lambda: _saying(Claims(claimed_roles=("\x00",))), "xades.text"),
        (lambda: _saying(Claims(policy=PolicyReference(identifier="1.2"))), "xades.policy"),
        (lambda: countering(DOCUMENT, "S"), "xades.signature"),
    ],
)
def test_what_cannot_be_built_is_refused(act: Any, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        act()
    assert refused.value.code == code


def _saying(claims: Claims) -> bytes:
    return built(packaging.enveloped(DOCUMENT), claims=claims)


@pytest.mark.parametrize(
    "document", [b"", b"<a>", b"no XML", b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', b"<a/><b/>"]
)
def test_what_is_no_xml_is_malformed(document: bytes) -> None:
    with pytest.raises(Malformed):
        built(packaging.enveloped(document))
    with pytest.raises(Malformed):
        built(packaging.enveloping([Octets(document)], as_xml=True))


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b'{"prepared":"cades"}',
        b'{"prepared":"xades"}',
        b'{"prepared":"xades","octets":{"base64":"*"}}',
        b'{"prepared":"xades","octets":{"base64":""},"scheme":1}',
    ],
)
def test_what_was_not_prepared_is_malformed(stored: bytes) -> None:
    with pytest.raises(Malformed):
        Prepared.decode(stored)


def test_the_value_of_a_foreign_signature_without_an_id_is_not_countersigned() -> None:
    root = etree.fromstring(built(packaging.enveloped(DOCUMENT), replace(OPTIONS, id="S1")))
    (value,) = root.iter(names.SIGNATURE_VALUE)
    del value.attrib["Id"]
    with pytest.raises(Rejected, match="has no Id"):
        countering(etree.tostring(root), "S1")


def test_the_digest_that_a_card_signs_is_shown() -> None:
    prepared = begun(PACKAGINGS["enveloped"][0])
    assert prepared.dtbs.digest is not None
    assert len(prepared.dtbs.digest) == 32
    assert replace(prepared.dtbs, scheme="ED25519").digest is None


@pytest.mark.req("TRUSTWORKS:XML-PLACEHOLDER")
@pytest.mark.parametrize(
    ("inside", "why"),
    [
        (b"", "has no SignedInfo"),
        (b"<ds:SignedInfo/>", "has no CanonicalizationMethod"),
        (None, "it has no value"),
    ],
)
def test_a_signature_that_was_begun_is_not_signed_beside(inside: bytes | None, why: str) -> None:
    if inside is None:
        element = etree.fromstring(begun(packaging.enveloped(DOCUMENT)).document).find(names.SIGNATURE)
        assert element is not None
        signature = etree.tostring(element)
    else:
        signature = b'<ds:Signature xmlns:ds="%b">%b</ds:Signature>' % (names.DS.encode(), inside)
    document = DOCUMENT.replace(b"<b/>", signature)
    for packaged in (
        packaging.enveloped(document),
        packaging.enveloped(document, parallel=True),
        packaging.internally_detached(document, ["one"]),
    ):
        with pytest.raises(Rejected, match=f"never completed .*{why}") as caught:
            begun(packaged)
        assert caught.value.code == "xades.placeholder"
