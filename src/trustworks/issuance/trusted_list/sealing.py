"""The signature on a list: XAdES baseline B, enveloped, by the list signer's key, and a look at it.

Only the signer's own certificate is in KeyInfo (5.7.1). The key stays in its module: `Signer.sign` uses it.
Source: TS 119 612 V2.4.1, 5.7 and annex B.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.trusted_lists.markup import DS
from trustworks.core.pki.trusted_lists.read import parse, read_trusted_list
from trustworks.core.pki.trusted_lists.signature import verify_signature
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.core.xml.algorithms import ENVELOPED, EXCLUSIVE
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.formats.read import read
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating.signature import Options, prepare
from trustworks.issuance.trusted_list.contents import VERSION
from trustworks.issuance.trusted_list.writing import TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from trustworks.core.pki.trusted_lists.model import Provider, Scheme, TrustedList

_LEVEL: Final = "XAdES-BASELINE-B"
OWN: Final = "trusted-list.own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs lists: a certificate in DER, the scheme of its key by `core.module`'s names, and the key."""

    certificate: bytes
    scheme: str
    sign: Callable[[bytes], bytes]

    @property
    def read(self) -> Certificate:
        """The certificate. Raises `Malformed`."""
        return Certificate.read(self.certificate)


def sealed(unsigned: bytes, signer: Signer, at: datetime) -> bytes:
    """The list with its signature, which was verified cryptographically. `at` is the time that it claims.

    Raises:
        Rejected: (signature.own) the value is not that of the certificate's key.
        Unavailable: the key cannot be used now.
    """
    prepared = prepare(
        packaging.enveloped(unsigned, mime_type="application/vnd.etsi.tsl+xml"),
        (signer.certificate,),
        Claims(signing_time=at),
        Options(scheme=signer.scheme),
    )
    return prepared.complete(signer.sign(prepared.dtbs.octets))


def check_own(octets: bytes, signer: Signer, scheme: Scheme, providers: Sequence[Provider]) -> TrustedList:
    """The list as our own reader reads it, which has to be what was meant, signed as it has to be.

    Raises `Rejected` (trusted-list.own).
    """
    faults = list(faults_of_signature(octets, signer.certificate))
    if not faults:
        found = read_trusted_list(octets)
        faults += faults_of_contents(found, scheme, providers)
        if not faults:
            return found
    raise Rejected(OWN, f"The list is not published. {' '.join(faults)} Report this.")


@implements("TS119612:B.1", disabled=())
def faults_of_signature(octets: bytes, certificate: bytes) -> tuple[str, ...]:
    """What is wrong with the signature of a list that has to be by that certificate (5.7.1, B.1)."""
    try:
        root = parse(octets)
        signature = verify_signature(root)
        evidence = read(Octets(octets))
    except (Malformed, Rejected) as error:
        return (f"Its signature cannot be verified: {error}",)
    faults = []
    if signature.problem is not None:
        faults.append(f"Its signature does not hold: {signature.problem}")
    if signature.certificate != certificate:
        faults.append("It is signed with another certificate than the list signer's.")
    if [one.level for one in evidence.signatures] != [_LEVEL]:
        faults.append(f"Its signature is not of the level {_LEVEL}.")
    info = root.find(f"{DS}Signature/{DS}SignedInfo")
    if info is not None:
        method = info.find(DS + "CanonicalizationMethod")
        transforms = [one.get("Algorithm") for one in info.iterfind(f"{DS}Reference[1]//{DS}Transform")]
        if method is None or method.get("Algorithm") != EXCLUSIVE or transforms != [ENVELOPED, EXCLUSIVE]:
            faults.append("Its signature is not canonicalised exclusively, or not enveloped.")
    return tuple(faults)


@implements("TS119612:5.1.1", disabled=())
def faults_of_contents(found: TrustedList, scheme: Scheme, providers: Sequence[Provider]) -> tuple[str, ...]:
    """What a list says otherwise than it was meant to (5.1.1, 5.2.1, 5.3.1)."""
    faults = [f"{one.words} ({one.place})" for one in found.findings]
    if found.scheme != scheme or found.providers != tuple(providers):
        faults.append("It does not say what it was meant to say.")
    if found.tag != TAG or found.scheme.version != VERSION:
        faults.append("It is not tagged as a trusted list of this version.")
    return tuple(faults)
