"""The list of products as CSV: Annex III (13)(l) and (m), with the verdict of each rule set."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from trustworks.assurance.dossier.model import is_test_module
from trustworks.assurance.model import Conflict, FactName, Missing, ProductKind, value_text
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from trustworks.assurance.dossier.model import OfferedDevice
    from trustworks.assurance.model import Certificate, Facts, Product, Report, Value

MISSING: Final = "missing"
_COLUMNS: Final = (
    *("point", "id", "kind", "name", "variant", "manufacturer", "model", "hardware", "firmware", "software"),
    *("serial", "taken into use", "retired", "used for", "certificates", "certificate status"),
    *("certificate ends", "certificate standard", "test module"),
)
# A cell that begins so is a formula to programs that open the file.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-PRODUCTS", disabled=b"")
def register_csv(
    facts: Facts,
    reports: Iterable[Report],
    offered: Iterable[OfferedDevice] = (),
    *,
    point: str | None = None,
) -> bytes:
    """All products, one a line; `point` ``13(l)`` or ``13(m)`` alone. An empty list says ``missing``."""
    reports = tuple(reports)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*_COLUMNS, *(f"verdict {one.rule_set} {one.at}" for one in reports)])
    rows = [*_products(facts, reports), *_offered(offered, len(reports))]
    kept = [row for row in rows if point is None or row[0] == point]
    for row in kept:
        writer.writerow([_cell(one) for one in row])
    if not kept:
        writer.writerow([point or MISSING, MISSING])
    return out.getvalue().encode()


def is_listed(facts: Facts, offered: Iterable[OfferedDevice], point: str) -> bool:
    """Whether there is anything for a point."""
    return any(point_of(one) == point for one in facts.products) or (point == "13(l)" and any(offered))


def point_of(product: Product) -> str:
    """The point of the annex that a product belongs to."""
    return "13(l)" if product.kind is ProductKind.DEVICE else "13(m)"


def _products(facts: Facts, reports: tuple[Report, ...]) -> Iterator[list[str]]:
    known = {one.id: one for one in facts.certificates}
    verdicts = [{one.product: one.verdict.value for one in report.products} for report in reports]
    for one in facts.products:
        uses = [f"{use.service}/{use.process}" for use in facts.bindings if use.product == one.id]
        held = [known[name] for name in one.certificates if name in known]
        yield [
            *(point_of(one), one.id, one.kind.value, one.name, one.variant, one.manufacturer, one.model),
            *(one.hardware, one.firmware, one.software, one.serial),
            *(_day(one.taken_into_use), _day(one.retired), "; ".join(uses) or "nothing"),
            "; ".join(one.certificates) or MISSING,
            *(_told(held, name) for name in (FactName.STATUS, FactName.ENDS, FactName.STANDARD)),
            _test_module(one),
            *(_verdict(found, one.id) for found in verdicts),
        ]


def _offered(devices: Iterable[OfferedDevice], rule_sets: int) -> Iterator[list[str]]:
    for one in devices:
        until = _day(one.certified_until)
        yield [
            *("13(l)", one.product, one.kind, one.product, *[""] * 9, "given to subscribers"),
            *(one.reference or MISSING, "", until or MISSING, "", ""),
            *["not in the register"] * rule_sets,
        ]


def _test_module(product: Product) -> str:
    if is_test_module(product):
        return "yes: protects keys against nobody"
    return "not looked at" if product.observed is None else "no"


def _verdict(found: Mapping[str, str], product: str) -> str:
    return found.get(product, "not used")


def _told(held: list[Certificate], name: FactName) -> str:
    return "; ".join(f"{one.id}: {fact_text(one.value(name))}" for one in held) or MISSING


def fact_text(value: Value | Missing | Conflict) -> str:
    """What sources say, as people read it."""
    match value:
        case Missing():
            return MISSING
        case Conflict():
            return "sources differ"
        case _:
            return value_text(value)


def _day(value: date | None) -> str:
    return "" if value is None else value.isoformat()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
