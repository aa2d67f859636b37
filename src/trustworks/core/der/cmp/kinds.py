"""The kinds of bodies, states and failures, and pieces of information. Source: RFC 4210, 5.1.2 to 5.3.19."""

from __future__ import annotations

import enum
from typing import Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from trustworks.core.der.crmf import elements
from trustworks.core.der.encode import SEQUENCE, oid, tlv
from trustworks.core.values import dataclass

IMPLICIT_CONFIRM: Final = "1.3.6.1.5.5.7.4.13"
CONFIRM_WAIT_TIME: Final = "1.3.6.1.5.5.7.4.14"
CA_CERTS: Final = "1.3.6.1.5.5.7.4.17"
ROOT_CA_KEY_UPDATE: Final = "1.3.6.1.5.5.7.4.18"
CERT_REQ_TEMPLATE: Final = "1.3.6.1.5.5.7.4.19"
ROOT_CA_CERT: Final = "1.3.6.1.5.5.7.4.20"
CRL_STATUS_LIST: Final = "1.3.6.1.5.5.7.4.22"
CRLS: Final = "1.3.6.1.5.5.7.4.23"


class Body(enum.IntEnum):
    """The kinds of bodies, by their tags (RFC 4210, 5.1.2)."""

    ir = 0
    ip = 1
    cr = 2
    cp = 3
    p10cr = 4
    popdecc = 5
    popdecr = 6
    kur = 7
    kup = 8
    krr = 9
    krp = 10
    rr = 11
    rp = 12
    ccr = 13
    ccp = 14
    ckuann = 15
    cann = 16
    rann = 17
    crlann = 18
    pkiconf = 19
    nested = 20
    genm = 21
    genp = 22
    error = 23
    certConf = 24  # noqa: N815 - the names are the standard's
    pollReq = 25  # noqa: N815
    pollRep = 26  # noqa: N815


class PkiStatus(enum.IntEnum):
    """PKIStatus (RFC 4210, 5.2.3); those that are answered or read here."""

    accepted = 0
    grantedWithMods = 1  # noqa: N815 - the names are the standard's
    rejection = 2
    waiting = 3


class PkiFailureInfo(enum.IntEnum):
    """PKIFailureInfo: the numbers of the bits (RFC 4210, 5.2.3)."""

    badAlg = 0  # noqa: N815 - the names are the standard's
    badMessageCheck = 1  # noqa: N815
    badRequest = 2  # noqa: N815
    badTime = 3  # noqa: N815
    badCertId = 4  # noqa: N815
    badDataFormat = 5  # noqa: N815
    wrongAuthority = 6  # noqa: N815
    incorrectData = 7  # noqa: N815
    missingTimeStamp = 8  # noqa: N815
    badPOP = 9  # noqa: N815
    certRevoked = 10  # noqa: N815
    certConfirmed = 11  # noqa: N815
    wrongIntegrity = 12  # noqa: N815
    badRecipientNonce = 13  # noqa: N815
    timeNotAvailable = 14  # noqa: N815
    unacceptedPolicy = 15  # noqa: N815
    unacceptedExtension = 16  # noqa: N815
    addInfoNotAvailable = 17  # noqa: N815
    badSenderNonce = 18  # noqa: N815
    badCertTemplate = 19  # noqa: N815
    signerNotTrusted = 20  # noqa: N815
    transactionIdInUse = 21  # noqa: N815
    unsupportedVersion = 22  # noqa: N815
    notAuthorized = 23  # noqa: N815
    systemUnavail = 24  # noqa: N815
    systemFailure = 25  # noqa: N815
    duplicateCertReq = 26  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoTypeAndValue:
    """A piece of information; `value` is its DER, or empty where there is none (RFC 4210, 5.3.19)."""

    type: str
    value: bytes = b""


def read_info(element: asn1.TLV) -> InfoTypeAndValue:
    """An InfoTypeAndValue, or an AlgorithmIdentifier, which has the same shape. Raises ValueError."""
    items = elements(element)
    if not 1 <= len(items) <= 2:
        raise ValueError("a piece of information has a type, and a value or none")
    dotted = asn1.decode_der(ObjectIdentifier, asn1.encode_der(items[0])).dotted_string
    return InfoTypeAndValue(type=dotted, value=asn1.encode_der(items[1]) if items[1:] else b"")


def write_info(info: InfoTypeAndValue) -> bytes:
    """An InfoTypeAndValue."""
    return tlv(SEQUENCE, oid(info.type), info.value)
