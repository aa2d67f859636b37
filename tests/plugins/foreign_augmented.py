"""Signatures of others in the corpus, raised by the whole process of signing, with evidence of the tests.

Nobody can be asked about signers of the corpus. So each certificate in a file is trusted by itself, which
needs no status, and what is put in is of the tests' own authorities, a little later than the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evidence_graphs import NOW, YEAR
from judged_making import authority, lists, root, unit
from signed_corpus import CORPUS, cases
from signed_stories import token

from trustworks.core.errors import Malformed
from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.certificate import Certificate
from trustworks.core.ports import NOTHING, ValidationData
from trustworks.formats.data import Octets, Stored
from trustworks.formats.read import read
from trustworks.signing.create.levels import Means
from trustworks.signing.create.process import Creation
from trustworks.signing.model import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from signed_corpus import Case

    from trustworks.core.errors import Rejected
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence

LEVELS: Final = (Level.T, Level.LT, Level.LTA)
MINUTE: Final = timedelta(minutes=1)
LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)
OWN: Final = (authority().der, root().der)


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """A file of the corpus with one or more signatures that hold, and what is beside it."""

    case: Case
    data: Data
    detached: tuple[Data, ...]
    evidence: Evidence

    @property
    def then(self) -> datetime:
        """Soon after all that is told of a time in the file; time-stamps may say more than they prove."""
        signed = [one.attributes.signing_time for one in self.evidence.signatures]
        times = [*filter(None, signed), *(one.time for one in self.evidence.time_stamps)]
        aware = [one if one.tzinfo else one.replace(tzinfo=UTC) for one in times]
        return max(aware, default=LONG_AGO).astimezone(UTC).replace(microsecond=0)

    def creation(self) -> Creation:
        """The process, with everybody of the file trusted, at that time."""
        anchors = []
        for der in (*OWN, *(one.der for one in self.evidence.certificates.values())):
            try:
                anchors.append(TrustAnchor.of(Certificate.read(der)))
            except Malformed:
                continue
        then = Then(self.then)
        return Creation(
            means=Means(clock=then.clock, stamper=then, evidence=then, anchors=TrustAnchors(anchors))
        )


OLD_UNIT: Final = unit(since=NOW - 20 * YEAR)
"""A unit that was there before the files of others were signed."""


@dataclass
class Then:
    """A time-stamping unit and a source of evidence, for whom a minute goes by with each thing they do."""

    now: datetime

    def clock(self) -> datetime:
        return self.now

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        self.now += MINUTE
        return token(OLD_UNIT, b"", self.now, root(), hash_name=hash_name, digest=digest)

    def evidence_of(
        self,
        certificate: bytes,
        at: datetime,
        *,
        at_hand: ValidationData = NOTHING,
        since: datetime | None = None,
        time_stamp: bool = False,
    ) -> ValidationData:
        del at, at_hand, since, time_stamp
        self.now += MINUTE
        return ValidationData(certificates=(certificate, *OWN), lists=lists(at=self.now))


def foreign(folder: str, *, one_of: int = 1) -> Iterator[Foreign]:
    """What can be read of a folder of the corpus, or of one of so many files, and has a signature.

    Skips without it.
    """
    for case in cases(folder)[::one_of]:
        data = Stored(CORPUS / case.document, name=Path(case.document).name)
        detached = tuple(Stored(CORPUS / name, name=Path(name).name) for name in case.detached)
        try:
            evidence = read(data, detached=detached)
        except Malformed:
            continue
        if evidence.signatures:
            yield Foreign(case=case, data=data, detached=detached, evidence=evidence)


def reason(refused: Rejected) -> str:
    """Why something was refused, for all that are refused alike."""
    if refused.code != "signature.level":
        return refused.code
    for said in ("from before the end of the signer's certificate", "reference to the signer's certificate"):
        if said in str(refused).partition("Missing: ")[2]:
            return f"signature.level: {said}"
    return refused.code


def raised(one: Foreign, data: Data, level: Level) -> Octets:
    """The file, at that level. Raises `Rejected`."""
    made = one.creation().augment(data, level, detached=one.detached)
    return Octets(made.data.octets(), one.data.name)
