"""The signature of a trusted list: enveloped, over the whole list, with one certificate (TS 119 612, 5.7).

Only this one form is accepted (annex B), so that what was signed is the list and nothing less: two
references, to the document without the signature and to the signed properties. Whether the certificate may
sign is not said here.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from lxml import etree

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.certificates import KEY, load
from trustworks.core.pki.trusted_lists.markup import DS, XADES, content, octets
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_PROPERTIES: Final = "http://uri.etsi.org/01903#SignedProperties"

_INCLUSIVE: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"

# Canonical forms without comments: whether they are exclusive.
_CANONICAL: Final = {
    "http://www.w3.org/2001/10/xml-exc-c14n#": True,
    _INCLUSIVE: False,
}
_DIGESTS: Final = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
_SHA1: Final = "http://www.w3.org/2000/09/xmldsig#sha1"
_HASHES: Final = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_MORE_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"
_METHODS: Final = {
    **{f"{_MORE}rsa-{name}": ("rsa", name) for name in _HASHES},
    **{f"{_MORE_2007}{name}-rsa-MGF1": ("pss", name) for name in _HASHES},
    **{f"{_MORE}ecdsa-{name}": ("ecdsa", name) for name in _HASHES},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSignature:
    """Who signed a list by its own word, as DER, and what is wrong with the signature, if anything is."""

    certificate: bytes
    problem: Rejected | None


def verify_signature(root: Element) -> ListSignature:
    """The signature of the list under a root element. Raises `Malformed` where there is none to speak of."""
    signatures = root.findall(DS + "Signature")
    if len(signatures) != 1:
        raise Malformed(f"The list has {len(signatures)} signatures; it must have one.")
    signature = signatures[0]
    certificates = signature.findall(f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate")
    der = octets(content(certificates[0])) if len(certificates) == 1 else None
    if der is None:
        raise Malformed("The list's signature does not come with the one certificate of its signer.")
    try:
        _verify(root, signature, der)
    except (Malformed, Rejected) as error:
        problem = error if isinstance(error, Rejected) else Rejected("FORMAT_FAILURE", str(error))
        return ListSignature(certificate=der, problem=problem)
    return ListSignature(certificate=der, problem=None)


def _verify(root: Element, signature: Element, der: bytes) -> None:
    """Raises `Rejected` with a sub-indication of EN 319 102-1, or `Malformed`."""
    info = signature.find(DS + "SignedInfo")
    value = octets(content(signature.find(DS + "SignatureValue")))
    if info is None or value is None:
        raise Malformed("It has no SignedInfo, or no value in Base64.")
    properties = check_references(root, signature)
    for reference in info.findall(DS + "Reference"):
        covered = properties if reference.get("URI") else _without(root, signature)
        _check_digest(reference, covered)
    _check_signing_certificate(properties, der)
    method = _algorithm(info, "SignatureMethod")
    if method not in _METHODS:
        raise Rejected("CRYPTO_CONSTRAINTS_FAILURE", f"Its method {method} is not accepted.")
    signed = _canonical(info, _algorithm(info, "CanonicalizationMethod"), None)
    if not signature_holds(*_METHODS[method], der, value, signed):
        raise Rejected("SIG_CRYPTO_FAILURE", "Its value does not fit the signer's key.")


def _properties(root: Element, signature: Element) -> Element:
    del root
    found = signature.find(f".//{XADES}SignedProperties")
    if found is None:
        raise Malformed("It has no signed properties.")
    return found


@implements("TS119612:5.7.1", disabled=_properties)
def check_references(root: Element, signature: Element) -> Element:
    """Look whether exactly the list and the signed properties are signed; the properties (5.7.1, annex B).

    Raises `Rejected`, `Malformed`.
    """
    properties = _properties(root, signature)
    identifier = properties.get("Id")
    references = signature.findall(f"{DS}SignedInfo/{DS}Reference")
    whole = [one for one in references if one.get("URI") in {"", f"#{root.get('Id')}"}]
    other = [one for one in references if one not in whole]
    if len(whole) != 1 or len(other) != 1:
        raise Rejected("FORMAT_FAILURE", "It must refer to the whole list and its properties alone.")
    transforms = _transforms(whole[0])
    if transforms[:1] != [_ENVELOPED] or any(one not in _CANONICAL for one in transforms[1:]):
        raise Rejected("FORMAT_FAILURE", "It covers only what transforms leave of the list.")
    if any(one not in _CANONICAL for one in _transforms(other[0])):
        raise Rejected("FORMAT_FAILURE", "It does not cover the whole of its properties.")
    if other[0].get("Type") != _PROPERTIES or not identifier or other[0].get("URI") != f"#{identifier}":
        raise Rejected("FORMAT_FAILURE", "It does not refer to its own signed properties.")
    same = root.xpath("count(//@Id[. = $identifier])", identifier=identifier)
    if same != 1:
        raise Rejected("FORMAT_FAILURE", f"Several elements have the identifier {identifier}.")
    return properties


def _transforms(reference: Element) -> list[str]:
    return [one.get("Algorithm", "") for one in reference.findall(f"{DS}Transforms/{DS}Transform")]


def _without(root: Element, signature: Element) -> Element:
    """A copy of the list without its signature, with what text there is around it."""
    place = root.index(signature)
    copied = copy.deepcopy(root.getroottree()).getroot()
    gone = copied[place]
    tail = gone.tail or ""
    before = gone.getprevious()
    if before is None:
        copied.text = (copied.text or "") + tail
    else:
        before.tail = (before.tail or "") + tail
    gone.tail = None
    copied.remove(gone)
    return copied


def _check_digest(reference: Element, covered: Element) -> None:
    canonical = [
        one
        for one in reference.findall(f"{DS}Transforms/{DS}Transform")
        if one.get("Algorithm") in _CANONICAL
    ]
    last = canonical[-1] if canonical else None
    algorithm = _INCLUSIVE if last is None else last.get("Algorithm", "")
    digest = _algorithm(reference, "DigestMethod")
    if digest not in _DIGESTS:
        raise Rejected("CRYPTO_CONSTRAINTS_FAILURE", f"Its digest {digest} is not accepted.")
    hashed = hashlib.new(_DIGESTS[digest], _canonical(covered, algorithm, last))
    stated = octets(content(reference.find(DS + "DigestValue")))
    if stated is None or not hmac.compare_digest(hashed.digest(), stated):
        what = "its properties" if reference.get("URI") else "the list"
        raise Rejected("HASH_FAILURE", f"The hash of {what} is not the one that was signed.")


def _canonical(element: Element, algorithm: str, transform: Element | None) -> bytes:
    if algorithm not in _CANONICAL:
        raise Rejected("FORMAT_FAILURE", f"The canonical form {algorithm} is not accepted.")
    exclusive = _CANONICAL[algorithm]
    prefixes = None
    if exclusive and transform is not None:
        listed = transform.find("{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces")
        prefixes = None if listed is None else listed.get("PrefixList", "").split()
    whole = element.getroottree() if element.getparent() is None else element
    return etree.tostring(
        whole,
        method="c14n",
        exclusive=exclusive,
        with_comments=False,
        inclusive_ns_prefixes=prefixes,
    )


def _algorithm(parent: Element, name: str) -> str:
    found = parent.find(DS + name)
    return "" if found is None else found.get("Algorithm", "")


def _check_signing_certificate(properties: Element, der: bytes) -> None:
    """The signed properties must name the certificate, by its hash (EN 319 132-1, 5.2.2)."""
    for name in ("SigningCertificateV2", "SigningCertificate"):
        for one in properties.findall(f"{XADES}SignedSignatureProperties/{XADES}{name}/{XADES}Cert"):
            digest = one.find(XADES + "CertDigest")
            named = "" if digest is None else _algorithm(digest, "DigestMethod")
            # SHA-1 will do here: who points to the list pins the certificate itself, octet for octet.
            algorithm = "sha1" if named == _SHA1 else _DIGESTS.get(named)
            stated = None if digest is None else octets(content(digest.find(DS + "DigestValue")))
            if algorithm and stated is not None:
                if hmac.compare_digest(hashlib.new(algorithm, der).digest(), stated):
                    return
                raise Rejected("NO_SIGNING_CERTIFICATE_FOUND", "It was signed with another certificate.")
    raise Rejected("NO_SIGNING_CERTIFICATE_FOUND", "Its properties do not say with which certificate.")


@implements("TS119615:PRO-4.1.4-07", "TS119615:PRO-4.1.4-08", "TS119615:PRO-4.2.4-08", disabled=True)
def signature_holds(kind: str, name: str, der: bytes, value: bytes, signed: bytes) -> bool:
    """Whether a signature's value fits a certificate's key, which is trusted as it is."""
    key = load(der, KEY).public_key()
    digest = _HASHES[name]
    try:
        if isinstance(key, rsa.RSAPublicKey) and kind in {"rsa", "pss"}:
            key.verify(
                value,
                signed,
                padding.PKCS1v15()
                if kind == "rsa"
                else padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH),
                digest,
            )
        elif isinstance(key, ec.EllipticCurvePublicKey) and kind == "ecdsa":
            half = (key.key_size + 7) // 8
            if len(value) != 2 * half:
                return False
            encoded = utils.encode_dss_signature(
                int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big")
            )
            key.verify(encoded, signed, ec.ECDSA(digest))
        else:
            return False
    except InvalidSignature:
        return False
    return True
