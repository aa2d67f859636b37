"""Containers of our own making, as evidence."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import cms_maker
import pytest
from asic_vectors import ASIC_E, ASIC_S, Maker, container, file_list, manifest
from signed_corpus import signer, verifies

from trustworks.core.errors import Malformed
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Container, ReferenceKind, ScopeKind, TimeStampKind, Weight
from trustworks.formats.limits import Limits
from trustworks.formats.read import read

if TYPE_CHECKING:
    from trustworks.formats.evidence import Evidence, Signature

FILES = {"a.txt": b"first", "folder/b c.txt": b"second"}
SIGNATURE = "META-INF/signature001.p7s"
STAMP = "META-INF/timestamp001.tst"
OTHER = "META-INF/ASiCManifest001.xml"


@pytest.fixture(scope="module")
def ours() -> Maker:
    return Maker()


def evidence(octets: bytes, **limits: int) -> Evidence:
    return read(Octets(octets), limits=Limits(**limits))


def codes(found: Evidence, weight: Weight | None = None) -> set[str]:
    return {finding.code for finding in found.findings if weight in {None, finding.weight}}


def whole(found: Evidence, signature: Signature) -> bool:
    return all(one.found and one.intact for one in signature.references) and verifies(
        signature, signer(found, signature)
    )


def extended(ours: Maker, **others: bytes) -> dict[str, bytes]:
    """An ASiC-E with a CAdES signature over a manifest; `others` take the place of what is said."""
    said = manifest(SIGNATURE, FILES, root="a.txt")
    return FILES | {OTHER: said, SIGNATURE: ours.cades(said)} | others


# --- kinds of containers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (container({"a": b"", "META-INF/timestamp.tst": b""}, ASIC_S), Container.ASIC_S),
        (container({"a": b"", "META-INF/timestamp.tst": b""}, ASIC_E), Container.ASIC_E),
        (container({"a": b"", "META-INF/timestamp.tst": b""}, None), Container.ASIC_S),
        (container({"a": b"", "b": b"", "META-INF/timestamp.tst": b""}, None), Container.ASIC_E),
        (container({"a": b"", "META-INF/x.tst": b""}, None), Container.NONE),
        (container({"a": b""}, None, comment=f"mimetype={ASIC_E}".encode()), Container.ASIC_E),
        (container({"a": b""}, "application/vnd.oasis.opendocument.text"), Container.OPEN_DOCUMENT),
        (container({"word/document.xml": b""}, None), Container.NONE),
    ],
)
def test_the_kind_is_what_is_said_else_what_is_there(octets: bytes, kind: Container) -> None:
    found = evidence(octets)
    assert found.container is kind
    assert found.signatures == ()


def test_a_container_without_signatures_is_told() -> None:
    assert codes(evidence(container({"a": b""}, None))) == {"asic.unsigned"}


# --- CAdES ------------------------------------------------------------------------------------------------


def test_a_manifest_is_signed_and_with_it_what_it_names(ours: Maker) -> None:
    found = evidence(container(extended(ours)))
    (signature,) = found.signatures
    assert whole(found, signature)
    assert signature.findings == ()
    assert signature.file == SIGNATURE
    assert [one.kind for one in signature.references[1:]] == [ReferenceKind.MANIFEST_ENTRY] * 2
    assert [(one.kind, one.name) for one in signature.scopes] == [
        (ScopeKind.MANIFEST, OTHER),
        (ScopeKind.MANIFEST_ENTRY, "a.txt"),
        (ScopeKind.MANIFEST_ENTRY, "folder/b c.txt"),
    ]
    assert "root file" in signature.scopes[1].text
    assert signature.scopes[2].data is not None
    assert signature.scopes[2].data.octets() == b"second"


def test_changed_and_absent_members_show_in_the_references(ours: Maker) -> None:
    members = extended(ours, **{"a.txt": b"other"})
    del members["folder/b c.txt"]
    found = evidence(container(members))
    (signature,) = found.signatures
    assert [(one.found, one.intact, one.mandatory) for one in signature.references[1:]] == [
        (True, False, True),
        (False, False, True),
    ]
    assert verifies(signature, signer(found, signature))
    assert [scope.name for scope in signature.scopes] == [OTHER]


@pytest.mark.req("EN319162-1:4.4.4-MANIFEST")
def test_a_signature_or_a_stamp_without_its_manifest_is_fatal(ours: Maker) -> None:
    for gone in ({OTHER: b"<x/>"}, {OTHER: b"<"}, {OTHER: manifest("META-INF/signature9.p7s", FILES)}):
        found = evidence(container(extended(ours) | gone))
        assert "asic.manifest-missing" in {one.code for one in found.signatures[0].findings}
        assert not found.signatures[0].references[0].intact
    stamped = evidence(container(FILES | {STAMP: ours.token(b"first")}))
    assert [one.code for one in stamped.time_stamps[0].findings] == ["asic.manifest-missing"]
    assert not stamped.time_stamps[0].references[0].found


@pytest.mark.req("EN319162-1:4.3.3-DETACHED")
@pytest.mark.parametrize("media_type", [ASIC_E, ASIC_S])
def test_a_signature_over_its_own_content_signs_nothing_in_a_container(media_type: str) -> None:
    foreign = cms_maker.basic(content=b"something else")
    member = {ASIC_E: SIGNATURE, ASIC_S: "META-INF/signature.p7s"}[media_type]
    members = {"a.txt": b"first", member: foreign}
    if media_type == ASIC_E:
        members[OTHER] = manifest(SIGNATURE, {"a.txt": b"first"})
    (signature,) = evidence(container(members, media_type)).signatures
    assert [one.name for one in signature.scopes] == ["the signed content"]
    assert len(signature.references) == 1
    found = {one.code: one.weight for one in signature.findings}
    assert found["asic.not-detached"] is Weight.FATAL
    assert "asic.unsigned-member" in found


@pytest.mark.req("EN319162-1:A.4-ONE-MANIFEST")
def test_two_manifests_of_one_signature_are_told(ours: Maker) -> None:
    fake = manifest(SIGNATURE, {"a.txt": b"first"})
    found = evidence(container({"META-INF/ASiCManifest.xml": fake} | extended(ours)))
    assert "asic.two-manifests" in codes(found, Weight.SUSPICIOUS)
    assert not whole(found, found.signatures[0])


@pytest.mark.req("EN319162-1:A.4-CRITICAL")
def test_a_critical_extension_is_fatal(ours: Maker) -> None:
    more = (
        "<asic:ASiCManifestExtensions><asic:Extension Critical='true'><x/></asic:Extension>"
        "</asic:ASiCManifestExtensions>"
    )
    said = manifest(SIGNATURE, FILES, more=more)
    found = evidence(container(extended(ours) | {OTHER: said, SIGNATURE: ours.cades(said)}))
    assert "asic.critical-extension" in codes(found, Weight.FATAL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"2001/04/xmlenc#sha256", b"2001/04/xmlenc#sha257"),
        (b"<ds:DigestValue>", b"<ds:DigestValue>!"),
        (b"DigestValue", b"DigestValues"),
    ],
)
def test_an_entry_without_a_digest_that_can_be_compared_is_not_intact(
    ours: Maker, old: bytes, new: bytes
) -> None:
    said = manifest(SIGNATURE, FILES).replace(old, new)
    found = evidence(container(extended(ours) | {OTHER: said, SIGNATURE: ours.cades(said)}))
    assert not any(one.intact for one in found.signatures[0].references[1:])
    assert all(one.why for one in found.signatures[0].references[1:])


@pytest.mark.req("EN319162-1:4.4.1-ALL-SIGNED")
def test_members_that_nothing_covers_are_found(ours: Maker) -> None:
    found = evidence(container(extended(ours) | {"more.txt": b"", "META-INF/else": b""}))
    (finding,) = [one for one in found.signatures[0].findings if one.code == "asic.unsigned-member"]
    assert finding.weight is Weight.SUSPICIOUS
    assert "more.txt" in finding.text


@pytest.mark.req("EN319162-1:4.3.3-MIMETYPE")
@pytest.mark.parametrize(
    "octets",
    [
        container({"a": b"", "META-INF/timestamp.tst": b""}, None),
        container({"a": b"", "META-INF/timestamp.tst": b"", "mimetype": ASIC_S.encode()}, None),
        container({"mimetype": ASIC_S.encode(), "a": b"", "META-INF/timestamp.tst": b""}, None),
    ],
)
def test_a_mimetype_that_is_not_in_its_place_is_noted(octets: bytes) -> None:
    assert "asic.mimetype" in codes(evidence(octets), Weight.NOTE)


# --- ASiC-S -----------------------------------------------------------------------------------------------


def test_a_simple_container_signs_its_one_object(ours: Maker) -> None:
    found = evidence(container({"a.txt": b"first", "META-INF/signature.p7s": ours.cades(b"first")}, ASIC_S))
    assert whole(found, found.signatures[0])
    assert found.findings == ()
    assert [scope.name for scope in found.signatures[0].scopes] == ["a.txt"]


def test_a_package_within_shows_what_is_in_it(ours: Maker) -> None:
    package = container(FILES, None)
    found = evidence(container({"p.zip": package, "META-INF/signature.p7s": ours.cades(package)}, ASIC_S))
    names = [scope.name for scope in found.signatures[0].scopes]
    assert names == ["p.zip", "p.zip/a.txt", "p.zip/folder/b c.txt"]


@pytest.mark.req("EN319162-1:4.3.3-ONE-OBJECT")
def test_a_simple_container_with_two_objects_is_fatal(ours: Maker) -> None:
    found = evidence(container({"a": b"1", "b": b"2", "META-INF/signature.p7s": ours.cades(b"1")}, ASIC_S))
    assert "asic.one-object" in {
        one.code for one in found.signatures[0].findings if one.weight is Weight.FATAL
    }
    assert not found.signatures[0].references[0].found


@pytest.mark.req("EN319162-1:4.3.3-ONE-SIGNATURE")
def test_a_simple_container_with_signatures_of_two_kinds_is_suspicious(ours: Maker) -> None:
    members = {
        "a": b"1",
        "META-INF/signature.p7s": ours.cades(b"1"),
        "META-INF/timestamp.tst": ours.token(b"1"),
    }
    assert "asic.kinds" in codes(evidence(container(members, ASIC_S)), Weight.SUSPICIOUS)


# --- time-stamps ------------------------------------------------------------------------------------------


def test_a_time_stamp_alone_covers_the_one_object(ours: Maker) -> None:
    found = evidence(container({"a.txt": b"first", "META-INF/timestamp.tst": ours.token(b"first")}, ASIC_S))
    (stamp,) = found.time_stamps
    assert stamp.kind is TimeStampKind.CONTAINER
    assert stamp.covers == frozenset(found.data)
    assert [one.intact for one in stamp.references] == [True]
    assert [scope.name for scope in stamp.scopes] == ["a.txt"]


def test_a_time_stamp_over_a_manifest_covers_what_that_names(ours: Maker) -> None:
    said = manifest(STAMP, FILES)
    members = FILES | {OTHER: said, STAMP: ours.token(said)}
    found = evidence(container(members))
    (stamp,) = found.time_stamps
    assert [one.intact for one in stamp.references] == [True, True, True]
    assert stamp.covers == frozenset(found.data)
    assert len(found.data) == 3
    changed = evidence(container(members | {"a.txt": b"other"})).time_stamps[0]
    assert [one.intact for one in changed.references] == [True, False, True]
    assert len(changed.covers) == 2


def test_what_a_time_stamp_was_over_may_be_gone(ours: Maker) -> None:
    """It proves the rest all the same; a signature is over all of its files."""
    said = manifest(STAMP, FILES)
    members = FILES | {OTHER: said, STAMP: ours.token(said)}
    del members["a.txt"]
    (stamp,) = evidence(container(members)).time_stamps
    assert [(one.found, one.mandatory) for one in stamp.references] == [
        (True, True),
        (False, False),
        (True, True),
    ]
    assert len(stamp.covers) == 2


def test_archive_time_stamps_cover_signatures_and_earlier_time_stamps(ours: Maker) -> None:
    members = extended(ours)
    covered = {SIGNATURE: members[SIGNATURE], OTHER: members[OTHER], **FILES}
    first = manifest(STAMP, covered)
    token = ours.token(first)
    second = "META-INF/timestamp002.tst"
    names = {"META-INF/ASiCArchiveManifest1.xml": first, STAMP: token}
    last = manifest(second, covered | names)
    # In an order that is not that in which they were made.
    archived = {second: ours.token(last), "META-INF/ASiCArchiveManifest.xml": last} | members | names
    found = evidence(container(archived))
    (signature,) = found.signatures
    one, two = found.time_stamps
    assert signature.time_stamps == (one.id, two.id)
    assert all(reference.intact for stamp in (one, two) for reference in stamp.references)
    assert {signature.id, *signature.certificates} <= one.covers
    assert {one.id, *one.signature.certificates} | one.covers <= two.covers
    assert two.id not in two.covers
    assert (one.form, two.form) == ("archive", "archive")
    assert codes(found) == set()


def test_a_token_passes_on_only_what_it_is_over(ours: Maker) -> None:
    """An old token whose manifest is written anew: what covers it covers nothing that the manifest names."""
    members = extended(ours)
    old = ours.token(b"long ago")
    second = "META-INF/timestamp002.tst"
    last = manifest(second, {STAMP: old})
    rewritten = {"META-INF/ASiCManifest002.xml": manifest(STAMP, {SIGNATURE: members[SIGNATURE], **FILES})}
    archive = {STAMP: old, "META-INF/ASiCArchiveManifest.xml": last, second: ours.token(last)}
    found = evidence(container(members | rewritten | archive))
    one, two = found.time_stamps
    assert [[reference.intact for reference in stamp.references] for stamp in (one, two)] == [
        [False, True, True, True],
        [True, True],
    ]
    assert one.id in two.covers
    assert found.signatures[0].id not in two.covers
    said = {f"D-{hashlib.sha256(octets).hexdigest()}" for octets in (old, last)}
    assert {covered for covered in two.covers if covered.startswith("D-")} == said


def test_a_broken_signature_passes_on_no_data(ours: Maker) -> None:
    members = extended(ours, **{SIGNATURE: ours.cades(b"another manifest")})
    said = manifest(STAMP, {SIGNATURE: members[SIGNATURE]})
    archive = {STAMP: ours.token(said), "META-INF/ASiCArchiveManifest.xml": said}
    (stamp,) = evidence(container(members | archive)).time_stamps
    assert f"D-{hashlib.sha256(b'first').hexdigest()}" not in stamp.covers


def test_manifests_in_a_circle_are_read(ours: Maker) -> None:
    second = "META-INF/timestamp002.tst"
    one = manifest(STAMP, {second: b"x", OTHER: b"x"})
    two = manifest(second, {STAMP: b"x", "META-INF/ASiCManifest002.xml": b"x"})
    members = {"a": b"", OTHER: one, STAMP: ours.token(one), second: ours.token(two)}
    found = evidence(container(members | {"META-INF/ASiCManifest002.xml": two}))
    assert [[one.intact for one in stamp.references] for stamp in found.time_stamps] == [
        [True, False, False],
        [True, False, False],
    ]


# --- XAdES and OpenDocument -------------------------------------------------------------------------------


@pytest.mark.req("EN319162-1:4.4.3-FILE-LIST", "EN319162-1:4.4.3-LISTED", "EN319162-1:4.4.3-OBJECTS")
def test_what_a_container_with_xml_signatures_lacks_is_found(ours: Maker) -> None:
    files = {"a.txt": b"first"}
    members = files | {
        "META-INF/manifest.xml": file_list(*files),
        "META-INF/signatures001.xml": ours.xml(files),
    }
    unlisted = evidence(container(members | {"c.txt": b""}))
    assert "asic.file-list" in codes(unlisted, Weight.NOTE)
    assert "asic.file-list" not in codes(evidence(container(members)))
    only = {name: members[name] for name in members if name.startswith("META-INF")}
    assert "asic.no-object" in codes(evidence(container(only)), Weight.FATAL)
    del members["META-INF/manifest.xml"]
    assert "asic.file-list-missing" in codes(evidence(container(members)), Weight.FATAL)


def test_xml_signatures_are_over_members_by_their_names(ours: Maker) -> None:
    files = {"a.txt": b"first", "b.txt": b"second"}
    members = files | {
        "META-INF/manifest.xml": file_list(*files),
        "META-INF/signatures001.xml": ours.xml(files),
    }
    found = evidence(container(members))
    assert whole(found, found.signatures[0])
    assert codes(found) == set()
    changed = evidence(container(members | {"a.txt": b"other"})).signatures[0]
    assert [(one.found, one.intact) for one in changed.references] == [(True, False), (True, True)]
    unlisted = evidence(container(members | {"c.txt": b""}))
    assert codes(unlisted) == {"asic.file-list", "asic.unsigned-member"}
    del members["META-INF/manifest.xml"]
    assert "asic.file-list-missing" in codes(evidence(container(members)), Weight.FATAL)
    only = {name: members[name] for name in members if name.startswith("META-INF")}
    assert "asic.no-object" in codes(evidence(container(only)), Weight.FATAL)


@pytest.mark.req("EN319162-1:4.4.3-XADES-OVER")
@pytest.mark.parametrize("media_type", [ASIC_E, ASIC_S])
def test_an_xml_signature_over_its_own_content_signs_nothing_in_a_container(
    ours: Maker, media_type: str
) -> None:
    """The object stands in the signature, as in an enveloping one, and every digest is right."""
    holding = ours.enveloping(b"something else")
    members = {"a.txt": b"first", "META-INF/signatures.xml": holding}
    if media_type == ASIC_E:
        members["META-INF/manifest.xml"] = file_list("a.txt")
    found = evidence(container(members, media_type))
    (signature,) = found.signatures
    assert whole(found, signature)
    weights = {one.code: one.weight for one in signature.findings}
    assert weights["asic.not-detached"] is Weight.FATAL
    assert "asic.unsigned-member" in weights


def test_xml_that_is_signed_in_canonical_form_is_covered(ours: Maker) -> None:
    """As LibreOffice signs: the digest is of the canonical form, which the member is not octet by octet."""
    canonical = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
    steps = f'<ds:Transforms><ds:Transform Algorithm="{canonical}"></ds:Transform></ds:Transforms>'
    members = {
        "content.xml": b"<c/>",
        "META-INF/manifest.xml": file_list("content.xml"),
        "META-INF/documentsignatures.xml": ours.xml({"content.xml": b"<c></c>"}, transforms=steps),
    }
    media_type = "application/vnd.oasis.opendocument.text"
    found = evidence(container(members, media_type))
    assert whole(found, found.signatures[0])
    assert codes(found) == set()
    changed = evidence(container(members | {"content.xml": b"<c >!</c>"}, media_type))
    assert not whole(changed, changed.signatures[0])
    assert codes(changed) == {"asic.unsigned-member"}


def test_signed_open_documents_are_read(ours: Maker) -> None:
    files = {"content.xml": b"<c/>", "Pictures/x.png": b"png"}
    members = files | {
        "META-INF/manifest.xml": file_list(*files),
        "META-INF/documentsignatures.xml": ours.xml(files),
    }
    media_type = "application/vnd.oasis.opendocument.text"
    found = evidence(container(members, media_type))
    assert (found.container, found.media_type) == (Container.OPEN_DOCUMENT, media_type)
    assert whole(found, found.signatures[0])
    assert codes(found) == set()
    more = evidence(container(members | {"Basic/macro.xml": b""}, media_type))
    assert "asic.unsigned-member" in codes(more, Weight.SUSPICIOUS)


# --- what cannot be read ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (SIGNATURE, "asic.signature-unreadable"),
        ("META-INF/signatures.xml", "asic.signature-unreadable"),
        (STAMP, "asic.time-stamp-unreadable"),
        ("META-INF/evidencerecord.ers", "asic.evidence-record-unreadable"),
        ("META-INF/ASiCManifest.xml", "asic.manifest-unreadable"),
        ("META-INF/manifest.xml", "asic.file-list"),
    ],
)
def test_members_that_cannot_be_read_are_told(ours: Maker, name: str, code: str) -> None:
    for content in (b"", b"<", b"\x30\x80" * 200):
        found = evidence(container(extended(ours) | {name: content}))
        assert code in codes(found)


def test_what_is_no_container_is_refused() -> None:
    with pytest.raises(Malformed):
        evidence(b"PK\x03\x04")
