"""A member is replaced: all others keep their octets, whoever wrote them; archive time-stamps are renewed."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest
from asic_vectors import ASIC_E, Maker
from hypothesis import given
from hypothesis import strategies as st
from signed_making import certificate

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.ports import ValidationData
from trustworks.formats.asic.creating import DataObject, Sign, prepare_addition, prepare_extended
from trustworks.formats.asic.creating.archiving import NEWEST, prepare_archive, with_time_stamp_values
from trustworks.formats.asic.creating.opened import opened
from trustworks.formats.asic.creating.replacing import Change, changed, check_free, with_member
from trustworks.formats.cades.creating import unsigned
from trustworks.formats.data import Octets, Stored
from trustworks.formats.limits import DEFAULT
from trustworks.formats.read import read
from trustworks.formats.zip_writer import Carried, Zip

if TYPE_CHECKING:
    from pathlib import Path

MAKER = Maker()
A = DataObject(name="a.txt", data=Octets(b"first", "a.txt"))
B = DataObject(name="ä b.txt", data=Octets(b"second" * 1000, "ä b.txt"), packed=True)
SIGNATURE = "META-INF/signature001.p7s"


def signed() -> bytes:
    prepared = prepare_extended([A, B], Sign.CADES)
    (covered,) = prepared.covered([A, B])
    return prepared.complete(MAKER.cades(covered.octets()), [A, B]).octets()


def foreign(**options: bytes) -> bytes:
    """The same members as another writer has them: in a stream, with folders, times and extra fields."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(signed())) as source, zipfile.ZipFile(_Stream(target), "w") as archive:
        archive.comment = options.get("comment", b"mimetype=" + ASIC_E.encode())
        for number, name in enumerate(["mimetype", "META-INF/", *source.namelist()[1:]]):
            info = zipfile.ZipInfo(name, (2024, 2, 3, 4, 5, 2 * number))
            info.external_attr = 0o644 << 16
            info.comment = b"%d" % number
            info.compress_type = zipfile.ZIP_STORED if number < 2 else zipfile.ZIP_DEFLATED
            info.extra = struct.pack("<HHL", 0x6C78, 4, number) if number > 1 else b""
            archive.writestr(info, b"" if name.endswith("/") else source.read(name))
    return target.getvalue()


class _Stream(io.RawIOBase):
    """Where nobody can go back, so that sizes come after the members."""

    def __init__(self, target: io.BytesIO) -> None:
        self._target = target

    def writable(self) -> bool:
        return True

    def write(self, octets: bytes) -> int:  # type: ignore[override]
        return self._target.write(octets)


def more(signature: bytes, certificate_: bytes) -> bytes:
    """The signature with one more certificate."""
    data = ValidationData(certificates=[certificate_])
    return unsigned.with_values(unsigned.Target(structure=signature), data)


def parts(octets: bytes) -> dict[str, tuple[bytes, bytes, bytes]]:
    """Of each member what stands in the file, its extra field and its comment, without its place."""
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        listed = sorted(archive.infolist(), key=lambda one: one.header_offset)
        ends = [one.header_offset for one in listed[1:]] + [archive.start_dir]
        return {
            one.filename: (octets[one.header_offset : end], one.extra, one.comment)
            for one, end in zip(listed, ends, strict=True)
        }


@pytest.mark.parametrize("make", [signed, foreign])
@pytest.mark.parametrize("stored", [False, True])
def test_all_other_members_keep_their_octets(make: type, stored: bool, tmp_path: Path) -> None:
    before = make()
    path = tmp_path / "a.asice"
    path.write_bytes(before)
    data = Stored(path) if stored else Octets(before)
    with zipfile.ZipFile(io.BytesIO(before)) as archive:
        another = more(archive.read(SIGNATURE), certificate())
    after = with_member(data, SIGNATURE, Octets(another)).octets()
    was, now = parts(before), parts(after)
    assert list(was) == list(now)
    assert {name: one for name, one in was.items() if name != SIGNATURE} == {
        name: one for name, one in now.items() if name != SIGNATURE
    }
    with zipfile.ZipFile(io.BytesIO(after)) as archive:
        assert archive.testzip() is None
        assert archive.comment == zipfile.ZipFile(io.BytesIO(before)).comment
        assert archive.read(SIGNATURE) == another
    found = read(Octets(after))
    assert [one.weight for one in found.findings if one.weight != "note"] == []
    assert all(one.intact for one in found.signatures[0].references)


