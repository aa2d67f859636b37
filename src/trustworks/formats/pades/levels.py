"""The level of a PDF signature: the highest one whose properties are all there.

Baseline levels by EN 319 142-1, 6.3; extended ones (BES, EPES, LTV) by EN 319 142-2, 5; and for signatures
that are plain PKCS #7 the same steps under the name PKCS7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.pades.contents import DETACHED, PKCS7, PKCS7_SHA1

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.formats.evidence import Attributes
    from trustworks.formats.pades.contents import Signed
    from trustworks.formats.pades.syntax import Object

_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
_DATA: Final = "1.2.840.113549.1.7.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What a signature has beyond its first level.

    `time_stamped`: a time-stamp of its value, or of the document with it. `validation_data`: revocation
    data for the certificates of its signer and time-stamps. `stored`: that is (in part) in a document
    security store. `archived`: a document time-stamp is over the document with its validation data.
    """

    time_stamped: bool
    validation_data: bool
    stored: bool
    archived: bool


def level_of(
    signed: Signed,
    dictionary: Mapping[str, Object],
    sub_filter: str | None,
    *,
    has_signer: bool,
    steps: Steps,
) -> str:
    """The level, named as EU DSS names it. `has_signer`: its signing certificate is beside the value."""
    if sub_filter in {PKCS7, PKCS7_SHA1}:
        if not (has_signer and is_pkcs7(signed, sub_filter)):
            return "PDF-NOT-ETSI"
        return f"PKCS7-{_baseline(steps)}"
    if not is_extended(signed, dictionary, sub_filter):
        return "PDF-NOT-ETSI"
    attributes = signed.signature.attributes
    if is_baseline(signed, dictionary, has_signer=has_signer):
        return f"PAdES-BASELINE-{_baseline(steps)}"
    if steps.validation_data and steps.stored and steps.archived:
        return "PAdES-LTV"
    return "PAdES-EPES" if attributes.policy is not None and not dictionary.get("Reason") else "PAdES-BES"


def _baseline(steps: Steps) -> str:
    if not steps.time_stamped:
        return "B"
    if not (steps.validation_data and steps.stored):
        return "T"
    return "LTA" if steps.archived else "LT"


@implements("EN319142-2:4.2-PKCS7", disabled=True)
def is_pkcs7(signed: Signed, sub_filter: str) -> bool:
    """Whether CMS of the older kind is whole: a signed digest of the data, and nothing inside but SHA-1."""
    if sub_filter == PKCS7_SHA1:
        return signed.encapsulates
    return _MESSAGE_DIGEST in signed.signature.attributes.names and not signed.encapsulates


@implements("EN319142-2:5.3-BES", disabled=True)
def is_extended(signed: Signed, dictionary: Mapping[str, Object], sub_filter: str | None) -> bool:
    """Whether it is a PAdES signature at all: detached CAdES of one signer that names its certificate."""
    attributes = signed.signature.attributes
    return (
        sub_filter == DETACHED
        and signed.signers == 1
        and not signed.encapsulates
        and signed.content_type == _DATA
        and {_CONTENT_TYPE, _MESSAGE_DIGEST} <= attributes.names
        and bool(signed.signature.signing_certificate)
        and not (dictionary.get("Reason") and attributes.commitments)
    )


@implements("EN319142-1:6.3-B", disabled=True)
def is_baseline(signed: Signed, dictionary: Mapping[str, Object], *, has_signer: bool) -> bool:
    """Whether what PAdES-BASELINE-B asks for beyond `is_extended` is there.

    The signing time is M of the dictionary and never the attribute; the certificate of the signer is in the
    CMS and not in Cert; a reason stands beside neither commitment nor policy.
    """
    attributes: Attributes = signed.signature.attributes
    return (
        has_signer
        and isinstance(dictionary.get("M"), bytes)
        and bool(dictionary.get("Filter"))
        and "Cert" not in dictionary
        and _SIGNING_TIME not in attributes.names
        and not (dictionary.get("Reason") and (attributes.commitments or attributes.policy is not None))
    )
