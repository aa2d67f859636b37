"""Containers that are made and added to, read back by our own reader and by Python's zipfile."""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from asic_vectors import ASIC_E, ASIC_S, Maker, container
from evidence_records import token_over
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.errors import Malformed, Rejected
from trustworks.formats import data as formats_data
from trustworks.formats import zip_writer
from trustworks.formats.asic.creating import (
    DataObject,
    Prepared,
    Sign,
    prepare_addition,
    prepare_extended,
    prepare_simple,
)
from trustworks.formats.data import PORTION, Octets, Stored
from trustworks.formats.evidence import Weight
from trustworks.formats.evidence_record.creating import prepare_first
from trustworks.formats.read import read
from trustworks.formats.zip_writer import NewMember, Zip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence

MAKER = Maker()
A = DataObject(name="a.txt", data=Octets(b"first", "a.txt"), media_type="text/plain", root=True)
B = DataObject(name="folder/ä b.txt", data=Octets(b"second" * 1000, "ä b.txt"), packed=True)
RECORDS = {Sign.EVIDENCE_RECORD: "asn1", Sign.EVIDENCE_RECORD_XML: "xml"}


def made(prepared: Prepared, objects: Sequence[DataObject] = ()) -> bytes:
    """What comes over what was prepared."""
    if prepared.sign in RECORDS:
        waiting = prepare_first(RECORDS[prepared.sign], prepared.digests, "sha256")  # type: ignore[arg-type]
        return waiting.complete((), token_over(waiting.leaf))
    if prepared.sign is Sign.XADES:
        return MAKER.xml({one.name.replace(" ", "%20"): one.data.octets() for one in objects})
    (covered,) = prepared.covered(objects)
    return MAKER.cades(covered.octets()) if prepared.sign is Sign.CADES else MAKER.token(covered.octets())


def finished(prepared: Prepared, *objects: DataObject) -> bytes:
    again = Prepared.decode(prepared.encode())
    assert again == prepared
    return again.complete(made(again, objects), objects).octets()


def added(octets: bytes, sign: Sign, **how: Any) -> bytes:
    data = Octets(octets)
    prepared = prepare_addition(data, sign, **how)
    return prepared.add(made(prepared), data).octets()


def whole(found: Evidence) -> bool:
    """Whether all that is in a container is intact, and nothing is said against it."""
    stamps = [one for stamp in found.time_stamps for one in stamp.references]
    records = [one for record in found.evidence_records for one in record.references]
    signed = [one for signature in found.signatures for one in signature.references]
    told = [*found.findings, *(one for signature in found.signatures for one in signature.findings)]
    return all(one.intact for one in (*stamps, *records, *signed)) and all(
        one.weight is Weight.NOTE for one in told
    )


def members(octets: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("sign", [one for one in Sign if one is not Sign.ARCHIVE_TIME_STAMP])
def test_a_simple_container(sign: Sign) -> None:
    octets = finished(prepare_simple(A, sign), A)
    found = read(Octets(octets, "a.asics"))
    assert found.media_type == ASIC_S
    assert whole(found)
    assert len([*found.signatures, *found.time_stamps, *found.evidence_records]) >= 1
    assert octets[30:38] + octets[38 : 38 + len(ASIC_S)] == b"mimetype" + ASIC_S.encode()
    assert list(members(octets))[:2] == ["mimetype", "a.txt"]


@pytest.mark.parametrize("sign", list(Sign))
@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
def test_an_extended_container(sign: Sign, hash_name: str) -> None:
    if sign in RECORDS and hash_name != "sha256":
        hash_name = "sha256"
    octets = finished(prepare_extended([A, B], sign, hash_name=hash_name), A, B)
    found = read(Octets(octets, "a.asice"))
    assert found.media_type == ASIC_E
    assert whole(found)
    inside = members(octets)
    assert (inside["a.txt"], inside["folder/ä b.txt"]) == (b"first", b"second" * 1000)
    assert len(octets) < 6000


def test_a_record_in_xml_is_about_the_canonical_form_of_what_is_xml() -> None:
    text = b'<?xml version="1.0"?><a b="1"   a="2"/>'
    objects = [A, DataObject(name="x.xml", data=Octets(text, "x.xml"))]
    canonical = Octets(b'<a a="2" b="1"></a>').digest("sha256")
    of_octets = A.data.digest("sha256")
    in_xml = prepare_extended(objects, Sign.EVIDENCE_RECORD_XML)
    assert in_xml.digests == (of_octets, canonical)
    assert prepare_simple(objects[1], Sign.EVIDENCE_RECORD_XML).digests == (canonical,)
    assert prepare_extended(objects, Sign.EVIDENCE_RECORD).digests == (
        of_octets,
        Octets(text).digest("sha256"),
    )
    # The manifest names what is in the container.
    assert base64.b64encode(Octets(text).digest("sha256")) in in_xml.manifest
    assert whole(read(Octets(finished(in_xml, *objects), "a.asice")))


def test_signatures_are_added_and_members_keep_their_octets() -> None:
    octets = finished(prepare_extended([A, B], Sign.CADES), A, B)
    for number, sign in enumerate((Sign.CADES, Sign.TIME_STAMP, Sign.ARCHIVE_TIME_STAMP, *RECORDS), 2):
        before, octets = octets, added(octets, sign)
        begin = before.index(b"PK\x01\x02")
        assert octets[:begin] == before[:begin]
        assert members(octets).items() >= members(before).items()
        assert whole(read(Octets(octets, "a.asice"))), sign
        assert number
    inside = members(octets)
    assert {
        "META-INF/ASiCManifest001.xml",
        "META-INF/ASiCManifest002.xml",
        "META-INF/ASiCManifest003.xml",
        "META-INF/ASiCArchiveManifest001.xml",
        "META-INF/ASiCEvidenceRecordManifest001.xml",
        "META-INF/signature001.p7s",
        "META-INF/signature002.p7s",
        "META-INF/timestamp001.tst",
        "META-INF/timestamp002.tst",
    } <= inside.keys()
    archive = inside["META-INF/ASiCArchiveManifest001.xml"]
    assert all(name.encode() in archive for name in ("signature002.p7s", "timestamp001.tst", "a.txt"))


def test_what_others_made_is_added_to() -> None:
    before = container({"a.txt": b"first", "b.txt": b"second"}, comment=b"mimetype=" + ASIC_E.encode())
    octets = added(before, Sign.CADES, only=["a.txt"])
    found = read(Octets(octets, "a.asice"))
    assert [one.name for one in found.signatures[0].references if one.name in {"a.txt", "b.txt"}] == ["a.txt"]
    assert octets.endswith(b"mimetype=" + ASIC_E.encode())
    assert members(octets)["b.txt"] == b"second"


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["", "/a", "../a", "a/../b", "a\\b", "C:a", "mimetype", "META-INF/a", "meta-inf/a", "a/"],
)
@pytest.mark.req("EN319162-1:4.4.3-NAMES")
def test_names_that_no_data_object_can_have(name: str) -> None:
    with pytest.raises(Rejected, match="No data object can have") as caught:
        prepare_extended([A, replace(B, name=name)], Sign.CADES)
    assert caught.value.code == "asic.name"


