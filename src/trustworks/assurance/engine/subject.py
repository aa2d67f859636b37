"""What one question is asked about, and the facts by product, found once for all questions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from trustworks.assurance.model import CertificateKind, DocumentKind
from trustworks.assurance.rulesets.domains import OF_CERTIFICATE
from trustworks.core.remembered import remembered
from trustworks.core.uncollected import uncollected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from trustworks.assurance.engine.known import Found, Known
    from trustworks.assurance.model import (
        Binding,
        Certificate,
        Check,
        CheckKind,
        Confirmation,
        ConfirmationKind,
        Document,
        Fact,
        Facts,
        Headcount,
        Product,
        Provenance,
        Transfer,
        Used,
    )
    from trustworks.assurance.rulesets import RuleSet
    from trustworks.assurance.rulesets.model import Parameter, Process

    T = TypeVar("T", bound=Document | Check | Confirmation | Headcount)
    # What an answer stands on, as it is in the register; `telling` makes words of it.
    Basis: TypeAlias = Fact | Confirmation | Document | Check | Transfer | Headcount | Used
    # Of a FIPS certificate: its overall level with the areas that differ, and what that stands on.
    Levels: TypeAlias = tuple[tuple[int, dict[str, int | None]] | None, tuple[Basis, ...]]


class Index:
    """The facts of one evaluation, by the product that they are about."""

    def __init__(self, facts: Facts) -> None:
        with uncollected():
            self._sort(facts)

    def _sort(self, facts: Facts) -> None:
        self.facts = facts
        self.products = {one.id: one for one in facts.products}
        self.certificates = {one.id: one for one in facts.certificates}
        self.documents = _by_product(facts.documents)
        self.checks = _by_product(facts.checks)
        self.confirmations = _by_certificate(facts.confirmations)
        self.headcounts = _by_product(facts.headcounts)
        self.levels: dict[str, Levels] = {}
        self.told: dict[int, str] = {}  # provenances in words, by `id`, as the facts hold them
        self.bindings: dict[tuple[str, str], tuple[Binding, ...]] = {}
        for one in facts.bindings:
            place = (one.service, one.process)
            self.bindings[place] = (*self.bindings.get(place, ()), one)

    @cached_property
    def sources(self) -> tuple[Provenance, ...]:
        """The documents that facts were read out of, each once."""
        found = {
            fact.provenance.document: fact.provenance for one in self.facts.certificates for fact in one.facts
        }
        return tuple(found.values())

    @cached_property
    def transfers(self) -> Mapping[str, tuple[Transfer, ...]]:
        """Transfers by each of the two modules."""
        found: dict[str, tuple[Transfer, ...]] = {}
        for one in self.facts.transfers:
            for product in dict.fromkeys((one.source, one.target)):
                found[product] = (*found.get(product, ()), one)
        return found

    def certificates_of(self, product: Product) -> tuple[Certificate, ...]:
        """Those that the register binds to the product and that are known, in their order."""
        return tuple(self.certificates[one] for one in product.certificates if one in self.certificates)


def _by_certificate(
    given: Iterable[Confirmation],
) -> dict[tuple[str, str, ConfirmationKind], tuple[Confirmation, ...]]:
    """Confirmations with a person and a page, in the order of their days."""
    found: dict[tuple[str, str, ConfirmationKind], list[Confirmation]] = {}
    for one in given:
        if one.by.strip() and one.page.strip():
            found.setdefault((one.product, one.certificate, one.kind), []).append(one)
    return {
        place: tuple(sorted(those, key=lambda one: one.on) if those[1:] else those)
        for place, those in found.items()
    }


def _by_product(given: Iterable[T]) -> dict[str, tuple[T, ...]]:
    found: dict[str, list[T]] = {}
    for one in given:
        found.setdefault(one.product, []).append(one)
    return {product: tuple(those) for product, those in found.items()}


_OF_CERTIFICATE = frozenset(OF_CERTIFICATE)
# Documents that are nothing without what they are against; design and tests are of the product itself.
_OF_A_STANDARD = frozenset({DocumentKind.CONFORMITY, DocumentKind.ISO_19790})


@dataclass(slots=True, eq=False)  # as `Subject`
class Answer:
    """What a question found: an answer of its domain, how a sentence tells it, on what it stands."""

    value: str | int
    told: str = ""
    facts: tuple[Basis, ...] = ()

    @property
    def words(self) -> str:
        """For the place of the question's name in a sentence."""
        return self.told or str(self.value)


