"""Values as sources print them, made equal where they mean the same.

A list says 05/07/2020 and a record 5/7/2020; a page names an area in capitals and another does not. What
cannot be read is None or an error with a reason, never a guess.
"""

from __future__ import annotations

import html
import re
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from unicodedata import category, normalize

from trustworks.assurance.model import Status
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trustworks.assurance.model import AreaLevels

_SPACE: Final = re.compile(r"\s+")
_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
# Addresses of persons, plain, as spam protection leaves them, and with their signs written out.
_MAIL: Final = re.compile(
    r"(?:mailto:)?[\w.+%-]{1,80}@[\w-]{1,80}(?:\.[\w-]{1,80})+|\[email\s*protected\]"
    r"|[\w.+-]{1,80}(?:\s?[\[(]dot[\])]\s?[\w+-]{1,80}){0,8}\s?[\[(]at[\])]\s?[\w-]{1,80}"
    r"(?:\s?[\[(]dot[\])]\s?[\w-]{1,80}|\.[\w-]{1,80}){1,8}",
    re.IGNORECASE,
)
_ENDLESS: Final = re.compile(r"&#(?:\d{8,}|[xX][0-9a-fA-F]{7,});?")
_NOTHING: Final = frozenset({"", "n/a", "na", "none", "null", "-", "--", "not applicable"})


class UnreadableError(ValueError):
    """A value is not of the form that its column has; the text says what it is."""


def text(given: str, most: int = 20_000) -> str:
    """Text in one line, without control characters and addresses of persons. Raises `UnreadableError`."""
    if len(given) > most:
        raise UnreadableError(f"it has {len(given)} characters, more than the {most} that are read")
    plain = _BREAK.sub(" ", unescaped(given)).replace("\N{NO-BREAK SPACE}", " ")
    if not (plain.isascii() and plain.isprintable()):
        plain = "".join(
            "\N{REPLACEMENT CHARACTER}" if category(one) == "Cs" else one
            for one in normalize("NFC", plain)
            if one.isspace() or category(one) not in {"Cc", "Cf"}
        )
    return _SPACE.sub(" ", without_persons(plain)).strip()


def _as_it_is(given: str) -> str:
    return given


@implements("TRUSTWORKS:ASSURANCE-SOURCE-PERSONS", disabled=_as_it_is)
def without_persons(given: str) -> str:
    """Text without the addresses of persons, wherever they stand in it."""
    return _MAIL.sub("", given) if "@" in given or "[" in given or "(" in given else given


def unescaped(given: str) -> str:
    """Text whose HTML entities are resolved, also those that were escaped twice."""
    for _ in range(3):
        if "&" not in given:
            break
        # Python reads no number of thousands of digits, and no character has one of eight.
        given, before = html.unescape(_ENDLESS.sub("\N{REPLACEMENT CHARACTER}", given)), given
        if given == before:
            break
    return given


def told(given: str) -> str | None:
    """The text, or None where it says that there is nothing."""
    return None if given.casefold() in _NOTHING else given


_NAMES: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS: Final = {name: number for number, name in enumerate(_NAMES, 1)}
_ISO: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
)
_SLASHED: Final = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})")
_NAMED: Final = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})|(\d{1,2}) ([A-Za-z]{3,9})\.? (\d{4})")
_ALL_SLASHED: Final = re.compile(r"\d{1,2}/\d{1,2}/\d{4}|\d{4}-\d{2}-\d{2}")


def day(given: str, *, day_first: bool = False) -> date:
    """A day as the USA write it (month first) or, `day_first`, as Europe does. Raises `UnreadableError`."""
    plain = given.strip(" '\"\u2018\u2019")
    if found := _ISO.fullmatch(plain):
        year, month, number = map(int, found.groups()[:3])
    elif found := _SLASHED.fullmatch(plain):
        first, second, year = map(int, found.groups())
        month, number = (second, first) if day_first or "." in plain else (first, second)
    elif found := _NAMED.fullmatch(plain):
        name = (found[1] or found[5])[:3].casefold()
        if name not in _MONTHS:
            raise UnreadableError(f"{given!a:.60} is no date")
        month, number, year = _MONTHS[name], int(found[2] or found[4]), int(found[3] or found[6])
    else:
        raise UnreadableError(f"{given!a:.60} is no date")
    try:
        return date(year, month, number)
    except ValueError:
        raise UnreadableError(
            f"{given!a:.60} is no date with {'the day' if day_first else 'the month'} first"
        ) from None


