"""The table of all operations: what the edge does, and what the OpenAPI document tells, is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.roles.model import Act
from trustworks.issuance.http.api import (
    applications,
    bodies,
    certificates,
    control,
    control_bodies,
    sessions,
    webhook_bodies,
    webhooks,
)
from trustworks.issuance.http.api.service import Operation
from trustworks.issuance.registration import wire
from trustworks.issuance.registration.model import PERFORMED

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGN_IN_PATH: Final = "sessions"
DOCUMENT_PATH: Final = "openapi.json"

OPERATIONS: Final = (
    Operation(
        method="DELETE", path=SIGN_IN_PATH, summary="Sign out.", run=sessions.sign_out, answer=bodies.Nothing
    ),
    Operation(
        method="POST",
        path="certificates",
        summary="Issue a certificate. With an Idempotency-Key it is issued once, however often this is sent.",
        run=certificates.issue,
        begin=certificates.begin_issue,
        act=Act.ISSUE,
        body=bodies.CertificateBody,
        answer=bodies.IssuedAnswer,
        status=201,
        again=200,
    ),
    Operation(
        method="POST",
        path="certificates/batch",
        summary="Issue several certificates, each issued or refused by itself.",
        run=certificates.issue_several,
        act=Act.ISSUE,
        body=bodies.CertificatesBody,
        answer=bodies.CertificatesAnswer,
    ),
    Operation(
        method="GET",
        path="certificates",
        summary="The newest certificates that fit.",
        run=certificates.search,
        act=Act.READ_RECORDS,
        query=bodies.CertificatesQuery,
        answer=bodies.FoundAnswer,
    ),
    Operation(
        method="GET",
        path="certificates/{serial}",
        summary="A certificate.",
        run=certificates.show,
        act=Act.READ_RECORDS,
        answer=bodies.CertificateAnswer,
    ),
    Operation(
        method="GET",
        path="certificates/{serial}/status",
        summary="A certificate's status.",
        run=certificates.status,
        act=Act.READ_RECORDS,
        answer=bodies.StatusAnswer,
    ),
    Operation(
        method="POST",
        path="certificates/{serial}/revoke",
        summary="Revoke a certificate, or hold it.",
        run=certificates.revoke,
        act=Act.REVOKE,
        body=bodies.RevocationBody,
        answer=bodies.RevocationAnswer,
    ),
    Operation(
        method="POST",
        path="certificates/{serial}/release",
        summary="Lift a hold.",
        run=certificates.release,
        act=Act.RELEASE,
        body=bodies.Nothing,
        answer=bodies.StatusAnswer,
    ),
    Operation(
        method="GET",
        path="profiles",
        summary="The profiles that this client may use.",
        run=certificates.profiles,
        answer=bodies.ProfilesAnswer,
    ),
    Operation(
        method="POST",
        path="applications",
        summary="Hand in an application for a certificate.",
        run=applications.apply,
        act=Act.REGISTER,
        body=wire.ApplicationBody,
        answer=bodies.ApplicationAnswer,
        status=201,
    ),
    Operation(
        method="GET",
        path="applications",
        summary="The applications that fit; who waits longest comes first.",
        run=applications.search,
        act=Act.READ_RECORDS,
        query=bodies.ApplicationsQuery,
        answer=bodies.ApplicationsAnswer,
    ),
    Operation(
        method="GET",
        path="applications/{id}",
        summary="An application beside its evidence, with what stands against it.",
        run=applications.show,
        act=Act.READ_RECORDS,
        answer=bodies.ReviewAnswer,
    ),
    Operation(
        method="POST",
        path="applications/{id}/evidence",
        summary="Record what shows an identity.",
        run=applications.evidence,
        act=Act.REGISTER,
        body=wire.EvidenceBody,
        answer=bodies.EvidenceAnswer,
        status=201,
    ),
    Operation(
        method="POST",
        path="applications/{id}/domains/challenge",
        summary="Draw what the applicant puts up to show control over each domain.",
        run=control.challenge_domains,
        act=Act.REGISTER,
        body=bodies.Nothing,
        answer=control_bodies.DomainsWantedAnswer,
    ),
    Operation(
        method="POST",
        path="applications/{id}/domains/check",
        summary="Look whether it is there, from here and from the perspectives.",
        run=control.check_domains,
        act=Act.REGISTER,
        body=control_bodies.DomainCheckBody,
        answer=control_bodies.DomainLooksAnswer,
        looks=True,
    ),
    Operation(
        method="POST",
        path="applications/{id}/mailboxes/challenge",
        summary="Mail a value to each mailbox; its holder confirms it, or gives it back.",
        run=control.challenge_mailboxes,
        act=Act.REGISTER,
        body=bodies.Nothing,
        answer=control_bodies.MailboxesMailedAnswer,
    ),
    Operation(
        method="POST",
        path="applications/{id}/mailboxes/confirm",
        summary="Take a value back that the receiver of a mail gave.",
        run=control.confirm_mailbox,
        act=Act.REGISTER,
        body=control_bodies.MailboxValueBody,
        answer=control_bodies.MailboxAnswer,
    ),
    Operation(
        method="POST",
        path="applications/{id}/device",
        summary="Record the device that holds the key.",
        run=applications.device,
        act=Act.REGISTER,
        body=wire.DeviceBody,
        answer=bodies.DeviceAnswer,
        status=201,
    ),
    Operation(
        method="POST",
        path="applications/{id}/approve",
        summary="Decide that the certificate is issued, and have it issued.",
        run=applications.approve,
        act=PERFORMED["approve"],
        body=wire.DecisionBody,
        answer=bodies.ApplicationAnswer,
    ),
    Operation(
        method="POST",
        path="applications/{id}/reject",
        summary="Decide that no certificate is issued.",
        run=applications.reject,
        act=PERFORMED["reject"],
        body=wire.DecisionBody,
        answer=bodies.ApplicationAnswer,
    ),
    Operation(
        method="POST",
        path="applications/{id}/withdraw",
        summary="Take an application back.",
        run=applications.withdraw,
        act=PERFORMED["withdraw"],
        body=wire.DecisionBody,
        answer=bodies.ApplicationAnswer,
    ),
    Operation(
        method="POST",
        path="webhooks",
        summary="Be told of events at an address; the secret that signs them is shown this once.",
        run=webhooks.create,
        act=Act.READ_RECORDS,
        body=webhook_bodies.WebhookBody,
        answer=webhook_bodies.NewWebhookAnswer,
        status=201,
    ),
    Operation(
        method="GET",
        path="webhooks",
        summary="The client's webhooks.",
        run=webhooks.search,
        act=Act.READ_RECORDS,
        answer=webhook_bodies.WebhooksAnswer,
    ),
    Operation(
        method="DELETE",
        path="webhooks/{id}",
        summary="Be told no more, not even what waits.",
        run=webhooks.remove,
        act=Act.READ_RECORDS,
        answer=bodies.Nothing,
    ),
    Operation(
        method="POST",
        path="webhooks/{id}/rotate",
        summary="Get a new secret; the last one signs beside it for a while.",
        run=webhooks.rotate,
        act=Act.READ_RECORDS,
        body=bodies.Nothing,
        answer=webhook_bodies.SecretAnswer,
    ),
    Operation(
        method="POST",
        path="webhooks/{id}/test",
        summary="Be sent an event that says nothing (webhook.test).",
        run=webhooks.test,
        act=Act.READ_RECORDS,
        body=bodies.Nothing,
        answer=webhook_bodies.BegunAnswer,
        status=202,
    ),
    Operation(
        method="GET",
        path="webhooks/{id}/deliveries",
        summary="What a webhook was told, is to be told, or could not be told.",
        run=webhooks.deliveries,
        act=Act.READ_RECORDS,
        query=webhook_bodies.NoticesQuery,
        answer=webhook_bodies.NoticesAnswer,
    ),
    Operation(
        method="POST",
        path="webhooks/{id}/deliveries/{delivery}/retry",
        summary="Have something sent again that was given up.",
        run=webhooks.retry,
        act=Act.READ_RECORDS,
        body=bodies.Nothing,
        answer=webhook_bodies.BegunAnswer,
        status=202,
    ),
)


def find(path: str) -> tuple[Mapping[str, Operation], tuple[str, ...]]:
    """The operations at a path below the root by their methods, and what stands in its places."""
    exact = _EXACT.get(path)
    if exact is not None:
        return exact, ()
    steps = path.split("/")
    for template, found in _PLACED.get(len(steps), ()):
        if all(one is None or one == step for one, step in zip(template, steps, strict=True)):
            return found, tuple(step for one, step in zip(template, steps, strict=True) if one is None)
    return {}, ()


_EXACT: Final[dict[str, dict[str, Operation]]] = {}
_PLACED: Final[dict[int, list[tuple[tuple[str | None, ...], dict[str, Operation]]]]] = {}
for _one in OPERATIONS:
    if "{" not in _one.path:
        _EXACT.setdefault(_one.path, {})[_one.method] = _one
        continue
    _template = tuple(None if step.startswith("{") else step for step in _one.path.split("/"))
    _same = _PLACED.setdefault(len(_template), [])
    _at = next((methods for known, methods in _same if known == _template), None)
    if _at is None:
        _same.append((_template, {_one.method: _one}))
    else:
        _at[_one.method] = _one
