"""Notified qualified signature and seal creation devices: what Member States notify of them, as a table.

The columns are those of the Annex to Implementing Regulation (EU) 2025/1570, under the names that `_COLUMNS`
has for them, in CSV or as the members of JSON objects. Contact details (point 12) are not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.model import CertificateKind, FactName, SourceKind
from trustworks.assurance.sources import values
from trustworks.assurance.sources.checks import objection
from trustworks.assurance.sources.csv_rows import head_of, lines_of, rows_of
from trustworks.assurance.sources.imported import DEFAULT, Download, Imported, Limits, Reading, nothing
from trustworks.assurance.sources.json_values import parse
from trustworks.assurance.sources.values import UnreadableError
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.assurance.model import Value

NUMBER: Final = "certificate"
_COUNTRY: Final = "country"
_IGNORED: Final = ""
# The point of the Annex beside each.
_COLUMNS: Final = MappingProxyType(
    {
        "product name": "product",  # 1(a)
        "name of the device": "product",
        "device name": "product",
        "name of the product": "product",
        "software component": "software",  # 1(b)
        "configured software component": "software",
        "software": "software",
        "software version": "software",
        "hardware component": "hardware",  # 1(c)
        "configured hardware component": "hardware",
        "hardware": "hardware",
        "hardware version": "hardware",
        "version": "version",  # 1(d)
        "applicant": "holder",  # 2
        "body that applied for certification": "holder",
        "manufacturer": "holder",
        "type of device": "type",  # 3(a)
        "type": "type",
        "device type": "type",
        "category": "category",  # 3(b)
        "device category": "category",
        "category of device": "category",
        "certificate of conformity": NUMBER,  # 4
        "certificate reference": NUMBER,
        "certificate": NUMBER,
        "certificate number": NUMBER,
        "certification report reference": "report reference",  # 5
        "certification report": "report reference",
        "issuer of the certification report": "body",  # 6
        "designated body": "body",
        "certification body": "body",
        "url of the certification report": "report",  # 7
        "certification report url": "report",
        "start date of certification": "issued",  # 8
        "certification start date": "issued",
        "start date": "issued",
        "effective starting date": "issued",
        "certification date": "issued",
        "certification status": "status",  # 9
        "status": "status",
        "expiry date of certification": "ends",  # 10
        "certification expiry date": "ends",
        "expiry date": "ends",
        "certification end date": "ends",
        "certification not to be continued": _IGNORED,  # 11
        "not continued": _IGNORED,
        "contact details": _IGNORED,  # 12
        "contact details of the designated body": _IGNORED,
        "contact": _IGNORED,
        "e-mail": _IGNORED,
        "email": _IGNORED,
        "phone": _IGNORED,
        "telephone": _IGNORED,
        "certification method": _IGNORED,  # 13
        "alternative procedure": _IGNORED,
        "other certification reports": _IGNORED,  # 14
        "security target": "target",
        "security target url": "target",
        "member state": _COUNTRY,
        "country": _COUNTRY,
        "notifying member state": _COUNTRY,
    }
)
_NEEDED: Final = frozenset({"product", "status", NUMBER})
_NONE: Final = (
    "this is no list of notified devices, which has at least a product name, a certification status and a "
    "certificate reference."
)


def read(data: bytes, download: Download, limits: Limits = DEFAULT) -> Imported:
    """The devices of a list. Raises `Malformed` where it is none."""
    reading = Reading(kind=SourceKind.QSCD_LIST, data=data, download=download, limits=limits)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        return read_records(parse(data, download.name, limits), reading)
    return read_lines(lines_of(data, download.name, limits), reading)


@implements("TRUSTWORKS:ASSURANCE-SOURCE-QSCD", disabled=nothing)
def read_lines(lines: list[str], reading: Reading) -> Imported:
    """The devices of a table whose lines are known already."""
    head, names, separator = head_of(lines, reading.download.name, reading.limits)
    if not is_head(names):
        raise Malformed(f"{reading.download.name}, line {head}: {_NONE}")
    columns = _known(reading, f"line {head}", names)
    for place, row in rows_of(reading, lines, head, separator, len(columns)):
        _device(reading, place, {name: cell for name, cell in zip(columns, row, strict=True) if name})
    return reading.imported()


def is_head(names: list[str]) -> bool:
    """Whether these are the columns of a list of notified devices."""
    return {_COLUMNS.get(_plain(one), "") for one in names} >= _NEEDED


def is_record(one: Any) -> bool:
    """Whether a value is a notified device."""
    return isinstance(one, Mapping) and is_head(list(one))


@implements("TRUSTWORKS:ASSURANCE-SOURCE-QSCD", disabled=nothing)
def read_records(document: Any, reading: Reading) -> Imported:
    """The devices of JSON that is parsed already."""
    records = document if isinstance(document, list) else [document]
    if not any(is_record(one) for one in records):
        raise Malformed(f"{reading.download.name}: {_NONE}")
    if len(records) > reading.limits.rows:
        raise Malformed(
            f"{reading.download.name} has more than the {reading.limits.rows} records that are read."
        )
    for number, one in enumerate(records, 1):
        place = f"record {number}"
        if not is_record(one):
            reading.problem(
                place, "This is no notified device: it lacks its name, its status or its certificate."
            )
            continue
        names = list(one)
        columns = _known(reading, place, names)
        given = {}
        for column, name in zip(columns, names, strict=True):
            if column and one[name] is not None and not isinstance(one[name], str):
                reading.problem(place, f"The member {name!a:.60} holds no text, and is not read.")
            elif column and one[name] is not None:
                given[column] = one[name]
        _device(reading, place, given)
    return reading.imported()


def _plain(name: str) -> str:
    """A column's name without capitals; members of JSON write theirs with humps or lines below."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ")
    return " ".join(apart.split()).casefold().strip(" :")


