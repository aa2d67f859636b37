"""The JSON API under ``/api/v1/``: sessions, certificates, revocations, applications.

Clients sign in (`enrolment.clients`) and send their token with every request. What goes wrong is told as a
problem (RFC 9457). A request with an ``Idempotency-Key`` has its certificate issued once, however often it is
sent (draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError, Unavailable
from trustworks.core.http import RawRequest, RawResponse, Route
from trustworks.core.roles.model import Act
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.enrolment.clients import ApiClients, check_may, check_private, check_profile
from trustworks.issuance.http.bodies import (
    CertificateBody,
    CertificatesBody,
    RevocationBody,
    SignInBody,
    certificate_json,
    issued_json,
    pem,
    status_json,
)
from trustworks.issuance.model import RevocationReason, serial_hex
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.registration.service import Registration
from trustworks.issuance.registration.wire import (
    ApplicationBody,
    DecisionBody,
    EvidenceBody,
    application_json,
    evidence_json,
    read_json,
    review_json,
)
from trustworks.issuance.wire import read_serial

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from trustworks.issuance.config.api import ApiSettings
    from trustworks.issuance.enrolment.ra import RegistrationAuthority
    from trustworks.issuance.model import CertificateRecord, Issued
    from trustworks.issuance.records.clients import ApiClient

ROOT: Final = "/api/v1/"
JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
_MAX_BODY: Final = 4 << 20
_THREADS: Final = 64
_NOT_KEPT: Final = (("cache-control", "no-store"),)
_MAX_KEY: Final = 128
_TWICE: Final = "api.twice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request of a client that is signed in; `parts` are what stands in the places of a path."""

    client: ApiClient
    token: str
    body: bytes
    parts: tuple[str, ...]
    query: dict[str, str]
    key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP status and the value that is answered as JSON."""

    status: int
    value: Any


class Api:
    """What the API does, one method an operation; each runs in a thread."""

    def __init__(self, authority: RegistrationAuthority, settings: ApiSettings) -> None:
        self._settings = settings
        self._issuance = authority.issuance
        self._database = authority.database
        self._clock = authority.clock
        self.lab = authority.lab
        self.audience = authority.public_url + ROOT.rstrip("/")
        self.clients = ApiClients(
            settings, clock=authority.clock, recorder=authority.recorder, database=authority.database
        )
        self.registration = Registration(
            authority.settings.registration,
            issuance=authority.issuance,
            clock=authority.clock,
            recorder=authority.recorder,
            database=authority.database,
        )

    # Sessions

    def sign_in(self, body: bytes) -> Answer:
        """A session for a client's signature."""
        given: SignInBody = read_json(SignInBody, body)
        session, token = self.clients.sign_in(given.jws, audience=self.audience)
        return Answer(
            status=201,
            value={
                "token": token,
                "ends_at": session.ends_at.isoformat(),
                "acts": sorted(session.client.acts),
                "profiles": sorted(session.client.profiles),
            },
        )

    def sign_out(self, call: Call) -> Answer:
        """The end of the session."""
        self.clients.sign_out(call.token)
        return Answer(status=200, value={})

    # Certificates

    def issue(self, call: Call) -> Answer:
        """A certificate."""
        check_may(call.client, Act.ISSUE)
        body: CertificateBody = read_json(CertificateBody, call.body)
        check_profile(call.client, body.profile)
        if call.key is None:
            return Answer(status=201, value=issued_json(self._issuance.issue(body.read(_by(call.client)))))
        return self._issue_once(call, body, call.key)

    @implements(
        "TRUSTWORKS:API-ONCE",
        disabled=lambda self, call, body, _key: Answer(
            status=201, value=issued_json(self._issuance.issue(body.read(_by(call.client))))
        ),
    )
    def _issue_once(self, call: Call, body: CertificateBody, key: str) -> Answer:
        """As `issue`, unless a request with that key was answered before: then the same certificate again."""
        client, request = call.client.name, hashlib.sha256(call.body).digest()

        def also(connection: Connection, der: bytes) -> None:
            serial, now = _serial_of(der), self._clock.now().utc
            if not records.add_request(connection, client, key, request=request, serial=serial, at=now):
                raise Rejected(_TWICE, "The same request is being answered; send it again in a moment.")

        earlier = self._earlier(client, key, request)
        if earlier is None:
            try:
                issued = self._issuance.issue(body.read(_by(call.client)), also=also)
            except Rejected as error:
                # The same request came twice at once, and the other one was quicker.
                earlier = self._earlier(client, key, request) if error.code == _TWICE else None
                if earlier is None:
                    raise
            else:
                return Answer(status=201, value=issued_json(issued))
        return Answer(status=200, value=self._issued_again(earlier))

    def _earlier(self, client: str, key: str, request: bytes) -> CertificateRecord | None:
        with self._database.read() as connection:
            found = records.earlier_request(connection, client, key)
            if found is None:
                return None
            if found[0] != request:
                raise Rejected(
                    "api.idempotency-key",
                    "Another request was sent with this Idempotency-Key; take a new key.",
                )
            return records.certificate(connection, found[1])

    def _issued_again(self, record: CertificateRecord) -> dict[str, Any]:
        return {
            "serial": record.serial,
            "profile": record.profile,
            "certificate": pem(record.der or b""),
            "chain": [pem(one) for one in self._issuance.chain(record.authority)],
        }

    def issue_several(self, call: Call) -> Answer:
        """Several certificates; each is issued or refused by itself."""
        check_may(call.client, Act.ISSUE)
        body: CertificatesBody = read_json(CertificatesBody, call.body)
        if len(body.requests) > self._settings.most_at_once:
            raise Rejected(
                "api.too-many", f"A request may ask for {self._settings.most_at_once} certificates at once."
            )
        outcomes: list[Issued | Exception | None] = [None] * len(body.requests)
        for at, one in enumerate(body.requests):
            try:
                check_profile(call.client, one.profile)
            except Refused as error:
                outcomes[at] = error
        allowed = [at for at, found in enumerate(outcomes) if found is None]
        made = self._issuance.issue_all([body.requests[at].read(_by(call.client)) for at in allowed])
        for at, outcome in zip(allowed, made, strict=True):
            outcomes[at] = outcome
        return Answer(status=200, value={"outcomes": [_outcome(one) for one in outcomes]})

    def certificates(self, call: Call) -> Answer:
        """The newest certificates that fit."""
        check_may(call.client, Act.READ_RECORDS)
        query = call.query
        found = self._issuance.list(
            state=query.get("state"),
            profile=query.get("profile"),
            revoked={"true": True, "false": False}.get(query.get("revoked", "")),
            subject=query.get("subject"),
            limit=_limit(query),
        )
        now = self._clock.now().utc
        return Answer(status=200, value={"certificates": [certificate_json(one, now) for one in found]})

    def certificate(self, call: Call) -> Answer:
        """One certificate."""
        check_may(call.client, Act.READ_RECORDS)
        return Answer(status=200, value=certificate_json(self._record(call), self._clock.now().utc))

    def status(self, call: Call) -> Answer:
        """The status of one certificate."""
        check_may(call.client, Act.READ_RECORDS)
        return Answer(status=200, value=status_json(self._record(call), self._clock.now().utc))

    def revoke(self, call: Call) -> Answer:
        """A revocation or a hold."""
        check_may(call.client, Act.REVOKE)
        body: RevocationBody = read_json(RevocationBody, call.body)
        serial = self._record(call).serial
        done = self._issuance.revoke(
            serial, _reason(body.reason), by=_by(call.client), invalidity_date=body.invalidity_date
        )
        return Answer(
            status=200,
            value={
                "serial": serial,
                "reason": done.reason.name,
                "revoked_at": done.revoked_at.isoformat(),
                "also": list(done.also),
            },
        )

    def release(self, call: Call) -> Answer:
        """The end of a hold."""
        check_may(call.client, Act.RELEASE)
        record = self._record(call)
        self._issuance.release(record.serial, by=_by(call.client))
        return (
            self.status(call) if Act.READ_RECORDS.value in call.client.acts else Answer(status=200, value={})
        )

    def profiles(self, call: Call) -> Answer:
        """The profiles that the client may use."""
        found = [profile_named(name) for name in sorted(call.client.profiles)]
        return Answer(
            status=200,
            value={
                "profiles": [
                    {
                        "name": one.name,
                        "title": one.title,
                        "attributes": list(one.attributes),
                        "required": list(one.required),
                        "days": one.days,
                        "max_days": one.max_days,
                    }
                    for one in found
                ]
            },
        )

    # Applications

    def apply(self, call: Call) -> Answer:
        """A new application."""
        check_may(call.client, Act.REGISTER)
        body: ApplicationBody = read_json(ApplicationBody, call.body)
        check_profile(call.client, body.profile)
        return Answer(
            status=201, value=application_json(self.registration.submit(body.read(), by=_by(call.client)))
        )

    def applications(self, call: Call) -> Answer:
        """The applications that fit; who waits longest comes first."""
        check_may(call.client, Act.READ_RECORDS)
        states: Any = tuple(one for one in call.query.get("state", "").split(",") if one)
        found = self.registration.list(
            states=states,
            profile=call.query.get("profile"),
            subject=call.query.get("subject"),
            limit=_limit(call.query),
        )
        return Answer(status=200, value={"applications": [application_json(one) for one in found]})

    def application(self, call: Call) -> Answer:
        """One application beside its evidence, with what stands against it."""
        check_may(call.client, Act.READ_RECORDS)
        return Answer(status=200, value=review_json(self.registration.review(call.parts[0])))

    def evidence(self, call: Call) -> Answer:
        """A piece of evidence for an application."""
        check_may(call.client, Act.REGISTER)
        body: EvidenceBody = read_json(EvidenceBody, call.body)
        piece = self.registration.add_evidence(call.parts[0], **body.read(), by=_by(call.client))
        return Answer(status=201, value=evidence_json(piece))

    def approve(self, call: Call) -> Answer:
        """A decision that the certificate is issued."""
        check_may(call.client, Act.DECIDE)
        body: DecisionBody = read_json(DecisionBody, call.body)
        done = self.registration.approve(call.parts[0], by=_by(call.client), reason=body.reason)
        return Answer(status=200, value=application_json(done))

    def reject(self, call: Call) -> Answer:
        """A decision that none is issued."""
        check_may(call.client, Act.DECIDE)
        body: DecisionBody = read_json(DecisionBody, call.body)
        done = self.registration.reject(call.parts[0], by=_by(call.client), reason=body.reason)
        return Answer(status=200, value=application_json(done))

    def withdraw(self, call: Call) -> Answer:
        """The end of an application that nothing was issued for."""
        check_may(call.client, Act.REGISTER)
        body: DecisionBody = read_json(DecisionBody, call.body)
        done = self.registration.withdraw(call.parts[0], by=_by(call.client), reason=body.reason)
        return Answer(status=200, value=application_json(done))

    def _record(self, call: Call) -> CertificateRecord:
        found = self._issuance.find(read_serial(call.parts[0]))
        if found is None:
            raise Rejected(
                "api.not-found", f"No certificate with the serial {call.parts[0]} was issued here."
            )
        return found


