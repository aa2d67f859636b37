"""Clause by clause, what the software says of the standards for trustworthy systems, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.assurance.dossier.layout import Chapter, Table
from trustworks.assurance.dossier.register_list import MISSING
from trustworks.assurance.statements import NOT_AN_EVALUATION, State, proof_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.assurance.dossier.model import Material
    from trustworks.assurance.statements import Line, Statement


def clauses(material: Material) -> Iterator[Chapter]:
    """A chapter for each standard; one that says so where there is no statement."""
    if not material.statements:
        yield Chapter(title="Statements of the software", paragraphs=(MISSING,))
    about = (material.trace or {}).get("about_results", "")
    for one in material.statements:
        yield _of(one, about)


def _of(statement: Statement, about_results: str) -> Chapter:
    counts = ((state, statement.count(state)) for state in State)
    told = ", ".join(f"{state.value}: {number}" for state, number in counts if number)
    return Chapter(
        title=f"What the software says of {statement.standard}, {statement.version}",
        paragraphs=tuple(
            filter(None, (statement.about, NOT_AN_EVALUATION, f"{told}." if told else "", about_results))
        ),
        table=Table(
            head=("Clause", "In our words", "State", "Proof, and what is left"),
            rows=tuple(
                (one.id, one.words, one.state.value, "\n".join(_behind(one)) or "nothing")
                for one in statement.lines
            ),
            widths=(4, 7, 3, 7),
        )
        if statement.lines
        else None,
    )


def _behind(line: Line) -> Iterator[str]:
    if line.proof:
        told = proof_words(line)
        yield f"{told[0].upper()}{told[1:]}."
    if line.duty:
        yield f"Left to who operates it: {line.duty}."
    if line.reason:
        yield f"{line.reason[0].upper()}{line.reason[1:].rstrip('.')}."
