"""EUCC certificates (Regulation (EU) 2024/482): the page that ENISA gives each, and metadata made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

from trustworks.assurance.model import CertificateKind, FactName, SourceKind
from trustworks.assurance.sources import values
from trustworks.assurance.sources.checks import objection
from trustworks.assurance.sources.html_page import label_pairs, line_of, parse, text_of
from trustworks.assurance.sources.imported import DEFAULT, Download, Imported, Limits, Reading, nothing
from trustworks.assurance.sources.json_values import parse as parse_json
from trustworks.assurance.sources.values import UnreadableError
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from trustworks.assurance.model import Value

ADDRESS: Final = "https://certification.enisa.europa.eu"

# The labels of the page, without capitals -> the members of the metadata.
_LABELS: Final = MappingProxyType(
    {
        "certificate id": "certificate_id",
        "name of product": "product_name",
        "type of product": "product_type",
        "version of product": "product_version",
        "name of the holder": "holder_name",
        "address of the holder": "holder_address",
        "contact information of the holder": "holder_contact",
        "website holder of certificate with supplementary cybersecurity information": "holder_website",
        "name of the certification body that issued the certificate": "certification_body",
        "nando id of the cb": "nando_id",
        "address of the certification body that issued the certificate": "certification_body_address",
        "contact information of the certification body that issued the certificate": (
            "certification_body_contact"
        ),
        "name of the itsef which performed the evaluation": "itsef",
        "responsible ncca": "responsible_ncca",
        "scheme": "scheme",
        "reference to the certification report associated with the certificate referred to in annex v": (
            "report_reference"
        ),
        "assurance level": "assurance_level",
        "cc version": "cc_version",
        "cem version": "cem_version",
        "ava_van level": "ava_van_level",
        "package": "package",
        "protection profile": "protection_profile",
        "year of issuance": "issuance_year",
        "month of issuance": "issuance_month",
        "date of issuance": "issuance_date_full",
        "certificate issue date": "issuance_date_full",
        "id of the certificate (yearly number of certificate issued by the cb)": "certificate_yearly_number",
        "modification/ reassurance plus the id": "modification_or_reassurance",
        "modification/reassurance plus the id": "modification_or_reassurance",
        "period of validity of the certificate": "validity_period_years",
        "description of product": "product_description",
        "product description": "product_description",
        "certificate status": "status",
        "status": "status",
    }
)
_MEMBERS: Final = frozenset(_LABELS.values()) | {
    "certification_report_url",
    "security_target_url",
    "certificate_url",
}
_NUMBER: Final = re.compile(r"(?:certificate[ :-]*)?(EUCC-[A-Z0-9][A-Z0-9._-]{2,60})", re.IGNORECASE)
_YEARS: Final = re.compile(r"(\d{1,2}) ?(?:years?|y)?", re.IGNORECASE)
_DOCUMENTS: Final = {
    "certification report": "certification_report_url",
    "security target": "security_target_url",
}


def read(data: bytes, download: Download, limits: Limits = DEFAULT) -> Imported:
    """The certificates of metadata in JSON or of a page in HTML. Raises `Malformed` where there is none."""
    reading = Reading(kind=SourceKind.EUCC, data=data, download=download, limits=limits)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        return read_records(parse_json(data, download.name, limits), reading)
    return read_page(parse(data, download.name, limits), reading)


def is_record(one: Any) -> bool:
    """Whether a value is the metadata of an EUCC certificate."""
    return isinstance(one, Mapping) and "certificate_id" in {_member(name) for name in one}


def is_page(root: Element) -> bool:
    """Whether a page is that of an EUCC certificate."""
    return {"certificate id", "name of product"} <= {
        label.casefold() for label, _, _ in label_pairs(root, "certificate id")
    }


@implements("TRUSTWORKS:ASSURANCE-SOURCE-EUCC", disabled=nothing)
def read_records(document: Any, reading: Reading) -> Imported:
    """The certificates of metadata that is parsed already."""
    records = document if isinstance(document, list) else [document]
    if not any(is_record(one) for one in records):
        raise Malformed(
            f"{reading.download.name} holds no metadata of an EUCC certificate: no member certificate_id."
        )
    if len(records) > reading.limits.rows:
        raise Malformed(
            f"{reading.download.name} has more than the {reading.limits.rows} records that are read."
        )
    for number, one in enumerate(records, 1):
        place = f"record {number}"
        if not is_record(one):
            reading.problem(place, "This is no metadata of a certificate: it has no member certificate_id.")
            continue
        given = {_member(name): value for name, value in one.items()}
        for name in given:
            if name not in _MEMBERS:
                reading.unknown(place, name)
        _certificate(reading, place, given)
    return reading.imported()


@implements("TRUSTWORKS:ASSURANCE-SOURCE-EUCC", disabled=nothing)
def read_page(root: Element, reading: Reading) -> Imported:
    """The certificate of a page that is parsed already."""
    if not is_page(root):
        raise Malformed(
            f"{reading.download.name} is not the page of an EUCC certificate. Save the page that the list of "
            "certificates leads to."
        )
    given: dict[str, Any] = {}
    for label, element, value in label_pairs(root, "certificate id"):
        name, line = _member(label), line_of(element)
        place = f"line {line}" if line else f"label {label}"
        if name not in _MEMBERS:
            reading.unknown(place, label)
        elif name in given:
            raise Malformed(
                f"{reading.download.name}, {place}: {label!a:.80} stands there twice. Save it again."
            )
        else:
            given[name] = text_of(value)
    given |= _documents(root)
    _certificate(reading, "the page", given)
    return reading.imported()


def _member(name: str) -> str:
    plain = " ".join(name.split()).casefold().rstrip(" :;")
    return _LABELS.get(plain, plain)


def _documents(root: Element) -> dict[str, str]:
    """Report and target: each behind a line that says which it is."""
    found: dict[str, str] = {}
    wanted = None
    for element in root.iter("p", "span", "div", "h3", "h4", "a"):
        if element.tag != "a":
            wanted = _DOCUMENTS.get(" ".join((element.text or "").split()).casefold(), wanted)
        elif wanted and "/document/download/" in (element.get("href") or ""):
            found.setdefault(wanted, urljoin(ADDRESS, element.get("href", "").strip()))
            wanted = None
    return found


def _certificate(reading: Reading, place: str, given: Mapping[str, Any]) -> None:
    try:
        cells = {
            name: values.text(value, reading.limits.text)
            for name, value in given.items()
            if isinstance(value, str)
        }
    except UnreadableError as error:
        reading.problem(place, f"The certificate is not read: {error}.")
        return
    found = _NUMBER.fullmatch(cells.get("certificate_id", ""))
    if found is None:
        reading.problem(
            place, f"{cells.get('certificate_id', '')!a:.80} is no number of an EUCC certificate."
        )
        return
    number = found[1].upper()
    where = f"{place}, {number}"
    facts: dict[FactName, Value | None] = {
        FactName.PRODUCT: values.told(cells.get("product_name", "")),
        FactName.HOLDER: values.told(cells.get("holder_name", "")),
        FactName.CATEGORY: values.told(cells.get("product_type", "")),
        FactName.VERSION: values.told(cells.get("product_version", "")),
        FactName.STANDARD: values.told(cells.get("cc_version", "")),
        FactName.SCHEME: values.told(cells.get("certification_body", "")),
        FactName.REPORT: values.address(cells.get("certification_report_url", "")),
        FactName.TARGET: values.address(cells.get("security_target_url", "")),
        FactName.PROTECTION_PROFILES: _profiles(cells.get("protection_profile", "")),
    }
    _assurance(reading, where, given, cells, facts)
    wrong = _dates(reading, where, cells, facts) or objection(facts, reading.download.retrieved.date())
    if wrong is not None:
        reading.problem(where, f"Certificate {number} is not imported: {wrong}")
        return
    reading.add(CertificateKind.EUCC, number, where, facts)


def _profiles(given: str) -> tuple[str, ...] | None:
    """The profile that it names; a text that begins with a level names none."""
    if values.told(given) is None or re.match(r"(?:global assurance|EAL)\b", given, re.IGNORECASE):
        return None
    return (given,)


def _assurance(
    reading: Reading,
    where: str,
    given: Mapping[str, Any],
    cells: Mapping[str, str],
    facts: dict[FactName, Value | None],
) -> None:
    level = cells.get("assurance_level", "").casefold()
    if level in {"high", "substantial"}:
        facts[FactName.ASSURANCE_LEVEL] = level
    elif values.told(level):
        reading.problem(where, f"{level!a:.60} is no assurance level of EUCC.")
    package = given.get("package")
    if isinstance(package, Mapping):
        if not all(
            isinstance(parts, list) and all(isinstance(one, str) for one in parts)
            for parts in package.values()
        ):
            reading.problem(where, "The package is not read: it is no table of levels and their components.")
            package = None
        else:
            package = "; ".join(f"{name} {' '.join(parts)}" for name, parts in package.items())
    if isinstance(package, str) and values.told(package.strip()):
        try:
            eal, augmented, attackers = values.assurance(values.text(package, reading.limits.text))
        except UnreadableError as error:
            reading.problem(where, f"The package is not read: {error}.")
        else:
            facts |= {FactName.EAL: eal, FactName.AUGMENTED: augmented, FactName.AVA_VAN: attackers}
    _attackers(reading, where, cells.get("ava_van_level", ""), facts)


def _attackers(reading: Reading, where: str, printed: str, facts: dict[FactName, Value | None]) -> None:
    """AVA_VAN of the whole product: what is called global where there are several."""
    if values.told(printed) is None:
        return
    whole = re.search(r"global\D{0,20}?([1-5])(?!\d)", printed, re.IGNORECASE)
    alone = re.fullmatch(r"(?:AVA_VAN[. ]?|level )?([1-5])", printed, re.IGNORECASE)
    found = whole or alone
    if found is None:
        reading.problem(where, f"{printed!a:.60} is no AVA_VAN level from 1 to 5.")
        return
    number = int(found[1])
    told = facts.get(FactName.AVA_VAN)
    if isinstance(told, int) and told != number:
        reading.problem(
            where, f"AVA_VAN is {number} by its own line and {told} by the package: neither is told."
        )
        facts[FactName.AVA_VAN] = None
    else:
        facts[FactName.AVA_VAN] = number


def _dates(
    reading: Reading, where: str, cells: Mapping[str, str], facts: dict[FactName, Value | None]
) -> str | None:
    """Puts in the days, which stand with the day first; why they cannot be right, or None."""
    printed = cells.get("issuance_date_full", "")
    issued = None
    if values.told(printed):
        try:
            issued = values.day(printed, day_first=True)
        except UnreadableError as error:
            reading.problem(where, f"The date of issue is not read: {error}.")
    if issued is not None:
        for name, number in (("issuance_year", issued.year), ("issuance_month", issued.month)):
            told = cells.get(name, "")
            if re.fullmatch(r"\d{1,4}", told) and int(told) != number:
                return f"it was issued on {issued}, and {name} is {told}. Compare it with its certificate."
        facts[FactName.ISSUED] = issued
        years = _YEARS.fullmatch(cells.get("validity_period_years", ""))
        if years is not None and 0 < int(years[1]) <= 30:
            facts[FactName.ENDS] = _last(issued, int(years[1]))
        elif values.told(cells.get("validity_period_years", "")):
            reading.problem(where, "The period of validity is not read: it is no number of years.")
    if values.told(cells.get("status", "")):
        try:
            facts[FactName.STATUS] = values.status(cells["status"])
        except UnreadableError as error:
            reading.problem(where, f"The status is not read: {error}.")
    return None


def _last(issued: date, years: int) -> date:
    """The last of so many years: the day before the anniversary."""
    try:
        return issued.replace(year=issued.year + years) - timedelta(days=1)
    except ValueError:  # the anniversary of a leap day
        return date(issued.year + years, 2, 28)
