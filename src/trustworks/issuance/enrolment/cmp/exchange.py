"""A message comes, a message goes: who sent it, may they, what is done, what is answered.

The order of RFC 9483, 3: the header and the protection are checked before anything of the body is believed;
what a message changes is written with its transaction's id, so that the same message changes nothing twice.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from cryptography import x509

from trustworks.core.der import cmp as der
from trustworks.core.der.cmp import Body, PkiFailureInfo, PkiStatus
from trustworks.core.der.crmf import encoded
from trustworks.core.der.encode import context
from trustworks.core.der.x509 import public_key_info
from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError, Unavailable
from trustworks.core.time import any_time
from trustworks.issuance.enrolment.cmp import confirmations, general, revocations, rules
from trustworks.issuance.enrolment.cmp.answers import Answer, bit_of, words_of
from trustworks.issuance.enrolment.cmp.protection import Protection, SignatureProtection
from trustworks.issuance.enrolment.cmp.requester import Requester, find_requester
from trustworks.issuance.enrolment.cmp.requests import Asked, read_request
from trustworks.issuance.enrolment.cmp.signer import CmpSigner, check_standing, check_within, open_signer
from trustworks.issuance.enrolment.holders import check_renewable, count_renewal, issued_here
from trustworks.issuance.enrolment.names import attributes_of
from trustworks.issuance.enrolment.officers import check_no_officer, concerned_by
from trustworks.issuance.enrolment.refusals import UNKNOWN, Refusals
from trustworks.issuance.enrolment.secrets import check_equals_evidence, check_usable, use
from trustworks.issuance.enrolment.waiting import SENTENCE, finish, waits
from trustworks.issuance.model.requests import Door, Request
from trustworks.issuance.records import cmp as records
from trustworks.issuance.records.waiting import Conversation
from trustworks.issuance.wire import serial_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.der.cmp import PkiMessage
    from trustworks.core.roles.model import Person
    from trustworks.issuance.config import CmpSettings
    from trustworks.issuance.enrolment.ra import RegistrationAuthority
    from trustworks.issuance.enrolment.secrets import Credentials
    from trustworks.issuance.model import Issued
    from trustworks.issuance.records.cmp import Credential
    from trustworks.issuance.records.waiting import WaitingRequest

log = structlog.get_logger(__name__)

MAX_MESSAGE: Final = 65_536
NONCE_OCTETS: Final = 16
ANSWERS: Final = {Body.ir: Body.ip, Body.cr: Body.cp, Body.p10cr: Body.cp, Body.kur: Body.kup}
_CONFIRMED: Final = (der.InfoTypeAndValue(type=der.IMPLICIT_CONFIRM, value=b"\x05\x00"),)


class Exchange:
    """The CMP server. Threads share it."""

    def __init__(
        self, authority: RegistrationAuthority, settings: CmpSettings, credentials: Credentials
    ) -> None:
        self._authority = authority
        self._settings = settings
        self._credentials = credentials
        self._signer: CmpSigner | None = None
        self._refusals = Refusals("cmp", recorder=authority.recorder, clock=authority.clock)

    def answer(self, octets: bytes) -> bytes:
        """The PKIMessage that answers a message, whatever came."""
        nonce = secrets.token_bytes(NONCE_OCTETS)
        try:
            message = der.read_message(octets)
        except Malformed as error:
            return self._write(None, None, _error(error), nonce)
        requester: Requester | None = None
        try:
            now = any_time(
                self._authority.clock
            ).utc  # issuance asks for trusted time itself; rr does not wait
            self._check_header(message, now)
            requester = find_requester(
                message,
                now=now,
                credentials=self._credentials,
                database=self._authority.database,
                max_iterations=self._settings.max_iterations,
            )
            answer = self._act(message, requester, now, nonce)
        except TrustworksError as error:
            if isinstance(error, Unavailable):
                log.warning("cmp.unavailable", code=error.code, reason=str(error))
            self._refusals.tell(error, actor=UNKNOWN if requester is None else requester.actor)
            answer = _error(error)
        except Exception:
            log.exception("cmp.bug")
            status = der.write_status(
                PkiStatus.rejection, "The service failed to answer.", PkiFailureInfo.systemFailure
            )
            answer = Answer(body=Body.error, content=der.write_error(status))
        return self._write(message, requester, answer, nonce)

    def _check_header(self, message: PkiMessage, now: datetime) -> None:
        header = message.header
        rules.check_version(header.pvno)
        given = None if header.message_time is None else header.message_time.as_datetime()
        rules.check_time(given, now, timedelta(seconds=self._settings.time_tolerance_seconds))
        rules.check_transaction_id(header.transaction_id)
        rules.check_sender_nonce(header.sender_nonce)

    def _act(self, message: PkiMessage, requester: Requester, now: datetime, nonce: bytes) -> Answer:
        match message.body:
            case Body.ir | Body.cr | Body.p10cr | Body.kur:
                return self._enrol(message, requester, now, nonce)
            case Body.certConf | Body.error:
                confirmations.confirm(self._authority, message, requester.identity, requester.actor, now)
                return Answer(body=Body.pkiconf, content=der.CONFIRMED)
            case Body.rr:
                return revocations.revoke(self._authority, message, requester, now, nonce)
            case Body.genm:
                return general.answer(self._authority, message, requester)
            case Body.pollReq:
                return self._poll(message, requester, now, nonce)
            case body:
                raise Rejected("badRequest", f"Messages of the kind {body.name} are not answered here.")

    # Certificates

    def _enrol(self, message: PkiMessage, requester: Requester, now: datetime, nonce: bytes) -> Answer:
        """Steps of RFC 9483, 4.1: the request read, the transaction new, names and rights checked, issued."""
        asked = read_request(message.body, message.content, authority=requester.is_authority)
        transaction_id = message.header.transaction_id or b""
        with self._authority.database.read() as connection:
            known = records.transaction(connection, transaction_id)
        waiting = self._authority.waiting.of_transaction(transaction_id)
        rules.check_transaction_is_new(known=known is not None or waiting is not None)
        conversation = Conversation(
            body=message.body.name,
            content=message.content,
            implicit=self._settings.implicit_confirm and _asks_implicit(message),
            transaction_id=transaction_id,
            nonce=nonce,
        )
        return self._answered(requester, asked, conversation, now)

    def _poll(self, message: PkiMessage, requester: Requester, now: datetime, nonce: bytes) -> Answer:
        """A client asks after a request that waited for an officer (RFC 4210, 5.3.22)."""
        found = self._authority.waiting.of_transaction(message.header.transaction_id or b"")
        rules.check_own_transaction(
            found=found is not None and found.state != "issued",
            same_requester=found is not None and found.client == requester.identity,
        )
        assert found is not None  # noqa: S101 - the rule before saw it
        rules.check_recipient_nonce(message.header.recipient_nonce, found.conversation.nonce or b"")
        asked = read_request(
            Body[found.conversation.body], found.conversation.content, authority=requester.is_authority
        )
        rules.check_polled(der.read_polls(message.content), asked.cert_req_id)
        conversation = replace(found.conversation, nonce=nonce)
        if found.state == "waiting":
            self._authority.waiting.go_on(found, conversation)
            after = self._settings.check_after_seconds
            return Answer(body=Body.pollRep, content=der.write_poll(asked.cert_req_id, after, SENTENCE))
        return self._answered(requester, asked, conversation, now)

    def _answered(
        self, requester: Requester, asked: Asked, conversation: Conversation, now: datetime
    ) -> Answer:
        """The certificate, or what stands against it; either in the body that answers the request."""
        try:
            return self._issue(requester, asked, conversation, now)
        except (Malformed, Rejected, Refused) as error:
            if isinstance(error, Rejected) and error.code == PkiFailureInfo.transactionIdInUse.name:
                raise
            self._refusals.tell(error, actor=requester.actor)
            status = der.write_status(PkiStatus.rejection, words_of(error), bit_of(error))
            return _responses(conversation, der.write_response(asked.cert_req_id, status, None))

    def _issue(self, requester: Requester, asked: Asked, conversation: Conversation, now: datetime) -> Answer:
        rules.check_allowed(conversation.body, issued_here=requester.certificate is not None)
        if requester.credential is not None:
            check_usable(requester.credential, now)
        if conversation.body == Body.kur.name:
            self._check_update(requester, asked)
        evidence = requester.evidence()
        own = requester.certificate
        behind = None if own is None else check_renewable(own, self._authority.database, now)
        check_equals_evidence(evidence, asked.subject, asked.names)
        concerned = concerned_by(asked.subject, asked.names, key_ids=[hashlib.sha256(asked.spki).hexdigest()])
        self._check_officers([requester.credential, behind], concerned)
        request = Request(
            profile=evidence.profile,
            csr=asked.proof,
            subject=asked.subject,
            requested_by=requester.actor,
            door=Door.CMP,
            alternative_names=asked.names,
        )
        place = self._place(requester, request, conversation)
        if place is not None and waits(place):
            status = der.write_status(PkiStatus.waiting, SENTENCE)
            return _responses(conversation, der.write_response(asked.cert_req_id, status, None))
        self._check_officers([place], concerned)
        confirmed = conversation.implicit
        confirm_by = now + timedelta(minutes=self._settings.confirm_minutes)

        def also(connection: Connection, certificate: bytes) -> None:
            serial = serial_of(certificate)
            new = records.Transaction(
                transaction_id=conversation.transaction_id or b"",
                credential=requester.identity,
                body=conversation.body,
                nonce=conversation.nonce or b"",
                state="confirmed" if confirmed else "waiting",
                serial=serial,
                cert_req_id=asked.cert_req_id,
                began_at=now,
                confirm_by=None if confirmed else confirm_by,
            )
            rules.check_transaction_is_new(known=not records.add_transaction(connection, new))
            if requester.credential is not None:
                use(connection, requester.credential.reference, now)
            if behind is not None:
                count_renewal(connection, behind, now)
            if place is not None:
                finish(connection, place, serial)

        issued = self._authority.issuance.issue(request, also=also)
        return self._granted(conversation, asked, issued, requester)

    def _check_officers(
        self, passed: Sequence[Credential | WaitingRequest | None], concerned: Sequence[Person]
    ) -> None:
        with self._authority.database.read() as connection:
            check_no_officer(connection, passed, concerned)

    def _place(
        self, requester: Requester, request: Request, conversation: Conversation
    ) -> WaitingRequest | None:
        """Where the request stands before the officer; None where none is asked."""
        credential = requester.credential
        if credential is None or not credential.ask_officer:
            return None
        return self._authority.waiting.admit(
            "cmp", requester.identity, credential, request, conversation, issuance=self._authority.issuance
        )

    def _check_update(self, requester: Requester, asked: Asked) -> None:
        old = requester.certificate
        assert old is not None and old.der is not None  # noqa: S101, PT018 - `check_allowed` saw it
        read = x509.load_der_x509_certificate(old.der)
        rules.check_old_certificate(asked.old, read.issuer.public_bytes(), read.serial_number)
        rules.check_new_key(asked.spki, public_key_info(old.der))

    def _granted(
        self, conversation: Conversation, asked: Asked, issued: Issued, requester: Requester
    ) -> Answer:
        subject = attributes_of(x509.load_der_x509_certificate(issued.certificate).subject)
        same = set(subject) == set(asked.subject) and not asked.wants_more
        status = der.write_status(PkiStatus.accepted if same else PkiStatus.grantedWithMods)
        response = der.write_response(asked.cert_req_id, status, issued.certificate)
        anchors: tuple[bytes, ...] = ()
        if conversation.body == Body.ir.name and requester.protection is not None:
            # Who has a secret alone gets the root over the MAC that the secret makes (RFC 9483, 4.1.1).
            anchors = (self._authority.issuance.authority("root").certificate,)
        return Answer(
            body=ANSWERS[Body[conversation.body]],
            content=der.write_responses([response], anchors),
            extra=issued.chain,
            infos=_CONFIRMED if conversation.implicit else (),
        )

    # Answers

    def _write(
        self, message: PkiMessage | None, requester: Requester | None, answer: Answer, nonce: bytes
    ) -> bytes:
        header = None if message is None else message.header
        protection: Protection | None = None if requester is None else requester.protection
        signer = None if protection is not None else self._signer_or_none()
        if signer is not None:
            protection = SignatureProtection(signer.key)
        credential = None if requester is None else requester.credential
        written = der.write_header(
            der.Header(
                pvno=2 if header is None or header.pvno not in rules.VERSIONS else header.pvno,
                sender=self._sender(signer),
                recipient=der.EMPTY_NAME if header is None else encoded(header.sender),
                message_time=any_time(self._authority.clock).utc,
                transaction_id=(None if header is None else header.transaction_id)
                or secrets.token_bytes(NONCE_OCTETS),
                sender_nonce=nonce,
                recipient_nonce=None if header is None else header.sender_nonce,
                protection_algorithm=b"" if protection is None else protection.algorithm,
                sender_kid=signer.key_identifier
                if signer is not None
                else (credential.reference.encode() if credential is not None else None),
                general_info=answer.infos,
            )
        )
        body = der.write_body(answer.body, answer.content)
        certificates = [*([signer.certificate] if signer is not None else []), *answer.extra]
        if signer is not None:
            certificates += [one for one in self._chain() if one not in certificates]
        protected = b"" if protection is None else protection.protect(der.protected_part(written, body))
        return der.write_message(written, body, protected, certificates)

    def _sender(self, signer: CmpSigner | None) -> bytes:
        if signer is not None:
            return context(der.DIRECTORY_NAME, signer.subject)
        issuing = x509.load_der_x509_certificate(self._authority.issuance.authority("issuing").certificate)
        return context(der.DIRECTORY_NAME, issuing.subject.public_bytes())

    def _signer_or_none(self) -> CmpSigner | None:
        """The signer, while it may sign; an error of a server that has none goes unprotected."""
        try:
            if self._signer is None:
                self._signer = self._open_signer()
            signer = self._signer
            record = issued_here(
                signer.certificate,
                x509.load_der_x509_certificate(signer.certificate),
                self._authority.database,
            )
            check_standing(record)
            check_within(any_time(self._authority.clock).utc, signer.since, signer.until)
        except TrustworksError as error:
            log.warning("cmp.no-signer", reason=str(error))
            return None
        return signer

    def _open_signer(self) -> CmpSigner:
        if self._authority.service_key is None or self._settings.certificate is None:
            raise Unavailable(
                "cmp.no-signer",
                "No certificate of a CMP key is named: issue one with the profile cmp-server, and set "
                "[issuance.cmp] certificate to its file.",
            )
        key = self._authority.service_key(self._settings.key)
        return open_signer(key, self._authority.base / self._settings.certificate, self._authority.database)

    def _chain(self) -> tuple[bytes, ...]:
        """The certificates of the issuing authority's generations: with the root they verify what is sent."""
        return tuple(one.certificate for one in self._authority.issuance.generations())


def _asks_implicit(message: PkiMessage) -> bool:
    return any(one.type == der.IMPLICIT_CONFIRM for one in message.general_info)


def _responses(conversation: Conversation, response: bytes) -> Answer:
    return Answer(body=ANSWERS[Body[conversation.body]], content=der.write_responses([response]))


def _error(error: TrustworksError) -> Answer:
    status = der.write_status(PkiStatus.rejection, words_of(error), bit_of(error))
    return Answer(body=Body.error, content=der.write_error(status))
