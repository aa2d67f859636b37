"""ASiC containers in three steps: prepare, sign elsewhere, complete; new ones, or one that gets more.

Members are never held whole. What is in a container already keeps its octets and its place: what is added
comes behind it. Source: EN 319 162-1, 4.3, 4.4 and annex A.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.asic.archive import folded, leads_out, open_archive
from trustworks.formats.asic.creating.manifests import Named, file_list, manifest
from trustworks.formats.asic.creating.opened import opened
from trustworks.formats.asic.creating.own import check_own
from trustworks.formats.asic.directory import directory_of
from trustworks.formats.asic.kinds import (
    ASIC_E,
    ASIC_S,
    META_INF,
    MIMETYPE,
    Role,
    role_of,
)
from trustworks.formats.data import Octets
from trustworks.formats.dtbs import Fields, packed
from trustworks.formats.evidence import Container
from trustworks.formats.evidence_record.creating import digest_of
from trustworks.formats.limits import DEFAULT
from trustworks.formats.zip_writer import Kept, NewMember, Zip, check_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from trustworks.formats.data import Data
    from trustworks.formats.evidence_record.creating import Form
    from trustworks.formats.limits import Limits

_KIND: Final = "ASiC"
_CHECK: Final = "sha256"


class Sign(StrEnum):
    """What is put into a container over its data objects."""

    CADES = "cades"
    XADES = "xades"
    """A whole file: XAdES signatures within asic:XAdESSignatures, with a reference to each data object."""
    TIME_STAMP = "time-stamp"
    ARCHIVE_TIME_STAMP = "archive-time-stamp"
    """Over everything that is in an ASiC-E, signatures too (A.7)."""
    EVIDENCE_RECORD = "evidence-record"
    """In ASN.1. It is about each member that its manifest names, which its manifest is not one of."""
    EVIDENCE_RECORD_XML = "evidence-record-xml"


@dataclass(frozen=True, slots=True)
class _Kind:
    """The names of a member in an ASiC-S and an ASiC-E, its media type, and that of its manifest."""

    simple: str
    extended: str
    media_type: str | None
    manifest: str | None


TIME_STAMP: Final = "timestamp{:03}.tst"
"""How members with time-stamps are named."""
_KINDS: Final = {
    Sign.CADES: _Kind("signature.p7s", "signature{:03}.p7s", "application/x-pkcs7-signature", "ASiCManifest"),
    Sign.XADES: _Kind("signatures.xml", "signatures{:03}.xml", None, None),
    Sign.TIME_STAMP: _Kind(
        "timestamp.tst", TIME_STAMP, "application/vnd.etsi.timestamp-token", "ASiCManifest"
    ),
    Sign.ARCHIVE_TIME_STAMP: _Kind(
        "", TIME_STAMP, "application/vnd.etsi.timestamp-token", "ASiCArchiveManifest"
    ),
    # No media type beside a record (TS 119 512, A.3.1).
    Sign.EVIDENCE_RECORD: _Kind(
        "evidencerecord.ers", "evidencerecord{:03}.ers", None, "ASiCEvidenceRecordManifest"
    ),
    Sign.EVIDENCE_RECORD_XML: _Kind(
        "evidencerecord.xml", "evidencerecord{:03}.xml", None, "ASiCEvidenceRecordManifest"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataObject:
    """A file to be put into a container. `packed`: compressed. `root`: what a reader of it opens first."""

    name: str
    data: Data
    media_type: str | None = None
    packed: bool = False
    root: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A container that waits for what is over its data objects, to be put into the member `signature`.

    `manifest` are the octets of the manifest, in the member `manifest_name`; both empty where there is none:
    what is signed is then the data object of an ASiC-S, or by XAdES all data objects. `given` has a digest
    for all that was given, by which it is known again: of data objects with their names and media types.
    `digests` are those of what it is over, by the hash function that was asked for: what an evidence record
    is about.
    """

    sign: Sign
    simple: bool
    signature: str
    manifest_name: str
    manifest: bytes = field(repr=False)
    given: tuple[bytes, ...] = field(repr=False)
    digests: tuple[bytes, ...] = field(repr=False)

    def encode(self) -> bytes:
        """It as octets, to be stored between the steps."""
        return packed(
            _KIND,
            {
                "sign": self.sign.value,
                "simple": int(self.simple),
                "signature": self.signature,
                "manifest_name": self.manifest_name,
                "manifest": self.manifest,
                "given": self.given,
                "digests": self.digests,
            },
        )

    @classmethod
    def decode(cls, octets: bytes) -> Prepared:
        """What `encode` wrote. Raises `Malformed`."""
        read = Fields(_KIND, octets)
        try:
            sign = Sign(read.text("sign"))
        except ValueError as error:
            raise Malformed("What was prepared for a container is of no kind that goes into one.") from error
        return cls(
            sign=sign,
            simple=bool(read.number("simple")),
            signature=read.text("signature"),
            manifest_name=read.text("manifest_name"),
            manifest=read.octets("manifest"),
            given=read.several("given"),
            digests=read.several("digests"),
        )

    def covered(self, objects: Sequence[DataObject] = ()) -> tuple[Data, ...]:
        """What is to be signed, or time-stamped: the manifest, else the data objects as they are.

        XAdES has a reference to each of them, and an evidence record is about each: see `digests`.
        """
        if self.manifest and self.sign not in {Sign.EVIDENCE_RECORD, Sign.EVIDENCE_RECORD_XML}:
            return (Octets(self.manifest, self.manifest_name),)
        return tuple(one.data for one in objects)

    def complete(self, octets: bytes, objects: Sequence[DataObject]) -> Zip:
        """The new container with these data objects and what came over them, which was read back.

        Raises:
            Malformed: `octets` cannot be read.
            Rejected: ``data.changed``: the objects are not those that were prepared; ``asic.empty``: `octets`
                is empty; ``signature.content``, ``signature.own``: it is not over what was prepared, or does
                not verify; ``asic.own``: our own reader objects to the container.
        """
        if self.given != tuple(map(_bound, objects)):
            raise Rejected(
                "data.changed",
                "The data objects, their names or media types are not those that were prepared. Prepare "
                "anew.",
            )
        check_names([one.name for one in objects], ())
        media_type = ASIC_S if self.simple else ASIC_E
        members = [NewMember(name=MIMETYPE, data=Octets(media_type.encode()))]
        members += [NewMember(name=one.name, data=one.data, packed=one.packed) for one in objects]
        if self.sign is Sign.XADES and not self.simple:
            listed = file_list(media_type, ((one.name, one.media_type) for one in objects))
            members.append(NewMember(name=f"{META_INF}manifest.xml", data=Octets(listed)))
        members += self._made(octets)
        check_own(members, self.signature)
        return Zip(tuple(members))

    def add(self, octets: bytes, container: Data) -> Zip:
        """The container that was prepared with what came over what is in it, which was read back.

        Raises:
            Malformed, Rejected: as `complete`.
        """
        if self.given != _digests([container]):
            raise Rejected("data.changed", "The container is not the one that was prepared. Prepare anew.")
        members = tuple(self._made(octets))
        check_own(members, self.signature, open_archive(container, DEFAULT))
        directory = directory_of(container)
        kept = Kept(
            data=container,
            begin=directory.begin,
            directory=directory.octets,
            count=directory.count,
            comment=directory.comment,
        )
        return Zip(members, kept, container.name)

    def _made(self, octets: bytes) -> Iterator[NewMember]:
        if not octets:
            raise Rejected("asic.empty", "What was made over the data objects is empty.")
        if self.manifest:
            yield NewMember(name=self.manifest_name, data=Octets(self.manifest))
        yield NewMember(name=self.signature, data=Octets(octets))