def _known(reading: Reading, place: str, names: list[str]) -> list[str]:
    columns: list[str] = []
    for name in names:
        column = _COLUMNS.get(_plain(name))
        if column is None:
            reading.unknown(place, name)
        elif column and column in columns:
            raise Malformed(
                f"{reading.download.name}, {place}: two columns are the {column} of the device, one of them "
                f"{name!a:.60}. Leave one of them out."
            )
        columns.append(column or "")
    return columns


def _category(given: str) -> str:
    """Who manages the data of the creator: the device's user, or a provider on his behalf."""
    plain = given.casefold()
    if "behalf" in plain or "provider" in plain or "qtsp" in plain or "remote" in plain:
        return "provider-managed"
    if "user" in plain or "local" in plain:
        return "user-managed"
    raise UnreadableError(f"{given!a:.60} does not say who manages the data")


def _types(given: str) -> tuple[str, ...]:
    plain = given.casefold()
    found = tuple(name for name in ("seal", "signature") if name in plain)
    if not found:
        raise UnreadableError(f"{given!a:.60} is a device for neither signatures nor seals")
    return found


def _european(given: str) -> Value:
    return values.day(given, day_first=True)


_FACTS: Final[Mapping[str, tuple[FactName, Callable[[str], Value | None]]]] = MappingProxyType(
    {
        "product": (FactName.PRODUCT, str),
        "software": (FactName.SOFTWARE, values.versions),
        "hardware": (FactName.HARDWARE, values.versions),
        "version": (FactName.VERSION, str),
        "holder": (FactName.HOLDER, str),
        "type": (FactName.DEVICE_TYPES, _types),
        "category": (FactName.CATEGORY, _category),
        "report": (FactName.REPORT, values.address),
        "target": (FactName.TARGET, values.address),
        "issued": (FactName.ISSUED, _european),
        "status": (FactName.STATUS, values.status),
        "ends": (FactName.ENDS, _european),
        "body": (FactName.SCHEME, str),
    }
)


def _device(reading: Reading, place: str, given: Mapping[str, str]) -> None:
    try:
        cells = {name: values.text(value, reading.limits.text) for name, value in given.items()}
    except UnreadableError as error:
        reading.problem(place, f"The row is not read: {error}.")
        return
    number = cells.get(NUMBER, "")
    if values.told(number) is None or len(number) > 200:
        reading.problem(
            place, f"The device {cells.get('product', '')!a:.80} is not read: it has no certificate."
        )
        return
    facts: dict[FactName, Value | None] = {}
    for name, cell in cells.items():
        if name not in _FACTS or values.told(cell) is None:
            continue
        fact, make = _FACTS[name]
        try:
            facts[fact] = make(cell)
        except UnreadableError as error:
            reading.problem(place, f"The {name} of {number!a:.80} is not read: {error}.")
    if values.told(cells.get(_COUNTRY, "")) is not None:
        facts.setdefault(FactName.SCHEME, cells[_COUNTRY])
    wrong = objection(facts, reading.download.retrieved.date())
    if wrong is not None:
        reading.problem(place, f"Certificate {number!a:.80} is not imported: {wrong}")
        return
    reading.add(CertificateKind.QSCD, number, place, facts)
