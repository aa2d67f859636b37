"""Operations on applications. A client reaches those of the profiles that it was given, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.issuance.enrolment.clients import check_profile, profiles_of
from trustworks.issuance.http.api.service import Answer
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.registration.wire import application_json, device_json, evidence_json, review_json

if TYPE_CHECKING:
    from trustworks.issuance.http.api.bodies import ApplicationsQuery
    from trustworks.issuance.http.api.service import Api, Call
    from trustworks.issuance.registration.model import Application
    from trustworks.issuance.registration.wire import (
        ApplicationBody,
        DecisionBody,
        DeviceBody,
        EvidenceBody,
    )


def apply(api: Api, call: Call) -> Answer:
    """A new application."""
    body: ApplicationBody = call.given
    check_profile(call.client, body.profile)
    return Answer(status=201, value=application_json(api.registration.submit(body.read(), by=call.by)))


def search(api: Api, call: Call) -> Answer:
    """The applications that fit; who waits longest comes first."""
    query: ApplicationsQuery = call.query
    known = profiles_of(call.client)
    if query.profile is not None:
        check_profile(call.client, query.profile)
        known = frozenset({profile_named(query.profile).name})
    states: Any = tuple(one for one in (query.state or "").split(",") if one)
    found = api.registration.list(states=states, profiles=known, subject=query.subject, limit=query.limit)
    return Answer(value={"applications": [application_json(one) for one in found]})


def show(api: Api, call: Call) -> Answer:
    """One application beside its evidence, with what stands against it."""
    return Answer(value=review_json(api.registration.review(of_path(api, call).id)))


def evidence(api: Api, call: Call) -> Answer:
    """A piece of evidence for an application."""
    body: EvidenceBody = call.given
    piece = api.registration.add_evidence(of_path(api, call).id, **body.read(), by=call.by)
    return Answer(status=201, value=evidence_json(piece))


def device(api: Api, call: Call) -> Answer:
    """The device that holds the key of an application."""
    body: DeviceBody = call.given
    piece = api.registration.record_device(of_path(api, call).id, body.read(), by=call.by)
    return Answer(status=201, value=device_json(piece))


def approve(api: Api, call: Call) -> Answer:
    """A decision that the certificate is issued."""
    body: DecisionBody = call.given
    done = api.registration.approve(of_path(api, call).id, by=call.by, reason=body.reason)
    return Answer(value=application_json(done))


def reject(api: Api, call: Call) -> Answer:
    """A decision that none is issued."""
    body: DecisionBody = call.given
    done = api.registration.reject(of_path(api, call).id, by=call.by, reason=body.reason)
    return Answer(value=application_json(done))


def withdraw(api: Api, call: Call) -> Answer:
    """The end of an application that nothing was issued for."""
    body: DecisionBody = call.given
    done = api.registration.withdraw(of_path(api, call).id, by=call.by, reason=body.reason)
    return Answer(value=application_json(done))


@implements("TRUSTWORKS:API-PROFILES", disabled=lambda api, call: api.registration.application(call.parts[0]))
def of_path(api: Api, call: Call) -> Application:
    """The application that a path names; one for another profile is not there for this client."""
    found = api.registration.application(call.parts[0])
    if profile_named(found.asked.profile).name not in profiles_of(call.client):
        raise Rejected(
            "registration.unknown",
            f"There is no application {call.parts[0]!r} for a profile that {call.client.name} may use.",
        )
    return found
