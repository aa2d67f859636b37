"""Paths judged with revocation: RFC 5280, 6.1 and 6.3 together, at one time.

This is what a relying party asks that has all data at hand and one time in mind. A validation by EN 319 102-1
has proofs of existence at several times, and puts `building`, `validation` and `revocation` together itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from trustworks.core.pki.building import BUILDING_LIMITS, BuildingLimits, TrustAnchors, build_paths
from trustworks.core.pki.crl_scope import ALL_REASONS
from trustworks.core.pki.ocsp_answer import OcspAnswer
from trustworks.core.pki.revocation import Refusal, RevocationFact, capital, find_facts
from trustworks.core.pki.validation import (
    DEFAULT_SETTINGS,
    Issuer,
    PathSettings,
    PathVerdict,
    issuers_of,
    validate_path,
)
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.core.pki.building import CertificatePool, Path
    from trustworks.core.pki.certificate import Certificate
    from trustworks.core.pki.revocation import RevocationData

MOST_SIGNERS: Final = 200
"""Signers of revocation data that are looked at for one certificate."""

DEEPEST: Final = 4
"""Signers of revocation data whose own revocation is looked at, one behind the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationStatus:
    """Whether a certificate was revoked at a time, by the facts that were used; ``undetermined``: unknown.

    `decisive` is the fact that says so, where it is revoked. `objections` say why data was not used.
    """

    certificate: Certificate
    status: Literal["good", "revoked", "undetermined", "exempt"]
    facts: tuple[RevocationFact, ...] = ()
    decisive: RevocationFact | None = None
    objections: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPath:
    """The verdict on a path, and the revocation status of each certificate of it that has one."""

    verdict: PathVerdict
    statuses: tuple[RevocationStatus, ...]

    @property
    def path(self) -> Path:
        """The path."""
        return self.verdict.path

    @property
    def revoked(self) -> tuple[RevocationStatus, ...]:
        """The certificates that were revoked."""
        return tuple(one for one in self.statuses if one.status == "revoked")

    @property
    def undetermined(self) -> tuple[RevocationStatus, ...]:
        """The certificates of which it is not known whether they were."""
        return tuple(one for one in self.statuses if one.status == "undetermined")

    @property
    def ok(self) -> bool:
        """Whether the path holds, and every certificate is known not to be revoked."""
        return self.verdict.ok and not self.revoked and not self.undetermined


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """All that is at hand to check certificates at a time.

    `current` asks that revocation data was not outdated at the time. `responders_by_path` uses OCSP answers
    of responders that another CA than the certificate's issuer authorised, if they have a path to the same
    anchor. Without `revocation` nothing is asked about it.
    """

    anchors: TrustAnchors
    pool: CertificatePool
    data: RevocationData
    at: datetime
    settings: PathSettings = DEFAULT_SETTINGS
    limits: BuildingLimits = BUILDING_LIMITS
    revocation: bool = True
    current: bool = True
    responders_by_path: bool = False
    _begun: frozenset[bytes] = field(default_factory=frozenset)
    _asked: list[bytes] = field(default_factory=list)

    def check(self, certificate: Certificate) -> tuple[CheckedPath, ...]:
        """The first path that holds, alone; where none does, all of them, the likeliest first."""
        if not self._begun:
            self._asked.clear()
        failed: list[CheckedPath] = []
        for path in build_paths(
            certificate, anchors=self.anchors, pool=self.pool, at=self.at, limits=self.limits
        ):
            checked = self.check_path(path)
            if checked.ok:
                return (checked,)
            failed.append(checked)
        return tuple(failed)

    def check_path(self, path: Path) -> CheckedPath:
        """A path at the time, with the revocation status of its certificates if it holds otherwise."""
        verdict = validate_path(path, at=self.at, settings=self.settings)
        statuses: list[RevocationStatus] = []
        if self.revocation and verdict.ok and not path.is_anchor_alone:
            issuers = issuers_of(path)
            for certificate, issuer in zip(path.certificates, issuers, strict=True):
                statuses.append(self._status(certificate, issuer, path))
        return CheckedPath(verdict=verdict, statuses=tuple(statuses))

    def _status(self, certificate: Certificate, issuer: Issuer, path: Path) -> RevocationStatus:
        """What the facts say together (RFC 5280, 6.3.3)."""
        if certificate.has_no_rev_avail or certificate.is_validity_assured_short_term:
            return RevocationStatus(certificate=certificate, status="exempt")
        findings = find_facts(certificate, issuer, self.data, pool=self.pool, anchors=self.anchors)
        used: list[RevocationFact] = []
        objections = [one.sentence for one in findings.refusals]
        missing = set(ALL_REASONS)
        # What is told of a signer by itself comes last: others may know better (sorted keeps the order).
        for fact in sorted(findings.facts, key=self._is_circular):
            if not fact.reasons & missing:
                continue
            objection = self._objection(fact, certificate, path)
            if objection is not None:
                objections.append(objection)
                continue
            used.append(fact)
            missing -= fact.reasons
            if fact.is_revoked_at(self.at):
                return RevocationStatus(
                    certificate=certificate,
                    status="revoked",
                    facts=tuple(used),
                    decisive=fact,
                    objections=tuple(objections),
                    refusals=findings.refusals,
                )
        if missing and used:
            objections.append(f"What there is about {certificate} is not about every reason of revocation.")
        return RevocationStatus(
            certificate=certificate,
            status="undetermined" if missing else "good",
            facts=tuple(used),
            objections=tuple(objections),
            refusals=findings.refusals,
        )

    def _is_circular(self, fact: RevocationFact) -> bool:
        """Whether those who signed are asked about just now."""
        return all(one is not None and one.sha256 in self._begun for one in fact.signers)

    def _objection(self, fact: RevocationFact, certificate: Certificate, path: Path) -> str | None:
        """Why a fact is not used at the time; None: it is."""
        if self.current and not fact.is_current(self.at):
            return f"{capital(fact.tokens[-1])} is not the one of that time."
        if self.current and not fact.tells_of_expired(certificate):
            return f"{certificate} had expired when the data was issued, which need not tell of it any more."
        answered = isinstance(fact.tokens[0], OcspAnswer)
        if answered and fact.authority == "by-path" and not self.responders_by_path:
            return f"{capital(fact.tokens[0])} is of a responder that another CA authorised."
        if not any(self._is_trusted(signer, fact, path) for signer in fact.signers):
            return f"Who signed {fact.tokens[-1]} is not trusted for it."
        return None

    @implements("RFC5280:6.3.3-SIGNER-PATH", disabled=lambda *_: True)
    def _is_trusted(self, signer: Certificate | None, fact: RevocationFact, path: Path) -> bool:
        """Whether a signer has a path to the same anchor that holds (RFC 5280, 6.3.3 (f)).

        A list may tell of its own signer: where that is asked while it is asked for, it is presumed good.
        """
        if signer is None or signer.sha256 in self._begun:
            return True
        if len(self._begun) >= DEEPEST or len(self._asked) >= MOST_SIGNERS:
            return False
        self._asked.append(signer.sha256)
        answered = isinstance(fact.tokens[0], OcspAnswer)
        if answered and not signer.not_before <= fact.produced_at <= signer.not_after:
            return False
        inner = Checker(
            anchors=TrustAnchors([path.anchor]),
            pool=self.pool,
            data=self.data,
            at=self.at,
            limits=self.limits,
            revocation=self.revocation and not (answered and signer.has_ocsp_no_check),
            current=self.current,
            responders_by_path=self.responders_by_path,
            _begun=self._begun | {signer.sha256},
            _asked=self._asked,
        )
        checked: Sequence[CheckedPath] = inner.check(signer)
        return any(one.ok for one in checked)
