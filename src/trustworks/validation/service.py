"""The validation service: a file in, a report out.

Life of a validation: 1 the file is read into evidence; 2 evidence, policy, trust and time are judged; 3 where
that says what is missing, it is fetched (unless offline) and judged again; 4 the outcome is reported. Steps 1
and 2 do no input or output, so that the same evidence gives the same outcome years later.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import Malformed
from trustworks.core.moments import read_moment
from trustworks.formats.data import Octets, Stored
from trustworks.formats.limits import DEFAULT, Limits
from trustworks.formats.read import read
from trustworks.validation.fetching import Cache, Fetcher, FetchLimits
from trustworks.validation.gathering import gather
from trustworks.validation.given import extra_of, trusted_of
from trustworks.validation.inputs import NOTHING, Extra
from trustworks.validation.model import Indication
from trustworks.validation.policy import Policy, load, shipped
from trustworks.validation.trust import NOBODY, Trust

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence
    from trustworks.validation.gathering import Gathered
    from trustworks.validation.model import Outcome
    from trustworks.validation.qualification.model import Lists
    from trustworks.validation.qualifying import Qualifications

_IN_MEMORY: Final = 16 * 1024 * 1024
"""Octets of files that are held in memory; larger ones are read in portions whenever they are digested."""

_OVERALL: Final = {
    Indication.TOTAL_PASSED: Indication.PASSED,
    Indication.TOTAL_FAILED: Indication.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One validation: the evidence, and what was concluded from it."""

    evidence: Evidence
    outcome: Outcome
    policy: Policy
    qualifications: Qualifications | None = None
    """What trusted lists say; None where there are none."""
    extra: Extra = NOTHING
    troubles: tuple[str, ...] = ()
    """What was looked for outside and could not be had, a sentence each."""

    def results(self) -> Iterator[Indication]:
        """PASSED, FAILED or INDETERMINATE of each signature; without any, of time-stamps and records."""
        if self.outcome.signatures:
            yield from (_OVERALL.get(one.indication, one.indication) for one in self.outcome.signatures)
            return
        yield from (one.verdict.indication for one in self.outcome.time_stamps)
        yield from (one.verdict.indication for one in self.outcome.evidence_records)

    # Each report brings what the others do not need: loaded when it is asked for.

    def plain(self) -> dict[str, Any]:
        """All of it as data for JSON; see `report.plain`."""
        from trustworks.validation.report.plain import plain  # noqa: PLC0415

        return plain(self.evidence, self.outcome, self.qualifications)

    def explained(self) -> str:
        """What decided, and what would change it; see `report.explain`."""
        from trustworks.validation.report.explain import explained  # noqa: PLC0415

        return explained(self.evidence, self.outcome)

    def etsi(self) -> bytes:
        """The report of TS 119 102-2 in XML, not sealed; see `report.etsi`.

        Raises:
            Rejected: the file has no signature.
        """
        from lxml import etree  # noqa: PLC0415

        from trustworks.validation.report.etsi import Stated, report  # noqa: PLC0415

        digest = hashlib.sha256(constraints_text(self.policy).encode()).digest()
        stated = Stated(policy_digest=digest)
        element = report(self.evidence, self.outcome, stated, extra=self.extra)
        return etree.tostring(element, xml_declaration=True, encoding="UTF-8")

    def text(self) -> str:
        """The verdicts in lines for a terminal; see `report.text`."""
        from trustworks.validation.report.text import text  # noqa: PLC0415

        return text(self.evidence, self.outcome, self.qualifications)

    def line(self) -> str:
        """The verdicts in one line."""
        from trustworks.validation.report.text import line  # noqa: PLC0415

        return line(self.outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validator:
    """Validates files under one policy, with one set of trust anchors; threads may share it.

    `at` None is the moment of each validation. `extra` is evidence beside the files.
    """

    policy: Policy
    trust: Trust = NOBODY
    lists: Lists | None = None
    extra: Extra = NOTHING
    at: datetime | None = None
    limits: Limits = DEFAULT
    fetcher: Fetcher | None = None
    """None: nothing is fetched."""

    @classmethod
    def by_options(
        cls,
        *,
        policy: str,
        at: str | None,
        trust: Sequence[Path],
        untrusted: Sequence[Path],
        offline: bool,
        networks: Sequence[str] = (),
        cache: Path | None = None,
    ) -> Validator:
        """As the command line says it. Raises `Malformed` for what cannot be read."""
        moment = None if at is None else read_moment(at)
        trusted = trusted_of(trust, moment or datetime.now(UTC))
        return cls(
            policy=policy_of(policy),
            trust=trusted.trust,
            lists=trusted.lists,
            extra=extra_of(untrusted),
            at=moment,
            fetcher=None if offline else _fetcher(networks, cache),
        )

    def validate(self, file: Path | Data, *, detached: Sequence[Path | Data] = ()) -> Report:
        """Judges one file.

        Raises:
            Malformed: it is no signed file of a known format, or beyond the limits.
        """
        data = _data(file)
        evidence = read(data, detached=[_data(one) for one in detached], limits=self.limits)
        found = gather(
            evidence,
            trust=self.trust,
            policy=self.policy,
            extra=self.extra,
            fetcher=self.fetcher,
            at=self.at,
        )
        return Report(
            evidence=evidence,
            outcome=found.outcome,
            policy=self.policy,
            qualifications=self._qualifications(evidence, found),
            extra=found.extra,
            troubles=found.troubles,
        )

    def _qualifications(self, evidence: Evidence, found: Gathered) -> Qualifications | None:
        if self.lists is None:
            return None
        from trustworks.validation.qualifying import qualifications  # noqa: PLC0415 - with trusted lists alone

        return qualifications(evidence, found.outcome, extra=found.extra, trust=self.trust, lists=self.lists)


def policy_of(named: str) -> Policy:
    """A shipped policy by its name, else that of a file. Raises `Malformed`."""
    return load(Path(named)) if Path(named).suffix or Path(named).exists() else shipped(named)


def constraints_text(policy: Policy) -> str:
    """All constraints of a policy in lines of one order: of what a report gives the digest."""
    lines = [f"{policy.identifier} {policy.model} {policy.suite.name}"]
    for key, constraint in sorted(policy.constraints.items(), key=lambda item: tuple(map(str, item[0]))):
        values = " ".join(constraint.values)
        lines.append(
            f"{' '.join(map(str, key))} {constraint.level} {values} {constraint.limit or ''}".rstrip()
        )
    lines.extend(f"{code} {level}" for code, level in sorted(policy.findings.items()))
    return "\n".join(lines)


def _fetcher(networks: Sequence[str], cache: Path | None) -> Fetcher:
    try:
        allowed = tuple(ip_network(one) for one in networks)
    except ValueError as error:
        raise Malformed(f"{error}. Write a network as 10.0.0.0/8.") from error
    return Fetcher(FetchLimits(networks=allowed), None if cache is None else Cache(cache))


def _data(file: Path | Data) -> Data:
    if not isinstance(file, Path):
        return file
    try:
        if file.stat().st_size <= _IN_MEMORY:
            return Octets(file.read_bytes(), file.name)
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from error
    return Stored(file, file.name)
