"""What a message must be before anything of it counts: RFC 4210, 5; RFC 9483, 3 and 4.

Each objection is `Rejected` with the name of a bit of PKIFailureInfo.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from trustworks.core.der.crmf import CertTemplate

VERSIONS: Final = (2, 3)  # cmp2000, and cmp2021 of RFC 9480
LEAST_NONCE: Final = 16
MOST_OCTETS: Final = 64  # of a nonce, of a transaction's id


@implements("RFC4210:7-01")
def check_version(pvno: int) -> None:
    """`Rejected` (unsupportedVersion) for any other version than 2 and 3."""
    if pvno not in VERSIONS:
        # Not the number itself: one of thousands of digits is not written out by Python.
        raise Rejected("unsupportedVersion", "The message's version is not spoken here; use 2 or 3.")


@implements("RFC9483:3.1-01")
def check_time(given: datetime | None, now: datetime, tolerance: timedelta) -> None:
    """`Rejected` (badTime) for a message of another time; one without a time is judged by its id alone."""
    if given is not None and abs(given - now) > tolerance:
        raise Rejected(
            "badTime",
            f"The message's time is {given:%Y-%m-%d %H:%M:%S} UTC, and it is {now:%Y-%m-%d %H:%M:%S} UTC. "
            "Set the client's clock, and send a new message.",
        )


@implements("RFC9483:3.1-02")
def check_transaction_id(given: bytes | None) -> None:
    """`Rejected` (badDataFormat) for a message without the id of a transaction, of 128 bits at least."""
    if given is None or not LEAST_NONCE <= len(given) <= MOST_OCTETS:
        raise Rejected(
            "badDataFormat",
            f"The message needs a transactionID of {LEAST_NONCE} to {MOST_OCTETS} random octets.",
        )


@implements("RFC9483:3.1-03")
def check_sender_nonce(given: bytes | None) -> None:
    """`Rejected` (badSenderNonce) for a message without a nonce of 128 bits at least."""
    if given is None or not LEAST_NONCE <= len(given) <= MOST_OCTETS:
        raise Rejected(
            "badSenderNonce",
            f"The message needs a senderNonce of {LEAST_NONCE} to {MOST_OCTETS} random octets.",
        )


@implements("RFC9483:3.1-04")
def check_recipient_nonce(given: bytes | None, ours: bytes) -> None:
    """`Rejected` (badRecipientNonce) for a message that does not repeat the nonce of our last answer."""
    if given is None or not hmac.compare_digest(given, ours):
        raise Rejected(
            "badRecipientNonce", "The recipNonce is not the senderNonce of the answer before; begin anew."
        )


@implements("RFC9483:3.2-01")
def check_protected(*, algorithm: bool, protection: bool) -> None:
    """`Rejected` (badMessageCheck) for a message that is not protected, or says not how."""
    if not algorithm or not protection:
        raise Rejected(
            "badMessageCheck", "The message is not protected; protect it by the secret or by a signature."
        )


@implements("RFC9483:3.1-05")
def check_sender(sender: bytes, subject: bytes) -> None:
    """`Rejected` (badMessageCheck) for a signed message whose sender is not the signer's subject (DER)."""
    if sender != subject:
        raise Rejected(
            "badMessageCheck",
            "The sender is not the subject of the certificate that the message is signed by.",
        )


@implements("RFC9483:4.1.1-01")
def check_one_request(requests: int) -> None:
    """`Rejected` (badRequest) for a message that asks for no certificate, or for several."""
    if requests != 1:
        raise Rejected("badRequest", f"The message has {requests} requests; send one for each certificate.")


@implements("RFC9483:4.1.1-02")
def check_template(template: CertTemplate) -> None:
    """`Rejected` (badCertTemplate) for a template without subject or key, or with what an issuer gives."""
    if template.subject is None or template.public_key is None:
        raise Rejected("badCertTemplate", "The template needs the subject and the public key.")
    if template.version not in {None, 2}:
        raise Rejected("badCertTemplate", "The template asks for a version of X.509 other than 3.")
    set_by_issuer = {
        "serialNumber": template.serial_number,
        "signingAlg": template.signing_algorithm,
        "issuerUID": template.issuer_unique_id,
        "subjectUID": template.subject_unique_id,
    }
    found = [name for name, value in set_by_issuer.items() if value is not None]
    if found:
        raise Rejected("badCertTemplate", f"The template has {', '.join(found)}; leave that to the issuer.")