def prepare_simple(data_object: DataObject, sign: Sign, *, hash_name: str = "sha256") -> Prepared:
    """An ASiC-S: one data object, and over it a signature, a time-stamp or an evidence record.

    Raises:
        Rejected: ``asic.name``: the object cannot have its name; ``asic.kind``: that is not for an ASiC-S.
    """
    check_names([data_object.name], ())
    check_at_root(data_object.name)
    if not _KINDS[sign].simple:
        raise Rejected("asic.kind", "An archive time-stamp is for an ASiC-E.")
    return Prepared(
        sign=sign,
        simple=True,
        signature=META_INF + _KINDS[sign].simple,
        manifest_name="",
        manifest=b"",
        given=(_bound(data_object),),
        digests=_about(sign, [data_object.data], hash_name),
    )


@implements("EN319162-1:4.3.3-GEN-ROOT")
def check_at_root(name: str) -> None:
    """The data object of an ASiC-S is in no folder."""
    if "/" in name:
        raise Rejected("asic.name", "The data object of an ASiC-S is at its root: its name has no folder.")


def prepare_extended(objects: Sequence[DataObject], sign: Sign, *, hash_name: str = "sha256") -> Prepared:
    """An ASiC-E: data objects, and over all of them what `sign` says, by a manifest (XAdES has none).

    Raises:
        Rejected: ``asic.name``, ``asic.hash``; ``asic.no-object``: there is no data object.
    """
    check_names([one.name for one in objects], ())
    if not objects:
        raise Rejected("asic.no-object", "An ASiC-E has at least one data object.")
    named = [
        Named(name=one.name, digest=one.data.digest(hash_name), media_type=one.media_type, root=one.root)
        for one in objects
    ]
    about = _about(sign, [one.data for one in objects], hash_name)
    return _over(sign, named, hash_name, (), tuple(map(_bound, objects)), about=about)


