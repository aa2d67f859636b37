"""What the list, the page and the record of a CMVP certificate have in common: columns and their values."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from trustworks.assurance.model import CertificateKind, FactName
from trustworks.assurance.sources import values
from trustworks.assurance.sources.checks import objection
from trustworks.assurance.sources.values import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustworks.assurance.model import Value
    from trustworks.assurance.sources.imported import Reading

Facts: TypeAlias = "dict[FactName, Value | None]"
ADDRESS: Final = "https://csrc.nist.gov"


def _days(given: str) -> Value | None:
    """Issued when it was first validated; what follows are updates of it."""
    found = values.days(given)
    return min(found) if found else None


def _versions(given: str) -> Value | None:
    return values.versions(given)


def _told(given: str) -> Value | None:
    return values.told(given)


def _caveat(given: str) -> Value | None:
    """The condition; empty where there is none. One that a maker of records cut off is none to rely on."""
    if given.endswith(("...", "\N{HORIZONTAL ELLIPSIS}")):
        raise UnreadableError("it is cut off")
    return values.told(given) or ""


def _end(given: str) -> Value | None:
    return values.day(given) if values.told(given) else None


# What a column is called on the pages -> the fact, and how its text becomes a value.
COLUMNS: Final[Mapping[str, tuple[FactName, Callable[[str], Value | None]]]] = MappingProxyType(
    {
        "vendor name": (FactName.HOLDER, _told),
        "vendor": (FactName.HOLDER, _told),
        "module name": (FactName.PRODUCT, _told),
        "module type": (FactName.MODULE_TYPE, values.module_type),
        "validation date": (FactName.ISSUED, _days),
        "validation dates": (FactName.ISSUED, _days),
        "status": (FactName.STATUS, values.status),
        "standard": (FactName.STANDARD, values.fips),
        "sunset date": (FactName.ENDS, _end),
        "overall level": (FactName.OVERALL_LEVEL, values.level),
        "caveat": (FactName.CAVEAT, _caveat),
        "hardware versions": (FactName.HARDWARE, _versions),
        "hardware version": (FactName.HARDWARE, _versions),
        "firmware versions": (FactName.FIRMWARE, _versions),
        "firmware version": (FactName.FIRMWARE, _versions),
        "software versions": (FactName.SOFTWARE, _versions),
        "software version": (FactName.SOFTWARE, _versions),
    }
)
# Columns that are known and say nothing that a rule asks for.
SILENT: Final = frozenset(
    {
        *("embodiment", "lab", "description", "tested configuration(s)", "tested configurations"),
        *("approved algorithms", "allowed algorithms", "other algorithms", "fips algorithms", "algorithms"),
        *("historical reason", "revoked reason", "revoked link", "product url", "entropy", "product link"),
        *("security policy", "certificate", "consolidated certificate", "related files", "country"),
        *("tested operational environment", "operational environment", "vendor product link", "lab code"),
        *("entropy source", "entropy certificate", "transition end date", "algorithm"),
    }
)


def take(reading: Reading, place: str, column: str, given: str, facts: Facts) -> None:
    """Puts the value of a known column into the facts; what cannot be read is a problem and no fact."""
    name, make = COLUMNS[column]
    try:
        value = make(values.text(given, reading.limits.text))
    except UnreadableError as error:
        reading.problem(place, f"The column {column} is not read: {error}.")
        return
    if value is not None and value != "":
        facts[name] = value
    elif value == "" and name is FactName.CAVEAT:
        facts[name] = ""


def exceptions(reading: Reading, place: str, lines: list[str], facts: Facts) -> None:
    """Puts the levels of areas into the facts; where one cannot be read, none is told."""
    try:
        plain = [values.text(one, reading.limits.text) for one in lines]
    except UnreadableError as error:
        reading.problem(place, f"The security level exceptions are not read: {error}.")
        return
    levels, unread = values.area_levels(plain)
    for one in unread:
        reading.problem(place, f"The security level exception {one!a:.90} is not read, so that none is told.")
    if not unread:
        facts[FactName.AREA_LEVELS] = levels


def keep(reading: Reading, place: str, number: str, facts: Facts) -> None:
    """Keeps a certificate, unless it contradicts itself."""
    wrong = objection(facts, reading.download.retrieved.date())
    if wrong is not None:
        reading.problem(place, f"Certificate {number} is not imported: {wrong}")
        return
    reading.add(CertificateKind.FIPS, number, place, facts)
