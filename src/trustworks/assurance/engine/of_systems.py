"""The questions that are asked of systems and applications, and of what their providers argue about them."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.assurance.engine.subject import Answer
from trustworks.assurance.model import DocumentKind
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustworks.assurance.engine.subject import Subject


@implements("TRUSTWORKS:ASSURANCE-POINTS-ARGUED", disabled=Answer("argued"))
def annex_ii(subject: Subject) -> Answer:
    """Whether the mapping argues each point of Annex II (parameter `annex-ii`); told are those it does not.

    A document that names no point argues none, whatever its title says.
    """
    documents = subject.documents(DocumentKind.ANNEX_II)
    wanted = subject.words("annex-ii")
    if not documents:
        return Answer("none", ", ".join(wanted))
    last = documents[-1]
    used = (last,)
    if last.open:
        return Answer("open", ", ".join(last.open), used)
    argued = {_point(one) for one in last.argued}
    lacking = [one for one in wanted if _point(one) not in argued]
    if lacking:
        return Answer("not-argued", ", ".join(lacking), used)
    if last.reviewed_until is not None and last.reviewed_until < subject.at:
        return Answer("overdue", f"due on {last.reviewed_until}", used)
    return Answer("argued", last.title, used)


def _point(name: str) -> str:
    """``1a`` of "1(a)", "Annex II, point 1 (a)" and "1.a": signs and words before it tell nothing apart."""
    plain = re.sub(r"[^a-z0-9]+", "", name.lower())
    return re.sub(r"^(annex(ii))?(points?|no|item|paragraph)?", "", plain)


QUESTIONS: Final[Mapping[str, Callable[[Subject], Answer]]] = MappingProxyType({"annex-ii": annex_ii})