def _by(client: ApiClient) -> str:
    return f"api:{client.name}"


def _serial_of(der: bytes) -> str:
    from cryptography import x509  # noqa: PLC0415 - for requests with a key alone

    return serial_hex(x509.load_der_x509_certificate(der).serial_number)


def _limit(query: dict[str, str]) -> int:
    text = query.get("limit", "100")
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise Malformed("limit is a number from 1 to 1000.")
    return int(text)


def _reason(text: str) -> RevocationReason:
    try:
        return RevocationReason[text]
    except KeyError:
        known = ", ".join(one.name for one in RevocationReason)
        raise Rejected("issuance.reason", f"{text!r} is no reason for a revocation; use {known}.") from None


def _outcome(outcome: Issued | Exception | None) -> dict[str, Any]:
    if isinstance(outcome, TrustworksError):
        return {"problem": problem_of(outcome)}
    if outcome is None or isinstance(outcome, Exception):
        return {
            "problem": _problem(
                500, "bug", "The service failed to answer; its operator finds why in the log."
            )
        }
    return {"issued": issued_json(outcome)}


# Problems

_NOT_FOUND: Final = frozenset({"api.not-found", "registration.unknown", "registration.erased"})
_CONFLICT: Final = frozenset({"registration.state", "api.idempotency-key", _TWICE})
_TITLES: Final = {
    400: "The request cannot be read",
    401: "Not signed in",
    403: "A requirement is against it",
    404: "Not found",
    405: "Not done here",
    408: "Too slow",
    409: "It was changed meanwhile",
    413: "Too much",
    415: "Another media type is needed",
    422: "It cannot be done as asked for",
    500: "A fault",
    503: "Not now",
}


