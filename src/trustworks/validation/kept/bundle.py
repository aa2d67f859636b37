"""One file with all that a verdict was made from: written after it was judged again, read with suspicion.

A ZIP file, nothing of it packed: `manifest.json` with the time, the versions and the digest of every member;
the signed file, data and evidence records; the policy and the trust anchors as they were; the trusted lists
that were asked; certificates, revocation data and policies from outside; and the verdict as JSON. The comment
of the file is the digest of the manifest. It proves nothing about who made it: seal or archive it for that.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from trustworks.core.errors import Malformed
from trustworks.core.pki.trusted_lists.store import STATE, TrustStore
from trustworks.core.printable import utf8
from trustworks.core.values import dataclass
from trustworks.formats.asic.archive import STORED, open_archive
from trustworks.formats.data import Octets, Stored
from trustworks.formats.limits import DEFAULT, Limits
from trustworks.formats.zip_writer import NewMember, Zip
from trustworks.validation.kept.policy_record import KeptPolicy
from trustworks.validation.kept.trust_record import KeptTrust
from trustworks.validation.model import PoeOrigin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trustworks.formats.asic.archive import Archive, Member
    from trustworks.formats.data import Data
    from trustworks.validation.kept.model import Given
    from trustworks.validation.report.judged import Judged

MANIFEST: Final = "manifest.json"
VERDICT: Final = "verdict.json"
POLICY: Final = "policy.json"
_TRUST: Final = "trust.json"
_LISTS: Final = "lists/"
_IN_MEMORY: Final = 16 * 1024 * 1024
"""Octets of data that is held in memory; larger data is unpacked into a passing file."""
_PARTS: Final = 64 * 1024 * 1024
"""Octets of one part that is no data, such as the manifest or a revocation list."""
_LIMITS: Final = Limits(members=10_000, unpacked=8 * 1024 * 1024 * 1024)

M = TypeVar("M", bound=BaseModel)
_Name = Annotated[str, Field(max_length=4096)]
_Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Edge(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KeptData(_Edge):
    """One file that was given: its name, octets, digest, and where it is in the bundle, unless left out."""

    name: _Name | None
    size: Annotated[int, Field(ge=0)]
    sha256: _Digest
    member: _Name | None = None


class KeptToken(_Edge):
    """A certificate, revocation list, OCSP answer or policy from outside; `url` and `time` where fetched.

    `named` is the letter of its kind (``C`` ``R`` ``O``), of a policy its identifier.
    """

    named: _Name
    member: _Name
    url: str | None = None
    time: AwareDatetime | None = None


class KeptPoe(_Edge):
    """A proof of existence that was given."""

    object: str
    time: AwareDatetime
    origin: PoeOrigin
    by: str | None = None


class KeptLists(_Edge):
    """For when trusted lists were taken to be current, and whose are here."""

    at: AwareDatetime
    overdue_lists: bool
    territories: tuple[Annotated[str, Field(pattern="^[A-Z]{2}$")], ...]


class Manifest(_Edge):
    """`manifest.json`."""

    format: Annotated[int, Field(ge=1, le=1)] = 1
    product: str
    at: AwareDatetime
    present: bool
    pool: bool
    limits: dict[str, int]
    data: KeptData
    detached: tuple[KeptData, ...]
    records: tuple[KeptData, ...]
    certificates: tuple[KeptToken, ...]
    revocation: tuple[KeptToken, ...]
    policies: tuple[KeptToken, ...]
    poes: tuple[KeptPoe, ...]
    lists: KeptLists | None
    troubles: tuple[str, ...]
    members: dict[str, _Digest]


def product() -> str:
    """The product and its version, as manifests name them."""
    return f"trustworks {version('trustworks')}"


def members_of(judged: Judged, given: Given, verdict: bytes, *, with_data: bool) -> dict[str, Data]:
    """The members of a bundle in their order, the manifest first.

    Raises:
        Malformed: a name is not in UTF-8, or the trusted lists have changed in their folder.
        Rejected: the data is not here (``data.absent``), or its SHA-256 is not known (``digest.unknown``).
    """
    parts = _Parts({})
    parts.add(VERDICT, verdict)
    parts.add(POLICY, _json(KeptPolicy.of(judged.policy)))
    parts.add(_TRUST, _json(KeptTrust.of(given.trust, judged.evidence, judged.extra)))
    data = parts.data("data", given.data, with_data=with_data)
    detached = tuple(
        parts.data(f"detached/{place}", one, with_data=with_data) for place, one in enumerate(given.detached)
    )
    records = tuple(
        parts.data(f"records/{place}", one, with_data=True) for place, one in enumerate(given.records)
    )
    extra, sources = judged.extra, {one.id: one for one in given.sources}

    def outside(folder: str, place: int, named: str, identifier: str, octets: bytes) -> KeptToken:
        source = sources.get(identifier)
        return KeptToken(
            named=named,
            member=parts.add(f"{folder}/{place}", octets),
            url=None if source is None else source.url,
            time=None if source is None else source.time,
        )

    manifest = Manifest(
        product=product(),
        at=judged.outcome.at,
        present=given.present,
        pool=given.pool,
        limits=asdict(given.limits),
        data=data,
        detached=detached,
        records=records,
        certificates=tuple(
            outside("certificates", place, one.id[0], one.id, one.der)
            for place, one in enumerate(extra.certificates)
        ),
        revocation=tuple(
            outside("revocation", place, one.id[0], one.id, one.der)
            for place, one in enumerate(extra.revocation)
        ),
        policies=tuple(
            outside("policies", place, named, named, octets)
            for place, (named, octets) in enumerate(extra.policies.items())
        ),
        poes=tuple(
            KeptPoe(object=one.object, time=one.time, origin=one.origin, by=one.by) for one in extra.poes
        ),
        lists=_lists(given, parts),
        troubles=judged.troubles,
        members={name: one.digest("sha256").hex() for name, one in parts.members.items()},
    )
    return {MANIFEST: Octets(_json(manifest), MANIFEST), **parts.members}


def comment_of(members: Mapping[str, Data]) -> bytes:
    """The comment of the file: the digest of the manifest, in hexadecimal."""
    return members[MANIFEST].digest("sha256").hex().encode()


@dataclass(frozen=True, slots=True)
class _Parts:
    members: dict[str, Data]

    def add(self, name: str, octets: bytes) -> str:
        self.members[name] = Octets(octets, name)
        return name

    def data(self, name: str, data: Data, *, with_data: bool) -> KeptData:
        if with_data:
            self.members[name] = data
        return KeptData(
            name=utf8(data.name),
            size=data.size,
            sha256=data.digest("sha256").hex(),
            member=name if with_data else None,
        )


def _lists(given: Given, parts: _Parts) -> KeptLists | None:
    """The trusted lists that were asked for, as published, with the state of their store."""
    if given.lists is None:
        return None
    store = given.lists.lists
    if not isinstance(store, TrustStore):
        raise Malformed("Only trusted lists that `trustworks trust refresh` fetched can be kept.")
    state, lists = store.published(given.lists.territories)
    parts.add(f"{_LISTS}{STATE}", state)
    for territory, octets in lists.items():
        parts.add(f"{_LISTS}{territory}.xml", octets)
    return KeptLists(at=store.at, overdue_lists=store.overdue_lists, territories=tuple(lists))


def _json(model: BaseModel) -> bytes:
    return json.dumps(model.model_dump(mode="json"), indent=1).encode() + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle that was read: nothing in it was changed since it was written, as far as digests tell."""

    manifest: Manifest
    members: Mapping[str, Member]
    folder: Path

    def part(self, name: str) -> bytes:
        """A part that is no data. Raises `Malformed` where it is not there or too long."""
        member = self.members.get(name)
        if member is None or member.size > _PARTS:
            raise Malformed(f"The bundle has no part {name!r:.100}, or one of more than {_PARTS} octets.")
        return member.octets()

    def read(self, name: str, model: type[M]) -> M:
        """A part in JSON. Raises `Malformed`."""
        return _read(model, self.part(name), name)

    def list_octets(self) -> dict[str, bytes]:
        """The trusted lists by territory. Raises `Malformed`."""
        listed = self.manifest.lists
        return {one: self.part(f"{_LISTS}{one}.xml") for one in (listed.territories if listed else ())}

    def state(self) -> bytes:
        """The state of their store. Raises `Malformed`."""
        return self.part(f"{_LISTS}{STATE}")

    def data(self, kept: KeptData, brought: Sequence[Data]) -> Data:
        """A file that was given; where the bundle is without it, out of those that are brought again.

        Raises:
            Malformed: it is in neither.
        """
        if kept.member is not None:
            return self._unpacked(kept.member, kept.name)
        for one in brought:
            if one.size == kept.size and one.digest("sha256").hex() == kept.sha256:
                return replace(one, name=kept.name) if isinstance(one, (Octets, Stored)) else one
        raise Malformed(
            f"The bundle was kept without the data {kept.name or ''!r:.200}, SHA-256 {kept.sha256}; give "
            "that file too, exactly as it was."
        )

    def _unpacked(self, name: str, called: str | None) -> Data:
        member = self.members.get(name)
        if member is None:
            raise Malformed(f"The bundle has no part {name!r:.100}.")
        if member.size <= _IN_MEMORY:
            return Octets(member.octets(), called)
        place = self.folder / hashlib.sha256(name.encode()).hexdigest()
        if not place.exists():
            with place.open("xb") as stream:
                for portion in member.portions():
                    stream.write(portion)
        return Stored(place, called)


