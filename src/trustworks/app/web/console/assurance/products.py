"""The register of products: the list, and all that is known of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from trustworks.app.web.console.assurance.room import ROOT, Room
from trustworks.app.web.console.edge import nothing_here
from trustworks.assurance import records
from trustworks.assurance.engine import evaluate
from trustworks.assurance.model import (
    CheckKind,
    ConfirmationKind,
    Conflict,
    DocumentKind,
    Product,
    ProductKind,
    due_of,
    value_text,
)
from trustworks.assurance.records import EntryKind, differences
from trustworks.assurance.registered import facts_of
from trustworks.assurance.rules import FUNCTIONS
from trustworks.assurance.service import LARGEST_FILE
from trustworks.assurance.sources import stale

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from enum import StrEnum

    from trustworks.app.web.console.edge import Page, Visit
    from trustworks.assurance.model import (
        Certificate,
        FactName,
        Identity,
        Provenance,
        Report,
        Verdict,
    )
    from trustworks.assurance.records import Version
    from trustworks.core.http import RawResponse

PRODUCTS = f"{ROOT}/products"
# What the register says and a module says of itself, by the names that both have.
_COMPARED = ("manufacturer", "model", "serial", "hardware", "firmware", "library_sha256")
FIELDS = (
    *("name", "variant", "manufacturer", "model", "hardware", "firmware", "software", "serial"),
    *("library_sha256", "token", "owner", "place"),
)


class Row(NamedTuple):
    """A product with its verdicts, in the order of the rule sets; None where nothing uses it."""

    product: Product
    verdicts: list[Verdict | None]


class Compared(NamedTuple):
    """A field of the register beside what the module says; `word` is how they stand to one another."""

    name: str
    registered: str
    observed: str
    word: str


class Told(NamedTuple):
    """What sources say alike of a certificate; `differs` where others say something else.

    `places` are where it was read: the number of the source, and the place in it.
    """

    name: FactName
    value: str
    places: list[tuple[int, str]]
    differs: bool


class Shown(NamedTuple):
    """A certificate with all that sources say of it, or None where no source is at hand any more.

    `sources` are in the order of their numbers, each with whether it was retrieved too long ago.
    """

    id: str
    certificate: Certificate | None
    sources: list[tuple[Provenance, bool]]
    facts: list[Told]


class Past(NamedTuple):
    """A version of an entry, and what it changed."""

    version: Version
    changes: list[dict[str, Any]]


class ProductPages(Room):
    """The handlers. They only read."""

    def pages(self) -> list[Page]:
        """The pages."""
        return [self._page(ROOT, self.show_all), self._page(f"{PRODUCTS}/{{}}", self.show)]

    def show_all(self, visit: Visit) -> RawResponse:
        """The list."""
        facts = self._facts()
        reports = [evaluate(facts, rules, self._today) for rules in self._rule_sets()]
        return self._drawn(
            "products.html",
            visit,
            rows=[Row(one, _verdicts(reports, one.id)) for one in facts.products],
            reports=reports,
            tests=[one for one in facts.products if is_test(one)],
            fields=FIELDS,
            kinds=words_of(ProductKind),
        )

    def show(self, visit: Visit) -> RawResponse:
        """All that is known of a product."""
        (identifier,) = visit.parts
        with self._office.database.read() as connection:
            facts = facts_of(connection)
            versions = records.history(connection, EntryKind.PRODUCT, identifier)
            kept = {one.sha256: one for one in records.files(connection)}
        found = next((one for one in facts.products if one.id == identifier), None)
        if found is None:
            raise nothing_here()
        known = {one.id: one for one in facts.certificates}
        reports = [evaluate(facts, rules, self._today) for rules in self._rule_sets()]
        return self._drawn(
            "product.html",
            visit,
            product=found,
            test=is_test(found),
            verdicts=list(zip(reports, _verdicts(reports, identifier), strict=True)),
            compared=compared(found),
            certificates=[shown(one, known.get(one), self._today) for one in found.certificates],
            bindings=[one for one in facts.bindings if one.product == identifier],
            documents=[one for one in facts.documents if one.product == identifier],
            kept=kept,
            checks=_newest(one for one in facts.checks if one.product == identifier),
            due_of=due_of,
            confirmations=_newest(one for one in facts.confirmations if one.product == identifier),
            transfers=_newest(one for one in facts.transfers if identifier in (one.source, one.target)),
            headcounts=[one for one in facts.headcounts if one.product == identifier],
            past=past(versions),
            seen=versions[-1].number,
            processes=self._processes(),
            functions=FUNCTIONS,
            chosen={
                "check": words_of(CheckKind),
                "confirmation": words_of(ConfirmationKind),
                "document": words_of(DocumentKind),
                "certificates": [(one, one) for one in found.certificates],
                "others": [(one.id, one.id) for one in facts.products],
                "bindings": [
                    (f"{one.service}/{one.process}",) * 2
                    for one in facts.bindings
                    if one.product == identifier
                ],
            },
            fields=FIELDS,
            megabytes=LARGEST_FILE // (1024 * 1024),
        )

    def _processes(self) -> list[tuple[str, str]]:
        """What a product can be bound to: service and process, and the words of the first set that has it."""
        found: dict[str, str] = {}
        for rules in self._rule_sets():
            for one in rules.processes:
                if not one.follows:
                    found.setdefault(f"{one.service}/{one.id}", one.label)
        return [(name, f"{name}: {label}") for name, label in sorted(found.items())]


def words_of(kinds: Iterable[StrEnum]) -> list[tuple[str, str]]:
    """What a form offers of an enumeration: the value, and its words."""
    return [(one.value, one.value.replace("-", " ")) for one in kinds]


def is_test(product: Product) -> bool:
    """Whether it is software that plays a device: by what it said itself, or by what the register says."""
    return bool(product.test_module)


def _verdicts(reports: Iterable[Report], product: str) -> list[Verdict | None]:
    return [
        next((found.verdict for found in report.products if found.product == product), None)
        for report in reports
    ]


def _newest(entries: Iterable[Any]) -> list[Any]:
    return sorted(entries, key=lambda one: one.on, reverse=True)


def compared(product: Product) -> list[Compared]:
    """Every field of the register, and what the module says of it."""
    return [_compared(product, product.observed, name) for name in FIELDS]


def _compared(product: Product, seen: Identity | None, name: str) -> Compared:
    registered = getattr(product, name)
    if name not in _COMPARED:
        return Compared(name, registered, "", "")
    if seen is None:
        return Compared(name, registered, "", "not read")
    observed = getattr(seen, name)
    if not registered:
        return Compared(name, registered, observed, "not registered")
    return Compared(name, registered, observed, "same" if registered == observed else "differs")


def shown(identifier: str, certificate: Certificate | None, today: date) -> Shown:
    """A certificate with its facts, in the order in which they came, and where each was read."""
    if certificate is None:
        return Shown(identifier, None, [], [])
    read = {(one.provenance.document, one.provenance.retrieved): one.provenance for one in certificate.facts}
    numbers = {key: number for number, key in enumerate(read, 1)}
    found = []
    for name in dict.fromkeys(one.name for one in certificate.facts):
        by_value: dict[str, list[tuple[int, str]]] = {}
        for fact in certificate.told(name):
            number = numbers[fact.provenance.document, fact.provenance.retrieved]
            by_value.setdefault(value_text(fact.value), []).append((number, fact.provenance.place))
        differs = isinstance(certificate.value(name), Conflict)
        found += [Told(name, value, places, differs) for value, places in by_value.items()]
    return Shown(identifier, certificate, [(one, stale(one, today)) for one in read.values()], found)


def past(versions: Iterable[Version]) -> list[Past]:
    """The versions of a product, the newest first, each with what it changed."""
    found: list[Past] = []
    before = None
    for one in versions:
        entry = None if one.content is None else records.decode(Product, one.content)
        changes: list[Any] = [] if entry is None else list(differences(before, entry))
        found.append(Past(one, changes))
        before = entry
    return found[::-1]
