"""One certificate out of what several imports say of it, each fact with where it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.assurance.model import Certificate, Fact
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable


def _only_the_new(_: Certificate | None, imported: Certificate) -> Certificate:
    return imported


@implements("TRUSTWORKS:ASSURANCE-SOURCE-ONE", disabled=_only_the_new)
def merge(existing: Certificate | None, imported: Certificate) -> Certificate:
    """The certificate with what an import says of it added.

    The same certificate twice is one. Of two retrievals of the same kind of source, the newer one's fact
    stays, whichever is imported first; two kinds of source stand beside one another, so that a difference
    between them is a conflict. Raises `Malformed` where they are different certificates.
    """
    if existing is None:
        return imported
    if existing.id != imported.id:
        raise Malformed(f"{existing.id} and {imported.id} are different certificates: they are not merged.")
    return Certificate(
        kind=existing.kind,
        number=existing.number,
        facts=newest((*existing.facts, *imported.facts)),
        file=imported.file or existing.file,
    )


def _all(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    return tuple(facts)


@implements("TRUSTWORKS:ASSURANCE-SOURCE-NEWEST", disabled=_all)
def newest(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Of each name and kind of source, the facts of the latest retrieval, each value once.

    A document that contradicts itself keeps all that it says: it was retrieved at one moment.
    """
    found: dict[tuple[str, str], list[Fact]] = {}
    for fact in facts:
        key = (fact.name, fact.provenance.kind)
        there = found.get(key)
        if there is None or fact.provenance.retrieved > there[0].provenance.retrieved:
            found[key] = [fact]
        elif fact.provenance.retrieved == there[0].provenance.retrieved and all(
            one.value != fact.value for one in there
        ):
            there.append(fact)
    return tuple(fact for there in found.values() for fact in there)
