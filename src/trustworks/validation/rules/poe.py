"""Proofs of existence (POE): since when each object is known to exist, and what proves it.

Source: EN 319 102-1, 5.6.2.3 (POE extraction), 5.6.3.4 (the set of POEs).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.validation.model import Poe, PoeOrigin
from trustworks.validation.rules.inputs import id_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from trustworks.formats.evidence import EvidenceRecord, Reference, TimeStamp
    from trustworks.validation.rules.inputs import Inputs


class Poes:
    """The set of proofs of existence. What is at hand exists at the time of validation.

    `branch` gives a set that starts with the same proofs and goes its own way, for the temporary proofs of
    evidence records.
    """

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        # Each proof once, in the order in which they came; a list would be searched for every one of them.
        self._by_object: dict[str, dict[Poe, None]] = {}
        for poe in inputs.extra.poes:
            self.add(poe)

    def branch(self) -> Poes:
        """A set of its own with the same proofs."""
        other = Poes(self._inputs)
        other._by_object = {named: dict(found) for named, found in self._by_object.items()}
        return other

    def add(self, poe: Poe) -> None:
        """Add a proof, if it is not there."""
        self._by_object.setdefault(poe.object, {})[poe] = None
        answer = self._inputs.answers.get(poe.object)
        # A certificate in an OCSP answer existed when the answer did.
        for certificate in answer.certificates if answer else ():
            self.add(Poe(object=id_of(certificate), time=poe.time, origin=poe.origin, by=poe.by))

    def add_all(self, objects: Iterable[str], time: datetime, by: str) -> None:
        """Add what a time-stamp or evidence record proves."""
        for named in sorted(objects):
            self.add(Poe(object=named, time=time, origin=PoeOrigin.SIGNATURE, by=by))

    def earliest(self, named: str) -> Poe:
        """The earliest proof for an object: where there is none, that it is at hand now."""
        found = self._by_object.get(named, ())
        now = Poe(object=named, time=self._inputs.at, origin=PoeOrigin.SERVER)
        earliest: Poe = min([*found, now], key=_order)
        return earliest

    def exists_at(self, named: str, time: datetime) -> bool:
        """Whether an object is known to have existed at a time, or before."""
        return self.earliest(named).time <= time

    def exists_within(self, named: str, begin: datetime, end: datetime) -> bool:
        """Whether there is a proof whose time lies between two moments, both included."""
        found = self._by_object.get(named, ())
        times = [poe.time for poe in found] + [self._inputs.at]
        return any(begin <= time <= end for time in times)

    def all(self) -> tuple[Poe, ...]:
        """Every proof but those of now, by object and time."""
        found = (poe for poes in self._by_object.values() for poe in poes)
        return tuple(sorted(found, key=lambda poe: (poe.object, poe.time, poe.by or "")))


_ORDER: Final = tuple(PoeOrigin)


def _order(poe: Poe) -> tuple[datetime, int, str]:
    return poe.time, _ORDER.index(poe.origin), poe.by or ""


@implements("EN319102-1:5.6.2.3.4-1", disabled=lambda time_stamp: time_stamp.covers)
def proven_by(time_stamp: TimeStamp) -> frozenset[str]:
    """The objects whose existence a valid time-stamp proves: those that it covers, if all is intact."""
    return time_stamp.covers if all_intact(time_stamp.references) else frozenset()


@implements("EN319102-1:5.6.3.4-1-C", disabled=lambda record: record.covers)
def proven_by_record(record: EvidenceRecord) -> frozenset[str]:
    """The objects whose existence a valid evidence record proves."""
    return record.covers if all_intact(record.references) else frozenset()


def all_intact(references: Iterable[Reference]) -> bool:
    """Whether everything that must be there is, as it was."""
    return all(one.intact or not (one.mandatory or one.found) for one in references)
