"""Validation of basic signatures: format, signer, policy, path, cryptography, acceptance, in this order.

A failure of cryptography counts more than what is not known of the path; so the path's result waits until the
value was verified.

Source: EN 319 102-1, 5.3.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.evidence import TimeStampKind
from trustworks.validation.model import SubIndication, failed, indeterminate
from trustworks.validation.rules.building_blocks import acceptance, cryptographic, format_checking, policies
from trustworks.validation.rules.building_blocks.identification import identify
from trustworks.validation.rules.building_blocks.x509 import validate_certificate
from trustworks.validation.rules.checks import Checks
from trustworks.validation.rules.inputs import context_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from trustworks.core.pki.tokens import Certificate
    from trustworks.formats.evidence import Signature, TimeStamp
    from trustworks.validation.model import Conclusion, Verdict
    from trustworks.validation.policies.constraints import Context
    from trustworks.validation.rules.building_blocks.acceptance import Accepted
    from trustworks.validation.rules.inputs import Inputs
    from trustworks.validation.rules.surroundings import CertificateResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Whose signature it is: the conclusion of identification, and what was found.

    `named` is the id of the certificate, which may be there and not readable: `certificate` is None then, and
    identification has not passed.
    `intact`: the value verifies with its key; `why_not_computed`: why that could not be tried.
    """

    conclusion: Conclusion
    named: str | None
    certificate: Certificate | None
    intact: bool
    why_not_computed: str | None = None

    @property
    def bits(self) -> int | None:
        """The size of the key."""
        return None if self.certificate is None else self.certificate.key.bits or None


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicResult:
    """What the basic process came to, and what later processes go on from.

    `path` is None where it was not reached or no certificate was identified, `accepted` where acceptance was
    not reached.
    """

    conclusion: Conclusion
    signer: Signer
    path: CertificateResult | None
    accepted: Accepted | None

    @property
    def verdict(self) -> Verdict:
        """The verdict of the process."""
        return self.conclusion.verdict


def find_signer(signature: Signature, subject: str, inputs: Inputs, context: Context) -> Signer:
    """Identify the signer, and try the value with the key that is found."""
    found = identify(signature, subject, inputs, context)
    named = found.candidate.id if found.candidate else None
    token = inputs.certificate_tokens.get(named) if named else None
    der = token.der if token else None
    intact = cryptographic.is_intact(signature, found.candidate, der)
    return Signer(
        conclusion=found.conclusion,
        named=named,
        certificate=found.certificate,
        intact=intact,
        why_not_computed=(
            None if intact else cryptographic.why_not_computed(signature, found.candidate, der)
        ),
    )


@implements("EN319102-1:5.3.4-4-REVOKED")
def signed_before_revocation(time_stamp: TimeStamp, revoked_at: datetime) -> str | None:
    """A content time-stamp is no later than the revocation: what it proves is a time before signing."""
    if time_stamp.time > revoked_at:
        return (
            f"The data was time-stamped at {time_stamp.time:%Y-%m-%d %H:%M:%SZ} before it was signed, and "
            f"the certificate was revoked by then, at {revoked_at:%Y-%m-%d %H:%M:%SZ}."
        )
    return None


@implements("EN319102-1:5.3.4-4-EXPIRED")
def signed_before_expiration(time_stamp: TimeStamp, not_after: datetime) -> str | None:
    """A content time-stamp is no later than the end of the signing certificate."""
    if time_stamp.time > not_after:
        return (
            f"The data was time-stamped at {time_stamp.time:%Y-%m-%d %H:%M:%SZ} before it was signed, and "
            f"the certificate had expired by then, at {not_after:%Y-%m-%d %H:%M:%SZ}."
        )
    return None


@implements("EN319102-1:5.3.4-6-CRYPTO")
def signed_while_reliable(time_stamp: TimeStamp, until: datetime | None) -> str | None:
    """A content time-stamp is from a time when the algorithms of the signature were reliable."""
    if until is None or time_stamp.time >= until:
        return "The data was time-stamped before it was signed, when an algorithm was no longer reliable."
    return None


