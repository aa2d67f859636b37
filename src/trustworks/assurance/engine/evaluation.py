"""Evaluates facts by a rule set on a day.

A verdict is the lowest of what it is made of, by `Verdict.rank`: an option's of its rules, a service's of
its processes. Only between the options of a process the best counts, and between several certificates of one
option.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.assurance.engine import of_certificates, of_keys, of_products, of_systems
from trustworks.assurance.engine.acts import (
    begins,
    in_force_first,
    process_not_in_force,
)
from trustworks.assurance.engine.known import Known
from trustworks.assurance.engine.of_products import in_force
from trustworks.assurance.engine.options import Options, by_rank
from trustworks.assurance.engine.subject import Index, Subject
from trustworks.assurance.engine.telling import explain
from trustworks.assurance.model import (
    Binding,
    ProcessVerdict,
    Product,
    ProductKind,
    ProductVerdict,
    Report,
    ServiceVerdict,
    Verdict,
)
from trustworks.assurance.model.age import DAYS, stale
from trustworks.assurance.rulesets.model import Obligation
from trustworks.core.trace import implements
from trustworks.core.uncollected import uncollected

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from trustworks.assurance.model import Facts, LiveModule
    from trustworks.assurance.rulesets import Process, RuleSet

QUESTIONS: Final = {
    **of_certificates.QUESTIONS,
    **of_products.QUESTIONS,
    **of_keys.QUESTIONS,
    **of_systems.QUESTIONS,
}


def evaluate(facts: Facts | Index, rules: RuleSet, at: date, *, stale_after: int = DAYS) -> Report:
    """What the rule set answers about all bindings that are in force on the day.

    Who asks several times about the same facts gives their `Index`, which is made once.

    `stale_after` is the age in days beyond which a source is told to be old; it changes no verdict.
    """
    index = facts if isinstance(facts, Index) else Index(facts)
    with uncollected():  # a report over a large register has a hundred thousand objects
        return _Evaluation(index, rules, at, stale_after).report()


class _Evaluation:
    def __init__(self, index: Index, rules: RuleSet, at: date, stale_after: int) -> None:
        self._index = index
        self._rules = rules
        self._at = at
        self._options = Options(rules)
        self._processes = {(one.service, one.id): one for one in rules.processes}
        self._live = tuple(one for one in index.facts.unregistered if one.seen.at.date() <= at)
        old = [one for one in index.sources if stale(one, at, stale_after)]
        self._stale = frozenset(one.document for one in old)
        self._loose: tuple[tuple[str, str, str], ...] = ()
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
        used = (service for one in self._live for service, _ in one.uses)
        self._loose = self._without_binding(running)
        loose = (service for service, _, _ in self._loose)
        for service in dict.fromkeys((*(one.service for one in running), *used, *loose)):
            own = [one for one in running if one.service == service]
            services[service], open_ = self._service(service, own)
            unbound += open_
        unbound += [
            f"No product of the register names the token {one.token}, which is used: on it is "
            f"{one.seen.manufacturer} {one.seen.model}, serial number {one.seen.serial}."
            for one in self._live
            if one.uses
        ]
        unbound += [
            f"{service}/{process} uses {product}, which is registered and not bound to it: `trustworks "
            f"assurance binding add {service} {process} {product}` binds it."
            for service, process, product in self._loose
        ]
        bound = {one.product for one in running}
        unbound += [
            f"{one.id} ({one.name}) is bound to no process."
            for one in self._index.facts.products
            if one.id not in bound and (one.retired is None or one.retired > self._at)
        ]
        verdicts = tuple(
            ServiceVerdict(service=name, verdict=_weakest(those), processes=tuple(those))
            for name, those in sorted(services.items())
            if those
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
            live = [one for one in self._live if (service, process.id) in one.uses]
            if live:
                qualified = not own or any(one.qualified for one in own)
                found.append(self._unregistered(process, live, qualified=qualified))
            loose = [one for one in self._loose if one[:2] == (service, process.id)]
            found += [self._not_bound(process, product, own) for _, _, product in loose]
            if not bound and not live and not loose and self._asked_for(process, known, own):
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

    @implements("TRUSTWORKS:ASSURANCE-LIVE-UNBOUND", disabled=())
    def _without_binding(self, running: Iterable[Binding]) -> tuple[tuple[str, str, str], ...]:
        """Service, process and product of what a look found in use, and the register does not bind so.

        Bound to the same process of another service is bound: keys of authorities issue for several.
        """
        bound = {(one.product, one.process) for one in running}
        return tuple(
            (service, process, one.product)
            for one in self._index.facts.used
            if one.seen.at.date() <= self._at
            for service, process in one.uses
            if (one.product, process) not in bound
        )

    def _not_bound(self, process: Process, name: str, own: list[Binding]) -> ProcessVerdict:
        """A process that uses a product which is not bound to it: nothing more is known than what that is."""
        found = self._unbound(process, qualified=not own or any(one.qualified for one in own))
        product = self._index.products.get(name)
        test = product is not None and product.test_module and found.begins is None
        told = f"It uses {name}, which is registered and not bound to it."
        return replace(
            found,
            verdict=Verdict.INSUFFICIENT if test else found.verdict,
            note=f"{told} It is a test module." if test else told,
        )

    def _asked_for(self, process: Process, known: list[Process], own: list[Binding]) -> bool:
        """Whether a process without a product is a gap: another of its group has one, and it follows none."""
        group = {one.id for one in known if one.group == process.group}
        return not process.follows and any(one.process in group for one in own)

    def _obliges(self, process: Process) -> bool:
        return process.obligation is Obligation.OBLIGATION and begins(process.act, self._at) is None

    def _unbound(self, process: Process, *, qualified: bool) -> ProcessVerdict:
        ahead = begins(process.act, self._at)
        return ProcessVerdict(
            service=process.service,
            process=process.id,
            product=None,
            verdict=(process.without_option if ahead is None else None) or Verdict.UNKNOWN,
            options=(),
            obligation=qualified and self._obliges(process),
            note=process.note if process.without_option else "No product is bound to it.",
            act="" if process.act is None else process.act.id,
            begins=ahead,
        )

    def _unregistered(
        self, process: Process, live: Iterable[LiveModule], *, qualified: bool
    ) -> ProcessVerdict:
        """A process that uses modules which no product names: what the tables say that ask about it."""
        found = self._unbound(process, qualified=qualified)
        if found.begins is not None:
            return found
        tables = [self._rules.tables[one] for one in process.conditions]
        reasons = []
        for one in live:
            module = Product(id="", kind=ProductKind.MODULE, name=f"the token {one.token}", observed=one.seen)
            service, name = process.service, process.id
            subject = self._subject(process, module, Binding(product="", service=service, process=name))
            reasons += [
                explain(table, self._options.decide(table, subject), subject)
                for table in tables
                if "registered" in table.asks
            ]
        return replace(
            found,
            verdict=min((one.verdict for one in reasons), key=by_rank, default=Verdict.UNKNOWN),
            conditions=tuple(reasons),
            note="It uses a module that no product of the register names.",
        )

    def _subject(self, process: Process, product: Product, binding: Binding) -> Subject:
        known = Known(QUESTIONS)
        return Subject(
            index=self._index,
            rules=self._rules,
            at=self._at,
            product=product,
            binding=binding,
            process=process,
            certificate=None,
            parameters={**self._rules.parameters, **process.parameters},
            stale=self._stale,
            known=known,
            certified=known.of_product,
        )

    def _process(self, process: Process, product: Product, binding: Binding) -> ProcessVerdict:
        if process.act is not None and begins(process.act, self._at) is not None:
            asked = (self._rules.options[one] for one in process.options)
            return process_not_in_force(process, process.act, product.id, asked, self._at)
        subject = self._subject(process, product, binding)
        options = tuple(self._options.verdict(self._rules.options[one], subject) for one in process.options)
        conditions = tuple(
            explain(table, self._options.decide(table, subject), subject)
            for table in (self._rules.tables[one] for one in process.conditions)
        )
        best = max((one.verdict for one in options), key=by_rank, default=process.without_option)
        parts = [one.verdict for one in conditions] + ([] if best is None else [best])
        return ProcessVerdict(
            service=process.service,
            process=process.id,
            product=product.id,
            verdict=min(parts, key=by_rank),
            options=options,
            conditions=conditions,
            obligation=binding.qualified and self._obliges(process),
            note=process.note,
            act="" if process.act is None else process.act.id,
        )

    def _products(self, services: Iterable[ServiceVerdict]) -> tuple[ProductVerdict, ...]:
        used: dict[str, list[ProcessVerdict]] = {}
        for one in (one for service in services for one in service.processes):
            if one.product is not None:
                used.setdefault(one.product, []).append(one)
        return tuple(
            ProductVerdict(
                product=name, verdict=min((one.verdict for one in in_force_first(those)), key=by_rank)
            )
            for name, those in sorted(used.items())
        )


def _once(bindings: list[Binding]) -> list[Binding]:
    """One binding of each product: that of the use of keys where there are several, as it asks for most."""
    ordered = sorted(bindings, key=lambda one: (one.product, not one.process.endswith("_use"), one.process))
    return list({one.product: one for one in reversed(ordered)}.values())[::-1]


@implements("TRUSTWORKS:ASSURANCE-WEAKEST", disabled=Verdict.STRONG)
def _weakest(processes: Iterable[ProcessVerdict]) -> Verdict:
    """Of those that are obligations; of all, where none is."""
    every = in_force_first(processes)
    asked = [one.verdict for one in every if one.obligation] or [
        one.verdict for one in every if one.product is not None
    ]
    return min(asked, key=by_rank, default=Verdict.UNKNOWN)
