"""Signatures as others write them: without Ids, of older versions, in BER, under older time-stamps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import augmented_files as of_files
import pytest
from cms_maker import CONTENT, basic
from evidence_graphs import NOW
from signed_making import SIGNING_TIME, certificate, holds, house, sign, stamp

from trustworks.core.der import ber
from trustworks.core.errors import Rejected
from trustworks.core.ports import ValidationData
from trustworks.formats.asic.archive import Member
from trustworks.formats.asic.creating import Sign
from trustworks.formats.augmenting import Kind, Opened, Target
from trustworks.formats.cades.creating import extended
from trustworks.formats.cades.creating import signature as cades
from trustworks.formats.cades.creating import unsigned as cades_unsigned
from trustworks.formats.claims import Claims
from trustworks.formats.data import DigestOnly, Octets, Stored
from trustworks.formats.xades import names
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating import signature as xades

if TYPE_CHECKING:
    from pathlib import Path

DATA = Octets(b"what is signed", "a.txt")
CLAIMS = Claims(signing_time=SIGNING_TIME)


def of_xml(version: str = names.XADES_132) -> bytes:
    options = xades.Options(scheme="ECDSA_SHA256", id="S1", version=version)
    prepared = xades.prepare(packaging.enveloping([DATA]), [certificate()], CLAIMS, options)
    return prepared.complete(sign(prepared.dtbs))


def of_cms() -> bytes:
    prepared = cades.prepare(DATA, [certificate()], CLAIMS, cades.Options(scheme="ECDSA_SHA256"))
    return prepared.complete(sign(prepared.dtbs), content=DATA)


@cache
def values() -> ValidationData:
    return ValidationData(certificates=house().authorities, lists=house().lists)


def only(octets: bytes) -> Target:
    (target,) = Opened(Octets(octets, "a")).targets
    return target


def stamped(target: Target, kind: Kind = Kind.SIGNATURE, hours: int = 0) -> Target:
    token = stamp(b"", NOW - timedelta(days=10, hours=-hours), digest=target.digest(kind))
    return target.with_time_stamp(token) if kind is Kind.SIGNATURE else target.with_archive_time_stamp(token)


@pytest.mark.parametrize("version", [names.XADES_111, names.XADES_122, names.XADES_132])
def test_xml_without_any_id_of_the_value(version: str) -> None:
    made = of_xml(version)
    assert made.count(b' Id="S1-value"') == 1
    target = only(made.replace(b' Id="S1-value"', b""))
    signed = target.signature.signed.octets()
    after = stamped(target)
    assert after.signature.signed.octets() == signed
    assert holds(after.evidence) == [True]
    assert [one.intact for one in after.time_stamps[0].references] == [True]
    assert after.signature.id in after.time_stamps[0].covers
    # The older versions list what is stamped by its Id, and only they.
    assert (b'<ds:SignatureValue Id="signature-value-1">' in after.data.octets()) == (
        version != names.XADES_132
    )
    with_data = after.with_values(values())
    assert with_data.signature.revocation
    assert with_data.time_stamps == after.time_stamps


def test_xml_without_an_id_of_the_signature() -> None:
    made = of_xml().replace(b' Id="S1"', b"")
    target = only(made)
    after = stamped(stamped(target).with_values(values()), Kind.ARCHIVE, 1)
    assert all(one.intact for one in after.signature.references)
    assert all(one.intact for one_stamp in after.time_stamps for one in one_stamp.references)
    assert len(after.time_stamps) == 2


def test_an_older_version_of_xml_is_not_archived() -> None:
    target = stamped(only(of_xml(names.XADES_122))).with_values(values())
    with pytest.raises(Rejected) as refused:
        target.octets_to_stamp(Kind.ARCHIVE)
    assert refused.value.code == "xades.version"
    more = ValidationData(certificates=[certificate("RSA_PSS_SHA256")])
    with pytest.raises(Rejected) as refused:
        target.with_values(more)
    assert refused.value.code == "xades.version"


def in_ber(element: ber.Element, depth: int) -> bytes:
    """The outer elements without lengths, which is not DER."""
    if depth == 0 or not element.tag & 0x20:
        return element.octets
    inside = b"".join(in_ber(one, depth - 1) for one in element.children())
    return bytes([element.tag]) + b"\x80" + inside + b"\0\0"


def test_ber_stays_ber() -> None:
    made = in_ber(ber.read(basic()), 4)
    assert not ber.is_der(ber.read(made))
    target = only(made)
    after = stamped(stamped(target).with_values(values()), Kind.ARCHIVE, 1)
    octets = after.data.octets()
    assert octets[:2] == b"\x30\x80"
    assert CONTENT in octets
    assert after.signature.signed.octets() == target.signature.signed.octets()
    assert all(one.intact for one_stamp in after.time_stamps for one in one_stamp.references)


def under_an_older_time_stamp() -> Target:
    target = cades_unsigned.Target(structure=of_cms())
    token = stamp(cades_unsigned.octets_to_stamp(target))
    target = cades_unsigned.Target(structure=cades_unsigned.with_time_stamp(target, token))
    token = stamp(extended.octets_to_archive_v2(target), NOW - timedelta(days=15))
    return only(extended.with_archive_time_stamp_v2(target, token))


def test_under_an_older_archive_time_stamp_data_goes_into_its_token() -> None:
    target = under_an_older_time_stamp()
    with pytest.raises(Rejected, match="of an older kind is over all of the structure") as refused:
        target.octets_to_stamp(Kind.SIGNATURE)
    assert refused.value.code == "adding.broken"
    after = target.with_values(values())
    assert after.with_values(values()) is after
    newest = after.time_stamps[-1]
    assert {one.der for one in after.evidence.certificates.values()} >= set(house().authorities)
    assert newest.signature.revocation
    assert all(one.intact for one_stamp in after.time_stamps for one in one_stamp.references)
    last = stamped(after, Kind.ARCHIVE, 1)
    assert [one.form for one in last.time_stamps] == [
        "signature-time-stamp",
        "archive-time-stamp-v2",
        "archive-time-stamp-v3",
    ]
    assert all(one.intact for one_stamp in last.time_stamps for one in one_stamp.references)
    assert set(newest.signature.revocation) <= last.time_stamps[-1].covers


def test_there_is_no_archive_time_stamp_that_data_could_be_put_into() -> None:
    with pytest.raises(Rejected) as refused:
        cades_unsigned.with_time_stamp_values(cades_unsigned.Target(structure=of_cms()), values())
    assert refused.value.code == "cades.archive"


def test_data_of_which_only_the_digest_is_known() -> None:
    prepared = cades.prepare(DATA, [certificate()], CLAIMS, cades.Options(scheme="ECDSA_SHA256"))
    known = DigestOnly((("sha256", DATA.digest("sha256")), ("sha512", DATA.digest("sha512"))), "a.txt")
    (target,) = Opened(Octets(prepared.complete(sign(prepared.dtbs))), detached=[known]).targets
    after = stamped(stamped(target).with_values(values()), Kind.ARCHIVE, 1)
    assert after.level == "CAdES-BASELINE-LTA"
    assert all(one.intact for one_stamp in after.time_stamps for one in one_stamp.references)


@dataclass(frozen=True, slots=True)
class OnlyInPortions(Stored):
    """A file that is too large to be held."""

    def octets(self) -> bytes:
        raise AssertionError("It is held whole.")


@pytest.mark.parametrize("form", ["XAdES", "CAdES"])
def test_detached_data_is_never_held_whole(form: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(bytes(3_000_000))
    data = OnlyInPortions(path, "a.txt")
    if form == "XAdES":
        prepared = xades.prepare(
            packaging.detached([data]), [certificate()], CLAIMS, xades.Options(scheme="ECDSA_SHA256")
        )
        octets = prepared.complete(sign(prepared.dtbs))
    else:
        octets = of_files.of_cms(inside=False, content=data)
    (target,) = Opened(Octets(octets, "a"), detached=[data]).targets
    found = of_files.augmented(target)
    assert [one.level for one in found] == [f"{form}-BASELINE-{one}" for one in ("T", "LT", "LTA", "LTA")]
    assert all(one.intact for one_stamp in found[-1].time_stamps for one in one_stamp.references)


@pytest.mark.parametrize("sign_as", [Sign.CADES, Sign.XADES])
def test_members_of_a_container_are_never_held_whole(
    sign_as: Sign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.asice"
    path.write_bytes(of_files.of_container(sign_as, simple=False))
    held = Member.octets

    def octets(member: Member) -> bytes:
        assert member.name.startswith(("META-INF/", "mimetype")), member.name
        return held(member)

    monkeypatch.setattr(Member, "octets", octets)
    monkeypatch.setattr(Stored, "octets", OnlyInPortions.octets)
    (target,) = Opened(Stored(path, "a.asice")).targets
    found = of_files.augmented(target)
    assert [one.level[-3:].strip("E-") for one in found] == ["T", "LT", "LTA", "LTA"]
    assert all(one.intact for one_stamp in found[-1].time_stamps for one in one_stamp.references)


def test_data_of_xml_of_which_only_the_digest_is_known_is_not_archived() -> None:
    known = DigestOnly((("sha256", DATA.digest("sha256")),), "a.txt")
    (target,) = Opened(Octets(of_files.of_xml(inside=False)), detached=[known]).targets
    after = stamped(target).with_values(values())
    with pytest.raises(Rejected, match="only a digest is at hand") as refused:
        after.octets_to_stamp(Kind.ARCHIVE)
    assert refused.value.code == "xades.time-stamp"
