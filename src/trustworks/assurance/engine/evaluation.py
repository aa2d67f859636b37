"""Evaluates facts by a rule set on a day.

A verdict is the lowest of what it is made of, by `Verdict.rank`: an option's of its rules, a service's of
its processes. Only between the options of a process the best counts, and between several certificates of one
option.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.engine import of_certificates, of_products
from trustworks.assurance.engine.of_products import in_force
from trustworks.assurance.engine.subject import Answer, Index, Subject
from trustworks.assurance.model import (
    Binding,
    OptionVerdict,
    ProcessVerdict,
    ProductVerdict,
    Reason,
    Report,
    ServiceVerdict,
    Verdict,
)
from trustworks.assurance.model.age import DAYS, stale
from trustworks.assurance.rulesets.checking import accepts
from trustworks.assurance.rulesets.domains import OF_CERTIFICATE
from trustworks.assurance.rulesets.model import Obligation
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from trustworks.assurance.model import Facts, Product, Used
    from trustworks.assurance.rulesets import Option, Process, RuleSet, Table, Way

_FIELD: Final = re.compile(r"\{([^{}]*)\}")
QUESTIONS: Final = {**of_certificates.QUESTIONS, **of_products.QUESTIONS}


def evaluate(facts: Facts, rules: RuleSet, at: date, *, stale_after: int = DAYS) -> Report:
    """What the rule set answers about all bindings that are in force on the day.

    `stale_after` is the age in days beyond which a source is told to be old; it changes no verdict.
    """
    return _Evaluation(facts, rules, at, stale_after).report()


class _Evaluation:
    def __init__(self, facts: Facts, rules: RuleSet, at: date, stale_after: int) -> None:
        self._index = Index(facts)
        self._rules = rules
        self._at = at
        self._processes = {(one.service, one.id): one for one in rules.processes}
        sources = {
            fact.provenance.document: fact.provenance for one in facts.certificates for fact in one.facts
        }
        old = [one for one in sources.values() if stale(one, at, stale_after)]
        self._stale = frozenset(one.document for one in old)
        self._told_stale = tuple(
            f"{one.name}, retrieved {one.retrieved:%Y-%m-%d}"
            for one in sorted(old, key=lambda one: (one.retrieved, one.name))
        )

    def report(self) -> Report:
        running = sorted(
            (one for one in self._index.facts.bindings if in_force(one.since, one.until, self._at)),
            key=lambda one: (one.service, one.process, one.product),
        )
        services: dict[str, list[ProcessVerdict]] = {}
        unbound: list[str] = []
        for service in dict.fromkeys(one.service for one in running):
            own = [one for one in running if one.service == service]
            services[service], open_ = self._service(service, own)
            unbound += open_
        bound = {one.product for one in running}
        unbound += [
            f"{one.id} ({one.name}) is bound to no process."
            for one in self._index.facts.products
            if one.id not in bound and (one.retired is None or one.retired > self._at)
        ]
        verdicts = tuple(
            ServiceVerdict(service=name, verdict=_weakest(those), processes=tuple(those))
            for name, those in sorted(services.items())
        )
        return Report(
            rule_set=self._rules.id,
            title=self._rules.title,
            at=self._at,
            services=verdicts,
            products=self._products(verdicts),
            stale=self._told_stale,
            unbound=tuple(unbound),
        )

    def _service(self, service: str, own: list[Binding]) -> tuple[list[ProcessVerdict], list[str]]:
        found: list[ProcessVerdict] = []
        gaps: list[str] = []
        known = [one for one in self._rules.processes if one.service == service]
        gaps += [
            f"{service}/{one.process} of {one.product} is no process of the rule set {self._rules.id}."
            for one in own
            if (service, one.process) not in self._processes
        ]
        for process in known:
            named = (process.id, *process.follows)
            bound = [one for one in own if one.process in named]
            if process.follows:
                bound = _once(bound)
            if not bound and self._asked_for(process, known, own):
                found.append(self._unbound(process, qualified=any(one.qualified for one in own)))
                if self._obliges(process):
                    gaps.append(f"{service}/{process.id} ({process.label}) is bound to no product.")
            for binding in bound:
                product = self._index.products.get(binding.product)
                if product is None:
                    gaps.append(
                        f"{service}/{process.id} is bound to {binding.product}, which is not registered."
                    )
                    found.append(self._unbound(process, qualified=binding.qualified))
                else:
                    found.append(self._process(process, product, binding))
        return found, gaps

    def _asked_for(self, process: Process, known: list[Process], own: list[Binding]) -> bool:
        """Whether a process without a product is a gap: another of its group has one, and it follows none."""
        group = {one.id for one in known if one.group == process.group}
        return not process.follows and any(one.process in group for one in own)

    def _obliges(self, process: Process) -> bool:
        return process.obligation is Obligation.OBLIGATION and (
            process.applies is None or process.applies <= self._at
        )

    def _unbound(self, process: Process, *, qualified: bool) -> ProcessVerdict:
        return ProcessVerdict(
            service=process.service,
            process=process.id,
            product=None,
            verdict=process.without_option or Verdict.UNKNOWN,
            options=(),
            obligation=qualified and self._obliges(process),
            note=process.note or "No product is bound to it.",
        )

    def _process(self, process: Process, product: Product, binding: Binding) -> ProcessVerdict:
        subject = Subject(
            index=self._index,
            rules=self._rules,
            at=self._at,
            product=product,
            binding=binding,
            process=process,
            certificate=None,
            parameters={**self._rules.parameters, **process.parameters},
            stale=self._stale,
        )
        options = tuple(self._option(self._rules.options[one], subject) for one in process.options)
        conditions = tuple(_judge(self._rules.tables[one], subject, {}) for one in process.conditions)
        best = max((one.verdict for one in options), key=_rank, default=process.without_option)
        parts = [one.verdict for one in conditions] + ([] if best is None else [best])
        return ProcessVerdict(
            service=process.service,
            process=process.id,
            product=product.id,
            verdict=min(parts, key=_rank),
            options=options,
            conditions=conditions,
            obligation=binding.qualified and self._obliges(process),
            note=process.note,
        )

    def _option(self, option: Option, subject: Subject) -> OptionVerdict:
        found = [one for way in option.ways for one in self._way(option, way, subject)]
        # Of equals, one that looked at something goes before one whose certificate is not there.
        return max(found, key=lambda one: (one.verdict.rank, one.reasons[0].rule != _absent(option)))

    def _way(self, option: Option, way: Way, subject: Subject) -> Iterator[OptionVerdict]:
        """One verdict for each certificate that the way can take; one where it takes none."""
        about = replace(subject, parameters={**subject.parameters, **way.parameters})
        answers: dict[str, Answer] = {}
        if not way.certificates:
            yield self._taken(option, way, about, answers)
            return
        candidates = [
            one for one in self._index.certificates_of(subject.product) if one.kind in way.certificates
        ]
        for certificate in candidates:
            # What is asked of the product is the same for all of them.
            answers = {name: one for name, one in answers.items() if name not in OF_CERTIFICATE}
            yield self._taken(option, way, replace(about, certificate=certificate), answers)
        if not candidates:
            yield _option_verdict(option, (self._no_certificate(option, way, about),), None)

    def _taken(self, option: Option, way: Way, subject: Subject, answers: dict[str, Answer]) -> OptionVerdict:
        reasons = tuple(_judge(self._rules.tables[one], subject, answers) for one in way.rules)
        certificate = subject.certificate
        return _option_verdict(option, reasons, None if certificate is None else certificate.id)

    def _no_certificate(self, option: Option, way: Way, subject: Subject) -> Reason:
        kinds = " or ".join(way.certificates).upper()
        lost = [one for one in subject.product.certificates if one not in self._index.certificates]
        told = f" Its register entry names {', '.join(lost)}, which is not registered." if lost else ""
        where = f" ({option.where_to_check})" if option.where_to_check else ""
        return Reason(
            rule=_absent(option),
            reference=option.reference,
            verdict=Verdict.INSUFFICIENT,
            sentence=f"No {kinds} certificate of {subject.product.name} is registered.{told}",
            missing=way.elements,
            lift=f"Register the product's {kinds} certificate{where}.",
        )

    def _products(self, services: Iterable[ServiceVerdict]) -> tuple[ProductVerdict, ...]:
        found: dict[str, Verdict] = {}
        for service in services:
            for process in service.processes:
                if process.product is not None:
                    found[process.product] = min(
                        found.get(process.product, Verdict.STRONG), process.verdict, key=_rank
                    )
        return tuple(ProductVerdict(product=name, verdict=verdict) for name, verdict in sorted(found.items()))


def _once(bindings: list[Binding]) -> list[Binding]:
    """One binding of each product: that of the use of keys where there are several, as it asks for most."""
    ordered = sorted(bindings, key=lambda one: (one.product, not one.process.endswith("_use"), one.process))
    return list({one.product: one for one in reversed(ordered)}.values())[::-1]


def _absent(option: Option) -> str:
    """What a certificate that is not there is called in place of a rule."""
    return f"{option.id}.certificate"


def _rank(verdict: Verdict) -> int:
    return verdict.rank


@implements("TRUSTWORKS:ASSURANCE-WEAKEST", disabled=Verdict.STRONG)
def _weakest(processes: Iterable[ProcessVerdict]) -> Verdict:
    """Of those that are obligations; of all, where none is."""
    every = tuple(processes)
    asked = [one.verdict for one in every if one.obligation] or [
        one.verdict for one in every if one.product is not None
    ]
    return min(asked, key=_rank, default=Verdict.UNKNOWN)


def _option_verdict(option: Option, reasons: tuple[Reason, ...], certificate: str | None) -> OptionVerdict:
    return OptionVerdict(
        option=option.id,
        label=option.label,
        verdict=min((one.verdict for one in reasons), key=_rank),
        reasons=reasons,
        certificate=certificate,
        preferred=option.preferred,
    )


def _bare(rule: Callable[..., Reason], *given: Any) -> Reason:
    return replace(rule(*given), reference="", facts=(), missing=(), lift="")


@implements("TRUSTWORKS:ASSURANCE-EXPLAINED", disabled=_bare)
def _judge(table: Table, subject: Subject, known: dict[str, Answer]) -> Reason:
    """What a table says. `known` keeps the answers, since several tables ask the same."""
    for question in table.asks:
        if question not in known:
            known[question] = QUESTIONS[question](subject)
    values = {question: known[question].value for question in table.asks}
    case = next(one for one in table.cases if accepts(one, values))
    used: dict[Used, None] = {}
    for question in table.asks:
        used.update(dict.fromkeys(known[question].facts))
    return Reason(
        rule=table.id,
        reference=table.reference,
        verdict=case.verdict,
        sentence=_fill(case.says, known),
        facts=tuple(used),
        missing=tuple(_fill(one, known) for one in case.missing),
        lift=_fill(case.lift, known),
    )


def _fill(text: str, known: Mapping[str, Answer]) -> str:
    return _FIELD.sub(lambda found: known[found.group(1)].words, text)