@implements("RFC4211:4-01")
def check_proof_kind(proof: str, *, authority: bool) -> None:
    """`Rejected` (badPOP) for a request without a signature, but for one of a registration authority.

    `authority` says that a registration authority protects the message, whose word on the proof counts.
    """
    if proof == "signature" or (proof == "ra-verified" and authority):
        return
    if proof == "ra-verified":
        raise Rejected(
            "badPOP", "Only a registered registration authority can say that it saw the proof of possession."
        )
    raise Rejected("badPOP", "The request needs a signature as its proof of possession (RFC 4211, 4.1).")


@implements("RFC9483:4.1.3-01")
def check_old_certificate(named: tuple[bytes, int] | None, issuer: bytes, serial: int) -> None:
    """`Rejected` (badCertId) when oldCertID is not the certificate that the message is signed by.

    `named` and what follows are issuers in DER and serial numbers; `named` is None without the control.
    """
    if named is not None and named != (issuer, serial):
        raise Rejected(
            "badCertId", "oldCertID names another certificate than the one that the message is signed by."
        )


@implements("RFC9483:4.1.3-02")
def check_new_key(new: bytes, old: bytes) -> None:
    """`Rejected` (badCertTemplate) for an update with the key of the old certificate (SPKIs in DER)."""
    if new == old:
        raise Rejected("badCertTemplate", "The key is the old certificate's; make a new one for the update.")


@implements("RFC9483:4.2-01")
def check_may_revoke(*, own: bool, enrolled_by_same: bool) -> None:
    """`Rejected` (notAuthorized) for the revocation of a certificate that is not the requester's."""
    if not own and not enrolled_by_same:
        raise Rejected(
            "notAuthorized",
            "The certificate is revoked by its own key, or by the credential that it was enrolled with.",
        )


@implements("RFC4210:5.3.18-01")
def check_certificate_hash(given: bytes, expected: bytes) -> None:
    """`Rejected` (badCertId) for a confirmation of a certificate that is not the one that was issued."""
    if not hmac.compare_digest(given, expected):
        raise Rejected("badCertId", "The certHash is not that of the certificate that was issued.")


@implements("RFC4210:5.1.1-01")
def check_transaction_is_new(*, known: bool) -> None:
    """`Rejected` (transactionIdInUse) for a request in a transaction that there was before."""
    if known:
        raise Rejected(
            "transactionIdInUse", "The transactionID was used before; begin a transaction with a new one."
        )


@implements("TRUSTWORKS:CMP-OWN-TRANSACTION")
def check_own_transaction(*, found: bool, same_requester: bool) -> None:
    """`Rejected` (badRequest) in a transaction that there is not, or that is somebody else's."""
    if not found or not same_requester:
        raise Rejected("badRequest", "There is no such transaction of yours that waits for this message.")


@implements("RFC4210:5.3.22-01")
def check_polled(given: Sequence[int], expected: int) -> None:
    """`Rejected` (badRequest, badCertId) for a message that asks after something else than was asked for."""
    check_one_request(len(given))
    if given[0] != expected:
        raise Rejected("badCertId", f"The certReqId is {expected}, not {given[0]}.")


@implements("RFC9483:4.1-01")
def check_allowed(body: str, *, issued_here: bool) -> None:
    """`Rejected` (notAuthorized) for a request that does not go with what it is protected by.

    A first certificate (ir) is asked for by a secret or by another authority's certificate, an update (kur)
    by the certificate that is updated, another one (cr, p10cr) by any of them.
    """
    if body == "kur" and not issued_here:
        raise Rejected(
            "notAuthorized",
            "An update is signed with the key of the certificate that is updated; or send cr.",
        )
    if body == "ir" and issued_here:
        raise Rejected(
            "notAuthorized", "Who has a certificate of this authority asks for others by cr or kur."
        )
