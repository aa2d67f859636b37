"""Operations on certificates. A client reaches those of the profiles that it was given, and no others.

A request with an ``Idempotency-Key`` has its certificate issued once, however often it is sent
(draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import Refused, Rejected, TrustworksError
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.enrolment.clients import check_profile, profiles_of
from trustworks.issuance.http.api.bodies import (
    certificate_json,
    issued_json,
    pem,
    status_json,
)
from trustworks.issuance.http.api.problems import CONFLICTING_REQUEST, fault, problem_of
from trustworks.issuance.http.api.service import Answer
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.model.requests import Door
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.rules.doors import lacks_evidence
from trustworks.issuance.wire import read_serial, serial_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from trustworks.issuance.http.api.bodies import (
        CertificateBody,
        CertificatesBody,
        CertificatesQuery,
        RevocationBody,
    )
    from trustworks.issuance.http.api.service import Api, Call
    from trustworks.issuance.model import CertificateRecord, Issued

TWICE: Final = "api.twice"


def begin_issue(api: Api, call: Call, answered: Callable[[Issued | Exception], None]) -> bool:
    """Hand a request over to the batch, without a thread that waits for it."""
    body: CertificateBody = call.given
    if call.key is not None:
        return False
    check_profile(call.client, body.profile)
    return api.issuance.hand_over(body.read(call.by), answered)


def issue(api: Api, call: Call) -> Answer:
    """A certificate."""
    body: CertificateBody = call.given
    check_profile(call.client, body.profile)
    if call.key is None:
        return Answer(status=201, value=issued_json(api.issuance.issue(body.read(call.by))))
    return _issue_once(api, call, call.key)


@implements(
    "TRUSTWORKS:API-ONCE",
    disabled=lambda api, call, _key: Answer(
        status=201, value=issued_json(api.issuance.issue(call.given.read(call.by)))
    ),
)
def _issue_once(api: Api, call: Call, key: str) -> Answer:
    """As `issue`, unless a request with that key was answered before: then the same certificate again."""
    client, request = call.client.name, hashlib.sha256(call.text).digest()
    now = api.clock.now().utc

    def also(connection: Connection, der: bytes) -> None:
        if not records.add_request(connection, client, key, request=request, serial=serial_of(der), at=now):
            raise Rejected(TWICE, "The same request is being answered; send it again in a moment.")

    earlier = _earlier(api, client, key, request)
    if earlier is None:
        try:
            issued = api.issuance.issue(call.given.read(call.by), also=also)
        except Rejected as error:
            # The same request came twice at once, and the other one was quicker.
            earlier = _earlier(api, client, key, request) if error.code == TWICE else None
            if earlier is None:
                raise
        else:
            return Answer(status=201, value=issued_json(issued))
    return Answer(value=_issued_again(api, earlier))


def _earlier(api: Api, client: str, key: str, request: bytes) -> CertificateRecord | None:
    with api.database.read() as connection:
        found = records.earlier_request(connection, client, key)
        if found is None:
            return None
        if found[0] != request:
            raise Rejected(
                CONFLICTING_REQUEST, "Another request was sent with this Idempotency-Key; take a new key."
            )
        return records.certificate(connection, found[1])


def _issued_again(api: Api, record: CertificateRecord) -> dict[str, Any]:
    return {
        "serial": record.serial,
        "profile": record.profile,
        "certificate": pem(record.der or b""),
        "chain": [pem(one) for one in api.issuance.chain(record.authority)],
        "lacks_evidence": lacks_evidence(profile_named(record.profile), Door.API),
    }


def issue_several(api: Api, call: Call) -> Answer:
    """Several certificates; each is issued or refused by itself."""
    body: CertificatesBody = call.given
    if len(body.requests) > api.settings.most_at_once:
        raise Rejected(
            "api.too-many", f"A request may ask for {api.settings.most_at_once} certificates at once."
        )
    outcomes: list[Issued | Exception | None] = [None] * len(body.requests)
    for at, one in enumerate(body.requests):
        try:
            check_profile(call.client, one.profile)
        except Refused as error:
            outcomes[at] = error
    allowed = [at for at, found in enumerate(outcomes) if found is None]
    made = api.issuance.issue_all([body.requests[at].read(call.by) for at in allowed])
    for at, outcome in zip(allowed, made, strict=True):
        outcomes[at] = outcome
    return Answer(value={"outcomes": [_outcome(one) for one in outcomes]})


def _outcome(outcome: Issued | Exception | None) -> dict[str, Any]:
    if isinstance(outcome, TrustworksError):
        return {"problem": problem_of(outcome)}
    if outcome is None or isinstance(outcome, Exception):
        return {"problem": fault()}
    return {"issued": issued_json(outcome)}


def search(api: Api, call: Call) -> Answer:
    """The newest certificates that fit."""
    query: CertificatesQuery = call.query
    known = profiles_of(call.client)
    if query.profile is not None:
        check_profile(call.client, query.profile)
        known = frozenset({profile_named(query.profile).name})
    found = api.issuance.list(
        state=query.state,
        profiles=known,
        revoked=query.revoked,
        subject=query.subject,
        limit=query.limit,
    )
    now = api.clock.now().utc
    return Answer(value={"certificates": [certificate_json(one, now) for one in found]})


def show(api: Api, call: Call) -> Answer:
    """One certificate."""
    return Answer(value=certificate_json(_record(api, call), api.clock.now().utc))


def status(api: Api, call: Call) -> Answer:
    """The status of one certificate."""
    return Answer(value=status_json(_record(api, call), api.clock.now().utc))


def revoke(api: Api, call: Call) -> Answer:
    """A revocation or a hold."""
    body: RevocationBody = call.given
    serial = _record(api, call).serial
    done = api.issuance.revoke(
        serial, RevocationReason[body.reason], by=call.by, invalidity_date=body.invalidity_date
    )
    return Answer(
        value={
            "serial": serial,
            "reason": done.reason.name,
            "revoked_at": done.revoked_at.isoformat(),
            "also": list(done.also),
        }
    )


def release(api: Api, call: Call) -> Answer:
    """The end of a hold."""
    api.issuance.release(_record(api, call).serial, by=call.by)
    return status(api, call)


def profiles(api: Api, call: Call) -> Answer:
    """The profiles that the client may use."""
    found = [
        profile_named(name, api.issuance.settings.profile_versions) for name in sorted(call.client.profiles)
    ]
    return Answer(
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
        }
    )


@implements(
    "TRUSTWORKS:API-PROFILES", disabled=lambda api, call: api.issuance.find(read_serial(call.parts[0]))
)
def _record(api: Api, call: Call) -> CertificateRecord:
    """The certificate that a path names; one of another profile is not there for this client."""
    found = api.issuance.find(read_serial(call.parts[0]))
    if found is None or found.profile not in profiles_of(call.client):
        raise Rejected(
            "api.not-found",
            f"No certificate with the serial {call.parts[0]} was issued here by a profile that "
            f"{call.client.name} may use.",
        )
    return found
