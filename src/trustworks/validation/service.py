"""The validation service: a file in, a report out.

Life of a validation: 1 the file is read into evidence; 2 evidence, policy, trust and time are judged; 3 where
that says what is missing, it is fetched (unless offline) and judged again; 4 the outcome is reported. Steps 1
and 2 do no input or output, so that the same evidence gives the same outcome years later.
"""

from __future__ import annotations

import hashlib
from dataclasses import field, fields, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed
from trustworks.core.moments import read_moment
from trustworks.core.values import dataclass
from trustworks.formats.data import Octets, Stored
from trustworks.formats.limits import DEFAULT, Limits, limits_of
from trustworks.formats.read import read
from trustworks.validation.gathering.rounds import gather
from trustworks.validation.given import extra_of, trusted_of
from trustworks.validation.kept.model import Consulted, Given
from trustworks.validation.model import Indication
from trustworks.validation.policies.policy import SHIPPED, Policy, load, shipped
from trustworks.validation.report.judged import Judged
from trustworks.validation.rules.inputs import NOTHING, Extra
from trustworks.validation.rules.surroundings import Known
from trustworks.validation.trust import NOBODY, Trust

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence
    from trustworks.validation.gathering.fetching import Fetcher
    from trustworks.validation.gathering.rounds import Gathered
    from trustworks.validation.kept.origin import Origin
    from trustworks.validation.model import Outcome
    from trustworks.validation.qualification.model import Lists
    from trustworks.validation.qualifying import Qualifications
    from trustworks.validation.report.extraction import Extract
    from trustworks.validation.report.seal.sealing import Seal

_IN_MEMORY: Final = 16 * 1024 * 1024
"""Octets of files that are held in memory; larger ones are read in portions whenever they are digested."""

_LONGEST_POLICY: Final = 4 * 1024 * 1024

