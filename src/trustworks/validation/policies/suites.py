"""Cryptographic suites as dated data: until when an algorithm counts as reliable.

Two sources: TS 119 312, shipped as data of this package, and the ECCG's agreed mechanisms, whose facts
are kept once, in `core.module.agreed`. Others can be read from files of TS 119 322 (`suite_files`).

Source: EN 319 102-1, 5.2.9 (algorithm obsolescence); TS 119 312.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.trace import implements
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_AGREED: Final = "eccg"
SHIPPED: Final = ("ts119312", "ts119312-2.1.1", _AGREED)
"""The suites that a policy can name."""

End = datetime | None
"""The first moment at which an algorithm no longer counts as reliable; None: no end is set."""


@dataclass(frozen=True, slots=True)
class Size:
    """Keys of at least so many bits count as reliable until `end`."""

    least: int
    end: End


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Which algorithms are reliable, and until when; what is not named never was.

    `digests` are by names of hashlib. `signatures` are by scheme (``rsa-pkcs1`` ``rsa-pss`` ``ecdsa``
    ``eddsa`` ``dsa``) and the digest, or None for every digest that has no entry of its own.
    """

    name: str
    digests: Mapping[str, End]
    signatures: Mapping[tuple[str, str | None], tuple[Size, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One use of algorithms: of what object, for what, and which.

    `what` is a few words for people. A use of a digest alone has no `scheme`; `bits` is the key's size.
    """

    subject: str
    what: str
    digest: str | None
    scheme: str | None = None
    bits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """An algorithm that was not reliable at a time. `until` None: it never was, in this suite."""

    use: Use
    algorithm: str
    until: End

    @property
    def text(self) -> str:
        """What is weak, as a sentence."""
        if self.until is None:
            return f"{self.algorithm}, used for {self.use.what}, is not in the cryptographic suite."
        return f"{self.algorithm}, used for {self.use.what}, is reliable only until {self.until:%Y-%m-%d}."


def _never(_suite: Suite, _use: Use, _at: datetime) -> None:
    """Nothing is weak: what the rule answers when it is switched off."""


@implements("EN319102-1:5.2.9.4-1", "TS119312:SUITES")
def weakness(suite: Suite, use: Use, at: datetime) -> Weakness | None:
    """The first algorithm of a use that was not reliable at a time; None when all were."""
    found: list[Weakness] = []
    if use.digest is not None:
        if use.digest not in suite.digests:
            return Weakness(use=use, algorithm=_shown(use.digest), until=None)
        end = suite.digests[use.digest]
        if end is not None and at >= end:
            found.append(Weakness(use=use, algorithm=_shown(use.digest), until=end))
    if use.scheme is not None:
        sizes = suite.signatures.get((use.scheme, use.digest)) or suite.signatures.get((use.scheme, None))
        # A key of unknown size is as good as none: its curve or parameters may be of anybody's making.
        fitting = [size for size in sizes or () if use.bits is not None and use.bits >= size.least]
        shown = use.scheme.upper() + (f" with a key of {use.bits} bits" if use.bits else "")
        if not fitting:
            return Weakness(use=use, algorithm=shown, until=None)
        end = max(fitting, key=lambda size: size.least).end
        if end is not None and at >= end:
            found.append(Weakness(use=use, algorithm=shown, until=end))
    # What ended first decides until when the whole could be relied on.
    return min(found, key=lambda weak: weak.until or at, default=None)


def weaknesses(suite: Suite, uses: Iterable[Use], at: datetime) -> tuple[Weakness, ...]:
    """All uses that were not reliable at a time, in the order given."""
    return tuple(weak for use in uses if (weak := weakness(suite, use, at)) is not None)


def _shown(digest: str) -> str:
    return (
        digest.upper()
        .replace("_", "-")
        .replace("SHA1", "SHA-1")
        .replace("SHA2", "SHA-2")
        .replace("SHA3-", "SHA3-")
    )


@cache
def shipped(name: str) -> Suite:
    """A suite by its name in `SHIPPED`.

    Raises:
        Malformed: there is none of that name.
    """
    if name == _AGREED:
        return _agreed()
    if name not in SHIPPED:
        raise Malformed(f"There is no cryptographic suite {name}; there are {', '.join(SHIPPED)}.")
    data = tomllib.loads(resources.files(__package__).joinpath(f"{name}.suite.toml").read_text("utf-8"))
    digests = {digest: _end(until) for digest, until in data["digest"].items()}
    signatures = {
        (scheme, None if digest == "any" else digest): tuple(
            Size(int(least), _end(until)) for least, until in sizes.items()
        )
        for scheme, by_digest in data["signature"].items()
        for digest, sizes in by_digest.items()
    }
    return Suite(
        name=data["title"], digests=MappingProxyType(digests), signatures=MappingProxyType(signatures)
    )


def is_agreed(suite: Suite) -> bool:
    """Whether a suite is that of the agreed mechanisms.

    Most are known to be another of those shipped, for which that one, with all that it loads, is not needed.
    """
    others = (shipped(name) for name in SHIPPED if name != _AGREED)
    return not any(suite is one for one in others) and suite == shipped(_AGREED)


def _end(until: object) -> End:
    """From the file: a day, or ``"no-end"``."""
    return datetime.combine(until, time(), UTC) if isinstance(until, date) else None


def _agreed() -> Suite:
    """The agreed mechanisms as a suite: what was agreed until a day is reliable through that day."""
    # Only the suite that is asked for loads the binding of cryptographic modules, where these facts are kept.
    from trustworks.core.module import agreed  # noqa: PLC0415

    catalogue = agreed.catalogue()

    def end(entry: agreed.Agreement) -> End:
        if entry.until is None:
            return None
        return datetime.combine(entry.until + timedelta(days=1), time(), UTC)

    families: dict[str, list[Size]] = {"ec": [], "rsa": [], "ed25519": []}
    for algorithm, entry in catalogue.keys.items():
        if entry.status != "not-agreed":
            # A modulus of 3000 bits is what the catalogue asks for; our own keys have 3072.
            least = 3000 if algorithm.value == "RSA-3072" else algorithm.bits
            families[algorithm.family].append(Size(least, end(entry)))
    digests: dict[str, End] = {}
    signatures: dict[tuple[str, str | None], tuple[Size, ...]] = {}
    for scheme, entry in catalogue.schemes.items():
        if entry.status == "not-agreed" or scheme.hash is None:
            continue
        digests[scheme.hash.name] = None
        limit = end(entry)
        signatures[scheme.padding, scheme.hash.name] = tuple(
            Size(size.least, min((one for one in (size.end, limit) if one), default=None))
            for size in sorted(families[scheme.family], key=lambda size: size.least)
        )
    return Suite(
        name=catalogue.title, digests=MappingProxyType(digests), signatures=MappingProxyType(signatures)
    )
