"""One path to a trust anchor, judged: by RFC 5280, revocation, validity, algorithms and the policy.

Source: EN 319 102-1, 5.2.6.4.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.path_verdict import FailureCode, issuers_of
from trustworks.core.pki.validation import validate_path
from trustworks.core.trace import implements
from trustworks.validation.model import Level, Need, SubIndication, indeterminate
from trustworks.validation.policies.constraints import Section
from trustworks.validation.policies.policy import Model
from trustworks.validation.policies.suites import weaknesses
from trustworks.validation.rules.building_blocks import chain_constraints
from trustworks.validation.rules.building_blocks.acceptance import reliable
from trustworks.validation.rules.building_blocks.freshness import check_freshness, is_fresh
from trustworks.validation.rules.building_blocks.revocation import (
    needs_none,
    revocation_need,
    select,
    uses_of_signed,
)
from trustworks.validation.rules.checks import Checks
from trustworks.validation.rules.inputs import id_of, path_settings
from trustworks.validation.rules.surroundings import CertificateResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from trustworks.core.pki.building import Path
    from trustworks.core.pki.path_verdict import Failure
    from trustworks.core.pki.tokens import Certificate
    from trustworks.validation.model import Conclusion, Verdict
    from trustworks.validation.policies.constraints import Context
    from trustworks.validation.policies.policy import Policy
    from trustworks.validation.policies.suites import Use
    from trustworks.validation.rules.inputs import Inputs
    from trustworks.validation.rules.revocation_status import Selection, Status

S = SubIndication
_GENERAL: Final = indeterminate(S.CERTIFICATE_CHAIN_GENERAL_FAILURE)
_NO_CHAIN: Final = indeterminate(S.NO_CERTIFICATE_CHAIN_FOUND)
_SUNSET: Final = indeterminate(S.NO_CERTIFICATE_CHAIN_FOUND_NO_POE)
_LATER: Final = indeterminate(S.TRY_LATER)
_WEAK: Final = indeterminate(S.CRYPTO_CONSTRAINTS_FAILURE_NO_POE)
OF_PATH: Final = "a certificate of the path"


@implements("EN319102-1:5.2.6.4-3")
def before_sunset(failures: Sequence[Failure]) -> str | None:
    """The trust anchor is still trusted at the time of validation."""
    return failures[0].sentence if failures else None


@implements("EN319102-1:5.2.6.4-3-SINCE")
def trusted_by_then(failures: Sequence[Failure]) -> str | None:
    """The trust anchor is trusted already: what is not yet trusted never was, and no past helps."""
    return failures[0].sentence if failures else None


@implements("TS119172-4:REQ-4.2-03-c-i", "TS119172-4:REQ-4.2-03-c-iii", disabled=True)
def asked_about(path: Path) -> bool:
    """Whether revocation and its freshness are asked of a path: not where the signer is the trust anchor."""
    return not path.is_anchor_alone


@implements("EN319102-1:5.2.6.4-4")
def path_holds(failures: Sequence[Failure]) -> str | None:
    """The path holds by RFC 5280, 6.1, apart from validity and revocation."""
    return failures[0].sentence if failures else None


@implements("EN319102-1:5.2.6.4-4-REVOCATION")
def revocation_known(selection: Selection) -> str | None:
    """Revocation data about the certificate is at hand."""
    return None if selection.found else "There is no revocation data about a certificate of the path."


@implements("EN319102-1:5.2.6.4-4-ACCEPTABLE")
def revocation_acceptable(selection: Selection) -> str | None:
    """Some of the revocation data is acceptable."""
    if selection.statuses or not selection.found:
        return None
    refused = [check.text for check in selection.conclusion.warnings() if check.text]
    why = f": {refused[0]}" if refused else "."
    return f"None of the revocation data about a certificate of the path is acceptable{why}"


@implements("EN319102-1:5.2.6.4-4-REVOKED")
def not_revoked(status: Status, at: datetime) -> str | None:
    """The certificate is not revoked."""
    fact = status.fact
    if not fact.is_revoked_at(at) or fact.is_on_hold:
        return None
    when = f" at {fact.revoked_at:%Y-%m-%d %H:%M:%SZ}" if fact.revoked_at else ""
    return f"The certificate was revoked{when}."


@implements("EN319102-1:5.2.6.4-4-SUSPENDED")
def not_suspended(status: Status, at: datetime) -> str | None:
    """The certificate is not suspended."""
    if status.fact.is_revoked_at(at) and status.fact.is_on_hold:
        return "The certificate is suspended. Try again when it is released or revoked."
    return None


@implements("EN319102-1:5.2.6.4-VALIDITY")
def in_bounds(certificate: Certificate, at: datetime) -> str | None:
    """The time is within the certificate's validity."""
    if certificate.not_before <= at <= certificate.not_after:
        return None
    return (
        f"The certificate is valid from {certificate.not_before:%Y-%m-%d %H:%M:%SZ} to "
        f"{certificate.not_after:%Y-%m-%d %H:%M:%SZ}, not at {at:%Y-%m-%d %H:%M:%SZ}."
    )


