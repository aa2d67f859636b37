"""Makes and verifies manifests over places: reads what lies there, and lets the rules compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trustworks.assurance.integrity import bytecode
from trustworks.assurance.integrity.compare import Deviation, Difference, compare, writable
from trustworks.assurance.integrity.installation import build_of_entries, version_in
from trustworks.assurance.integrity.manifest import Entry, assemble
from trustworks.assurance.integrity.tree import Trouble, leads_out, look
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.printable import printable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from trustworks.assurance.integrity.manifest import Manifest
    from trustworks.assurance.integrity.tree import Place, Seen

TOLD = 10  # names that a sentence tells; the rest is counted
LISTED = 20  # the same, of a list


def make(
    places: Sequence[Place], *, version: str | None = None, each: Callable[[], None] = lambda: None
) -> Manifest:
    """The manifest of what lies in these places now. `each` is called for each file, for a progress bar.

    `version` is that of the product; None: what its metadata among the files say.

    Raises:
        Rejected: integrity.unfit, for what no manifest can vouch for: compiled Python that is not what its
        source compiles to, links to what no root covers, what changes meanwhile or cannot be read.
        Unavailable: integrity.root.
    """
    entries, unfit = [], []
    for place in places:
        for one in look(place):
            each()
            reason = _reason(place, one, places)
            if one.kind == "folder" and not one.empty:
                continue
            if reason is None:
                entries.append(_entry(one))
            else:
                unfit.append(f"{place.root}/{one.path} {reason}")
    check_fit(unfit)
    return assemble(
        entries,
        roots=(one.root for one in places),
        version=version or version_in(entries) or "unknown",
        build=build_of_entries(entries),
    )


@implements("TRUSTWORKS:ASSURANCE-INTEGRITY-FIT", disabled=None)
def check_fit(unfit: Sequence[str]) -> None:
    """Refuse to vouch for files that are not what they seem. Raises `Rejected` (integrity.unfit)."""
    if unfit:
        raise Rejected(
            "integrity.unfit",
            f"No manifest is made, for {len(unfit)} of what lies here cannot be vouched for:\n"
            f"{listed(unfit)}\n"
            "Remove or mend these; compiled Python is made anew by `python -m compileall -f`.",
        )


def told(names: Sequence[str]) -> str:
    """The first of many, and how many more there are."""
    more = f"; and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return "; ".join(map(printable, names[:TOLD])) + more


def listed(names: Sequence[str]) -> str:
    """The first of many, each in a line of its own, and how many more there are."""
    more = [f"and {len(names) - LISTED} more"] if len(names) > LISTED else []
    return "\n".join(f"  {one}" for one in [*map(printable, names[:LISTED]), *more])


def writable_in(places: Sequence[Place]) -> tuple[Deviation, ...]:
    """What others than their owners may change in these places. Raises as `verify`."""
    return writable(one for place in places for one in look(place, sizes={}))


def _reason(place: Place, seen: Seen, places: Sequence[Place]) -> str | None:
    """Why a manifest cannot vouch for what was seen; None where it can."""
    try:
        f"{seen.path}{seen.target}".encode()
    except UnicodeEncodeError:
        return "has a name that is no UTF-8"
    if seen.kind == "folder":
        return None
    if seen.trouble is not None:
        return {
            Trouble.SPECIAL: "is no file",
            Trouble.UNSTEADY: "changed while it was read",
            Trouble.UNREADABLE: f"cannot be read: {seen.reason}",
        }[seen.trouble]
    if seen.kind == "link":
        covered = [one.folder / name for one in places for name in one.only or ("",)]
        leads = leads_out(place, seen.path, seen.target, covered)
        return f"is a link to {seen.target}, which no root covers" if leads else None
    return _of_compiled(place.folder / seen.path) if seen.path.endswith(bytecode.SUFFIX) else None


def _of_compiled(file: Path) -> str | None:
    try:
        return bytecode.objection(file)
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _entry(seen: Seen) -> Entry:
    return Entry(
        root=seen.root,
        path=seen.path,
        kind=seen.kind,
        mode=seen.mode,
        size=seen.size,
        sha256=seen.sha256 or "",
        target=seen.target,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a comparison found; `unchecked` are roots of the manifest that were not looked at."""

    manifest: Manifest
    files: int
    checked: tuple[str, ...]
    unchecked: tuple[str, ...]
    deviations: tuple[Deviation, ...]

    @property
    def ok(self) -> bool:
        """Whether all that was looked at is as it was signed."""
        return not self.deviations


def verify(manifest: Manifest, places: Sequence[Place]) -> Outcome:
    """Compare what lies in the places with a verified manifest.

    Raises:
        Malformed: a place is of a root that the manifest has not.
        Unavailable: integrity.root.
    """
    return _looked(manifest, places)[0]


def _looked(manifest: Manifest, places: Sequence[Place]) -> tuple[Outcome, list[Seen]]:
    known = manifest.statement.roots
    for place in places:
        if place.root not in known:
            raise Malformed(f"The manifest has no root {place.root!a}; it has {', '.join(known)}.")
    roots = {one.root for one in places}
    entries = [one for one in manifest.entries if one.root in roots]
    seen: list[Seen] = []
    for place in places:
        sizes = {one.path: one.size for one in entries if one.root == place.root and one.kind == "file"}
        seen += look(_all_of(place, sizes), sizes=sizes)
    outcome = Outcome(
        manifest=manifest,
        files=sum(one.kind != "folder" for one in seen),
        checked=tuple(sorted(roots)),
        unchecked=tuple(one for one in known if one not in roots),
        deviations=compare(entries, seen),
    )
    return outcome, seen


def _all_of(place: Place, listed: Iterable[str]) -> Place:
    """A place of single files, with those that were signed beside those that are meant now."""
    if place.only is None:
        return place
    return replace(place, only=tuple(dict.fromkeys((*place.only, *listed))))


def verify_installation(manifest: Manifest, places: Sequence[Place]) -> Outcome:
    """As `verify`, for an installation of just these places, from which programs run.

    What the manifest does not tell of counts, and so does what others than its owner may change.
    """
    known = manifest.statement.roots
    found, seen = _looked(manifest, [one for one in places if one.root in known])
    deviations = (*unsigned_roots(places, known), *found.deviations, *writable(seen))
    return replace(found, deviations=deviations)


@implements("TRUSTWORKS:ASSURANCE-INTEGRITY-ROOTS", disabled=())
def unsigned_roots(places: Iterable[Place], known: Sequence[str]) -> tuple[Deviation, ...]:
    """The parts of an installation that its manifest does not tell of, and so does not protect."""
    return tuple(
        Deviation(
            difference=Difference.ROOT,
            name=one.root,
            sentence=f"The manifest does not tell of {one.root} ({printable(str(one.folder))}). Make one of "
            "the whole installation: `trustworks integrity make`, with the configuration that serves.",
        )
        for one in places
        if one.root not in known
    )