def as_zip(members: Mapping[str, Data], comment: bytes) -> Zip:
    """The file with these members: nothing packed and no times, so that there is one way to write it."""
    return Zip([NewMember(name=name, data=data) for name, data in members.items()], comment=comment)


def _is_written_so(file: Path, whole: Zip) -> bool:
    """Whether a file is, octet for octet, what is written here. Raises OSError."""
    with file.open("rb") as stream:
        same = all(stream.read(len(portion)) == portion for portion in whole.portions())
        return same and stream.read(1) == b""


@contextmanager
def opened(file: Path, limits: Limits = _LIMITS) -> Iterator[Bundle]:
    """A bundle to be read in the block, and nothing of it left afterwards.

    Raises:
        Malformed: it cannot be read, is no bundle, was changed, or is beyond the limits.
    """
    try:
        archive = open_archive(Stored(file, file.name), limits)
        manifest = _manifest(archive)
        members = {name: archive.members[name] for name in (MANIFEST, *manifest.members)}
        whole = _is_written_so(file, as_zip(members, archive.comment))
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from error
    if not whole:
        raise Malformed("The bundle was changed since it was written: it is not as its manifest makes it.")
    with TemporaryDirectory(prefix="trustworks-") as folder:
        yield Bundle(manifest=manifest, members=members, folder=Path(folder))


