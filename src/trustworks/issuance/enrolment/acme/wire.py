"""Payloads of ACME's messages to values, and records to JSON. The URLs of answers are made here alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from trustworks.core.errors import Malformed
from trustworks.issuance.enrolment.acme import jws
from trustworks.issuance.enrolment.acme.identifiers import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from trustworks.issuance.config.acme import AcmeSettings
    from trustworks.issuance.records.acme import Account, Authorization, Challenge, Order

P = TypeVar("P", bound=BaseModel)

PATH: Final = "/acme/"


class _Payload(BaseModel):
    """A payload: of the types that the RFC gives; members that nobody knows are ignored (7.1)."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class NewAccount(_Payload):
    """newAccount (RFC 8555, 7.3)."""

    contact: list[str] = []
    termsOfServiceAgreed: bool = False  # noqa: N815 - the names are the RFC's
    onlyReturnExisting: bool = False  # noqa: N815
    externalAccountBinding: dict[str, Any] | None = None  # noqa: N815


class AccountUpdate(_Payload):
    """An update of an account (RFC 8555, 7.3.2, 7.3.6)."""

    contact: list[str] | None = None
    status: str | None = None


class NewOrder(_Payload):
    """newOrder (RFC 8555, 7.4; RFC 9773, 5; draft-ietf-acme-profiles, 4)."""

    identifiers: list[Any]
    notBefore: str | None = None  # noqa: N815
    notAfter: str | None = None  # noqa: N815
    replaces: str | None = None
    profile: str | None = None


class Finalize(_Payload):
    """The finalization of an order (RFC 8555, 7.4)."""

    csr: str


class Status(_Payload):
    """A change of status that a client asks for (RFC 8555, 7.5.2)."""

    status: str


class Revoke(_Payload):
    """revokeCert (RFC 8555, 7.6)."""

    certificate: str
    reason: int | None = None


def read(kind: type[P], payload: bytes) -> P:
    """A payload of that kind. Raises `Malformed`."""
    document = jws.strict_json(payload, "The payload")
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"])) or "it"
        raise Malformed(
            f"The payload is not what this resource takes: {place} is missing or of another type than "
            "RFC 8555 says."
        ) from None


def moment(time: datetime) -> str:
    """A moment as RFC 3339 writes it, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


class Urls:
    """The URLs of the server under one of its origins."""

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def __call__(self, *parts: str) -> str:
        """The URL of a resource: its parts beneath ``/acme/``."""
        return f"{self.origin}{PATH}{'/'.join(parts)}"

    def account(self, id_: str) -> str:
        """An account's URL, which is its `kid`."""
        return self("account", id_)


def directory(
    urls: Urls, settings: AcmeSettings, profiles: dict[str, str], caa: Iterable[str]
) -> dict[str, Any]:
    """The directory (RFC 8555, 7.1.1)."""
    meta: dict[str, Any] = {
        "termsOfService": settings.terms_of_service,
        "website": settings.website,
        "caaIdentities": list(caa) or None,
        "externalAccountRequired": settings.external_account_required,
        "profiles": profiles,
    }
    return {
        "newNonce": urls("new-nonce"),
        "newAccount": urls("new-account"),
        "newOrder": urls("new-order"),
        "revokeCert": urls("revoke-cert"),
        "keyChange": urls("key-change"),
        "renewalInfo": urls("renewal-info"),
        "meta": {name: value for name, value in meta.items() if value is not None},
    }


def account(found: Account, urls: Urls) -> dict[str, Any]:
    """An account (7.1.2)."""
    return {
        "status": found.status,
        "contact": list(found.contact),
        "termsOfServiceAgreed": found.terms_agreed_at is not None,
        "orders": urls("account", found.id, "orders"),
    }


def order(
    found: Order, authorization_ids: Iterable[str], urls: Urls, replaces: str | None = None
) -> dict[str, Any]:
    """An order (7.1.3); `replaces` is the ARI identifier of the certificate that it renews (RFC 9773, 5)."""
    told: dict[str, Any] = {
        "status": found.status,
        "expires": moment(found.expires),
        "identifiers": [identifier(name) for name in found.names],
        "profile": found.profile,
        "authorizations": [urls("authorization", one) for one in authorization_ids],
        "finalize": urls("order", found.id, "finalize"),
        "error": found.error,
        "certificate": None if found.serial is None else urls("certificate", found.serial),
        "replaces": replaces,
    }
    return {name: value for name, value in told.items() if value is not None}


def authorization(found: Authorization, offered: Iterable[Challenge], urls: Urls) -> dict[str, Any]:
    """An authorization (7.1.4). One that is valid or failed shows the challenge that made it so."""
    shown = [one for one in offered if found.status == "pending" or one.status in {"valid", "invalid"}]
    told = {
        "identifier": identifier(found.name),
        "status": found.status,
        "expires": moment(found.expires),
        "challenges": [challenge(one, urls) for one in shown],
    }
    return {**told, "wildcard": True} if found.wildcard else told


def challenge(found: Challenge, urls: Urls) -> dict[str, Any]:
    """A challenge (7.1.5, 8)."""
    told: dict[str, Any] = {
        "type": found.type,
        "url": urls("challenge", found.id),
        "status": found.status,
        "token": found.token,
        "validated": None if found.validated_at is None else moment(found.validated_at),
        "error": found.error,
    }
    return {name: value for name, value in told.items() if value is not None}
