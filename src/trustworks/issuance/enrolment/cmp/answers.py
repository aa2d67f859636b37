"""What a message is answered with, before it is protected; and how errors are told (RFC 4210, 5.2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trustworks.core.der.cmp import PkiFailureInfo
from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError, Unavailable
from trustworks.core.trace import with_rule
from trustworks.issuance.enrolment.refusals import NOT_AUTHORISED

if TYPE_CHECKING:
    from trustworks.core.der.cmp import Body, InfoTypeAndValue

# What issuance objects to, as the bit that says it best; all else is about the template.
_BITS: Final = {
    **dict.fromkeys(NOT_AUTHORISED, PkiFailureInfo.notAuthorized),
    "EN319411-1:REG-6.3.1-01": PkiFailureInfo.badPOP,
    "EN319411-1:REV-6.3.9-04": PkiFailureInfo.certRevoked,
    "issuance.not-issued": PkiFailureInfo.badCertId,
    "signature.algorithm": PkiFailureInfo.badPOP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The body of an answer, with what goes beside it. `extra` are certificates behind the signer's."""

    body: Body
    content: bytes
    extra: tuple[bytes, ...] = ()
    infos: tuple[InfoTypeAndValue, ...] = ()


def bit_of(error: TrustworksError) -> PkiFailureInfo:
    """The bit of PKIFailureInfo for an error."""
    match error:
        case Malformed():
            return PkiFailureInfo.badDataFormat
        case Unavailable():
            return PkiFailureInfo.systemUnavail
        case Rejected(code=code) if code in PkiFailureInfo.__members__:
            return PkiFailureInfo[code]
        case Rejected(code=name) | Refused(requirement=name):
            return _BITS.get(name, PkiFailureInfo.badCertTemplate)
        case _:
            return PkiFailureInfo.systemFailure


def words_of(error: TrustworksError) -> str:
    """What the client is told of an error; what is wrong inside stays inside."""
    if isinstance(error, Unavailable):
        return "The service cannot answer now. Try again later."
    return with_rule(error)
