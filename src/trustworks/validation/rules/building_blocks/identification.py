"""Identification of the signing certificate (ISC).

Source: EN 319 102-1, 5.2.3.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.verification import signing_certificate
from trustworks.validation.model import SubIndication, indeterminate
from trustworks.validation.policies.constraints import Section
from trustworks.validation.rules.checks import Checks

if TYPE_CHECKING:
    from trustworks.core.pki.tokens import Certificate
    from trustworks.formats.evidence import Signature
    from trustworks.formats.verification import Candidate, ReferenceMatch
    from trustworks.validation.model import Conclusion
    from trustworks.validation.policies.constraints import Context
    from trustworks.validation.rules.inputs import Inputs

_NOT_FOUND: Final = indeterminate(SubIndication.NO_SIGNING_CERTIFICATE_FOUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """The signing certificate as far as it was found, and the conclusion.

    `candidate` may be there and `certificate` None: its key could be had, and no more. Nothing passes then.
    """

    conclusion: Conclusion
    candidate: Candidate | None
    certificate: Certificate | None


@implements("EN319102-1:5.2.3.4-FOUND")
def recognised(candidate: Candidate | None) -> str | None:
    """A certificate is there that the signature says, or its value shows, to be the signer's."""
    if candidate is None:
        return "The signing certificate is not there: none that the signature names, and none that it fits."
    return None


@implements("EN319102-1:5.2.3.4-READABLE")
def readable(certificate: Certificate | None) -> str | None:
    """The certificate can be read as a whole: of one that cannot, nothing after this could be asked."""
    if certificate is None:
        return "The signing certificate cannot be read as X.509 says, so that nobody can vouch for it."
    return None


@implements("EN319102-1:5.2.3.4-DIGEST-PRESENT")
def digest_present(signature: Signature) -> str | None:
    """The signed reference holds the digest of the certificate."""
    reference = signature.signing_certificate[0]
    if reference.digest is None or reference.digest_algorithm is None:
        return "The signed reference to the signing certificate has no digest."
    return None


@implements("EN319102-1:5.2.3.4-DIGEST-MATCH")
def digest_matches(match: ReferenceMatch | None) -> str | None:
    """The digest in the signed reference is that of the certificate."""
    if match is not None and match.digest is not True:
        return "The digest in the signed reference is not that of the signing certificate."
    return None


@implements("EN319102-1:5.2.3.4-ISSUER-SERIAL")
def issuer_serial_matches(match: ReferenceMatch | None) -> str | None:
    """Issuer and serial number in the signed reference, where it has them, are those of the certificate."""
    if match is not None and match.issuer_serial is False:
        return "Issuer or serial number in the signed reference are not those of the signing certificate."
    return None


def identify(
    signature: Signature,
    subject: str,
    inputs: Inputs,
    context: Context,
) -> Identified:
    """Find the signing certificate. `subject` is what conclusions name: a signature, or a time-stamp."""
    checks = Checks("ISC", subject)
    policy = inputs.policy
    candidate = signing_certificate(signature, inputs.evidence, inputs.extra.certificates)
    certificate = None if candidate is None else inputs.certificate(candidate.id)
    checks.ask("isc.found", partial(recognised, candidate), _NOT_FOUND)
    checks.ask("isc.readable", partial(readable, certificate), _NOT_FOUND)
    if candidate is not None and signature.signing_certificate:
        attributes = Section.SIGNED_ATTRIBUTES
        for name, check_id, rule in (
            ("certificate-digest-present", "isc.digest-present", partial(digest_present, signature)),
            ("certificate-digest-match", "isc.digest-match", partial(digest_matches, candidate.reference)),
            ("issuer-serial-match", "isc.issuer-serial", partial(issuer_serial_matches, candidate.reference)),
        ):
            level = policy.level(context, name, attributes)
            checks.ask(check_id, rule, _NOT_FOUND, level=level, details=(("certificate", candidate.id),))
    return Identified(conclusion=checks.conclude(), candidate=candidate, certificate=certificate)