def test_a_container_that_is_yet_to_be_written_is_changed_once_more(tmp_path: Path) -> None:
    path = tmp_path / "a.asice"
    path.write_bytes(foreign())
    with zipfile.ZipFile(path) as archive:
        signature = archive.read(SIGNATURE)
    container: Stored | Zip = Stored(path, "a.asice")
    for scheme in ("ECDSA_SHA256", "ECDSA_SHA384", "ECDSA_SHA512"):
        signature = more(signature, certificate(scheme))
        container = with_member(container, SIGNATURE, Octets(signature))
    assert isinstance(container, Zip)
    carried = [one for one in container.members if isinstance(one, Carried)]
    assert {one.container for one in carried} == {Stored(path, "a.asice")}
    assert len(carried) == len(parts(path.read_bytes())) - 1
    # What is read before it is written is what is read after.
    assert read(container).signatures[0].id == read(Octets(container.octets())).signatures[0].id
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(Rejected) as refused:
        container.octets()
    assert refused.value.code == "data.changed"


def test_what_would_break_something_is_refused() -> None:
    data = Octets(signed())
    with pytest.raises(Rejected) as refused:
        with_member(data, "META-INF/signature009.p7s", Octets(b""))
    assert refused.value.code == "asic.no-member"
    with pytest.raises(Rejected) as refused:
        with_member(data, "a.txt", Octets(b"other"))
    assert refused.value.code == "asic.covered"
    with pytest.raises(Rejected) as refused:
        changed(data, opened(data, DEFAULT)[0], Change(octets={"a.txt": Octets(b"other")}))
    assert refused.value.code == "adding.broken"
    with pytest.raises(Rejected) as refused:
        with_member(data, SIGNATURE, Octets(MAKER.cades(b"something else")))
    assert refused.value.code == "adding.broken"
    with pytest.raises(Malformed):
        with_member(Octets(b"PK\3\4"), SIGNATURE, Octets(b""))
    broken = signed().replace(b"first", b"firsT")
    with pytest.raises(Malformed):
        with_member(Octets(broken[:-30]), SIGNATURE, Octets(b""))


@pytest.mark.parametrize("sign", [Sign.ARCHIVE_TIME_STAMP, Sign.EVIDENCE_RECORD])
@pytest.mark.req("EN319162-1:A.7-COVERED")
def test_what_a_manifest_has_the_digest_of_stays(sign: Sign) -> None:
    data = Octets(signed())
    prepared = prepare_addition(data, sign)
    manifest = prepared.manifest
    assert b"signature001.p7s" in manifest
    container = Octets(archived(data)) if sign is Sign.ARCHIVE_TIME_STAMP else Octets(recorded(data))
    with pytest.raises(Rejected) as refused:
        with_member(container, SIGNATURE, Octets(MAKER.cades(b"")))
    assert refused.value.code == "asic.covered"
    check_free("META-INF/signature002.p7s", {})


def recorded(data: Octets) -> bytes:
    from evidence_records import token_over  # noqa: PLC0415 - beside its only use

    from trustworks.formats.evidence_record.creating import prepare_first  # noqa: PLC0415

    prepared = prepare_addition(data, Sign.EVIDENCE_RECORD)
    waiting = prepare_first("asn1", prepared.digests, "sha256")
    return prepared.add(waiting.complete((), token_over(waiting.leaf)), data).octets()


def archived(data: Octets) -> bytes:
    archiving = prepare_archive(data)
    assert prepare_archive(data).manifest.octets() == archiving.manifest.octets()
    return archiving.complete(MAKER.token(archiving.manifest.octets())).octets()


@pytest.mark.req("EN319162-1:A.7-NEWEST")
def test_the_newest_archive_manifest_has_the_name_and_the_one_before_a_number() -> None:
    octets = foreign()
    for number in range(3):
        before, octets = parts(octets), archived(Octets(octets))
        now = parts(octets)
        assert NEWEST in now
        assert [one for one in now if "ArchiveManifest0" in one] == [
            f"META-INF/ASiCArchiveManifest{one:03}.xml" for one in range(1, number + 1)
        ]
        manifests = {name for name in before if "ArchiveManifest" in name}
        assert all(now[name] == one for name, one in before.items() if name not in manifests)
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            newest = archive.read(NEWEST)
        assert newest.count(b'Rootfile="true"') == bool(number)
        if number:
            assert b'ASiCArchiveManifest%03d.xml" Rootfile="true"' % number in newest
        found = read(Octets(octets))
        assert len(found.time_stamps) == number + 1
        assert all(one.intact for stamp in found.time_stamps for one in stamp.references)
        assert [one for one in found.findings if one.weight != "note"] == []


