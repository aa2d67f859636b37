"""Whether modules are well, and whether the algorithms in use are agreed ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trustworks.assurance.evidence.model import Item, Kind, judged
from trustworks.core.errors import Refused
from trustworks.core.module import KeyAlgorithm, SignatureScheme, agreed_until
from trustworks.core.module.agreed import catalogue, check_key_algorithm, check_signature
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from trustworks.core.module import ModuleHealth

PROBED: Final = "TRUSTWORKS:ASSURANCE-EVIDENCE-HEALTH"
AGREED: Final = "TRUSTWORKS:ASSURANCE-EVIDENCE-ALGORITHMS"


@implements("TRUSTWORKS:ASSURANCE-EVIDENCE-HEALTH", disabled=())
def health_findings(found: ModuleHealth) -> tuple[str, ...]:
    """What a probe found wrong, as sentences."""
    return found.findings or (() if found.ok else ("the module is not well",))


def health_item(token: str, found: ModuleHealth, at: datetime) -> Item:
    """The evidence of one probe: a signature with the probe key, verified; random numbers; the approval."""
    taken = (
        "" if found.latency_us is None else " It signed with its probe key, and the signature was verified."
    )
    # The time that it took is another at each look, and no evidence of anything.
    return judged(
        Kind.HEALTH,
        token,
        at,
        findings=health_findings(found),
        well=f"The module is well.{taken}",
        values={"signed": found.latency_us is not None, "findings": list(found.findings)},
        requirements=(PROBED,),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A kind of key (`KeyAlgorithm`), and where it is known the scheme it signs by, in use for something."""

    subject: str
    algorithm: str
    scheme: str | None = None


@implements("TRUSTWORKS:ASSURANCE-EVIDENCE-ALGORITHMS", disabled=())
def not_agreed(use: Use, day: date) -> tuple[str, ...]:
    """Why a use is none of agreed mechanisms on that day; a laboratory's are judged alike."""
    try:
        algorithm = KeyAlgorithm(use.algorithm)
    except ValueError:
        return (f"{use.algorithm} is not in the catalogue of agreed mechanisms",)
    try:
        check_key_algorithm(algorithm, day, lab=False)
        if use.scheme is not None:
            check_signature(algorithm, SignatureScheme[use.scheme], day, lab=False)
    except Refused as error:
        return (str(error),)
    except KeyError:
        return (f"the signature scheme {use.scheme} is not in the catalogue of agreed mechanisms",)
    return ()


def algorithm_items(uses: Iterable[Use], at: datetime) -> tuple[Item, ...]:
    """One item for each kind of key and scheme in use, with all that use it."""
    by_kind: dict[tuple[str, str | None], list[str]] = {}
    for use in uses:
        by_kind.setdefault((use.algorithm, use.scheme), []).append(use.subject)
    edition = catalogue()
    items = []
    for (algorithm, scheme), subjects in sorted(
        by_kind.items(), key=lambda one: (one[0][0], one[0][1] or "")
    ):
        until = _until(algorithm, scheme)
        entry = (
            edition.keys.get(KeyAlgorithm(algorithm))
            if algorithm in {one.value for one in KeyAlgorithm}
            else None
        )
        items.append(
            judged(
                Kind.ALGORITHMS,
                algorithm if scheme is None else f"{algorithm} with {scheme}",
                at,
                findings=not_agreed(Use(subject="", algorithm=algorithm, scheme=scheme), at.date()),
                well=f"Agreed{'' if until is None else f' until {until}'}; in use for {len(subjects)}.",
                values={
                    "in_use_for": sorted(set(subjects)),
                    "agreed_until": None if until is None else until.isoformat(),
                    "catalogue": edition.title,
                    "catalogue_source_status": "unknown" if entry is None else entry.source_status,
                },
                requirements=(AGREED,),
            )
        )
    return tuple(items)


def _until(algorithm: str, scheme: str | None) -> date | None:
    try:
        if scheme is not None:
            return agreed_until(KeyAlgorithm(algorithm), SignatureScheme[scheme])
        entry = catalogue().keys.get(KeyAlgorithm(algorithm))
    except (KeyError, ValueError):
        return None
    return None if entry is None else entry.until
