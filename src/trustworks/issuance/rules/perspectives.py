"""How many places in the network must see what this one sees before a web site's certificate is issued.

Whoever has captured the routes to this place has not captured those to all others. Source: CA/Browser Forum
Baseline Requirements, 3.2.2.9 (multi-perspective issuance corroboration).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from trustworks.core.errors import Malformed, Refused, Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence

# From which day on how many remote perspectives are asked at least; the newest first.
_LEAST: Final = ((date(2026, 12, 15), 5), (date(2026, 6, 15), 4), (date(2026, 3, 15), 3), (date.min, 2))
_FEW: Final = 5  # perspectives of which one may differ; of more, two
_REGIONS: Final = 2


class Sight(NamedTuple):
    """What one remote perspective saw; `objection` is why it does not corroborate (None: it does).

    `reached` is False for one that could not look: it did not answer, or could not find out.
    """

    name: str
    region: str
    objection: str | None = None
    reached: bool = True


class NotCorroboratedError(Refused):
    """Too few perspectives saw it; `seen` is what each saw.

    `undecided` is whether those that could not look might have been enough: then it may be tried again.
    """

    def __init__(self, refused: Refused, seen: Sequence[Sight], *, undecided: bool = False) -> None:
        super().__init__(refused.requirement, str(refused))
        self.seen = tuple(seen)
        self.undecided = undecided


def recorded(seen: Sequence[Sight]) -> list[Any]:
    """What each perspective saw, as events have it."""
    told: list[dict[str, Any]] = [
        {"name": one.name, "region": one.region, "sees": one.objection is None, **_why(one)} for one in seen
    ]
    return [*told]


def _why(one: Sight) -> dict[str, Any]:
    return {} if one.objection is None else {"objection": one.objection[:500]}


@implements("TRUSTWORKS:PERSPECTIVE-PINNED")
def check_end_entity(whose: str, *, is_ca: bool) -> None:
    """`Malformed` for an authority's certificate where the one certificate of the other side is expected."""
    if is_ca:
        raise Malformed(
            f"{whose} holds an authority's certificate, by which any that it issued would be let in; name "
            "the one certificate of the other side."
        )


def least(day: date) -> int:
    """How many remote perspectives are asked at least on a day."""
    return next(count for since, count in _LEAST if day >= since)


@implements("CABF-BR:3.2.2.9-COUNT")
def check_number(used: int, day: date) -> None:
    """`Unavailable` (perspectives.too-few) where fewer remote perspectives are configured than are needed."""
    needed = least(day)
    if used < needed:
        raise Unavailable(
            "perspectives.too-few",
            f"Domains of web sites are looked at from {needed} other places in the network at least, and "
            f"{used} are configured; nothing is issued for them. Add [[issuance.perspectives]].",
        )


@implements("CABF-BR:3.2.2.9", "TS119411-5:MPIC")
def check_agreement(seen: Sequence[Sight], what: str) -> None:
    """Refuse what more remote perspectives did not see than may differ.

    Of 2 to 5 one may differ, of 6 and more two; a single one must agree.
    """
    against = [one for one in seen if one.objection is not None]
    allowed = 0 if len(seen) < 2 else 1 if len(seen) <= _FEW else 2
    if len(against) > allowed:
        told = "; ".join(f"{one.name}: {one.objection}" for one in against)
        raise Refused(
            "CABF-BR:3.2.2.9",
            f"{what} was seen from here, and from {len(seen) - len(against)} of {len(seen)} other places in "
            f"the network. See that the name resolves and answers alike everywhere ({told}).",
        )


@implements("CABF-BR:3.2.2.9-REGIONS")
def check_regions(seen: Sequence[Sight], what: str) -> None:
    """Refuse what was seen in the service region of one Regional Internet Registry alone."""
    regions = sorted({one.region for one in seen if one.objection is None})
    if len(regions) < _REGIONS:
        raise Refused(
            "CABF-BR:3.2.2.9-REGIONS",
            f"{what} was seen from other places of {' and '.join(regions) or 'no region'} alone; places in "
            "the regions of two Internet registries must see it. Try again when places of another region "
            "answer.",
        )


def is_undecided(seen: Sequence[Sight], *, regions: bool) -> bool:
    """Whether it would be enough if those that could not look had seen it; `regions`: of two registries."""
    hoped = [one if one.reached else one._replace(objection=None) for one in seen]
    try:
        check_agreement(hoped, "It")
        if regions:
            check_regions(hoped, "It")
    except Refused:
        return False
    return True