def prepare_addition(
    container: Data,
    sign: Sign,
    *,
    hash_name: str = "sha256",
    only: Collection[str] | None = None,
    limits: Limits = DEFAULT,
) -> Prepared:
    """One more signature, time-stamp or record over what is in an ASiC-E.

    Over its data objects, or those of them that `only` names. An archive time-stamp is over all members, and
    so is an evidence record; both may be over `only` some.

    Raises:
        Malformed: it is no container that can be read.
        Rejected: ``asic.kind``: it is no ASiC-E; ``asic.damaged``: readers see different things in it;
            ``asic.no-object``: there is nothing that it could be over; ``asic.hash``.
    """
    archive, kind = opened(container, limits)
    if kind is not Container.ASIC_E:
        raise Rejected("asic.kind", "Signatures are added to an ASiC-E; this is none. Make one of its files.")
    whole = sign in {Sign.ARCHIVE_TIME_STAMP, Sign.EVIDENCE_RECORD, Sign.EVIDENCE_RECORD_XML}
    chosen = [
        name
        for name in archive.members
        if (role_of(name) is Role.DATA or (whole and name != MIMETYPE)) and (only is None or name in only)
    ]
    if not chosen or (only is not None and set(only) - set(chosen)):
        raise Rejected("asic.no-object", "The container has not the members that are to be signed.")
    named = [Named(name=name, digest=archive.members[name].digest(hash_name)) for name in chosen]
    about = _about(sign, [archive.members[name] for name in chosen], hash_name)
    return _over(sign, named, hash_name, archive.members, _digests([container]), about=about)


def _about(sign: Sign, data: Sequence[Data], hash_name: str) -> tuple[bytes, ...]:
    """The digests of what is signed, as an evidence record takes them where it is one that is made."""
    form: Form = "xml" if sign is Sign.EVIDENCE_RECORD_XML else "asn1"
    return tuple(digest_of(form, one, hash_name) for one in data)


def _over(
    sign: Sign,
    named: Sequence[Named],
    hash_name: str,
    taken: Collection[str],
    given: tuple[bytes, ...],
    *,
    about: tuple[bytes, ...],
) -> Prepared:
    kind = _KINDS[sign]
    signature = free_name(kind.extended, taken)
    if kind.manifest is None:
        name, octets = "", b""
    else:
        name = free_name(f"{kind.manifest}{{:03}}.xml", taken)
        octets = manifest(signature, named, hash_name, kind.media_type)
    return Prepared(
        sign=sign,
        simple=False,
        signature=signature,
        manifest_name=name,
        manifest=octets,
        given=given,
        digests=about,
    )


def free_name(pattern: str, taken: Collection[str]) -> str:
    """The first name of a pattern that no member has."""
    there = {folded(name) for name in taken}
    number = next(
        one for one in range(1, len(there) + 2) if folded(META_INF + pattern.format(one)) not in there
    )
    return META_INF + pattern.format(number)


@implements("EN319162-1:4.4.3-NAMES")
def check_names(names: Sequence[str], taken: Collection[str]) -> None:
    """Refuses names that readers take for another, that lead out of the container, or that say what it is."""
    seen = {folded(name) for name in taken}
    for name in names:
        check_name(name)
        reserved = folded(name) == MIMETYPE or folded(name).startswith(folded(META_INF))
        if folded(name) in seen:
            raise Rejected(
                "asic.name",
                f"Two data objects would have the name {name!r:.100} in the container, or names that some "
                "take for one. Give each a name of its own.",
            )
        if not name or name.endswith("/") or leads_out(name) or reserved:
            raise Rejected(
                "asic.name",
                f"No data object can have the name {name!r:.100}: it leads out of the container, or is "
                "reserved. Give it another.",
            )
        seen.add(folded(name))


def _digests(given: Iterable[Data]) -> tuple[bytes, ...]:
    return tuple(one.digest(_CHECK) for one in given)


def _bound(one: DataObject) -> bytes:
    """A digest of a data object with all that a container says of it."""
    said = [one.name, one.media_type, one.root, one.data.digest(_CHECK).hex()]
    return hashlib.sha256(json.dumps(said).encode()).digest()
