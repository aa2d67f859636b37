"""Operations that show control over the names that an application asks for: domains and mailboxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.issuance.enrolment.control import places
from trustworks.issuance.http.api.applications import of_path
from trustworks.issuance.http.api.service import Answer
from trustworks.issuance.registration.rules.domains import LIFE

if TYPE_CHECKING:
    from trustworks.issuance.http.api.control_bodies import DomainCheckBody, MailboxValueBody
    from trustworks.issuance.http.api.service import Api, Call


def challenge_domains(api: Api, call: Call) -> Answer:
    """What the applicant puts up for each name that no validation covers."""
    wanted = api.registration.draw_domains(of_path(api, call).id, by=call.by)
    told = [
        {
            "name": one.name,
            "until": (one.drawn.drawn_at + LIFE).isoformat(),
            "dns": None,
            "http": None,
            **places(one.name, one.methods, token=one.drawn.token, value=one.drawn.value),
        }
        for one in wanted
    ]
    return Answer(value={"domains": told})


def check_domains(api: Api, call: Call) -> Answer:
    """Whether it is there, from here and from the perspectives."""
    body: DomainCheckBody = call.given
    looks = api.registration.check_domains(
        of_path(api, call).id, api.domain_control(), by=call.by, method=body.method
    )
    told = [
        {
            "name": one.name,
            "method": one.method,
            "why": one.why,
            "perspectives": [
                {
                    "name": it.name,
                    "region": it.region,
                    "sees": it.objection is None,
                    "objection": it.objection,
                }
                for it in one.seen
            ],
        }
        for one in looks
    ]
    return Answer(value={"domains": told})


def challenge_mailboxes(api: Api, call: Call) -> Answer:
    """A value mailed to each mailbox over which no control was shown."""
    application = of_path(api, call)
    done = api.registration.challenge_mailboxes(application.id, api.mailer(), by=call.by)
    told = [
        {
            "address": one.address,
            "until": None if one.until is None else one.until.isoformat(),
            "why": one.why,
        }
        for one in done
    ]
    return Answer(value={"mailboxes": told})


def confirm_mailbox(api: Api, call: Call) -> Answer:
    """A value that the receiver of a mail gave back."""
    body: MailboxValueBody = call.given
    done = api.registration.confirm_mailbox(of_path(api, call).id, body.value, by=call.by)
    return Answer(value={"address": done.address})