def _problem(status: int, kind: str, detail: str) -> dict[str, Any]:
    return {
        "type": f"urn:trustworks:{kind}",
        "title": _TITLES.get(status, "Refused"),
        "status": status,
        "detail": detail,
    }


def problem_of(error: TrustworksError) -> dict[str, Any]:
    """An error as a problem (RFC 9457); what is inside of the service stays there."""
    match error:
        case Malformed():
            return _problem(400, "malformed", str(error))
        case Refused(requirement=requirement):
            return _problem(403, requirement, str(error))
        case Rejected(code=code):
            status = 404 if code in _NOT_FOUND else 409 if code in _CONFLICT else 422
            return _problem(status, code, str(error))
        case Unavailable(code=code):
            return _problem(503, code, "The service cannot do that now. Try again later.")
        case _:
            return _problem(500, "bug", "The service failed to answer; its operator finds why in the log.")


def refusal(status: int, sentence: str) -> RawResponse:
    """The problem of a request that does not reach its operation."""
    return _answer(status, _problem(status, "request", sentence))


def _answer(status: int, value: Any, *headers: tuple[str, str]) -> RawResponse:
    kind = PROBLEM if status >= 400 else JSON
    return RawResponse(status, kind, json.dumps(value).encode(), (*_NOT_KEPT, *headers))


