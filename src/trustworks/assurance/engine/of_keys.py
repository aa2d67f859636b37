"""The questions that are asked of the keys in a product: how they came there, who may, of which kinds."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.assurance.engine.subject import Answer
from trustworks.assurance.model import Used
from trustworks.assurance.rulesets.domains import UNKNOWN
from trustworks.core.module.agreed import catalogue
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from trustworks.assurance.engine.subject import Subject
    from trustworks.assurance.model import Headcount, Transfer

_AHEAD: Final = timedelta(days=365)  # an end of an algorithm within it is told


_AGREED: Final = {
    **{algorithm.value: entry for algorithm, entry in catalogue().keys.items()},
    **{scheme.name: entry for scheme, entry in catalogue().schemes.items()},
}


@implements("TRUSTWORKS:ASSURANCE-TRANSFER", disabled=Answer("equal"))
def transfer(subject: Subject) -> Answer:
    """Whether keys came here from another module, and whether they were protected as well on the way."""
    moves = _moves(subject)
    if isinstance(moves, Answer):
        return moves
    return _protected(moves, "transfer")


@implements("TRUSTWORKS:ASSURANCE-TRANSFER-ALLOWED", disabled=Answer("allowed"))
def transfer_allowed(subject: Subject) -> Answer:
    """Whether the certificates of both modules allow that keys went from the one into the other."""
    moves = _moves(subject)
    if isinstance(moves, Answer):
        return moves
    if any(one.allowed_by_certificates is None for one in moves):
        return Answer(UNKNOWN, "nobody has written whether the certificates of both modules allow it")
    used = moves
    allowed = all(one.allowed_by_certificates for one in moves)
    return Answer("allowed" if allowed else "not-allowed", ", ".join(one.source for one in moves), used)


def _moves(subject: Subject) -> tuple[Transfer, ...] | Answer:
    """How keys came from the modules that make them to this one; an answer where none has to.

    The process that makes keys is the one of the same name: ca_key_generation for ca_key_use.
    """
    moves = tuple(
        one
        for one in _transfers(subject)
        if not one.backup and one.target == subject.product.id and one.on <= subject.at
    )
    binding = subject.binding
    if not binding.process.endswith("_use"):
        return moves or Answer("not-needed")
    making = (binding.service, f"{binding.process.removesuffix('_use')}_generation")
    makers = {
        one.product
        for one in subject.index.bindings.get(making, ())
        if one.since is None or one.since <= subject.at
    }
    if not makers or subject.product.id in makers:
        return moves or Answer("not-needed")
    if not makers & {one.source for one in moves}:
        return Answer(UNKNOWN, f"no transfer from {', '.join(sorted(makers))} is on record")
    return moves


@implements("TRUSTWORKS:ASSURANCE-BACKUPS", disabled=Answer("equal"))
def backup(subject: Subject) -> Answer:
    """How keys went into backups and came back.

    Where no backup is on record that is no evidence that there is none; that nobody may make one is.
    """
    moves = tuple(one for one in _transfers(subject) if one.backup and one.on <= subject.at)
    if moves:
        return _protected(moves, "backup")
    counted = _counted(subject)
    if counted and not any(one.persons for one in counted):
        return Answer("not-made", f"counted on {max(one.on for one in counted)}", counted)
    return Answer("none")


def _counted(subject: Subject) -> tuple[Headcount, ...]:
    """The last count of persons for each act."""
    found = [one for one in subject.index.headcounts.get(subject.product.id, ()) if one.on <= subject.at]
    return tuple({one.act: one for one in sorted(found, key=lambda one: one.on)}.values())


def _transfers(subject: Subject) -> tuple[Transfer, ...]:
    return subject.index.transfers.get(subject.product.id, ())


def _protected(moves: tuple[Transfer, ...], what: str) -> Answer:
    used = moves
    single = [one for one in moves if not one.dual_control]
    if single:
        return Answer("single", ", ".join(f"{one.on}" for one in single), used)
    unlike = [one for one in moves if one.equal_protection is False or not one.checksum_matched]
    if unlike:
        return Answer("unequal", ", ".join(f"{one.on} from {one.source}" for one in unlike), used)
    if any(one.equal_protection is None for one in moves):
        return Answer(UNKNOWN, f"nobody has written how the {what} was protected", used)
    return Answer("equal", ", ".join(f"{one.on} from {one.source}" for one in moves), used)


@implements("TRUSTWORKS:ASSURANCE-HEADCOUNT", disabled=Answer("within"))
def headcount(subject: Subject) -> Answer:
    """Whether no more persons may act than the practice statement says."""
    latest = _counted(subject)
    if not latest:
        return Answer(UNKNOWN, "nobody has counted who may back keys up and recover them")
    used = latest
    # Dual control takes two; where nobody may, and nothing was backed up, there is nothing to control.
    kept = any(one.backup and one.on <= subject.at for one in _transfers(subject))
    few = [f"{one.act}: {one.persons}" for one in latest if one.persons < 2 and (one.persons or kept)]
    if few:
        return Answer("too-few", ", ".join(few), used)
    unstated = [one.act for one in latest if one.allowed is None]
    if unstated:
        return Answer("unstated", ", ".join(unstated), used)
    over = [
        f"{one.act}: {one.persons}, allowed {one.allowed}"
        for one in latest
        if one.allowed is not None and one.persons > one.allowed
    ]
    return Answer("over" if over else "within", ", ".join(over), used)


@implements("TRUSTWORKS:ASSURANCE-ALGORITHMS", disabled=Answer("agreed"))
def algorithms(subject: Subject) -> Answer:
    """Whether the kinds of keys in use are agreed on this day (ECCG agreed cryptographic mechanisms)."""
    own = subject.binding.algorithms
    if not own:
        return Answer(UNKNOWN, "nobody has written which kinds of keys are in use")
    used = (Used(what="kinds of keys", value=", ".join(own), source="the binding"),)
    not_agreed, ended, ending = [], [], []
    for name in own:
        entry = _AGREED.get(name)
        if entry is None or entry.status == "not-agreed":
            not_agreed.append(name)
        elif entry.until is not None and entry.until < subject.at:
            ended.append(f"{name} (until {entry.until})")
        elif entry.until is not None and entry.until - subject.at <= _AHEAD:
            ending.append(f"{name} (until {entry.until})")
    if not_agreed:
        return Answer("not-agreed", ", ".join(not_agreed + ended), used)
    if ended:
        return Answer("ended", ", ".join(ended), used)
    return Answer("ending" if ending else "agreed", ", ".join(ending or own), used)


def ends_of(names: Iterable[str]) -> Iterator[date]:
    """The first days on which kinds of keys, or schemes, are told to end, and on which they have ended."""
    for name in names:
        entry = _AGREED.get(name)
        if entry is not None and entry.until is not None:
            yield from (entry.until - _AHEAD, entry.until + timedelta(days=1))


QUESTIONS: Final[Mapping[str, Callable[[Subject], Answer]]] = MappingProxyType(
    {
        "transfer": transfer,
        "transfer-allowed": transfer_allowed,
        "backup": backup,
        "headcount": headcount,
        "algorithms": algorithms,
    }
)