def validate_basic(signature: Signature, inputs: Inputs, stamped: Callable[[TimeStamp], bool]) -> BasicResult:
    """Validate a signature at the time of validation, without regard to time-stamps over it.

    `stamped` says whether a content time-stamp is valid by itself (5.4).
    """
    policy, context = inputs.policy, context_of(signature)
    checks = Checks("BASIC", signature.id)
    checks.take("basic.fc", format_checking.check_signature(signature, inputs.evidence, policy, context))
    signer = find_signer(signature, signature.id, inputs, context)
    checks.take("basic.isc", signer.conclusion)
    checks.take("basic.vci", policies.initialise(signature, policy, context, inputs.extra.policies))
    path = accepted = None
    contents = inputs.time_stamps_of(signature, TimeStampKind.CONTENT)
    # Identification ends the block where there is no certificate: nothing passes without a path.
    if not checks.failed and signer.certificate is not None:
        path = validate_certificate(signer.certificate, context, inputs)
        cryptography = cryptographic.verify(
            signature.id,
            signature.references,
            verifies=signer.intact,
            policy=policy,
            context=context,
            why_not=signer.why_not_computed,
        )
        checks.take("basic.cv", cryptography)
        checks.take("basic.xcv", _with_content_time_stamps(signature, path, contents, stamped))
    if not checks.failed and path is not None:
        accepted = acceptance.accept_signature(
            signature,
            inputs.time_stamps_of(signature),
            policy,
            context,
            inputs.at,
            bits=signer.bits,
            path=path.chain,
        )
        _acceptance(checks, accepted, contents, stamped)
    return BasicResult(conclusion=checks.conclude(), signer=signer, path=path, accepted=accepted)


def _with_content_time_stamps(
    signature: Signature,
    path: CertificateResult,
    contents: Sequence[TimeStamp],
    stamped: Callable[[TimeStamp], bool],
) -> Conclusion:
    """The path's conclusion; FAILED where a content time-stamp proves that signing came after the end."""
    checks = Checks("X509", signature.id)
    sub = path.conclusion.sub_indication
    valid = [one for one in contents if sub in _TIMED and stamped(one)]
    for one in valid:
        if sub is SubIndication.REVOKED_NO_POE and path.revoked_at is not None:
            rule = partial(signed_before_revocation, one, path.revoked_at)
            checks.ask("basic.content-revoked", rule, failed(SubIndication.REVOKED), subject=one.id)
        elif sub is not SubIndication.REVOKED_NO_POE:
            rule = partial(signed_before_expiration, one, path.leaf.not_after)
            checks.ask("basic.content-expired", rule, failed(SubIndication.EXPIRED), subject=one.id)
    if not valid:
        return path.conclusion
    checks.take("basic.path", path.conclusion)
    return checks.conclude()


_TIMED: Final = frozenset(
    {
        SubIndication.REVOKED_NO_POE,
        SubIndication.OUT_OF_BOUNDS_NO_POE,
        SubIndication.OUT_OF_BOUNDS_NOT_REVOKED,
    }
)


def _acceptance(
    checks: Checks,
    accepted: Accepted,
    contents: Sequence[TimeStamp],
    stamped: Callable[[TimeStamp], bool],
) -> None:
    """Acceptance; a content time-stamp may prove that an algorithm was weak before signing (5.3.4, 6)."""
    value = [weak for weak in accepted.weak if weak.use.scheme is not None or weak.use.what in _OF_VALUE]
    verdict = indeterminate(SubIndication.CRYPTO_CONSTRAINTS_FAILURE)
    for one in contents if value else ():
        if stamped(one):
            until = min((weak.until for weak in value if weak.until), default=None)
            checks.ask(
                "basic.content-reliable", partial(signed_while_reliable, one, until), verdict, subject=one.id
            )
    checks.take("basic.sav", accepted.conclusion)


_OF_VALUE: Final = frozenset({"the signature value", "the mask of the signature"})