# The edge

OPERATIONS: Final[dict[tuple[str, str], Callable[[Api, Call], Answer]]] = {
    ("DELETE", "sessions"): Api.sign_out,
    ("POST", "certificates"): Api.issue,
    ("POST", "certificates/batch"): Api.issue_several,
    ("GET", "certificates"): Api.certificates,
    ("GET", "certificates/{serial}"): Api.certificate,
    ("GET", "certificates/{serial}/status"): Api.status,
    ("POST", "certificates/{serial}/revoke"): Api.revoke,
    ("POST", "certificates/{serial}/release"): Api.release,
    ("GET", "profiles"): Api.profiles,
    ("POST", "applications"): Api.apply,
    ("GET", "applications"): Api.applications,
    ("GET", "applications/{id}"): Api.application,
    ("POST", "applications/{id}/evidence"): Api.evidence,
    ("POST", "applications/{id}/approve"): Api.approve,
    ("POST", "applications/{id}/reject"): Api.reject,
    ("POST", "applications/{id}/withdraw"): Api.withdraw,
}


def _template(path: str) -> tuple[str, tuple[str, ...]]:
    """The template that a path follows, and what stands in its places."""
    steps = path.split("/")
    if len(steps) > 1 and f"{steps[0]}/{steps[1]}" == "certificates/batch":
        return path, ()
    if len(steps) > 1 and steps[0] in _PLACES:
        return "/".join((steps[0], _PLACES[steps[0]], *steps[2:])), (steps[1],)
    return path, ()


_PLACES: Final = {"certificates": "{serial}", "applications": "{id}"}


class Edge:
    """The handlers, on one event loop; operations run in threads of their own."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="api")

    async def handle(self, request: RawRequest) -> RawResponse:
        """One request."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, request)

    def _answer(self, request: RawRequest) -> RawResponse:
        try:
            answer = self._open(request) or self._signed_in(request)
        except TrustworksError as error:
            if isinstance(error, Unavailable):
                raise  # told to the operator where all services' are
            found = problem_of(error)
            return _answer(found["status"], found)
        return answer if isinstance(answer, RawResponse) else _answer(answer.status, answer.value)

    def _open(self, request: RawRequest) -> Answer | None:
        """What needs no session."""
        match (request.method, request.path.removeprefix(ROOT)):
            case ("POST", "sessions"):
                check_private(secure=request.secure, lab=self._api.lab)
                return self._api.sign_in(request.body)
            case ("GET", "openapi.json"):
                from trustworks.issuance.http.openapi import document  # noqa: PLC0415 - few ask for it

                return Answer(status=200, value=document(self._api.audience))
        return None

    def _signed_in(self, request: RawRequest) -> Answer | RawResponse:
        template, parts = _template(request.path.removeprefix(ROOT))
        methods = [method for method, known in OPERATIONS if known == template]
        if request.method not in methods:
            told = f"This address answers {', '.join(methods)}." if methods else "There is no such address."
            return refusal(405 if methods else 404, f"{told} See openapi.json.")
        call = self._call(request, parts)
        if call is None:
            told = "Sign in (POST sessions), and send the token as Bearer."
            challenge = ("www-authenticate", 'Bearer realm="trustworks"')
            return _answer(401, _problem(401, "not-signed-in", told), challenge)
        return OPERATIONS[request.method, template](self._api, call)

    def _call(self, request: RawRequest, parts: tuple[str, ...]) -> Call | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        session = self._api.clients.session(token.strip()) if scheme.lower() == "bearer" and token else None
        if session is None:
            return None
        key = request.headers.get("idempotency-key")
        if key is not None and not 1 <= len(key) <= _MAX_KEY:
            raise Malformed(f"Idempotency-Key has 1 to {_MAX_KEY} characters.")
        return Call(
            client=session.client,
            token=token.strip(),
            body=request.body,
            parts=parts,
            query={name: values[-1] for name, values in parse_qs(request.query).items()},
            key=key,
        )


def routes(authority: RegistrationAuthority, settings: ApiSettings) -> list[Route]:
    """The routes of the API."""
    edge = Edge(Api(authority, settings))
    return [
        Route(method="GET", path=ROOT, handler=edge.handle, refusal=refusal),
        Route(method="DELETE", path=ROOT, handler=edge.handle, refusal=refusal),
        Route(
            method="POST",
            path=ROOT,
            handler=edge.handle,
            content_types=(JSON,),
            max_body=_MAX_BODY,
            refusal=refusal,
        ),
    ]
