"""The CSV files of the Common Criteria Portal: certified products, active and archived.

The file gives no numbers of certificates. What tells one apart there is the scheme, the day, the product and
its manufacturer: `number_of` makes a number of them. There is one row for each maintenance of a product.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from trustworks.assurance.model import CertificateKind, FactName, SourceKind, Status
from trustworks.assurance.sources import values
from trustworks.assurance.sources.checks import objection
from trustworks.assurance.sources.csv_rows import head_of, lines_of, rows_of
from trustworks.assurance.sources.imported import DEFAULT, Download, Imported, Limits, Reading, nothing
from trustworks.assurance.sources.values import UnreadableError
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from trustworks.assurance.model import Value

_NEEDED: Final = frozenset({"name", "manufacturer", "scheme", "assurance level", "certification date"})
_KNOWN: Final = _NEEDED | {
    *(
        "category",
        "protection profile(s)",
        "archived date",
        "certification report url",
        "security target url",
    ),
    *("maintenance date", "maintenance title", "maintenance report", "maintenance st"),
}
_SPLIT: Final = re.compile(r"\s*;\s*|,(?! )")
# What is left of a letter beyond ASCII after a conversion that broke it, and what it was.
_BROKEN: Final = frozenset(bytes(range(0x80, 0x100)).decode("cp1252", "ignore")) | {
    "\N{REPLACEMENT CHARACTER}"
}


def read(data: bytes, download: Download, limits: Limits = DEFAULT) -> Imported:
    """The certificates of a file of the portal. Raises `Malformed` where it is none."""
    reading = Reading(kind=SourceKind.CC_PORTAL, data=data, download=download, limits=limits)
    return read_lines(lines_of(data, download.name, limits), reading)


@implements("TRUSTWORKS:ASSURANCE-SOURCE-CC", disabled=nothing)
def read_lines(lines: list[str], reading: Reading) -> Imported:
    """The certificates of a file whose lines are known already."""
    name_of_file = reading.download.name
    head, names, separator = head_of(lines, name_of_file, reading.limits)
    columns = [one.casefold() for one in names]
    if not is_head(names):
        raise Malformed(
            f"{name_of_file}, line {head}: these are not the columns of the Common Criteria Portal's "
            f"list, which has at least {', '.join(sorted(_NEEDED))}."
        )
    for name, printed in zip(columns, names, strict=True):
        if columns.count(name) > 1:
            raise Malformed(f"{name_of_file}, line {head}: the column {printed!a:.60} stands there twice.")
        if name not in _KNOWN:
            reading.unknown(f"line {head}", printed)
    maintained: dict[str, set[str]] = {}
    for place, row in rows_of(reading, lines, head, separator, len(columns)):
        _row(reading, place, dict(zip(columns, row, strict=True)), maintained)
    _maintenance(reading, maintained)
    return reading.imported()


def is_head(names: list[str]) -> bool:
    """Whether these are the columns of a file of the portal."""
    return {one.casefold() for one in names} >= _NEEDED


def number_of(scheme: str, issued: date, product: str, manufacturer: str) -> str:
    """What this product calls a certificate of the portal, such as ``SE-2020-06-15-1f0c9a7d2e44``.

    Letters that a conversion may have broken do not count, so that the same row is the same certificate in a
    file with and without them; of the others, neither capitals nor spaces nor signs.
    """
    plain = "|".join(
        "".join(one for one in name.casefold() if one not in _BROKEN and one.isalnum())
        for name in (product, manufacturer)
    )
    return f"{scheme}-{issued}-{sha256(plain.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _row(reading: Reading, place: str, given: Mapping[str, str], maintained: dict[str, set[str]]) -> None:
    try:
        cells = {
            name: values.text(value, reading.limits.text) for name, value in given.items() if name in _KNOWN
        }
        issued = values.day(cells["certification date"])
    except UnreadableError as error:
        reading.problem(place, f"The row is not read: {error}.")
        return
    product, manufacturer, scheme = cells["name"], cells["manufacturer"], cells["scheme"].upper()
    if not product or not re.fullmatch(r"[A-Z][A-Z0-9]{1,9}", scheme):
        reading.problem(place, "The row is not read: it has no name of a product, or no scheme.")
        return
    number = number_of(scheme, issued, product, manufacturer)
    facts: dict[FactName, Value | None] = {
        FactName.PRODUCT: product,
        FactName.HOLDER: values.told(manufacturer),
        FactName.SCHEME: scheme,
        FactName.CATEGORY: values.told(cells.get("category", "")),
        FactName.ISSUED: issued,
        FactName.PROTECTION_PROFILES: _profiles(cells.get("protection profile(s)", "")),
        FactName.REPORT: values.address(cells.get("certification report url", "")),
        FactName.TARGET: values.address(cells.get("security target url", "")),
    }
    _end(reading, place, cells.get("archived date", ""), facts)
    try:
        eal, augmented, attackers = values.assurance(cells["assurance level"])
    except UnreadableError as error:
        reading.problem(place, f"The level of {product!a:.80} is not read: {error}.")
    else:
        facts |= {FactName.EAL: eal, FactName.AUGMENTED: augmented, FactName.AVA_VAN: attackers}
    wrong = objection(facts, reading.download.retrieved.date())
    if wrong is not None:
        reading.problem(place, f"The certificate of {product!a:.80} is not imported: {wrong}")
        return
    reading.add(CertificateKind.CC, number, place, facts)
    _maintained(reading, place, cells, maintained.setdefault(number, set()))


def _end(reading: Reading, place: str, given: str, facts: dict[FactName, Value | None]) -> None:
    """The last day before the portal archives it; whether it is over says how the certificate stands."""
    if values.told(given) is None:
        return
    try:
        ends = values.day(given)
    except UnreadableError as error:
        reading.problem(place, f"The archived date is not read: {error}.")
        return
    facts[FactName.ENDS] = ends
    facts[FactName.STATUS] = Status.ARCHIVED if ends < reading.download.retrieved.date() else Status.ACTIVE


def _profiles(given: str) -> tuple[str, ...] | None:
    found = tuple(dict.fromkeys(one.strip() for one in _SPLIT.split(given) if values.told(one.strip())))
    return found or None


def _maintained(reading: Reading, place: str, cells: Mapping[str, str], found: set[str]) -> None:
    title, on = cells.get("maintenance title", ""), cells.get("maintenance date", "")
    if not title and not on:
        return
    try:
        found.add(f"{values.day(on)}: {title}")
    except UnreadableError as error:
        reading.problem(place, f"The maintenance is not read: {error}.")


def _maintenance(reading: Reading, maintained: Mapping[str, set[str]]) -> None:
    for number, found in maintained.items():
        if found:
            place = reading.certificates[f"{CertificateKind.CC}:{number}"].facts[0].provenance.place
            reading.add(CertificateKind.CC, number, place, {FactName.MAINTENANCE: tuple(sorted(found))})