@dataclass(slots=True, kw_only=True, eq=False)  # not frozen, which would cost more than the questions
class Subject:
    """One product in one process, with one certificate or none, on one day."""

    index: Index
    rules: RuleSet
    at: date
    product: Product
    binding: Binding
    process: Process
    certificate: Certificate | None
    parameters: Mapping[str, Parameter]
    stale: frozenset[str]
    known: Known
    certified: Found  # of what is known, that about the certificate

    def altered(
        self,
        *,
        certificate: Certificate | None = None,
        parameters: Mapping[str, Parameter] | None = None,
        known: Known | None = None,
    ) -> Subject:
        """The same with another certificate; or with other parameters, and what is known with them."""
        certificate, known = certificate or self.certificate, known or self.known
        return Subject(  # `dataclasses.replace` takes four times as long
            index=self.index,
            rules=self.rules,
            at=self.at,
            product=self.product,
            binding=self.binding,
            process=self.process,
            certificate=certificate,
            parameters=self.parameters if parameters is None else parameters,
            stale=self.stale,
            known=known,
            certified=known.of_product if certificate is None else known.of_certificate(certificate.id),
        )

    def ask(self, question: str) -> Answer:
        """The answer to a question, which is sought once."""
        found = (self.certified if question in _OF_CERTIFICATE else self.known.of_product).answers
        answer = found.get(question)
        if answer is None:
            answer = found[question] = self.known.questions[question](self)
        return answer

    def words(self, parameter: str) -> tuple[str, ...]:
        """A parameter that is a list; empty where it is not given."""
        found = self.parameters.get(parameter, ())
        if isinstance(found, str):
            return (found,)
        return found if isinstance(found, tuple) else ()

    def number(self, parameter: str) -> int:
        """A parameter that is a number; 0 where it is not given."""
        found = self.parameters.get(parameter, 0)
        return found if isinstance(found, int) else 0

    def documents(self, kind: DocumentKind) -> tuple[Document, ...]:
        """The product's documents of a kind that were written by this day, the newest last."""
        standard = self.words("standard") if kind in _OF_A_STANDARD else ()
        return tuple(
            sorted(
                (
                    one
                    for one in self.index.documents.get(self.product.id, ())
                    if one.kind is kind
                    and one.written <= self.at
                    and (not standard or same_name(one.standard, standard[0]))
                ),
                key=lambda one: one.written,
            )
        )

    def checks(self, kind: CheckKind) -> tuple[Check, ...]:
        """The product's checks of a kind that were made by this day, the newest last."""
        return tuple(
            sorted(
                (
                    one
                    for one in self.index.checks.get(self.product.id, ())
                    if one.kind is kind and one.on <= self.at
                ),
                key=lambda one: one.on,
            )
        )

    def confirmations(self, kind: ConfirmationKind) -> tuple[Confirmation, ...]:
        """What persons confirmed about the certificate by this day, with a page, the newest last."""
        if self.certificate is None:
            return ()
        found = self.index.confirmations.get((self.product.id, self.certificate.id, kind), ())
        if not found or found[-1].on <= self.at:  # they are in the order of their days
            return found
        return tuple(one for one in found if one.on <= self.at)


def same_name(first: str, second: str) -> bool:
    """Whether two names of a standard are one, however they are spaced: EN 419221-5, EN419 221-5:2018."""
    return _number(first) == _number(second)


def names(text: str, wanted: str) -> bool:
    """Whether a text names a standard: ``419221-5`` in "CEN EN 419 221-5:2018, version 1.0"."""
    number = _number(wanted)
    found = _plain(text, keep_year=True)
    place = found.find(number)
    while place >= 0:
        after = found[place + len(number) : place + len(number) + 2]
        before = found[place - 1 : place]
        part = after.startswith("-") and after[1:].isdigit()  # another part of the same standard
        if not after[:1].isdigit() and not before.isdigit() and not part:
            return True
        place = found.find(number, place + 1)
    return False


@remembered(4096)
def area_name(name: str) -> str:
    """An area of FIPS 140 or ISO/IEC 19790, to be compared: whatever its spaces, commas and capitals."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", name.lower()).replace(" and ", " ").split())


def _number(name: str) -> str:
    """``419261`` of EN 419261, CEN/TS 419 261 and EN 419261:2015: bodies and years tell nothing apart."""
    return _plain(name).lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ/")


def _plain(name: str, *, keep_year: bool = False) -> str:
    head = name if keep_year else name.partition(":")[0]
    return "".join(one for one in head.upper() if not one.isspace() and one != "_")


KINDS_OF_ENDED = {
    CertificateKind.FIPS: "historical",
    CertificateKind.CC: "archived",
}
