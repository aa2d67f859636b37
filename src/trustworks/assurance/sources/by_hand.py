"""A certificate as a person read it: words become facts, each with the file, the page and who read it.

For what no importer reads: criteria other than FIPS 140 and the Common Criteria, a certificate on paper, what
a list leaves out. All that is wrong is told at once.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.model import FACTS, Certificate, CertificateKind, Fact, FactName, Status, value_text
from trustworks.assurance.sources import values
from trustworks.assurance.sources.checks import objection
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trustworks.assurance.model import Provenance, Value

NONE: Final = (
    "none"  # what is written where a certificate says that there is no caveat, no exception, no level
)
_NUMBER: Final = re.compile(r"[A-Za-z0-9][!-~]{0,99}")
_OF_FIPS: Final = frozenset({FactName.OVERALL_LEVEL, FactName.AREA_LEVELS, FactName.MODULE_TYPE})
_OF_CRITERIA: Final = frozenset(
    {FactName.EAL, FactName.AUGMENTED, FactName.AVA_VAN, FactName.PROTECTION_PROFILES}
)
# What certificates of a scheme say; the rest can be said of any.
_ONLY_OF: Final = (
    (_OF_FIPS, frozenset({CertificateKind.FIPS})),
    (_OF_CRITERIA, frozenset({CertificateKind.CC, CertificateKind.EUCC, CertificateKind.NATIONAL})),
    (frozenset({FactName.ASSURANCE_LEVEL}), frozenset({CertificateKind.EUCC})),
    (frozenset({FactName.DEVICE_TYPES}), frozenset({CertificateKind.QSCD})),
)


def named(identifier: str) -> tuple[CertificateKind, str]:
    """Scheme and number of ``cc:BSI-DSZ-CC-1234-2026``. Raises `Malformed`."""
    kind, colon, number = identifier.partition(":")
    if not colon or kind not in set(CertificateKind) or not _NUMBER.fullmatch(number):
        raise Malformed(
            f"{identifier!a:.120} names no certificate: write its scheme ({', '.join(CertificateKind)}), a "
            "colon and its number without spaces, for example cc:BSI-DSZ-CC-1234-2026."
        )
    return CertificateKind(kind), number


def read(identifier: str, given: Mapping[FactName, Sequence[str]], provenance: Provenance) -> Certificate:
    """The certificate with what was read in it.

    `given` has what was written of each fact, once or, of those that are several, as often as there are.
    Raises `Malformed` with all that is wrong.
    """
    kind, number = named(identifier)
    found: dict[FactName, Value] = {}
    wrong = []
    for name, words in given.items():
        if any(name in names and kind not in kinds for names, kinds in _ONLY_OF):
            wrong.append(f"{name}: no certificate of {kind} has it")
            continue
        try:
            found |= _value(name, words)
        except values.UnreadableError as error:
            wrong.append(f"{name}: {error}")
    if not given:
        wrong.append("nothing was read in it: give at least one fact")
    told = objection(found, provenance.retrieved.date())
    wrong += [] if told is None else [told.rstrip(".")]
    if wrong:
        raise Malformed(f"{identifier} is not entered: {'; '.join(wrong)}.")
    facts = tuple(
        Fact(name=name, value=found[name], provenance=provenance) for name in FactName if name in found
    )
    return Certificate(kind=kind, number=number, facts=facts, file=provenance.document)


def _value(name: FactName, words: Sequence[str]) -> dict[FactName, Value]:
    """What the words say: mostly of one fact; a level can have its components with it."""
    if name is FactName.EAL:
        return _evaluation(" ".join(words))
    if name is FactName.AREA_LEVELS:
        levels, unread = values.area_levels([] if list(words) == [NONE] else words)
        if unread:
            raise values.UnreadableError(
                f"{unread[0]!a:.80} is no area with its level: write it as Physical Security: Level 3"
            )
        return {name: levels}
    plain = [values.text(one, most=500) for one in words]
    if FACTS[name] is tuple:
        return {name: tuple(dict.fromkeys(one for one in plain if one))}
    return {name: _single(name, plain[-1])}


def _evaluation(words: str) -> dict[FactName, Value]:
    plain = f"EAL{words}" if re.match(r"[1-7](?!\d)", words) else words
    level, components, attacker = values.assurance("None" if plain in {NONE, "0"} else plain)
    found: dict[FactName, Value | None] = {
        FactName.EAL: level,
        FactName.AUGMENTED: components,
        FactName.AVA_VAN: attacker,
    }
    return {name: value for name, value in found.items() if value is not None}


def _single(name: FactName, plain: str) -> Value:
    if name is FactName.CAVEAT:
        return "" if plain.casefold() == NONE else plain
    if not plain:
        raise values.UnreadableError("it is empty")
    kind: Any = FACTS[name]
    if kind is date:
        return values.day(plain)
    if kind is Status:
        return values.status(plain)
    if kind is int:
        return values.level(plain)
    if name in {FactName.REPORT, FactName.TARGET} and values.address(plain) is None:
        raise values.UnreadableError(f"{plain!a:.80} is no address on the web")
    return plain


def changes(before: Certificate | None, after: Certificate) -> list[tuple[FactName, str, str]]:
    """What persons read otherwise in the second than in the first: name, before, after, as people read it."""
    found = []
    for name in FactName:
        old, new = (_read(one, name) for one in (before, after))
        if old != new:
            found.append((name, old, new))
    return found


def _read(certificate: Certificate | None, name: FactName) -> str:
    told = () if certificate is None else certificate.told(name)
    return " and ".join(value_text(one.value) for one in told if one.provenance.is_by_hand)
