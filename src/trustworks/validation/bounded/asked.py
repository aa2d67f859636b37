"""What is asked of a process that validates, and what it answers."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Kind(StrEnum):
    """A kind of report."""

    PLAIN = "plain"
    """All of the outcome as JSON (`report.plain`)."""
    EXPLAINED = "explained"
    """What decided, in sentences (`report.explain`)."""
    PAGE = "page"
    """What a page shows, as JSON (`report.page.html.as_data`)."""
    ETSI = "etsi"
    """The report of TS 119 102-2 in XML."""
    HTML = "html"
    """A page that stands alone."""
    PDF = "pdf"
    """The same as a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One file: its octets, an open file that holds them, or digests alone by their hash function's name."""

    name: str | None = None
    octets: bytes = b""
    descriptor: int | None = None
    digests: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One validation. `at` None: now. `kinds` are the reports that are wanted."""

    file: Given
    detached: tuple[Given, ...] = ()
    records: tuple[Given, ...] = ()
    policy: str
    at: datetime | None = None
    kinds: tuple[Kind, ...] = (Kind.PLAIN,)
    certificate: bytes | None = None
    """Of the seal of the service (DER), which the report of TS 119 102-2 names; None: it has none."""

    @property
    def files(self) -> tuple[Given, ...]:
        """All files that came."""
        return (self.file, *self.detached, *self.records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a validation came to: the results of its signatures, and the reports.

    `results` are PASSED, FAILED or INDETERMINATE, as `Report.results` has them; empty where there is no
    signature, time-stamp or record.
    """

    results: tuple[str, ...]
    policy: str
    """The identifier of the policy."""
    plain: dict[str, Any] = field(default_factory=dict)
    explained: str = ""
    page: dict[str, Any] = field(default_factory=dict)
    etsi: bytes = b""
    """Empty where there is no signature."""
    sealed: bool = False
    """Whether `etsi` has the seal of the service."""
    html: bytes = b""
    pdf: bytes = b""


def words_of(asked: Asked) -> dict[str, Any]:
    """The request without its files."""

    def told(one: Given) -> dict[str, Any]:
        digests = [[name, value.hex()] for name, value in one.digests]
        return {"name": one.name, "length": len(one.octets), "open": one.descriptor is not None} | (
            {"digests": digests} if digests else {}
        )

    return {
        "file": told(asked.file),
        "detached": [told(one) for one in asked.detached],
        "records": [told(one) for one in asked.records],
        "policy": asked.policy,
        "at": None if asked.at is None else asked.at.isoformat(),
        "kinds": list(asked.kinds),
        "certificate": None if asked.certificate is None else asked.certificate.hex(),
    }


def asked_of(words: dict[str, Any], octets: bytes, descriptors: Sequence[int]) -> Asked:
    """The request, from its words, the octets of all files in their order, and open files."""
    opened: Iterator[int] = iter(descriptors)
    begin = 0

    def given(told: dict[str, Any]) -> Given:
        nonlocal begin
        end = begin + told["length"]
        found = Given(
            name=told["name"],
            octets=octets[begin:end],
            descriptor=next(opened) if told["open"] else None,
            digests=tuple((name, bytes.fromhex(value)) for name, value in told.get("digests", ())),
        )
        begin = end
        return found

    return Asked(
        file=given(words["file"]),
        detached=tuple(given(one) for one in words["detached"]),
        records=tuple(given(one) for one in words["records"]),
        policy=words["policy"],
        at=None if words["at"] is None else datetime.fromisoformat(words["at"]),
        kinds=tuple(Kind(one) for one in words["kinds"]),
        certificate=None if words["certificate"] is None else bytes.fromhex(words["certificate"]),
    )
