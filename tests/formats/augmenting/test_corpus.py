"""Signatures of others, augmented: what was intact in each file stays so, and what cannot be is refused.

Refusals are listed by their reason, with how many there are, and never by the file.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kept_intact import intact, kept
from signed_corpus import CORPUS, anchors_of, cases
from signed_making import house, stamp

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.ports import ValidationData
from trustworks.formats.augmenting import Kind, Opened
from trustworks.formats.data import Octets, Stored
from trustworks.formats.read import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from signed_corpus import Case

    from trustworks.formats.augmenting import Target

MOST = 2
"""Signatures of one file that are augmented."""
BROKEN = {
    "An evidence record": "under an evidence record",
    "An archive time-stamp": "under an archive time-stamp of an older kind",
    "What is to be added": "inside of what something is over",
}
Step = tuple[str, str]
EXPECTED: dict[str, dict[str, tuple[int, int, int]]] = {
    "dss-xades": {"added": (78, 78, 75), "xades.qualifying": (1, 1, 1), "xades.version": (0, 0, 3)},
    "dss-cades": {
        "added": (36, 46, 42),
        "cades.counter-signature": (0, 0, 4),
        "inside of what something is over": (2, 0, 0),
        "under an archive time-stamp of an older kind": (8, 0, 0),
        "under an evidence record": (4, 4, 4),
    },
    "dss-pades": {"added": (66, 67, 66), "pdf.damaged": (4, 4, 4), "pdf.permissions": (1, 0, 1)},
    "dss-jades": {"added": (9, 9, 9), "jades.compact": (15, 15, 15), "jades.header": (1, 1, 1)},
    "dss-asic-cades": {
        "added": (8, 13, 22),
        "asic.covered": (15, 10, 0),
        "asic.name": (0, 0, 1),
        "cades.counter-signature": (0, 0, 1),
        "under an evidence record": (2, 2, 1),
    },
    "dss-asic-xades": {"added": (21, 21, 21), "asic.covered": (3, 3, 3)},
}
"""By folder: how many signatures that are intact were given each of `STEPS`, and why others were not."""


@cache
def values() -> ValidationData:
    return ValidationData(certificates=house().authorities, lists=house().lists)


def opened(case: Case) -> Opened:
    return Opened(
        Stored(CORPUS / case.document, name=Path(case.document).name),
        detached=[Stored(CORPUS / name, name=Path(name).name) for name in case.detached],
        anchors=anchors_of(case.fields),
    )


def signature_stamped(target: Target) -> Target:
    return target.with_time_stamp(stamp(b"", digest=target.digest(Kind.SIGNATURE)))


def archived(target: Target) -> Target:
    time = datetime(2026, 5, 20, tzinfo=UTC)
    return target.with_archive_time_stamp(stamp(b"", time, digest=target.digest(Kind.ARCHIVE)))


STEPS: dict[str, Callable[[Target], Target]] = {
    "signature": signature_stamped,
    "values": lambda target: target.with_values(values()),
    "archive": archived,
}


def reason(refused: Rejected) -> str:
    if refused.code == "adding.broken":
        return next(short for begin, short in BROKEN.items() if str(refused).startswith(begin))
    return refused.code


def augment(target: Target, case: Case, counted: Counter[Step]) -> None:
    """Adds step by step what can be added, and looks at the file that comes out."""
    before, first = intact(target.evidence), target
    signed = {one.id: one.signed.digest("sha256") for one in target.evidence.signatures}
    for name, step in STEPS.items():
        try:
            target = step(target)
        except Rejected as refused:
            counted[name, reason(refused)] += 1
        else:
            counted[name, "added"] += 1
    if target is first:
        return
    octets = target.data.octets()
    found = read(
        Octets(octets, first.data.name), detached=target.opened.detached, anchors=anchors_of(case.fields)
    )
    assert before <= intact(found), case.document
    assert {one.id: one.signed.digest("sha256") for one in found.signatures} == signed, case.document
    assert kept(first.data.octets(), octets, first.signature.file), case.document


@pytest.mark.parametrize(
    "folder", ["dss-xades", "dss-cades", "dss-pades", "dss-jades", "dss-asic-cades", "dss-asic-xades"]
)
def test_signatures_of_others(folder: str) -> None:
    counted: Counter[Step] = Counter()
    for case in cases(folder):
        try:
            targets = opened(case).targets
        except Malformed:
            continue
        whole = [
            one for one in targets if all(part.intact for part in one.signature.references if part.mandatory)
        ]
        for target in whole[:MOST]:
            augment(target, case, counted)
    reasons = sorted({one for _, one in counted})
    assert {one: tuple(counted[step, one] for step in STEPS) for one in reasons} == EXPECTED[folder]
