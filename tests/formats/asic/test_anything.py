"""Whatever octets come in: evidence, or Malformed with a sentence, and nothing else."""

from __future__ import annotations

from functools import cache

from asic_vectors import ASIC_S, Maker, container, file_list, manifest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustworks.core.errors import Malformed
from trustworks.formats.data import Octets
from trustworks.formats.limits import Limits
from trustworks.formats.read import read

LIMITS = Limits(parsed=1 << 20, unpacked=1 << 22, members=50, elements=5_000, signatures=20)


@cache
def parts() -> dict[str, bytes]:
    """Members of every kind."""
    ours = Maker()
    files = {"a.txt": b"first" * 20, "b.zip": container({"c": b"c"}, None)}
    said = manifest("META-INF/signature001.p7s", files)
    stamped = manifest("META-INF/timestamp001.tst", files | {"META-INF/ASiCManifest1.xml": said})
    return files | {
        "META-INF/ASiCManifest1.xml": said,
        "META-INF/signature001.p7s": ours.cades(said),
        "META-INF/ASiCArchiveManifest.xml": stamped,
        "META-INF/timestamp001.tst": ours.token(stamped),
        "META-INF/signatures1.xml": ours.xml(files),
        "META-INF/evidencerecord.ers": b"0\x03\x02\x01\x01",
        "META-INF/ASiCEvidenceRecordManifest.xml": manifest("META-INF/evidencerecord.ers", files),
        "META-INF/manifest.xml": file_list(*files),
    }


def outcome(octets: bytes) -> None:
    try:
        found = read(Octets(octets), limits=LIMITS)
    except Malformed as error:
        assert str(error).endswith(".")  # noqa: PT017 - either outcome is right
        return
    for data in found.data.values():
        assert len(data.octets()) == data.size
    for signature in found.signatures:
        assert len(signature.signed.digest("sha256")) == 32


@settings(max_examples=60)
@given(st.data())
def test_any_octets_in_place_of_others(data: st.DataObject) -> None:
    octets = bytearray(container(parts(), packed=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(octets) - 1))
        # What the end of the file says is read first: half of the changes are there.
        if data.draw(st.booleans()):
            begin = max(0, len(octets) - 900) + begin % 900
        octets[begin : begin + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    outcome(b"PK\x03\x04" + bytes(octets[4:]))


@settings(max_examples=40)
@given(st.data())
def test_any_member_in_place_of_another(data: st.DataObject) -> None:
    members = dict(parts())
    names = sorted(members)
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(names))
        what = data.draw(st.sampled_from(["remove", "swap", "change"]))
        if what == "remove":
            members.pop(name, None)
        elif what == "swap":
            members[name] = parts()[data.draw(st.sampled_from(names))]
        else:
            octets = bytearray(parts()[name])
            place = data.draw(st.integers(0, len(octets) - 1))
            octets[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
            members[name] = bytes(octets)
    outcome(container(members, data.draw(st.sampled_from([ASIC_S, None, "application/zip"]))))
