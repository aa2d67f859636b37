"""What stands beside the signature value: the algorithm, certificates, and who the signer is said to be.

Sources: XML Signature 1.1, 4.3, 4.4 and 4.5; EN 319 132-1, 4.4 and 6.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.formats.evidence import Algorithm, SignerIdentifier, Where
from trustworks.formats.xades.issuers import encoded_name, is_issuer_named, issuer_in
from trustworks.formats.xades.values import plain_hash_name

if TYPE_CHECKING:
    from trustworks.core.xml.dsig import Signature
    from trustworks.formats.collector import Collector

_PLAIN = frozenset({"ecdsa", "dsa"})


def algorithm_of(core: Signature) -> Algorithm:
    """The signature algorithm; one that is unknown has its identifier as scheme."""
    method, uri = core.signed_info.method, core.signed_info.method_uri
    if method is None:
        return Algorithm(name=uri, scheme=uri or "unknown", digest=None)
    return Algorithm(
        name=uri,
        scheme=method.family,
        digest=None if method.hash is None else plain_hash_name(method.hash),
        mask_digest=None if method.mask is None else plain_hash_name(method.mask),
        salt=method.salt,
        plain=method.family in _PLAIN,
    )


def take_certificates(
    core: Signature, collector: Collector, owner: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Takes the certificates and revocation lists of KeyInfo; answers their ids in order."""
    if core.key_info is None:
        return (), ()
    certificates: list[str] = []
    lists: list[str] = []
    for hint in core.key_info.hints:
        if hint.octets is None:
            continue
        if hint.kind == "certificate":
            certificates.append(collector.certificate(hint.octets, Where.KEY_INFO, owner))
        elif hint.kind == "crl":
            lists.append(collector.revocation_list(hint.octets, Where.KEY_INFO, owner))
    return tuple(dict.fromkeys(certificates)), tuple(dict.fromkeys(lists))


def identifier_of(
    core: Signature, collector: Collector, key_info: tuple[str, ...]
) -> SignerIdentifier | None:
    """Who signed, as KeyInfo says it otherwise than by certificates; None where it says nothing more."""
    issuer = serial = ski = spki = None
    for hint in () if core.key_info is None else core.key_info.hints:
        match hint.kind:
            case "issuer-serial" if serial is None and hint.text:
                serial = hint.serial
                issuer = _issuer(hint.text, collector, key_info)
            case "ski" if ski is None:
                ski = hint.octets
            case "key-value" if spki is None and hint.key is not None:
                spki = hint.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            case _:
                continue
    if issuer is None and serial is None and ski is None and spki is None:
        return None
    return SignerIdentifier(issuer=issuer, serial=serial, key_identifier=ski, public_key=spki)


def _issuer(written: str, collector: Collector, key_info: tuple[str, ...]) -> bytes | None:
    for named in key_info:
        der = collector.token(named)
        if der is not None and is_issuer_named(written, der):
            return issuer_in(der)
    return encoded_name(written)