@pytest.mark.req("EN319162-1:A.7-NEWEST")
def test_a_manifest_that_something_names_keeps_its_name() -> None:
    data = Octets(archived(Octets(signed())))
    over = Octets(prepare_and_add(data))
    again = archived(over)
    names = [name for name in parts(again) if "ArchiveManifest" in name]
    assert names[0] == NEWEST
    assert len(names) == 3
    found = read(Octets(again))
    assert all(one.intact for stamp in found.time_stamps for one in stamp.references)


def prepare_and_add(data: Octets) -> bytes:
    prepared = prepare_addition(data, Sign.ARCHIVE_TIME_STAMP)
    (covered,) = prepared.covered()
    return prepared.add(MAKER.token(covered.octets()), data).octets()


def test_validation_data_goes_into_the_newest_token() -> None:
    data = ValidationData(certificates=[certificate()])
    with pytest.raises(Rejected) as refused:
        with_time_stamp_values(Octets(signed()), data)
    assert refused.value.code == "asic.no-time-stamp"
    once = archived(Octets(signed()))
    twice = archived(Octets(once))
    after = with_time_stamp_values(Octets(twice), data).octets()
    was, now = parts(twice), parts(after)
    assert [name for name in was if was[name] != now[name]] == ["META-INF/timestamp002.tst"]
    found = read(Octets(after))
    assert all(one.intact for stamp in found.time_stamps for one in stamp.references)
    again = read(Octets(archived(Octets(after))))
    assert len(again.time_stamps) == 3
    assert all(one.intact for stamp in again.time_stamps for one in stamp.references)


def test_a_member_whose_name_is_not_in_unicode_is_not_named_in_a_manifest() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("mimetype", ASIC_E)
        archive.writestr("xx b.txt", b"first")
    prepare_archive(Octets(target.getvalue()))
    with pytest.raises(Rejected) as refused:
        prepare_archive(Octets(target.getvalue().replace(b"xx b.txt", b"\x84\x84 b.txt")))
    assert refused.value.code == "asic.name"


def test_a_token_over_something_else_is_refused() -> None:
    archiving = prepare_archive(Octets(signed()))
    with pytest.raises(Rejected) as refused:
        archiving.complete(MAKER.token(b"something else"))
    assert refused.value.code == "signature.content"
    with pytest.raises(Malformed):
        archiving.complete(b"\x30\x00")


FAR = 5 << 32


@pytest.mark.parametrize("sizes", [b"", struct.pack("<QQ", 7 << 32, 6 << 32)])
@given(at=st.integers(0, 1 << 62), other=st.binary(max_size=20))
def test_a_place_beyond_four_gigabytes_is_written_as_such(sizes: bytes, at: int, other: bytes) -> None:
    from trustworks.formats.asic.directory import _entries  # noqa: PLC0415 - how it is read back
    from trustworks.formats.zip_writer import _Carrying  # noqa: PLC0415

    extra = struct.pack("<HH", 0x6C78, len(other)) + other
    if sizes:
        extra = struct.pack("<HH", 1, len(sizes)) + sizes + extra
    shown = 0xFFFFFFFF if sizes else 9
    name, comment = b"a.txt", b"said"
    entry = struct.pack(
        "<4s6H3L5H2L",
        *(b"PK\1\2", 20, 20, 0, 0, 0, 33, 1, shown, shown, len(name), len(extra), len(comment), 0, 0, 0, 0),
    )
    entry += name + extra + comment
    carried = Carried(name="a.txt", data=A.data, container=A.data, begin=0, end=0, entry=entry)
    (found,) = _entries(_Carrying(carried, at).central(), 1)
    assert found.header == at
    assert (found.packed, found.unpacked) == ((6 << 32, 7 << 32) if sizes else (9, 9))
    assert extra[-len(other) - 4 :] in found.extra
    assert found.central.endswith(comment)
