"""Records of CMVP certificates as JSON, which others make of its pages: one, a list, or a file with a list.

They are no source of NIST's own: what they say stands beside what its pages say, and a difference is seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from trustworks.assurance.model import FactName, SourceKind, Status
from trustworks.assurance.sources import cmvp, values
from trustworks.assurance.sources.imported import DEFAULT, Download, Imported, Limits, Reading, nothing
from trustworks.assurance.sources.json_values import parse
from trustworks.assurance.sources.values import UnreadableError
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

# Member of a record -> the column of the pages that it holds.
_COLUMNS: Final = MappingProxyType(
    {
        **{name.replace(" ", "_"): name for name in cmvp.COLUMNS if name != "vendor"},
        "hw_versions": "hardware versions",
        "fw_versions": "firmware versions",
        "sw_versions": "software versions",
        "validation_dates": "validation dates",
    }
)
# Members that are known and say nothing that a rule asks for, or of persons.
_SILENT: Final = frozenset(
    {
        *(
            "nist_page_url",
            "certificate_detail_url",
            "certificate_number_url",
            "detail_available",
            "generated_at",
        ),
        *("embodiment", "lab", "description", "algorithms", "algorithms_detailed", "algorithm_extraction"),
        *(
            "vendor",
            "related_files",
            "validation_history",
            "security_level_exceptions",
            "security_policy_url",
        ),
        *("dataset", "certificate_number", "tested_configurations", "historical_reason", "revoked_reason"),
        *(
            "module_name_url",
            "vendor_name_url",
            "product_url",
            "source",
            "metadata",
            "last_update",
            "exceptions",
        ),
    }
)
_DATASETS: Final = {"active": Status.ACTIVE, "historical": Status.HISTORICAL, "revoked": Status.REVOKED}
_NUMBERS: Final = re.compile(r"\d{1,6}")


def read(data: bytes, download: Download, limits: Limits = DEFAULT) -> Imported:
    """The certificates of records. Raises `Malformed` where the document holds none of them."""
    reading = Reading(kind=SourceKind.CMVP_RECORD, data=data, download=download, limits=limits)
    return read_records(parse(data, download.name, limits), reading)


def records_of(document: Any) -> list[tuple[str, Any]] | None:
    """Place and record, of what looks like a file of records; None for anything else."""
    if isinstance(document, Mapping) and isinstance(document.get("modules"), list):
        document = document["modules"]
    found = (
        [(f"record {number}", one) for number, one in enumerate(document, 1)]
        if isinstance(document, list)
        else [("the record", document)]
    )
    found = [(place, _inner(one)) for place, one in found]
    return found if any(is_record(one) for _, one in found) else None


def is_record(one: Any) -> bool:
    """Whether a value is a record of a CMVP certificate."""
    return isinstance(one, Mapping) and "certificate_number" in {_member(name) for name in one}


def _inner(one: Any) -> Any:
    """A detail record keeps the certificate in a member of its own."""
    return (
        one["certificate"]
        if isinstance(one, Mapping) and isinstance(one.get("certificate"), Mapping)
        else one
    )


def _member(name: str) -> str:
    return name.strip().casefold().replace(" ", "_")


@implements("TRUSTWORKS:ASSURANCE-SOURCE-CMVP", disabled=nothing)
def read_records(document: Any, reading: Reading) -> Imported:
    """The certificates of records that are parsed already."""
    records = records_of(document)
    if records is None:
        raise Malformed(
            f"{reading.download.name} holds no record of a CMVP certificate: no member certificate_number."
        )
    if len(records) > reading.limits.rows:
        raise Malformed(
            f"{reading.download.name} has more than the {reading.limits.rows} records that are read."
        )
    unknown: set[str] = set()
    for place, one in records:
        _record(one, place, reading, unknown)
    return reading.imported()


def _record(one: Any, place: str, reading: Reading, unknown: set[str]) -> None:
    if not is_record(one):
        reading.problem(place, "This is no record of a certificate: it has no member certificate_number.")
        return
    given = {_member(name): value for name, value in one.items()}
    if len(given) != len(one):
        reading.problem(place, "Two members of the record have the same name; it is not read.")
        return
    printed = str(given["certificate_number"]).strip()
    if not _NUMBERS.fullmatch(printed) or isinstance(given["certificate_number"], bool | float):
        reading.problem(place, f"{printed!a:.60} is no number of a certificate.")
        return
    number = printed.lstrip("0") or "0"
    where = f"{place}, certificate {number}"
    facts: cmvp.Facts = {}
    for name, value in given.items():
        if name in _COLUMNS:
            _member_of(reading, where, name, value, facts)
        elif name not in _SILENT and name not in unknown:
            unknown.add(name)
            reading.unknown(where, name)
    _rest(reading, where, given, facts)
    cmvp.keep(reading, where, number, facts)
    _bucket(reading, where, number, given, facts)


def _member_of(reading: Reading, where: str, name: str, value: Any, facts: cmvp.Facts) -> None:
    column = _COLUMNS[name]
    fact = cmvp.COLUMNS[column][0]
    if value is None:
        if fact is FactName.CAVEAT:
            facts[fact] = ""
        return
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = ", ".join(value)
        if not value:
            return
    if not isinstance(value, str | int) or isinstance(value, bool):
        reading.problem(where, f"The member {name} holds neither text nor a number.")
        return
    told: cmvp.Facts = {}
    cmvp.take(reading, where, column, str(value), told)
    for key, new in told.items():
        if key in facts and facts[key] != new:
            reading.problem(where, f"The member {name} says {new}, and another member {facts[key]}.")
        facts[key] = new


def _rest(reading: Reading, where: str, given: Mapping[str, Any], facts: cmvp.Facts) -> None:
    exceptions = given.get("security_level_exceptions", given.get("exceptions"))
    if isinstance(exceptions, list) and all(isinstance(one, str) for one in exceptions):
        cmvp.exceptions(reading, where, exceptions, facts)
    elif exceptions is not None:
        reading.problem(where, "The member security_level_exceptions is no list of lines.")
    policy = given.get("security_policy_url")
    if isinstance(policy, str):
        facts[FactName.REPORT] = values.address(policy.strip())
    vendor = given.get("vendor")
    if FactName.HOLDER not in facts and isinstance(vendor, Mapping) and isinstance(vendor.get("name"), str):
        cmvp.take(reading, where, "vendor", vendor["name"], facts)
    history = given.get("validation_history")
    if isinstance(history, list):
        _history(reading, where, history, facts)


def _history(reading: Reading, where: str, history: list[Any], facts: cmvp.Facts) -> None:
    found = []
    for one in history:
        try:
            found.append(values.day(values.text(str(one["date"]))))
        except (UnreadableError, KeyError, TypeError):
            reading.problem(where, "An entry of validation_history has no date that can be read.")
    if found:
        issued = facts.get(FactName.ISSUED)
        if issued is not None and issued != min(found):
            reading.problem(
                where, f"The record is of {issued} by its dates, and of {min(found)} by its history."
            )
        facts[FactName.ISSUED] = min(found)


def _bucket(reading: Reading, where: str, number: str, given: Mapping[str, Any], facts: cmvp.Facts) -> None:
    """Which of its lists the maker of the record found it on: kept beside a status that says otherwise."""
    bucket = given.get("dataset")
    status = _DATASETS.get(bucket) if isinstance(bucket, str) else None
    told = facts.get(FactName.STATUS)
    # Whoever makes records keeps those that are revoked with the historical ones.
    if status is None or told == status or (status is Status.HISTORICAL and told is Status.REVOKED):
        return
    if f"fips:{number}" in reading.certificates:
        cmvp.keep(reading, f"{where}, member dataset", number, {FactName.STATUS: status})