def _manifest(archive: Archive) -> Manifest:
    """The manifest, after every member was compared with it."""
    found = archive.members.get(MANIFEST)
    if found is None or found.size > _PARTS:
        raise Malformed("This is no bundle of a verdict: there is no manifest in it.")
    for finding in archive.findings:
        raise Malformed(f"The bundle was changed since it was written: {finding.text}")
    packed = [one.name for one in archive.members.values() if one.entry.method != STORED]
    if packed or archive.comment != comment_of(archive.members):
        raise Malformed("The bundle was changed since it was written: its manifest is another.")
    manifest = _read(Manifest, found.octets(), MANIFEST)
    digests = {name: one.digest("sha256").hex() for name, one in archive.members.items() if name != MANIFEST}
    if digests != manifest.members:
        names = sorted({name for name, _ in digests.items() ^ manifest.members.items()})
        raise Malformed(f"The bundle was changed since it was written: {', '.join(names)[:200]}.")
    return manifest


def _read(model: type[M], octets: bytes, name: str) -> M:
    try:
        return model.model_validate_json(octets)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Malformed(f"{name} of the bundle cannot be read: {where}: {first['msg']}.") from None


def limits_of(manifest: Manifest, most: Limits = DEFAULT) -> Limits:
    """The limits under which the file was read. Raises `Malformed` where they go beyond `most`."""
    names = {one.name for one in fields(Limits)}
    given = manifest.limits
    if given.keys() != names:
        raise Malformed("The bundle has other limits than there are here; use the version that wrote it.")
    beyond = [name.replace("_", "-") for name in sorted(names) if not 0 <= given[name] <= getattr(most, name)]
    if beyond:
        raise Malformed(f"The bundle was read under larger limits than hold here: {', '.join(beyond)}.")
    return Limits(**given)
