"""How well a module is certified, as its operator declares it, and whether another protects as well.

A module does not tell its certificate; the configuration does ([[module.certified]]), and a backup carries it
under its signature. Two certifications compare scheme by scheme: what the first has the second must have,
equal or higher. Between schemes nothing follows.

Source: EN 319 411-1, GEN-6.5.2-05.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from trustworks.core.errors import Malformed


@dataclass(frozen=True, slots=True, kw_only=True)
class Certification:
    """What a module is certified for.

    `fips_140_2` and `fips_140_3` are levels from 1 to 4; `cc_eal` is an evaluation assurance level of the
    Common Criteria, such as 4 or 4+; `protection_profiles` are those that it conforms to, such as
    EN 419221-5; `certificates` are the numbers, for people.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    fips_140_2: int | None = None
    fips_140_3: int | None = None
    cc_eal: str | None = None
    protection_profiles: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()

    def as_values(self) -> dict[str, Any]:
        """As a document holds it."""
        found: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return found


@cache
def _adapter() -> TypeAdapter[Certification]:
    return TypeAdapter(Certification)


def read(values: object, whose: str) -> Certification | None:
    """The certification in a document; None where it has none. Raises `Malformed`."""
    if values is None:
        return None
    try:
        return _adapter().validate_python(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Malformed(
            f"The certification of {whose} cannot be read ({'.'.join(map(str, first['loc']))!a:.100}: "
            f"{first['msg']}). Take another copy of the file."
        ) from None


def lacking(source: Certification, target: Certification | None) -> tuple[str, ...]:
    """What the source is certified for and the target is not, or less; empty where the target is as good."""
    if target is None:
        return ("nothing is declared of the target",)
    found = []
    fips_140_2 = max(target.fips_140_2 or 0, target.fips_140_3 or 0)  # 140-3 follows 140-2, not the reverse
    if (source.fips_140_2 or 0) > fips_140_2:
        found.append(f"FIPS 140-2 level {source.fips_140_2}, the target has {fips_140_2 or 'none'}")
    if (source.fips_140_3 or 0) > (target.fips_140_3 or 0):
        found.append(f"FIPS 140-3 level {source.fips_140_3}, the target has {target.fips_140_3 or 'none'}")
    if _eal(source.cc_eal) > _eal(target.cc_eal):
        found.append(f"EAL {source.cc_eal} of the Common Criteria, the target has {target.cc_eal or 'none'}")
    profiles = sorted(set(source.protection_profiles) - set(target.protection_profiles))
    found += [f"the protection profile {one}, the target does not conform to it" for one in profiles]
    return tuple(found)


def _eal(text: str | None) -> tuple[int, bool]:
    if text is None:
        return (0, False)
    digits = text.removesuffix("+")
    return (int(digits) if digits.isdecimal() else 0, text.endswith("+"))
