"""Whether a dossier is as it was sealed, by itself: every file, no file more, seals and time-stamps.

Whether to believe the seal is asked with trust anchors; without them the verdict says that nobody was
trusted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.dossier import manifest
from trustworks.assurance.dossier.contents import PAPER
from trustworks.assurance.dossier.opened import opened
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements
from trustworks.formats.evidence import Weight
from trustworks.formats.verification import is_of_any, signing_certificate
from trustworks.validation.model import Indication
from trustworks.validation.service import Validator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from trustworks.assurance.dossier.manifest import Listed
    from trustworks.assurance.dossier.opened import Opened
    from trustworks.formats.data import Data
    from trustworks.validation.service import Report

MOST_TOLD: Final = 200
"""Findings that are told; the others are counted."""
_LEVEL: Final = "-BASELINE-LTA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A seal that was looked at. `over` is the file it is on; `trusted` None: nobody was trusted.

    `certificate` is the SHA-256 of the signer's, `stamped` the time of its first time-stamp.
    """

    over: str
    level: str
    subject: str
    certificate: str
    stamped: str
    time_stamps: int
    trusted: bool | None


@dataclass(slots=True)
class Verdict:
    """What was found: who is told to have made it, what was compared, and what is wrong."""

    about: dict[str, Any] = field(default_factory=dict)
    manifest: str = ""
    files: int = 0
    seals: list[Seal] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    more: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def add(self, finding: str) -> None:
        """Note a finding."""
        if len(self.findings) < MOST_TOLD:
            self.findings.append(finding)
        else:
            self.more += 1


def verify(place: Path, *, trust: Sequence[Path] = ()) -> Verdict:
    """Verify a folder or a container, offline. `trust` are trust anchors in files and folders.

    Raises `Malformed` for what is no dossier, or for trust that cannot be read.
    """
    found = opened(place)
    verdict = Verdict()
    for one in found.faults:
        verdict.add(one)
    octets = found.octets(manifest.NAME)
    said, listed = manifest.read(octets)
    verdict.about = {name: one for name, one in said.items() if name != "files"}
    verdict.manifest = found.files[manifest.NAME].digest("sha256").hex()
    verdict.files = len(listed)
    for finding in differences(listed, found):
        verdict.add(finding)
    validator = Validator.by_options(policy="ades", at=None, trust=trust, untrusted=(), offline=True)
    _look(verdict, validator, found.seal, found.detached, over=manifest.NAME, trusting=bool(trust))
    paper = found.files.get(PAPER)
    if paper is not None:
        _look(verdict, validator, paper, (), over=PAPER, trusting=bool(trust))
    return verdict


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-WHOLE", disabled=())
def differences(listed: Sequence[Listed], found: Opened) -> Iterator[str]:
    """What differs between the manifest and the files, by name."""
    named = {one.name for one in listed}
    for name in sorted(found.files.keys() - named - {manifest.NAME}):
        yield f"{name!a:.200} is not in the manifest: it was added."
    if PAPER not in named:
        yield f"The manifest does not name {PAPER}, which every dossier has."
    for one in listed:
        there = found.files.get(one.name)
        if there is None:
            yield f"{one.name!a:.200} is missing."
        elif there.size != one.size or there.digest("sha256").hex() != one.sha256:
            yield f"{one.name!a:.200} was changed."


def _look(
    verdict: Verdict,
    validator: Validator,
    sealed: Data,
    detached: tuple[Data, ...],
    *,
    over: str,
    trusting: bool,
) -> None:
    try:
        report = validator.validate(sealed, detached=detached)
    except Malformed as error:
        verdict.add(f"The seal on {over} cannot be read: {error}")
        return
    for finding in faults_of(report, over):
        verdict.add(finding)
    if trusting:
        for finding in objections_of(report, over):
            verdict.add(finding)
    verdict.seals += list(_told(report, over, trusting=trusting))


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-SEALED", disabled=())
def faults_of(report: Report, over: str) -> Iterator[str]:
    """What is wrong with a seal, whoever is trusted: value, what it is over, time-stamps, level."""
    evidence = report.evidence
    if len(evidence.signatures) != 1:
        yield f"{over} has {len(evidence.signatures)} seals, and a dossier has one on it."
    for one in evidence.signatures:
        holds = one.references and all(ref.found and ref.intact for ref in one.references)
        if not holds or not is_of_any(one, evidence.certificates):
            yield f"The seal on {over} does not hold: what it is over was changed, or the seal."
        if not one.level.endswith(_LEVEL):
            yield f"The seal on {over} is of the level {one.level}, and a dossier's is of level B-LTA."
        yield from (
            f"The seal on {over}: {fault.text}" for fault in one.findings if fault.weight is not Weight.NOTE
        )
    for stamp in evidence.time_stamps:
        holds = stamp.references and all(ref.found and ref.intact for ref in stamp.references)
        if not holds or not is_of_any(stamp.signature, evidence.certificates):
            yield f"A time-stamp of the seal on {over} does not hold: it was changed, or what it is over."
    yield from (
        f"The seal on {over}: {fault.text}" for fault in evidence.findings if fault.weight is not Weight.NOTE
    )


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-BELIEVED", disabled=())
def objections_of(report: Report, over: str) -> Iterator[str]:
    """Why a seal and its time-stamps are not believed, by who is trusted."""
    for one in report.outcome.signatures:
        if one.indication is not Indication.TOTAL_PASSED:
            yield f"The seal on {over} is not believed ({_why(one.verdict)})."
    for stamp in report.outcome.time_stamps:
        if stamp.verdict.indication is not Indication.PASSED:
            yield f"A time-stamp of the seal on {over} is not believed ({_why(stamp.verdict)})."


def _why(verdict: Any) -> str:
    sub = verdict.sub_indication
    return verdict.indication.value if sub is None else f"{verdict.indication.value}, {sub.value}"


def _told(report: Report, over: str, *, trusting: bool) -> Iterator[Seal]:
    from trustworks.core.pki.certificates import load  # noqa: PLC0415 - seldom needed

    evidence = report.evidence
    believed = not any(objections_of(report, over)) if trusting else None
    times = sorted(one.time for one in evidence.time_stamps)
    for one in evidence.signatures:
        signer = signing_certificate(one, evidence)
        der = None if signer is None else evidence.certificates[signer.id].der
        yield Seal(
            over=over,
            level=one.level,
            subject="unknown" if der is None else load(der).subject.rfc4514_string(),
            certificate="" if der is None else sha256(der).hexdigest(),
            stamped=f"{times[0]:%Y-%m-%d %H:%M:%S} UTC" if times else "never",
            time_stamps=len(times),
            trusted=believed,
        )
