"""Who sent a message: found out by what protects it, before anything else of it is believed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trustworks.core.der.cmp import DIRECTORY_NAME
from trustworks.core.der.crmf import encoded
from trustworks.core.der.encode import context
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.certificates import EXTENSIONS, KEY, SUBJECT, VALIDITY, load
from trustworks.core.trace import implements
from trustworks.issuance.enrolment.cmp import rules
from trustworks.issuance.enrolment.cmp.protection import (
    MacProtection,
    Protection,
    is_mac_valid,
    is_signature_valid,
    read_mac,
)
from trustworks.issuance.enrolment.holders import check_holder, evidence_of_certificate, issued_here
from trustworks.issuance.enrolment.secrets import Evidence, evidence_of

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.der.cmp import PkiMessage
    from trustworks.core.store import Database
    from trustworks.issuance.enrolment.secrets import Credentials
    from trustworks.issuance.model import CertificateRecord
    from trustworks.issuance.records.cmp import Credential

_ACTOR_DIGITS: Final = 32
# The same words whether the reference or the MAC is wrong: nobody learns which references there are.
_WRONG_MAC: Final = "No secret of that reference (senderKID) gives the message's MAC."


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who protected a message. `identity` is what a transaction is bound to; `actor` is for the audit log.

    `credential` is there for a shared secret and for a registered certificate, `certificate` for one that
    was issued here. `protection` is how answers are protected; None: by the CMP key.
    """

    identity: str
    actor: str
    credential: Credential | None = None
    certificate: CertificateRecord | None = None
    protection: Protection | None = None

    @property
    def is_authority(self) -> bool:
        """Whether this is a registration authority, whose word on a proof of possession counts."""
        return self.credential is not None and self.credential.kind == "ra"

    def evidence(self) -> Evidence:
        """What certificates it may have."""
        if self.credential is not None:
            return evidence_of(self.credential)
        return evidence_of_certificate(self.certificate)


def find_requester(
    message: PkiMessage,
    *,
    now: datetime,
    credentials: Credentials,
    database: Database,
    max_iterations: int,
) -> Requester:
    """Who protected a message, after the protection was verified. Raises `Malformed` and `Rejected`."""
    algorithm, given = message.protection_algorithm, message.protection
    rules.check_protected(algorithm=algorithm is not None, protection=given is not None)
    assert algorithm is not None and given is not None  # noqa: S101, PT018 - the rule before saw them
    mac = read_mac(algorithm, max_iterations=max_iterations)
    if mac is None:
        return _by_signature(message, algorithm, given, now=now, credentials=credentials, database=database)
    reference = (message.header.sender_kid or b"").decode("ascii", "replace")
    found = credentials.find(reference)
    secret = None if found is None else credentials.secret(found)
    if found is None or secret is None or not is_mac_valid(mac, secret, message.protected, given):
        raise Rejected("badMessageCheck", _WRONG_MAC)
    _check_not_withdrawn(found)
    return Requester(
        identity=f"secret:{reference}",
        actor=f"cmp:{reference}",
        credential=found,
        protection=MacProtection(mac, secret),
    )


def _by_signature(
    message: PkiMessage,
    algorithm: bytes,
    given: bytes,
    *,
    now: datetime,
    credentials: Credentials,
    database: Database,
) -> Requester:
    if not message.extra_certificates:
        raise Rejected(
            "badMessageCheck", "The message has no certificate in extraCerts; put the signer's there first."
        )
    der = message.extra_certificates[0]
    try:
        signer = load(der, SUBJECT, KEY, VALIDITY, EXTENSIONS)
    except Malformed as error:
        raise Rejected("signerNotTrusted", f"The signer's certificate cannot be read: {error}") from None
    own = issued_here(der, signer, database)
    digest = hashlib.sha256(der).digest()
    registered = credentials.find(digest.hex()) if own is None else None
    check_trusted(issued=own is not None, registered=registered is not None)
    rules.check_sender(encoded(message.header.sender), context(DIRECTORY_NAME, signer.subject.public_bytes()))
    if not is_signature_valid(algorithm, der, message.protected, given):
        raise Rejected("badMessageCheck", "The message's signature does not verify.")
    check_holder(signer, revoked=own is not None and own.revocation is not None, now=now)
    if own is not None:
        return Requester(identity=f"issued:{own.serial}", actor=f"cmp:{own.serial}", certificate=own)
    assert registered is not None  # noqa: S101 - `check_trusted` saw it
    _check_not_withdrawn(registered)
    return Requester(
        identity=f"registered:{digest.hex()}",
        actor=f"cmp:{digest.hex()[:_ACTOR_DIGITS]}",
        credential=registered,
    )


@implements("RFC9483:3.2-02")
def check_trusted(*, issued: bool, registered: bool) -> None:
    """`Rejected` (signerNotTrusted) for a signer whose certificate was neither issued here nor registered."""
    if not issued and not registered:
        raise Rejected(
            "signerNotTrusted",
            "The signer's certificate was not issued here and is not registered; use the secret that was "
            "given to you, or have the certificate registered (`trustworks cmp certificate register`).",
        )


def _check_not_withdrawn(found: Credential) -> None:
    """A credential that is used up may still confirm and revoke; a withdrawn one does nothing."""
    if found.withdrawn_at is not None:
        raise Rejected("notAuthorized", f"The credential {found.reference} was withdrawn.")