@implements("EN319102-1:5.6.2.4.4-3-PATH")
def authorities_had_not_expired(path: Path | None, model: Model, best: datetime) -> str | None:
    """No authority of the path had expired when the signature existed, or when the model asks.

    Asked where that the signer's certificate has expired is forgiven, since that forgives it for all.
    """
    for certificate, moment in () if path is None else _moments(path, model, best):
        if moment > certificate.not_after:
            return (
                f"{certificate} of the path expired at {certificate.not_after:%Y-%m-%d %H:%M:%SZ}; it had "
                f"to be valid at {moment:%Y-%m-%d %H:%M:%SZ}."
            )
    return None


def _moments(path: Path, model: Model, at: datetime) -> Iterator[tuple[Certificate, datetime]]:
    """The authorities' certificates, each with the time at which it must be valid."""
    below = leaf = path.leaf
    for certificate in path.certificates[1:]:
        yield (
            certificate,
            {Model.SHELL: at, Model.HYBRID: leaf.not_before, Model.CHAIN: below.not_before}[model],
        )
        below = certificate


@implements("EN319102-1:5.2.6.4-REVOCATION-ISSUER")
def revocation_issuer_in_bounds(status: Status, at: datetime) -> str | None:
    """Who signed the revocation data about the signer has a certificate that is valid now, or is trusted."""
    signer = status.signer
    if status.trusted or signer is None or signer.not_before <= at <= signer.not_after:
        return None
    return (
        "The certificate of who signed the revocation data is not valid any more, so that nobody knows "
        "whether it was revoked before."
    )


@implements("EN319102-1:5.2.6.4-REVOCATION-ISSUER-REVOKED")
def revocation_issuer_in_force(status: Status) -> str | None:
    """Who signed the revocation data was not revoked by now: the time in it is what he says."""
    if not status.doubtful:
        return None
    return (
        f"Who signed the revocation data was revoked at {status.signer_revoked_at:%Y-%m-%d %H:%M:%SZ}; that "
        "the data existed before is not proven."
    )


def judge_path(
    path: Path, context: Context, inputs: Inputs, forgiven: frozenset[SubIndication]
) -> CertificateResult:
    """The steps of 5.2.6.4 for one path, now. `forgiven` are reasons that only warn."""
    return _Path(path, context, inputs, forgiven).judge()


