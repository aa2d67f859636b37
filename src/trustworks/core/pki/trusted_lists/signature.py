"""The signature of a trusted list: enveloped, over the whole list, with one certificate (TS 119 612, 5.7).

Only this one form is accepted (annex B), so that what was signed is the list and nothing less: two
references, to the document without the signature and to the signed properties. Whether the certificate may
sign is not said here.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.trusted_lists.markup import DS, XADES, content, octets
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.core.xml import algorithms
from trustworks.core.xml.algorithms import DIGESTS, ENVELOPED
from trustworks.core.xml.document import Document
from trustworks.core.xml.dsig import Signature, read_signature
from trustworks.core.xml.references import resolve
from trustworks.core.xml.values import verify

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from trustworks.core.xml.dsig import Reference

_PROPERTIES: Final = "http://uri.etsi.org/01903#SignedProperties"
_CANONICAL: Final = frozenset(
    {
        algorithms.EXCLUSIVE,
        algorithms.EXCLUSIVE_COMMENTS,
        algorithms.C14N,
        algorithms.C14N_COMMENTS,
        algorithms.C14N11,
        algorithms.C14N11_COMMENTS,
    }
)
_ACCEPTED: Final = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSignature:
    """Who signed a list by its own word, as DER, and what is wrong with the signature, if anything is.

    The code of the problem is a sub-indication of EN 319 102-1.
    """

    certificate: bytes
    problem: Rejected | None


def verify_signature(root: Element) -> ListSignature:
    """The signature of the list under a root element. Raises `Malformed` where there is none to speak of."""
    elements = root.findall(DS + "Signature")
    if len(elements) != 1:
        raise Malformed(f"The list has {len(elements)} signatures; it must have one.")
    document = Document(root)
    signature = read_signature(elements[0], document)
    certificates = () if signature.key_info is None else signature.key_info.certificates
    if len(certificates) != 1:
        raise Malformed("The list's signature does not come with the one certificate of its signer.")
    try:
        _verify(document, signature, certificates[0])
    except (Malformed, Rejected) as error:
        problem = error if isinstance(error, Rejected) else Rejected("FORMAT_FAILURE", str(error))
        return ListSignature(certificate=certificates[0], problem=problem)
    return ListSignature(certificate=certificates[0], problem=None)


def _verify(document: Document, signature: Signature, der: bytes) -> None:
    """Raises `Rejected`, `Malformed`."""
    properties = check_references(document, signature)
    for reference in signature.signed_info.references:
        if reference.digest not in _ACCEPTED:
            raise Rejected(
                "CRYPTO_CONSTRAINTS_FAILURE", f"Its digest {reference.digest_uri} is not accepted."
            )
        resolved = resolve(reference, document)
        if not resolved.intact:
            why = "" if resolved.problem is None else f" ({resolved.problem.message})"
            what = "its properties" if reference.uri else "the list"
            raise Rejected("HASH_FAILURE", f"The hash of {what} is not the one that was signed{why}.")
    _check_signing_certificate(properties, der)
    method = signature.signed_info.method
    if method is None or not (method.family == "eddsa" or method.hash in _ACCEPTED):
        raise Rejected(
            "CRYPTO_CONSTRAINTS_FAILURE", f"Its method {signature.signed_info.method_uri} is not accepted."
        )
    if not signature_holds(signature, der):
        raise Rejected("SIG_CRYPTO_FAILURE", "Its value does not fit the signer's key.")


def _properties(document: Document, signature: Signature) -> Element:
    del document
    found = signature.element.find(f".//{XADES}SignedProperties")
    if found is None:
        raise Malformed("It has no signed properties.")
    return found


@implements("TS119612:5.7.1", disabled=_properties)
def check_references(document: Document, signature: Signature) -> Element:
    """Look whether exactly the list and the signed properties are signed; the properties (5.7.1, annex B).

    Raises `Rejected`, `Malformed`.
    """
    properties = _properties(document, signature)
    references = signature.signed_info.references
    identifier = document.root.get("Id")
    whole = [one for one in references if one.uri == "" or (identifier and one.uri == f"#{identifier}")]
    other = [one for one in references if one not in whole]
    if len(whole) != 1 or len(other) != 1:
        raise Rejected("FORMAT_FAILURE", "It must refer to the whole list and its properties alone.")
    first, *rest = [*_algorithms(whole[0]), ""]
    if first != ENVELOPED or any(one not in _CANONICAL for one in rest if one):
        raise Rejected("FORMAT_FAILURE", "It covers only what transforms leave of the list.")
    if any(one not in _CANONICAL for one in _algorithms(other[0])):
        raise Rejected("FORMAT_FAILURE", "It does not cover the whole of its properties.")
    named = other[0].uri is not None and document.ids.get(other[0].uri.removeprefix("#"))
    if other[0].type != _PROPERTIES or named is not properties:
        raise Rejected("FORMAT_FAILURE", "It does not refer to its own signed properties.")
    if whole[0].uri and document.ids.get(whole[0].uri.removeprefix("#")) is not document.root:
        raise Rejected("FORMAT_FAILURE", "Several elements have the identifier of the list.")
    return properties


def _algorithms(reference: Reference) -> list[str]:
    return [one.algorithm for one in reference.transforms]


def _check_signing_certificate(properties: Element, der: bytes) -> None:
    """The signed properties must name the certificate, by its hash (EN 319 132-1, 5.2.2)."""
    for name in ("SigningCertificateV2", "SigningCertificate"):
        for one in properties.findall(f"{XADES}SignedSignatureProperties/{XADES}{name}/{XADES}Cert"):
            method = one.find(f"{XADES}CertDigest/{DS}DigestMethod")
            value = one.find(f"{XADES}CertDigest/{DS}DigestValue")
            # SHA-1 will do here: who points to the list pins the certificate itself, octet for octet.
            algorithm = None if method is None else DIGESTS.get(method.get("Algorithm", ""))
            stated = octets(content(value))
            if algorithm is not None and algorithm in {*_ACCEPTED, "sha1"} and stated is not None:
                if hmac.compare_digest(hashlib.new(algorithm, der).digest(), stated):
                    return
                raise Rejected("NO_SIGNING_CERTIFICATE_FOUND", "It was signed with another certificate.")
    raise Rejected("NO_SIGNING_CERTIFICATE_FOUND", "Its properties do not say with which certificate.")


@implements("TS119615:PRO-4.1.4-07", "TS119615:PRO-4.1.4-08", "TS119615:PRO-4.2.4-08", disabled=True)
def signature_holds(signature: Signature, der: bytes) -> bool:
    """Whether a signature's value fits a certificate's key, which is trusted as it is. Raises `Malformed`."""
    key = Certificate.read(der).key.loaded
    return not isinstance(key, str) and verify(signature, key).valid