_OVERALL: Final = {
    Indication.TOTAL_PASSED: Indication.PASSED,
    Indication.TOTAL_FAILED: Indication.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Judged):
    """One validation, and how it is told. Each kind of report loads what the others do not need."""

    given: Given
    """What it was made from, to be kept."""

    def keep(self, place: Path, *, with_data: bool = True) -> None:
        """Write all that the verdict was made from, and the verdict, to one file, which must be new.

        Raises:
            Malformed, Rejected: something of it cannot be kept.
            Unavailable: the file cannot be written, or the verdict made again is another.
        """
        from trustworks.validation.kept.replay import keep  # noqa: PLC0415 - seldom asked for

        keep(self, self.given, place, with_data=with_data)

    def results(self) -> Iterator[Indication]:
        """PASSED, FAILED or INDETERMINATE of each signature; without any, of time-stamps and records."""
        if self.outcome.signatures:
            yield from (_OVERALL.get(one.indication, one.indication) for one in self.outcome.signatures)
            return
        yield from (one.verdict.indication for one in self.outcome.time_stamps)
        yield from (one.verdict.indication for one in self.outcome.evidence_records)

    def plain(self) -> dict[str, Any]:
        """All of it as data for JSON; see `report.plain`."""
        from trustworks.validation.report.plain import plain  # noqa: PLC0415

        return plain(self)

    def explained(self) -> str:
        """What decided, and what would change it; see `report.explain`."""
        from trustworks.validation.report.explain import explained  # noqa: PLC0415

        return explained(self)

    def extracts(self) -> Iterator[Extract]:
        """What exactly each signature, time-stamp and evidence record covers, with the octets."""
        from trustworks.validation.report.extraction import extracts  # noqa: PLC0415

        return extracts(self)

    def extract(self, folder: Path) -> int:
        """Write what is covered to files in an empty folder, with a manifest; see `report.extraction`.

        Raises:
            Malformed: the folder is not empty, or cannot be one.
            Unavailable: a file cannot be written.
        """
        from trustworks.validation.report.extraction import extract  # noqa: PLC0415

        return extract(self, folder)

    def html(self) -> bytes:
        """A page for people, in one file; see `report.page`."""
        from trustworks.validation.report.page.html import as_html  # noqa: PLC0415 - loads the templates

        return as_html(self)

    def pdf(self) -> bytes:
        """The same as a document to keep (PDF/A-2a, PDF/UA-1); see `report.page`."""
        from trustworks.validation.report.page.pdf import as_pdf  # noqa: PLC0415 - loads the typesetter

        return as_pdf(self)

    def etsi(
        self,
        *,
        service_policy: str | None = None,
        practice_statement: str | None = None,
        certificate: bytes | None = None,
        seal: Seal | None = None,
    ) -> bytes:
        """The report of TS 119 102-2 in XML; `report.etsi.document.Stated` says what can be stated.

        `seal` seals it (see `report.seal`); its certificate is stated where no other is.

        Raises:
            Rejected: the file has neither signature nor time-stamp; the seal does not hold.
            Unavailable: the key of the seal, or its source of time-stamps, cannot be used now.
        """
        from lxml import etree  # noqa: PLC0415

        from trustworks.validation.report.etsi.document import Stated, report  # noqa: PLC0415

        if certificate is None and seal is not None:
            certificate = seal.certificates[0]
        digest = hashlib.sha256(constraints_text(self.policy).encode()).digest()
        stated = Stated(
            policy_digest=digest,
            service_policy=service_policy,
            practice_statement=practice_statement,
            certificate=certificate,
        )
        element = report(self, stated)
        written = etree.tostring(element, xml_declaration=True, encoding="UTF-8")
        if seal is None:
            return written
        from trustworks.validation.report.seal.sealing import sealed  # noqa: PLC0415 - seldom asked for

        return sealed(written, seal)

    def text(self) -> str:
        """The verdicts in lines for a terminal; see `report.text`."""
        from trustworks.validation.report.text import text  # noqa: PLC0415

        return text(self)

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
    _known: Known = field(default_factory=Known, init=False, repr=False, compare=False)

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
        limits: Sequence[str] = (),
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
            limits=limits_of(limits),
            fetcher=None if offline else _fetcher(networks, cache),
        )

    def validate(
        self,
        file: Path | Data,
        *,
        detached: Sequence[Path | Data] = (),
        records: Sequence[Path | Data] = (),
        pool: bool = False,
    ) -> Report:
        """Judges one file. `records` are evidence records about it or its data, in files of their own.

        `pool`: `detached` is the data of many files, not all of it of this one.

        Raises:
            Malformed: it is no signed file of a known format, or beyond the limits.
        """
        given = Given(
            data=data_of(file),
            detached=tuple(data_of(one) for one in detached),
            records=tuple(data_of(one) for one in records),
            pool=pool,
            limits=self.limits,
            trust=self.trust,
            lists=None if self.lists is None else Consulted(self.lists),
            present=self.at is None,
        )
        evidence = read(
            given.data,
            detached=given.detached,
            records=given.records,
            limits=self.limits,
            pool=pool,
            anchors=self.trust.anchors,
        )
        found = gather(
            evidence,
            trust=self.trust,
            policy=self.policy,
            extra=self.extra,
            fetcher=self.fetcher,
            at=self.at,
            known=self._known,
        )
        return Report(
            evidence=evidence,
            outcome=found.outcome,
            policy=self.policy,
            qualifications=self._qualifications(evidence, found, given.lists),
            extra=found.extra,
            troubles=found.troubles,
            files=given.files,
            given=replace(given, sources=found.sources),
        )

    def _qualifications(
        self, evidence: Evidence, found: Gathered[Outcome], lists: Lists | None
    ) -> Qualifications | None:
        if lists is None:
            return None
        from trustworks.validation.qualifying import qualifications  # noqa: PLC0415 - with trusted lists alone

        return qualifications(evidence, found.outcome, extra=found.extra, trust=self.trust, lists=lists)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A verdict that was made again, and whether it is the one that was kept, octet for octet.

    `kept_by` and `judged_by` are the product with its version, then and now. `origin` names the trust
    anchors, the policy and the trusted lists, all of which the bundle brought: whoever made it chose them.
    """

    report: Report
    same: bool
    kept: bytes
    found: bytes
    kept_by: str
    judged_by: str
    origin: Origin

    def first_difference(self) -> str:
        """Where in the JSON of the verdict the first difference is, such as ``signatures.0.indication``."""
        from trustworks.validation.kept.replay import first_difference  # noqa: PLC0415 - seldom asked for

        return first_difference(self.kept, self.found)


def replay(bundle: Path, *, data: Sequence[Path | Data] = (), limits: Limits = DEFAULT) -> Replay:
    """Judge again what `Report.keep` wrote, by that file alone. `data`: what it was kept without.

    Raises:
        Malformed: it is no such file, was changed, or is beyond the limits; or the data is missing.
    """
    from trustworks.validation.kept.replay import replay as again  # noqa: PLC0415 - seldom asked for

    found = again(bundle, brought=[data_of(one) for one in data], limits=limits)
    told = {one.name: getattr(found.judged, one.name) for one in fields(found.judged)}
    return Replay(
        report=Report(**told, given=found.given),
        same=found.same,
        kept=found.kept,
        found=found.found,
        kept_by=found.kept_by,
        judged_by=found.judged_by,
        origin=found.origin,
    )


def policy_of(named: str) -> Policy:
    """A shipped policy by its name, else that of a file: our own TOML, or the constraints of EU DSS in XML.

    Raises:
        Malformed: there is neither, or the file is no policy.
    """
    path = Path(named)
    if named in SHIPPED or not path.is_file():
        return shipped(named)
    octets = _read(path)
    if not octets.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return load(path)
    from trustworks.validation.policies.dss_policy import read_dss_policy  # noqa: PLC0415 - seldom needed

    return read_dss_policy(octets)


def _read(path: Path) -> bytes:
    try:
        return read_at_most(path, _LONGEST_POLICY)
    except OSError as error:
        raise Malformed(f"{path} cannot be read: {error.strerror}.") from error


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
    # Offline nothing is loaded that speaks to a network.
    from trustworks.validation.gathering.fetching import Cache, Fetcher, FetchLimits  # noqa: PLC0415

    return Fetcher(FetchLimits(networks=networks_of(networks)), None if cache is None else Cache(cache))


def networks_of(networks: Sequence[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Networks as people write them. Raises `Malformed`."""
    try:
        return tuple(ip_network(one) for one in networks)
    except ValueError as error:
        raise Malformed(f"{error}. Write a network as 10.0.0.0/8.") from error


def data_of(file: Path | Data) -> Data:
    """A file as data; a large one is read in portions. Raises `Malformed` where it cannot be read."""
    if not isinstance(file, Path):
        return file
    try:
        if file.stat().st_size <= _IN_MEMORY:
            return Octets(file.read_bytes(), file.name)
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from error
    return Stored(file, file.name)