def days(given: str) -> tuple[date, ...]:
    """All days of a cell that lists several, in whatever way it separates them. Raises `UnreadableError`."""
    found = _ALL_SLASHED.findall(given)
    rest = _ALL_SLASHED.sub("", given).strip(" ,;|")
    if rest.strip(" ,;|"):
        raise UnreadableError(f"{given!a:.80} are no dates")
    return tuple(day(one) for one in found)


def level(given: object, most: int = 4) -> int:
    """A level from 1, as a number or as ``Level 3``. Raises `UnreadableError`."""
    if isinstance(given, int) and not isinstance(given, bool):
        number = given
    else:
        found = re.fullmatch(r"(?:level )?(\d)\.?", str(given).strip(), re.IGNORECASE)
        number = int(found[1]) if found else 0
    if not 1 <= number <= most:
        raise UnreadableError(f"{str(given)!a:.60} is no level from 1 to {most}")
    return number


# The areas of FIPS 140-1, 140-2 and 140-3 (ISO/IEC 19790), and what they are called elsewhere as well.
_AREAS: Final = MappingProxyType(
    {
        other.casefold(): name
        for name, others in {
            "Cryptographic Module Specification": ("Crypto Module Specification", "Module Specification"),
            "Cryptographic Module Ports and Interfaces": (
                "Module Ports and Interfaces",
                "Ports and Interfaces",
            ),
            "Cryptographic Module Interfaces": ("Module Interfaces",),
            "Roles, Services, and Authentication": (
                *("Roles and Services", "Roles, Services and Authentication"),
                *("Roles and Services and Authentication", "Roles & Services"),
            ),
            "Finite State Model": ("Finite State Machine Model", "Finite State Machine"),
            "Software Security": (),
            "Operating System Security": (),
            "Software/Firmware Security": ("Software / Firmware Security", "Software and Firmware Security"),
            "Operational Environment": ("Operating Environment",),
            "Physical Security": (),
            "Non-Invasive Security": ("Noninvasive Security", "Non Invasive Security"),
            "Cryptographic Key Management": ("Key Management", "Crypto Key Management"),
            "Sensitive Security Parameter Management": (
                *("SSP Management", "Sensitive Security Parameters Management"),
                "Sensitive Security Parameter (SSP) Management",
            ),
            "EMI/EMC": (
                *("EMI / EMC", "Electromagnetic Interference/Electromagnetic Compatibility"),
                *("Electromagnetic Interference/Electromagnetic Compatibility (EMI/EMC)",),
                *("Electromagnetic Interference/Compatibility",),
            ),
            "Self-Tests": ("Self Tests", "Selftests"),
            "Design Assurance": (),
            "Life-Cycle Assurance": ("Life Cycle Assurance", "Lifecycle Assurance"),
            "Mitigation of Other Attacks": ("Mitigations of Other Attacks",),
        }.items()
        for other in (name, *others)
    }
)
_HYPHENS: Final = {ord("\N{HYPHEN}"): "-", ord("\N{NON-BREAKING HYPHEN}"): "-"}
_AREA: Final = re.compile(r"-?\s*(.{3,90}?)\s*(?::|--|\s-\s|\u2013)\s*(.{1,120})")


def area(given: str) -> str:
    """An area's name in one spelling; one that is not known as it is printed."""
    plain = _SPACE.sub(" ", given.translate(_HYPHENS)).strip(" .:-")
    return _AREAS.get(plain.casefold(), plain)


def area_levels(exceptions: Iterable[str]) -> tuple[AreaLevels, tuple[str, ...]]:
    """The areas whose level differs from the overall one, and the lines that are not of this form.

    A line reads ``Physical security: Level 4`` or ``Non-invasive security: N/A``.
    """
    found: dict[str, int | None] = {}
    unread = []
    for line in exceptions:
        match = _AREA.fullmatch(line.strip())
        if match is None:
            if line.strip():
                unread.append(line)
            continue
        name, value = area(match[1]), match[2].strip(" .").casefold()
        if value in {"n/a", "na", "not applicable", "none"}:
            number = None
        elif (printed := re.match(r"level ([1-4])(?!\d)", value)) is not None:
            number = int(printed[1])
        else:
            unread.append(line)
            continue
        if name in found and found[name] != number:
            unread.append(line)
        else:
            found[name] = number
    return MappingProxyType(dict(sorted(found.items()))), tuple(unread)


def versions(given: str) -> tuple[str, ...] | None:
    """Versions as a list prints them: apart at commas, semicolons and line ends outside of brackets."""
    found, depth, start = [], 0, 0
    for place, letter in enumerate(given):
        depth += (letter in "([") - (letter in ")]")
        if letter in ",;\n" and depth <= 0:
            found.append(given[start:place])
            start, depth = place + 1, 0
    found.append(given[start:])
    plain = tuple(
        dict.fromkeys(one for piece in found if (one := told(_SPACE.sub(" ", piece).strip())) is not None)
    )
    return plain or None


