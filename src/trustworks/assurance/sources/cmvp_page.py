"""The page of one CMVP certificate: level, exceptions, caveat, versions, sunset, history.

Its panel of the vendor has names, addresses and telephone numbers of persons beside the vendor's own: only
that is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from trustworks.assurance.model import FactName, SourceKind
from trustworks.assurance.sources import cmvp, values
from trustworks.assurance.sources.html_page import has_class, label_pairs, line_of, parse, text_of
from trustworks.assurance.sources.imported import DEFAULT, Download, Imported, Limits, Reading, nothing
from trustworks.assurance.sources.values import UnreadableError
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Element

_HEADING: Final = re.compile(r"Certificate\s*#\s*(\d{1,6})(?!\d)", re.IGNORECASE)
_LINK: Final = re.compile(r"/certificate/(\d{1,6})(?!\d)", re.IGNORECASE)
_POLICY: Final = re.compile(r"/security-policies/140sp(\d{1,6})\.pdf", re.IGNORECASE)
_NAME: Final = re.compile(r"(?<!\d)(\d{1,6})\.[a-z]{3,5}", re.IGNORECASE)
EXCEPTIONS: Final = "security level exceptions"
# A page of a certificate has at least these.
MARKS: Final = frozenset({"module name", "standard", "status"})


def read(data: bytes, download: Download, limits: Limits = DEFAULT) -> Imported:
    """The certificate of a page. Raises `Malformed` where the page is no certificate's, or of several."""
    reading = Reading(kind=SourceKind.CMVP_PAGE, data=data, download=download, limits=limits)
    return read_page(parse(data, download.name, limits), reading)


def is_page(root: Element) -> bool:
    """Whether a page is a certificate's."""
    return {label.casefold() for label, _, _ in label_pairs(root, "module name")} >= MARKS


@implements("TRUSTWORKS:ASSURANCE-SOURCE-CMVP", disabled=nothing)
def read_page(root: Element, reading: Reading) -> Imported:
    """The certificate of a page that is parsed already."""
    if not is_page(root):
        raise Malformed(
            f"{reading.download.name} is not the page of a CMVP certificate. Save the page that the number "
            "of a certificate leads to."
        )
    number = _number(root, reading)
    place = f"certificate {number}"
    # A page that is whole says of these that there are none by saying nothing.
    facts: cmvp.Facts = {FactName.CAVEAT: "", FactName.AREA_LEVELS: values.area_levels(())[0]}
    seen: set[str] = set()
    for label, element, value in label_pairs(root, "module name"):
        name, line = label.casefold(), line_of(element)
        where = f"line {line}, {place}" if line else place
        if name in seen:
            raise Malformed(
                f"{reading.download.name}, {where}: {label!a} stands there twice. Save the page again."
            )
        seen.add(name)
        if name in {EXCEPTIONS, "caveat"}:
            del facts[FactName.AREA_LEVELS if name == EXCEPTIONS else FactName.CAVEAT]
        if name == EXCEPTIONS:
            cmvp.exceptions(reading, where, _lines(value), facts)
        elif name in cmvp.COLUMNS:
            cmvp.take(reading, where, name, _with_lines(name, value), facts)
        elif name not in cmvp.SILENT:
            reading.unknown(where, label)
    _history(root, reading, place, facts)
    facts[FactName.HOLDER] = _vendor(root, reading) or facts.get(FactName.HOLDER)
    facts[FactName.REPORT] = _policy(root)
    cmvp.keep(reading, place, number, facts)
    return reading.imported()


def _number(root: Element, reading: Reading) -> str:
    """The number that the page says it is of, wherever it says it; its file's name only where it does not."""
    told: set[str] = set()
    for element in root.iter("title", "h1", "h2", "h3", "h4"):
        told |= set(_HEADING.findall(text_of(element)))
    for element in root.iter("meta", "link"):
        if element.get("name") == "og:url" or element.get("property") == "og:url":
            told |= set(_LINK.findall(element.get("content") or ""))
        elif element.get("rel") == "canonical":
            told |= set(_LINK.findall(element.get("href") or ""))
    policies = {one for link in root.iter("a") for one in _POLICY.findall(link.get("href") or "")}
    told = {one.lstrip("0") for one in told}
    if not told:
        told = {one.lstrip("0") for one in policies} or set(_NAME.findall(reading.download.name))
    if len(told) != 1:
        why = f"says that it is of {', '.join(sorted(told))}" if told else "does not say which it is of"
        raise Malformed(
            f"{reading.download.name} is the page of one CMVP certificate, and {why}. Save it with the "
            "certificate's number as its name, such as 4090.html."
        )
    return told.pop()


def _lines(value: Element) -> list[str]:
    items = [text_of(one) for one in value.iter("li")]
    return items or text_of(value).split("\n")


def _with_lines(name: str, value: Element) -> str:
    """Versions may stand in lines of their own; a caveat is one text over several."""
    if name.endswith(("version", "versions")):
        return ", ".join(line.strip(" ,;") for line in text_of(value).split("\n") if line.strip(" ,;"))
    return text_of(value)


def _panels(root: Element) -> Iterator[tuple[str, Element]]:
    for panel in root.iter("div"):
        if not has_class(panel, "panel"):
            continue
        heading = next((one for one in panel.iter("div") if has_class(one, "panel-heading")), None)
        body = next((one for one in panel.iter("div") if has_class(one, "panel-body")), None)
        if heading is not None and body is not None:
            yield " ".join(text_of(heading).split()).casefold(), body


def _vendor(root: Element, reading: Reading) -> str | None:
    """The vendor's name: what its first link says, or the first line; never a link to write to."""
    for heading, body in _panels(root):
        if heading != "vendor":
            continue
        first = next((one for one in body if isinstance(one.tag, str)), None)
        if first is not None and first.tag == "a" and not (body.text or "").strip():
            lines = [text_of(first)]
        else:
            lines = [one for one in text_of(body).split("\n") if one.strip()][:1]
        try:
            return values.told(values.text(" ".join(lines), reading.limits.text))
        except UnreadableError:
            return None
    return None


def _policy(root: Element) -> str | None:
    for link in root.iter("a"):
        if " ".join(text_of(link).split()).casefold() == "security policy":
            return values.address(urljoin(cmvp.ADDRESS, (link.get("href") or "").strip()))
    return None


def _history(root: Element, reading: Reading, place: str, facts: cmvp.Facts) -> None:
    """The first day of the table of validations, which the label "Validation Dates" may be missing for."""
    found = []
    for heading, body in _panels(root):
        if heading != "validation history":
            continue
        for row in body.iter("tr"):
            cells = [one for one in row if one.tag == "td"]
            if not cells:
                continue
            try:
                found.append(values.day(values.text(text_of(cells[0]))))
            except UnreadableError as error:
                reading.problem(place, f"A row of the validation history is not read: {error}.")
    if found:
        issued = facts.get(FactName.ISSUED)
        first = min(found)
        if issued is not None and issued != first:
            reading.problem(
                place, f"The validation dates begin on {issued}, and the validation history on {first}."
            )
        facts[FactName.ISSUED] = first
