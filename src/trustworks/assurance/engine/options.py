"""How far each option carries for one product in one process: its ways, certificates and rules."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

from trustworks.assurance.engine.acts import begins, option_not_in_force
from trustworks.assurance.engine.telling import explain
from trustworks.assurance.model import OptionVerdict, Reason, Verdict
from trustworks.assurance.rulesets.checking import accepts
from trustworks.assurance.rulesets.domains import OF_CERTIFICATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.assurance.engine.subject import Subject
    from trustworks.assurance.rulesets import Case, Option, RuleSet, Table, Way

by_rank: Final = attrgetter("rank")  # the order of verdicts
_OF_CERTIFICATE: Final = frozenset(OF_CERTIFICATE)


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
        self.verdict = min([one.verdict for one in (cases or reasons)], key=by_rank)
        self.rank = self.verdict.rank, not reasons


class Options:
    """The options and tables of a rule set, which remember the case of each combination of answers."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._cases: dict[tuple[str, tuple[str | int, ...]], Case] = {}

    def verdict(self, option: Option, subject: Subject) -> OptionVerdict:
        """The best of what can be taken; only that one is told in full."""
        if option.act is not None and begins(option.act, subject.at) is not None:
            return option_not_in_force(option, option.act, subject.at)
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
            one for one in subject.index.certificates_of(subject.product) if one.kind in way.certificates
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
            case = self.decide(self._rules.tables[rule], subject)
            cases.append(case)
            if case.verdict.rank <= least:
                return
        yield _Taken(way, subject, cases=tuple(cases))

    def decide(self, table: Table, subject: Subject) -> Case:
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
        decided = [(one, self.decide(one, subject)) for one in asked]
        reasons = [
            explain(table, case, subject) for table, case in decided if case.verdict is Verdict.INSUFFICIENT
        ]
        reasons.append(self._no_certificate(option, way, subject))
        return _Taken(way, subject, reasons=tuple(reasons))

    def _no_certificate(self, option: Option, way: Way, subject: Subject) -> Reason:
        kinds = " or ".join(one.upper() for one in way.certificates)
        lost = [one for one in subject.product.certificates if one not in subject.index.certificates]
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
