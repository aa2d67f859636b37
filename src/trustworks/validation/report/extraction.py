"""What exactly each signature, time-stamp and evidence record covers: the octets, and files made of them.

Names inside of signed files are those of strangers: they are told, and never used as a path.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.durable import put_new
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.printable import printable
from trustworks.core.values import dataclass
from trustworks.formats.data import HASHES
from trustworks.formats.evidence import ReferenceKind
from trustworks.validation.report.words import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence, EvidenceRecord, Reference, Scope, Signature, TimeStamp
    from trustworks.validation.report.judged import Judged

MANIFEST: Final = "manifest.json"
_LONGEST: Final = 60
_NO_LETTER: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """Data that something covers.

    `by` is the id of the signature, time-stamp or evidence record, `kind` which of them. `name` is what it
    calls the data, `file` the file of a container that `by` is in; `byte_range` is of a PDF. `digest` is the
    one that is signed, with its algorithm, where the format has one (with sigD of JAdES it may be that of the
    data in base64url); `intact` says whether the data has it,
    None where nothing ties the data to one digest. `data` are the octets that were digested, after all
    transforms, and `document` the same as a document that can be opened, where that is another; None where
    the data is not at hand.
    """

    by: str
    kind: str
    scope: str
    name: str
    text: str
    transforms: tuple[str, ...]
    file: str | None
    byte_range: tuple[int, int, int, int] | None
    digest_algorithm: str | None
    digest: bytes | None
    intact: bool | None
    data: Data | None
    document: Data | None = None


def extracts(judged: Judged) -> Iterator[Extract]:
    """Everything that is covered, in the order of the file."""
    evidence = judged.evidence
    for kind, found in (
        ("signature", evidence.signatures),
        ("time-stamp", evidence.time_stamps),
        ("evidence-record", evidence.evidence_records),
    ):
        for one in found:
            for scope in one.scopes:
                yield _extract(evidence, kind, one, scope)


def _extract(
    evidence: Evidence, kind: str, by: Signature | TimeStamp | EvidenceRecord, scope: Scope
) -> Extract:
    references = _references(by.references, scope)
    revision = getattr(by, "revision", None)
    tied = _tied(references, scope)
    identifier = scope.id or _by_digest(evidence, tied)
    digested = evidence.data.get(identifier or "", scope.data)
    deciding = references if tied is None else [tied]
    return Extract(
        by=by.id,
        kind=kind,
        scope=scope.kind.value,
        name=scope.name,
        text=scope.text,
        transforms=scope.transforms,
        file=by.file,
        byte_range=None if revision is None else revision.byte_range,
        digest_algorithm=tied.digest_algorithm if tied else None,
        digest=tied.expected if tied else None,
        intact=all(one.intact for one in deciding) if deciding else None,
        data=digested,
        document=scope.data if revision is not None else None,
    )


def _references(references: Sequence[Reference], scope: Scope) -> list[Reference]:
    """The digests that tie the data: by its id; where that is not known, by its name."""
    found = [one for one in references if scope.id is not None and scope.id in one.covers]
    return found or [one for one in references if one.name == scope.name]


def _tied(references: Sequence[Reference], scope: Scope) -> Reference | None:
    """That whose digest is of the data: others cover it by a manifest or a signature that they are over."""
    known = [one for one in references if one.expected is not None]
    named = [one for one in known if one.name == scope.name]
    direct = [one for one in known if one.kind is not ReferenceKind.IMPRINT]
    return named[0] if named else direct[0] if len(direct) == 1 else None


def _by_digest(evidence: Evidence, reference: Reference | None) -> str | None:
    """The data object whose digest it is, where the scope names none: evidence records are of digests."""
    if reference is None or reference.digest_algorithm not in HASHES:
        return None
    for named in sorted(reference.covers & evidence.data.keys()):
        try:
            if evidence.data[named].digest(reference.digest_algorithm) == reference.expected:
                return named
        except (Rejected, OSError):
            continue
    return None


def extract(judged: Judged, folder: Path) -> int:
    """Write all that is covered to a folder that is new or empty, and a manifest; how many files that made.

    The same data is written once. Files are written in portions, never held whole.

    Raises:
        Malformed: the folder holds something already, or cannot be one.
        Unavailable: a file cannot be written.
    """
    check_folder(folder)
    writer = _Writer(folder)
    listed = [writer.written(one) for one in extracts(judged)]
    text = json.dumps({"validation_time": moment(judged.outcome.at), "extracts": listed}, indent=2)
    writer.put(MANIFEST, [text.encode()])
    return writer.number


def check_folder(folder: Path) -> None:
    """Make the folder, unless there is an empty one. Raises `Malformed`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if next(folder.iterdir(), None) is not None:
            raise Malformed(f"{printable(str(folder))} is not empty; name a folder that is, or a new one.")
    except OSError as error:
        raise Malformed(f"{printable(str(folder))} cannot be a folder: {error.strerror}.") from error


class _Writer:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.number = 0
        self._known: dict[int, dict[str, Any]] = {}

    def written(self, one: Extract) -> dict[str, Any]:
        """The entry of the manifest, once the data is in its file."""
        return {
            "by": one.by,
            "kind": one.kind,
            "scope": one.scope,
            "name": one.name,
            "text": one.text,
            "transforms": list(one.transforms),
            "in": one.file,
            "byte_range": list(one.byte_range) if one.byte_range else None,
            "digest_algorithm": one.digest_algorithm,
            "digest": one.digest.hex() if one.digest is not None else None,
            "intact": one.intact,
            "data": self._file(one.data, one.name),
            "document": self._file(one.document, one.name),
        }

    def _file(self, data: Data | None, name: str) -> dict[str, Any] | None:
        """The file of the data, with its SHA-256 as it was written; None where the data is not at hand."""
        if data is None:
            return None
        if id(data) not in self._known:
            named = f"{self.number + 1:04}-{_safe(name)}"
            counted = _Counted(data)
            try:
                self.put(named, counted.portions())
            except Rejected:  # only its digest was given, or it is gone since
                return None
            self.number += 1
            self._known[id(data)] = {
                "file": named,
                "octets": counted.size,
                "sha256": counted.digest.hexdigest(),
            }
        return self._known[id(data)]

    def put(self, name: str, content: Any) -> None:
        place = self._folder / name
        try:
            put_new(place, content)
        except OSError as error:
            raise Unavailable(
                "extract.file", f"{printable(str(place))} cannot be written: {error.strerror}."
            ) from error


class _Counted:
    """Data on its way to a file, digested and counted."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self.digest = hashlib.sha256()
        self.size = 0

    def portions(self) -> Iterator[bytes]:
        try:
            for portion in self._data.portions():
                self.digest.update(portion)
                self.size += len(portion)
                yield portion
        except OSError as error:  # a replay has large data for the time of the judgement alone
            raise Rejected("data.absent", f"The data is gone: {error.strerror}.") from error


def _safe(name: str) -> str:
    """What of a stranger's name can be in that of a file: letters, digits, no folder, no leading dot."""
    last = re.split(r"[/\\]", name)[-1]
    return _NO_LETTER.sub("_", last).strip("._-")[-_LONGEST:].lstrip("._-") or "data"
