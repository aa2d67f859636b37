"""How an installation stood when it was last compared with its manifest: looked at, kept, ruled on."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from trustworks.assurance.integrity.compare import Difference
from trustworks.assurance.integrity.installation import uncovered
from trustworks.assurance.integrity.making import TOLD, told, verify_installation
from trustworks.assurance.integrity.manifest import read_file, verified
from trustworks.assurance.integrity.verification_key import read_verification_key
from trustworks.assurance.model import Installation, InstallationState
from trustworks.core.audit.model import JSON, Event
from trustworks.core.durable import put
from trustworks.core.errors import Refused, TrustworksError, Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.assurance.integrity.compare import Deviation
    from trustworks.assurance.integrity.config import IntegritySettings
    from trustworks.assurance.integrity.tree import Place

WRITABLE: Final = Difference.WRITABLE.value
NAME: Final = "integrity.json"  # in the folder for what lives as long as the processes do
MOST_NAMES: Final = 50  # that are kept of what differs; the rest is counted
START: Final = "TRUSTWORKS:ASSURANCE-INTEGRITY-START"

WHAT_TO_DO: Final = (
    "`trustworks integrity verify` lists all. Find out who changed it and install it anew; after a change "
    "that was planned, sign a new manifest by `trustworks integrity make`."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one look found. `problem`: why nothing could be compared; then the rest is empty.

    `kinds` counts what differs by its kind, `names` are the first of it.
    """

    at: str
    manifest: str = ""
    version: str = ""
    build: str = ""
    files: int = 0
    kinds: tuple[tuple[str, int], ...] = ()
    names: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def ok(self) -> bool:
        """Whether all is as it was signed."""
        return self.problem is None and not self.kinds

    @property
    def sentence(self) -> str:
        """What was found, for people, with what to do where that is needed."""
        if self.problem is not None:
            return f"What is installed could not be compared with what was signed. {self.problem}"
        if self.ok:
            return f"{self.files} files and links are as signed (manifest {self.manifest[:12]})."
        count = sum(number for _, number in self.kinds)
        more = f"; and {count - TOLD} more" if count > TOLD else ""
        names = told(self.names[:TOLD])
        open_to = " or may be changed by others" if WRITABLE in dict(self.kinds) else ""
        what = f"{count} of what is installed is not as it was signed{open_to}: {names}{more}."
        return f"{what} {WHAT_TO_DO}"


def examine(
    settings: IntegritySettings,
    places: Sequence[Place],
    *,
    search: Sequence[str],
    now: datetime | None = None,
) -> Standing | None:
    """Compare an installation with the manifest of the configuration; None where that names none.

    `search` is from where this process imports modules (`sys.path`). What keeps from comparing is told in the
    answer and not raised.
    """
    if settings.manifest is None or settings.key is None:
        return None
    at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    try:
        manifest = verified(read_file(settings.manifest), read_verification_key(settings.key))
        found = verify_installation(manifest, places)
    except TrustworksError as error:
        return Standing(at=at, problem=str(error))
    deviations: tuple[Deviation, ...] = (*uncovered(search, places), *found.deviations)
    return Standing(
        at=at,
        manifest=manifest.digest,
        version=manifest.statement.version,
        build=manifest.statement.build,
        files=found.files,
        kinds=tuple(sorted(Counter(one.difference.value for one in deviations).items())),
        names=tuple(f"{one.name} ({one.difference.value})" for one in deviations[:MOST_NAMES]),
    )


def as_installation(standing: Standing | None, at: datetime) -> Installation:
    """What the register keeps of a look; `at` is the moment where none was made, for want of a manifest."""
    if standing is None:
        found = "no signed manifest of this installation is named"
        return Installation(at=at, state=InstallationState.UNSIGNED, found=found)
    state = InstallationState.INTACT
    if not standing.ok:
        state = InstallationState.DIFFERS if standing.problem is None else InstallationState.NOT_COMPARED
    return Installation(
        at=datetime.fromisoformat(standing.at),
        state=state,
        found=standing.sentence.removesuffix(WHAT_TO_DO).strip(),
        manifest=standing.manifest,
    )


@implements(START, disabled=None)
def check_may_start(standing: Standing | None, *, lab: bool, keys: bool) -> None:
    """Refuse to start services that have keys, outside of a laboratory, unless all is as it was signed.

    Raises `Refused`.
    """
    if lab or not keys:
        return
    if standing is None:
        raise Refused(
            START,
            "No manifest of this installation is named, so nobody can say whether it is what was signed. "
            "Make one by `trustworks integrity make`, and name it with its public key in [integrity].",
        )
    if not standing.ok:
        raise Refused(START, f"The services do not start. {standing.sentence}")


def open_points(standing: Standing | None, *, lab: bool) -> tuple[str, ...]:
    """What an operator still has to do about the integrity of this product, as sentences."""
    if standing is None:
        what = (
            "A laboratory may do without." if lab else "Outside of a laboratory no service with keys starts."
        )
        none = f"No signed manifest of this installation is named in [integrity]. {what}"
        return (f"{none} `trustworks integrity make` makes one.",)
    return () if standing.ok else (standing.sentence,)


def event_of(standing: Standing, *, actor: str, refused: bool = False) -> Event:
    """What the audit log is told of a look."""
    detail: dict[str, JSON] = {
        "manifest": standing.manifest,
        "version": standing.version,
        "build": standing.build,
        "files": standing.files,
        "differs": dict(standing.kinds),
        "names": list(standing.names),
    }
    if standing.problem is not None:
        detail["problem"] = standing.problem
    return Event(
        type="integrity.checked" if standing.ok else "integrity.differs",
        outcome="success" if standing.ok else "refused" if refused else "failure",
        actor=actor,
        subject={"kind": "installation"},
        detail=detail,
        time=datetime.fromisoformat(standing.at),
    )


# The file


def write(folder: Path, standing: Standing | None) -> None:
    """Keep what a look found, or that there was none, for the other processes. Raises OSError."""
    file = folder / NAME
    if standing is None:
        file.unlink(missing_ok=True)
    else:
        put(file, json.dumps(asdict(standing)) + "\n")


def read(folder: Path) -> Standing:
    """What the last look found. Raises `Unavailable` (integrity.unknown)."""
    try:
        value = json.loads((folder / NAME).read_text(encoding="utf-8"))
        value["kinds"] = tuple((str(kind), int(number)) for kind, number in value["kinds"])
        value["names"] = tuple(map(str, value["names"]))
        return Standing(**value)
    except (OSError, ValueError, KeyError, TypeError):
        raise Unavailable(
            "integrity.unknown",
            "It is not known whether what is installed is what was signed; `trustworks serve` looks at its "
            "start. Start the services anew.",
        ) from None