_STATUSES: Final[Mapping[str, Status]] = MappingProxyType(
    {
        "active": Status.ACTIVE,
        "valid": Status.ACTIVE,
        "certified": Status.ACTIVE,
        "issued": Status.ACTIVE,
        "in force": Status.ACTIVE,
        "historical": Status.HISTORICAL,
        "archived": Status.ARCHIVED,
        "expired": Status.ARCHIVED,
        "suspended": Status.SUSPENDED,
        "revoked": Status.REVOKED,
        "withdrawn": Status.REVOKED,
        "cancelled": Status.REVOKED,
        "canceled": Status.REVOKED,
        "no longer certified": Status.REVOKED,
    }
)


def status(given: str) -> Status:
    """How a certificate stands. Raises `UnreadableError`."""
    found = _STATUSES.get(given.strip(" .").casefold())
    if found is None:
        raise UnreadableError(f"{given!a:.60} is no status that is known here")
    return found


_STANDARD: Final = re.compile(r"FIPS(?: PUB)?[ -]*140[ -\u2010-\u2015]?([123])", re.IGNORECASE)


def fips(given: str) -> str:
    """The standard of a module, as ``FIPS 140-3``. Raises `UnreadableError`."""
    found = _STANDARD.fullmatch(given.strip())
    if found is None:
        raise UnreadableError(f"{given!a:.60} is no edition of FIPS 140")
    return f"FIPS 140-{found[1]}"


_TYPES: Final = {
    one.casefold(): one
    for one in (
        "Hardware",
        "Software",
        "Firmware",
        "Hybrid",
        "Software-Hybrid",
        "Firmware-Hybrid",
        "Hardware-Hybrid",
    )
}


def module_type(given: str) -> str:
    """Hardware, Software, ... in one spelling; another word as it is printed."""
    return _TYPES.get(given.replace(" ", "-").casefold(), given)


_POLICY: Final = re.compile(r".*/security-policies/140sp(\d{1,6})\.pdf", re.IGNORECASE)
_POLICIES: Final = (
    "https://csrc.nist.gov/CSRC/media/projects/cryptographic-module-validation-program/documents/"
    "security-policies/"
)


def address(given: str) -> str | None:
    """An address on the web, None for anything else (a file beside a saved page, a script)."""
    if found := _POLICY.fullmatch(given):
        return f"{_POLICIES}140sp{found[1]}.pdf"
    return given if re.match(r"https?://[^\s/]", given, re.IGNORECASE) else None


_EAL: Final = re.compile(r"EAL\s*([1-7])(?!\d)\s*(\+|augment)?", re.IGNORECASE)
# In capitals, which tell it apart from a word that a conversion joined to it: "withADV_IMP.2".
_COMPONENT: Final = re.compile(r"(?<![A-Z])(A[A-Z]{2}_[A-Z]{3}(?:_EXT)?\. ?[1-9])(?!\d)")
_NO_EAL: Final = frozenset({"none", "pp compliant", "us standard", "basic", "protection profile"})


def assurance(given: str) -> tuple[int | None, tuple[str, ...] | None, int | None]:
    """Level, components beyond it, and the class of attacker (AVA_VAN), of what a list says of an evaluation.

    The lowest level counts where several are named: what is above it holds for a part of the product only.
    Level 0 where the source says that there is none; all three None where it says nothing.
    Raises `UnreadableError`.
    """
    levels = [int(number) for number, _ in _EAL.findall(given)]
    components = _components(given)
    if levels:
        lowest = min(levels)
        if len(set(levels)) > 1:
            components = augmented_of(given, lowest)
    elif components or given.casefold().strip() in _NO_EAL:
        lowest = 0
    elif not given.strip():
        return None, None, None
    else:
        raise UnreadableError(f"{given!a:.80} is no assurance level that is known here")
    attackers = [int(one[-1]) for one in components if one.startswith("AVA_VAN") and one[-1] in "12345"]
    return lowest, components or None, (min(attackers) if attackers else None)


def augmented_of(given: str, wanted: int) -> tuple[str, ...]:
    """The components that stand after one level, and before the next, in a text with several."""
    found: list[str] = []
    marks = list(_EAL.finditer(given))
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        if int(mark[1]) == wanted:
            found += _components(given[mark.end() : after.start() if after else None])
    return tuple(dict.fromkeys(found))


def _components(given: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.replace(" ", "") for one in _COMPONENT.findall(given)))