@pytest.mark.req("EN319162-1:4.4.3-NAMES")
def test_two_data_objects_have_two_names() -> None:
    with pytest.raises(Rejected, match="Two data objects would have the name") as caught:
        prepare_extended([A, replace(B, name="A.TXT")], Sign.CADES)
    assert caught.value.code == "asic.name"


@pytest.mark.req("EN319162-1:4.3.3-GEN-ROOT")
def test_what_an_asic_s_cannot_be() -> None:
    with pytest.raises(Rejected, match="no folder"):
        prepare_simple(B, Sign.CADES)
    with pytest.raises(Rejected, match="for an ASiC-E"):
        prepare_simple(A, Sign.ARCHIVE_TIME_STAMP)
    with pytest.raises(Rejected, match="this is none"):
        prepare_addition(Octets(finished(prepare_simple(A, Sign.CADES), A)), Sign.CADES)


def test_data_that_was_changed_is_not_completed() -> None:
    prepared = prepare_extended([A, B], Sign.CADES)
    for objects in (
        [A],
        [A, replace(B, data=Octets(b"else"))],
        [B, A],
        [A, replace(B, name="../../evil.sh")],
        [replace(A, name="META-INF/signatures002.p7s"), B],
        [replace(A, media_type="text/html"), B],
    ):
        with pytest.raises(Rejected, match="not those that were prepared") as caught:
            prepared.complete(b"1", objects)
        assert caught.value.code == "data.changed"
    with pytest.raises(Rejected, match="is empty"):
        prepared.complete(b"", [A, B]).octets()
    octets = finished(prepared, A, B)
    addition = prepare_addition(Octets(octets), Sign.CADES)
    with pytest.raises(Rejected, match="not the one that was prepared"):
        addition.add(b"1", Octets(octets + b"\0"))


@pytest.mark.parametrize("sign", list(Sign))
def test_what_is_not_over_the_objects_is_not_put_in(sign: Sign) -> None:
    """Neither into a new container nor into one that is there."""
    other = [replace(A, data=Octets(b"other")), B]
    prepared = prepare_extended([A, B], sign)
    wrong = made(prepare_extended(other, sign), other)
    with pytest.raises(Rejected) as caught:
        prepared.complete(wrong, [A, B])
    assert caught.value.code in {"signature.content", "asic.own"}
    with pytest.raises((Rejected, Malformed)):
        prepared.complete(b"no signature at all", [A, B])
    if sign is Sign.XADES:
        return
    data = Octets(finished(prepare_extended([A, B], Sign.CADES), A, B))
    with pytest.raises(Rejected) as caught:
        prepare_addition(data, sign).add(wrong, data)
    assert caught.value.code in {"signature.content", "asic.own"}


