"""The questions that are asked of systems and applications, and of what their providers argue about them."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.assurance.engine.subject import Answer
from trustworks.assurance.model import DocumentKind, InstallationState, Used, live_until
from trustworks.assurance.rulesets.domains import UNKNOWN
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustworks.assurance.engine.subject import Subject


@implements("TRUSTWORKS:ASSURANCE-DEMONSTRATED-SCOPE", disabled=Answer("inside"))
def demonstrated_scope(subject: Subject) -> Answer:
    """Whether the demonstration is about every function that the process uses."""
    used = subject.binding.functions
    read = subject.documents(DocumentKind.CONFORMITY)[-1:]
    if not read:
        return Answer(UNKNOWN, "there is no demonstration")
    if not used:
        return Answer(UNKNOWN, "nobody has written which functions the process uses", read)
    if not read[0].functions:
        return Answer(UNKNOWN, "nobody has written which functions the demonstration is about", read)
    outside = [one for one in used if one not in read[0].functions]
    return Answer("outside" if outside else "inside", ", ".join(outside or used), read)


@implements("TRUSTWORKS:ASSURANCE-DEMONSTRATED-VERSION", disabled=Answer("same"))
def demonstrated_version(subject: Subject) -> Answer:
    """Whether the demonstration speaks of the version that is in use."""
    product = subject.product
    read = subject.documents(DocumentKind.CONFORMITY)[-1:]
    own = tuple(one for one in (product.software, product.firmware, product.variant) if one)
    if not read:
        return Answer(UNKNOWN, "there is no demonstration")
    if not read[0].version:
        return Answer(UNKNOWN, "nobody has written of which version the demonstration speaks", read)
    if not own:
        return Answer(UNKNOWN, "nobody has written which version is in use", read)
    if read[0].version not in own:
        return Answer("differs", f"it speaks of {read[0].version}, and {', '.join(own)} is in use", read)
    return Answer("same", read[0].version, read)


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


@implements("TRUSTWORKS:ASSURANCE-INSTALLATION", disabled=Answer("intact"))
def installation(subject: Subject) -> Answer:
    """Whether this software is installed as it was signed, by the last look; of others it is not known."""
    product = subject.product
    if not product.is_this_software:
        return Answer("not-ours")
    last = product.installed
    if last is None:
        return Answer("never")
    used = Used(
        what=f"{product.id} installation",
        value=last.found,
        source=f"looked at on {last.at:%Y-%m-%d %H:%M} UTC",
        evidence=last.manifest,
    )
    if last.state is InstallationState.INTACT and live_until(last.at, "installation") < subject.at:
        return Answer("old", f"it was looked at last on {last.at:%Y-%m-%d}", (used,))
    return Answer(last.state.value, last.found.rstrip("."), (used,))


QUESTIONS: Final[Mapping[str, Callable[[Subject], Answer]]] = MappingProxyType(
    {
        "demonstrated-scope": demonstrated_scope,
        "demonstrated-version": demonstrated_version,
        "annex-ii": annex_ii,
        "installation": installation,
    }
)
