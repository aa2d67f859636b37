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
    option_not_in_force,
    process_not_in_force,
)
from trustworks.assurance.engine.known import Known
from trustworks.assurance.engine.of_products import in_force
from trustworks.assurance.engine.subject import Index, Subject
from trustworks.assurance.engine.telling import explain
from trustworks.assurance.model import (
    Binding,
    OptionVerdict,
    ProcessVerdict,
    Product,
    ProductKind,
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
from trustworks.core.uncollected import uncollected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from trustworks.assurance.model import Facts, LiveModule
    from trustworks.assurance.rulesets import Case, Option, Process, RuleSet, Table, Way

_OF_CERTIFICATE: Final = frozenset(OF_CERTIFICATE)
QUESTIONS: Final = {
    **of_certificates.QUESTIONS,
    **of_products.QUESTIONS,
    **of_keys.QUESTIONS,
    **of_systems.QUESTIONS,
}


class _Taken:
    """A way of an option with one certificate: what its rules decided, or without rules, why none was asked.

    `rank` is that of its verdict; of equals, one that looked at something goes before one whose certificate
    is not there.
    """

    __slots__ = ("cases", "rank", "reasons", "subject", "verdict", "way")

    def __init__(
        self, way: Way, subject: Subject, cases: tuple[Case, ...] = (), reasons: tuple[Reason, ...] = ()
    ) -> None:
        self.way, self.subject, self.cases, self.reasons = way, subject, cases, reasons
        self.verdict = min([one.verdict for one in (cases or reasons)], key=_rank)
        self.rank = self.verdict.rank, not reasons


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
        self._cases: dict[tuple[str, tuple[str | int, ...]], Case] = {}
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
                explain(table, self._decide(table, subject), subject)
                for table in tables
                if "registered" in table.asks
            ]
        return replace(
            found,
            verdict=min((one.verdict for one in reasons), key=_rank, default=Verdict.UNKNOWN),
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
        options = tuple(self._option(self._rules.options[one], subject) for one in process.options)
        conditions = tuple(
            explain(table, self._decide(table, subject), subject)
            for table in (self._rules.tables[one] for one in process.conditions)
        )
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
            act="" if process.act is None else process.act.id,
        )

    def _option(self, option: Option, subject: Subject) -> OptionVerdict:
        """The best of what can be taken; only that one is told in full."""
        if option.act is not None and begins(option.act, self._at) is not None:
            return option_not_in_force(option, option.act, self._at)
        best: _Taken | None = None
        for way in option.ways:
            for one in self._way(option, way, subject, best):
                if best is None or one.rank > best.rank:
                    best = one
        assert best is not None  # noqa: S101 - an option has a way, and a way something to tell
        certificate = best.subject.certificate
        return OptionVerdict(
            option=option.id,
            label=option.label,
            verdict=best.verdict,
            reasons=best.reasons
            or tuple(
                explain(self._rules.tables[rule], case, best.subject)
                for rule, case in zip(best.way.rules, best.cases, strict=True)
            ),
            certificate=None if certificate is None else certificate.id,
            preferred=option.preferred,
        )

    def _way(self, option: Option, way: Way, subject: Subject, best: _Taken | None) -> Iterator[_Taken]:
        """The way with each certificate that it can take; once where it takes none.

        One of which it is seen early that it carries no further than the best so far is not looked at to its
        end.
        """
        about = subject
        if way.parameters:
            about = subject.altered(
                parameters={**subject.parameters, **way.parameters}, known=subject.known.without_parameters()
            )
        if not way.certificates:
            yield from self._take(way, about, None)
            return
        candidates = [
            one for one in self._index.certificates_of(subject.product) if one.kind in way.certificates
        ]
        for certificate in candidates:
            for one in self._take(way, about.altered(certificate=certificate), best):
                best = one if best is None or one.rank > best.rank else best
                yield one
        if not candidates:
            yield self._without_certificate(option, way, about)

    def _take(self, way: Way, subject: Subject, best: _Taken | None) -> Iterator[_Taken]:
        least = best.verdict.rank if best is not None and best.cases else -1
        cases = []
        for rule in way.rules:
            case = self._decide(self._rules.tables[rule], subject)
            cases.append(case)
            if case.verdict.rank <= least:
                return
        yield _Taken(way, subject, cases=tuple(cases))

    def _decide(self, table: Table, subject: Subject) -> Case:
        """The case that holds for what the table asks."""
        about = subject.known.of_product if _OF_CERTIFICATE.isdisjoint(table.asks) else subject.certified
        decided = about.cases.get(table.id)
        if decided is not None:
            return decided[1]
        values = tuple([subject.ask(question).value for question in table.asks])
        found = self._cases.get((table.id, values))
        if found is None:
            given = dict(zip(table.asks, values, strict=True))
            found = next(one for one in table.cases if accepts(one, given))
            self._cases[table.id, values] = found
        about.cases[table.id] = table, found
        return found

    def _without_certificate(self, option: Option, way: Way, subject: Subject) -> _Taken:
        """A way whose certificate is not there: that, and what would not hold with one either."""
        tables = [self._rules.tables[one] for one in way.rules]
        asked = [one for one in tables if _OF_CERTIFICATE.isdisjoint(one.asks)]
        decided = [(one, self._decide(one, subject)) for one in asked]
        reasons = [
            explain(table, case, subject) for table, case in decided if case.verdict is Verdict.INSUFFICIENT
        ]
        reasons.append(self._no_certificate(option, way, subject))
        return _Taken(way, subject, reasons=tuple(reasons))

    def _no_certificate(self, option: Option, way: Way, subject: Subject) -> Reason:
        kinds = " or ".join(one.upper() for one in way.certificates)
        lost = [one for one in subject.product.certificates if one not in self._index.certificates]
        told = f" Its register entry names {', '.join(lost)}, which is not registered." if lost else ""
        where = f" ({option.where_to_check})" if option.where_to_check else ""
        lift = f"Register the product's {kinds} certificate{where}."
        if "device" in way.rules and subject.ask("hardware").value == "test":
            lift = "No certificate helps a test module: replace it by a hardware security module."
        return Reason(
            rule=f"{option.id}.certificate",
            reference=subject.process.reference_of(option),
            verdict=Verdict.INSUFFICIENT,
            sentence=f"No {kinds} certificate of {subject.product.name} is registered.{told}",
            missing=way.elements,
            lift=lift,
        )

    def _products(self, services: Iterable[ServiceVerdict]) -> tuple[ProductVerdict, ...]:
        used: dict[str, list[ProcessVerdict]] = {}
        for one in (one for service in services for one in service.processes):
            if one.product is not None:
                used.setdefault(one.product, []).append(one)
        return tuple(
            ProductVerdict(
                product=name, verdict=min((one.verdict for one in in_force_first(those)), key=_rank)
            )
            for name, those in sorted(used.items())
        )


def _once(bindings: list[Binding]) -> list[Binding]:
    """One binding of each product: that of the use of keys where there are several, as it asks for most."""
    ordered = sorted(bindings, key=lambda one: (one.product, not one.process.endswith("_use"), one.process))
    return list({one.product: one for one in reversed(ordered)}.values())[::-1]


def _rank(verdict: Verdict) -> int:
    return verdict.rank


@implements("TRUSTWORKS:ASSURANCE-WEAKEST", disabled=Verdict.STRONG)
def _weakest(processes: Iterable[ProcessVerdict]) -> Verdict:
    """Of those that are obligations; of all, where none is."""
    every = in_force_first(processes)
    asked = [one.verdict for one in every if one.obligation] or [
        one.verdict for one in every if one.product is not None
    ]
    return min(asked, key=_rank, default=Verdict.UNKNOWN)