@pytest.mark.parametrize("sign", [Sign.CADES, Sign.TIME_STAMP])
def test_a_value_that_is_no_ones_is_not_put_in(sign: Sign) -> None:
    prepared = prepare_extended([A, B], sign)
    right = made(prepared)
    with pytest.raises(Rejected, match="does not verify") as caught:
        prepared.complete(right[:-1] + bytes([right[-1] ^ 1]), [A, B])
    assert caught.value.code == "signature.own"


def test_names_that_no_zip_file_holds() -> None:
    for name in ("\udc80.txt", "n" * 65536, "ä" * 40000):
        with pytest.raises(Rejected) as caught:
            prepare_extended([replace(A, name=name)], Sign.CADES)
        assert caught.value.code == "zip.name"


def test_what_cannot_be_signed() -> None:
    with pytest.raises(Rejected, match="at least one data object"):
        prepare_extended([], Sign.CADES)
    with pytest.raises(Rejected) as caught:
        prepare_extended([A], Sign.CADES, hash_name="sha1")
    assert caught.value.code == "asic.hash"
    octets = finished(prepare_extended([A, B], Sign.CADES), A, B)
    with pytest.raises(Rejected, match="has not the members"):
        prepare_addition(Octets(octets), Sign.CADES, only=["absent.txt"])
    with pytest.raises(Rejected) as caught:
        prepare_addition(Octets(octets + b"hidden"), Sign.CADES)
    assert caught.value.code == "asic.damaged"
    with pytest.raises(Malformed):
        prepare_addition(Octets(b"no container"), Sign.CADES)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"cades"', b'"rsa"'), (b'"simple":0', b'"simple":-1'), (b'"given":[', b'"given":[1,'), (b"{", b"[")],
)
def test_what_was_not_prepared_is_not_completed(old: bytes, new: bytes) -> None:
    octets = prepare_extended([A], Sign.CADES).encode()
    assert old in octets
    with pytest.raises(Malformed):
        Prepared.decode(octets.replace(old, new, 1))


# --- ZIP ----------------------------------------------------------------------------------------------------


@given(
    st.dictionaries(
        st.text("abcä/", min_size=1, max_size=5), st.tuples(st.binary(), st.booleans()), max_size=5
    )
)
def test_members_are_read_as_they_were_written(content: dict[str, tuple[bytes, bool]]) -> None:
    written = Zip(
        [NewMember(name=name, data=Octets(one), packed=packed) for name, (one, packed) in content.items()]
    )
    octets = written.octets()
    assert members(octets) == {name: one for name, (one, _) in content.items()}
    assert (written.size, written.digest("sha256")) == (len(octets), Octets(octets).digest("sha256"))


@pytest.mark.parametrize("limit", ["_SMALL", "_ABSENT"])
def test_large_containers_are_zip64(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if members, or the whole, had more octets than 32 bits count."""
    octets = finished(prepare_extended([A, B], Sign.CADES), A, B)
    if limit == "_SMALL":
        monkeypatch.setattr(zip_writer, "_SMALL", 6)
        octets = finished(prepare_extended([A, B], Sign.CADES), A, B)
        assert octets.count(b"\x01\x00\x10\x00") >= 2
    else:
        monkeypatch.setattr(zip_writer, "_far", lambda _: True)
        octets = finished(prepare_extended([A, B], Sign.CADES), A, B)
        assert b"PK\x06\x06" in octets
    assert whole(read(Octets(octets, "a.asice")))
    assert members(octets)["a.txt"] == b"first"
    assert whole(read(Octets(added(octets, Sign.CADES), "a.asice")))


def test_members_are_never_held(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(Random(1).randbytes(5 * PORTION + 1))  # noqa: S311 - octets that cannot be packed
    big: Data = Stored(path, "large")
    objects = [replace(A, data=big), replace(B, data=big)]
    prepared = prepare_extended(objects, Sign.CADES)
    portions = list(prepared.complete(made(prepared), objects).portions())
    assert max(map(len, portions)) <= PORTION + 4096  # what packing adds to octets by chance
    assert whole(read(Octets(b"".join(portions), "a.asice")))


def test_a_large_member_is_read_to_digest_it_and_to_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats_data, "_MAPPED", 10)
    path = tmp_path / "large"
    path.write_bytes(b"of many octets")
    assert Stored(path).checksum is None
    data = Stored(path)
    data.digest("sha256")
    assert data.checksum == zlib.crc32(b"of many octets")
    read_again: list[Path] = []
    portions = Stored.portions

    def counted(one: Stored) -> Iterator[bytes]:
        read_again.append(one.path)
        return portions(one)

    monkeypatch.setattr(Stored, "portions", counted)
    container = Zip([NewMember(name="a", data=data)])
    assert members(container.octets())["a"] == b"of many octets"
    assert read_again == [path]
    path.write_bytes(b"of many others")
    with pytest.raises(Rejected, match="changed while it was read"):
        container.octets()


def test_a_member_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "changing"
    path.write_bytes(b"first")
    written = Zip([NewMember(name="a", data=Stored(path))]).portions()
    assert next(written).startswith(b"PK")
    path.write_bytes(b"other")
    with pytest.raises(Rejected, match="changed while it was read"):
        list(written)