class _Path:
    """One path, judged."""

    def __init__(
        self, path: Path, context: Context, inputs: Inputs, forgiven: frozenset[SubIndication]
    ) -> None:
        self.path = path
        self.context = context
        self.inputs = inputs
        self.forgiven = forgiven
        self.checks = Checks("XCV", id_of(path.leaf))
        self.used: list[tuple[Certificate, Status]] = []
        self.revoked_at: datetime | None = None
        self.suspended_at: datetime | None = None
        self.skipped = False
        self.needs: list[Need] = []

    @property
    def policy(self) -> Policy:
        return self.inputs.policy

    def level(self, name: str, section: Section) -> Level:
        return self.policy.level(self.context, name, section)

    def judge(self) -> CertificateResult:
        """The steps of 5.2.6.4 for one path."""
        path, checks, at = self.path, self.checks, self.inputs.at
        verdict = validate_path(path, at=at, settings=path_settings(self.policy, self.context))
        not_yet = [one for one in verdict.of_anchor if one.code is FailureCode.ANCHOR_NOT_YET]
        ended = [one for one in verdict.of_anchor if one.code is not FailureCode.ANCHOR_NOT_YET]
        checks.ask("xcv.since", partial(trusted_by_then, not_yet), _NO_CHAIN)
        checks.ask("xcv.sunset", partial(before_sunset, ended), _SUNSET, level=self.unless(_SUNSET))
        if asked_about(path):
            checks.ask("xcv.path", partial(path_holds, verdict.of_chain), _GENERAL)
            for number, certificate in enumerate(path.certificates):
                section = Section.CA_CERTIFICATE if number else Section.SIGNING_CERTIFICATE
                chain_constraints.check(checks, certificate, self.policy, self.context, section)
                self._revocation(number, certificate, section)
            self._algorithms()
            self._bounds()
        else:
            section = Section.SIGNING_CERTIFICATE
            chain_constraints.check(checks, path.leaf, self.policy, self.context, section, anchor=True)
        anchor = path.anchor.certificate
        top = () if anchor is None or path.is_anchor_alone else (anchor,)
        return CertificateResult(
            conclusion=checks.conclude(),
            leaf=path.leaf,
            chain=(*path.certificates, *top),
            path=path,
            used=tuple(self.used),
            revoked_at=self.revoked_at,
            suspended_at=self.suspended_at,
            uses=self._uses(),
            needs=tuple(self.needs),
        )

    def unless(self, verdict: Verdict, level: Level = Level.FAIL) -> Level:
        """The level of a check, WARN where what it objects to is forgiven."""
        return Level.WARN if verdict.sub_indication in self.forgiven and level is Level.FAIL else level

    def _revocation(self, number: int, certificate: Certificate, section: Section) -> None:
        checks, inputs = self.checks, self.inputs
        if needs_none(certificate, self.policy.constraint(self.context, "revocation-data-skip", section)):
            self.skipped = self.skipped or number == 0
            return
        issuer = issuers_of(self.path)[number]
        found = select(certificate, issuer, self.path.certificates[number + 1 :], inputs)
        named = id_of(certificate)
        checks.ask(
            "xcv.revocation-known",
            partial(revocation_known, found),
            _GENERAL,
            level=self.level("revocation-data-available", section),
            subject=named,
        )
        checks.ask(
            "xcv.revocation-acceptable",
            partial(revocation_acceptable, found),
            _GENERAL,
            level=self.level("acceptable-revocation-data-found", section),
            subject=named,
            block=found.conclusion,
        )
        self.needs.extend(found.needs)
        if not found.statuses:
            self.needs.append(revocation_need(certificate, issuer))
            return
        status = found.statuses[0]
        self.used.append((certificate, status))
        self._status(number, certificate, status, section)

    def _status(self, number: int, certificate: Certificate, status: Status, section: Section) -> None:
        checks, at, named = self.checks, self.inputs.at, id_of(certificate)
        revoked = indeterminate(S.REVOKED_CA_NO_POE if number else S.REVOKED_NO_POE)
        level = self.unless(revoked, self.level("not-revoked", section))
        rule = partial(not_revoked, status, at)
        before = checks.failed
        if not checks.ask("xcv.not-revoked", rule, revoked, level=level, subject=named) and not before:
            self.revoked_at = status.fact.revoked_at
        level = self.unless(_LATER, self.level("not-on-hold", section))
        rule = partial(not_suspended, status, at)
        before = checks.failed
        if not checks.ask("xcv.not-suspended", rule, _LATER, level=level, subject=named) and not before:
            self.suspended_at = status.fact.revoked_at
        verdict = indeterminate(S.REVOCATION_OUT_OF_BOUNDS_NO_POE)
        level = self.unless(verdict, self.level("acceptable-revocation-data-found", section))
        rule = partial(revocation_issuer_in_force, status)
        checks.ask("xcv.revocation-issuer", rule, verdict, level=level, subject=status.token)
        if status.doubtful or not status.authorised:
            self.needs.append(revocation_need(certificate, issuers_of(self.path)[number]))
        fresh = check_freshness(status, at, self.policy, self.context, section)
        if not is_fresh(status, at, self.policy, self.context, section):
            need = revocation_need(certificate, issuers_of(self.path)[number])
            self.needs.append(replace(need, fresher_than=status.issued))
        checks.ask(
            "xcv.fresh",
            partial(_reason, fresh),
            _LATER,
            level=self.unless(_LATER),
            subject=named,
            block=fresh,
        )

    def _algorithms(self) -> None:
        """The algorithms of certificates, and of the revocation data about them, now."""
        checks, at = self.checks, self.inputs.at
        weak = weaknesses(self.policy.suite, self._uses(), at)
        level = self.level("algorithms", Section.SIGNING_CERTIFICATE)
        rule = partial(reliable, weak)
        checks.ask("xcv.algorithms", rule, _WEAK, level=self.unless(_WEAK, level))

    def _uses(self) -> tuple[Use, ...]:
        found: list[Use] = []
        for certificate, issuer in zip(self.path.certificates, issuers_of(self.path), strict=True):
            if not self.path.is_anchor_alone:
                found.extend(uses_of_signed(certificate.signed, id_of(certificate), OF_PATH, issuer.key))
        for _, status in self.used:
            found.extend(status.uses)
        return tuple(dict.fromkeys(found))

    def _bounds(self) -> None:
        """Validity of the signer's certificate, those above by the model, and who told of revocation."""
        checks, at, leaf = self.checks, self.inputs.at, self.path.leaf
        status = next((one for certificate, one in self.used if certificate == leaf), None)
        issuer_level = self.level("revocation-issuer-not-expired", Section.SIGNING_CERTIFICATE)
        known = self.skipped or (
            status is not None
            and (issuer_level is not Level.FAIL or revocation_issuer_in_bounds(status, at) is None)
        )
        verdict = indeterminate(S.OUT_OF_BOUNDS_NOT_REVOKED if known else S.OUT_OF_BOUNDS_NO_POE)
        level = self.unless(verdict, self.level("not-expired", Section.SIGNING_CERTIFICATE))
        checks.ask("xcv.in-bounds", partial(in_bounds, leaf, at), verdict, level=level, subject=id_of(leaf))
        verdict = indeterminate(S.OUT_OF_BOUNDS_NO_POE)
        level = self.unless(verdict, self.level("not-expired", Section.CA_CERTIFICATE))
        if S.OUT_OF_BOUNDS_NOT_REVOKED in self.forgiven and level is Level.FAIL:
            level = Level.WARN
        for certificate, moment in _moments(self.path, self.policy.model, at):
            rule = partial(in_bounds, certificate, moment)
            checks.ask("xcv.in-bounds", rule, verdict, level=level, subject=id_of(certificate))
        if status is not None:
            verdict = indeterminate(S.REVOCATION_OUT_OF_BOUNDS_NO_POE)
            rule = partial(revocation_issuer_in_bounds, status, at)
            level = self.unless(verdict, issuer_level)
            checks.ask("xcv.revocation-issuer", rule, verdict, level=level, subject=status.token)


def _reason(conclusion: Conclusion) -> str | None:
    reasons = conclusion.reasons()
    return reasons[0].text if reasons else None
