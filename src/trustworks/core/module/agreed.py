"""The ECCG agreed cryptographic mechanisms as dated data, and the two rules that make keys obey them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

from trustworks.core.errors import Refused
from trustworks.core.module.algorithms import Family, KeyAlgorithm, SignatureScheme
from trustworks.core.trace import implements

STATUSES = ("recommended", "legacy", "not-agreed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What the catalogue says about one mechanism, until which day (None: no end is set), and our source."""

    status: str
    until: date | None
    source_status: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """One edition of the agreed mechanisms."""

    title: str
    keys: dict[KeyAlgorithm, Agreement]
    schemes: dict[SignatureScheme, Agreement]


@cache
def catalogue() -> Catalogue:
    """The edition in force, from ``agreed_mechanisms.toml`` beside this file."""
    data = tomllib.loads(resources.files(__package__).joinpath("agreed_mechanisms.toml").read_text("utf-8"))
    return Catalogue(
        title=data["title"],
        keys={KeyAlgorithm(name): _agreement(entry) for name, entry in data["key"].items()},
        schemes={SignatureScheme[name]: _agreement(entry) for name, entry in data["scheme"].items()},
    )


def _agreement(entry: dict[str, str | date]) -> Agreement:
    until = entry.get("until")
    assert until is None or isinstance(until, date)  # noqa: S101 - data of this package
    assert entry["status"] in STATUSES  # noqa: S101 - as above
    return Agreement(
        status=str(entry["status"]),
        until=until,
        source_status=str(entry["source_status"]),
        why=str(entry["why"]),
    )


def agreed_until(algorithm: KeyAlgorithm, scheme: SignatureScheme) -> date | None:
    """The last day on which this kind of key may sign by this scheme; None where no end is set.

    For the end of private keys and certificates (EN 319 421 as adapted by (EU) 2025/1929, TIS-7.6.7-03A).
    `date.min` for what is not agreed at all.
    """
    entries = (catalogue().keys.get(algorithm), catalogue().schemes.get(scheme))
    if any(entry is None or entry.status == "not-agreed" for entry in entries):
        return date.min
    return min((entry.until for entry in entries if entry and entry.until), default=None)


@cache
def least_bits(family: Family) -> int:
    """The shortest key of a family that the catalogue names at all, be it legacy or for the lab alone.

    For keys of others, whose signatures were made at another time under other rules: what is shorter than
    this was weak then, too.
    """
    return min(algorithm.bits for algorithm in catalogue().keys if algorithm.family == family)


def _objection(what: str, entry: Agreement | None, day: date) -> str | None:
    if entry is None or entry.status == "not-agreed":
        return f"{what} is not an agreed mechanism{f' ({entry.why})' if entry else ''}"
    if entry.until is not None and day > entry.until:
        return f"{what} was agreed until {entry.until} ({entry.why})"
    return None


@implements("ECCG-ACM:KEYS")
def check_key_algorithm(algorithm: KeyAlgorithm, day: date, *, lab: bool) -> None:
    """Refuse a key of a kind or length that is not agreed on `day`, unless this is the lab."""
    objection = _objection(algorithm.value, catalogue().keys.get(algorithm), day)
    if objection and not lab:
        raise Refused("ECCG-ACM:KEYS", f"{objection}. Use P-256, P-384 or RSA-3072 instead.")


@implements("ECCG-ACM:SIGNATURES")
def check_signature(algorithm: KeyAlgorithm, scheme: SignatureScheme, day: date, *, lab: bool) -> None:
    """Refuse a signature whose key or scheme is not agreed on `day`, unless this is the lab."""
    objection = _objection(
        f"A signature by {algorithm.value}", catalogue().keys.get(algorithm), day
    ) or _objection(scheme.name, catalogue().schemes.get(scheme), day)
    if objection and not lab:
        raise Refused("ECCG-ACM:SIGNATURES", f"{objection}. Use ECDSA or RSA-PSS with an agreed key.")
