"""The OpenAPI document of the JSON API, made of the bodies that the API reads and writes. Source: OAS 3.1."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic.json_schema import models_json_schema

from trustworks.core.roles.model import Act
from trustworks.issuance.http import bodies
from trustworks.issuance.registration import wire

if TYPE_CHECKING:
    from pydantic import BaseModel


class Described(NamedTuple):
    """An operation as its users see it."""

    summary: str
    act: Act | None = None
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    query: tuple[str, ...] = ()


OPERATIONS: Final[dict[tuple[str, str], Described]] = {
    ("POST", "sessions"): Described(
        "Sign in, and get a token for minutes.", None, bodies.SignInBody, bodies.SessionAnswer, 201
    ),
    ("DELETE", "sessions"): Described("Sign out."),
    ("POST", "certificates"): Described(
        "Issue a certificate. With an Idempotency-Key it is issued once, however often this is sent.",
        Act.ISSUE,
        bodies.CertificateBody,
        bodies.IssuedAnswer,
        201,
    ),
    ("POST", "certificates/batch"): Described(
        "Issue several certificates, each issued or refused by itself.",
        Act.ISSUE,
        bodies.CertificatesBody,
        bodies.CertificatesAnswer,
    ),
    ("GET", "certificates"): Described(
        "The newest certificates that fit.",
        Act.READ_RECORDS,
        None,
        bodies.FoundAnswer,
        query=("state", "profile", "revoked", "subject", "limit"),
    ),
    ("GET", "certificates/{serial}"): Described(
        "A certificate.", Act.READ_RECORDS, None, bodies.CertificateAnswer
    ),
    ("GET", "certificates/{serial}/status"): Described(
        "A certificate's status.", Act.READ_RECORDS, None, bodies.StatusAnswer
    ),
    ("POST", "certificates/{serial}/revoke"): Described(
        "Revoke a certificate, or hold it.", Act.REVOKE, bodies.RevocationBody, bodies.RevocationAnswer
    ),
    ("POST", "certificates/{serial}/release"): Described(
        "Lift a hold.", Act.RELEASE, bodies.Nothing, bodies.StatusAnswer
    ),
    ("GET", "profiles"): Described(
        "The profiles that this client may use.", None, None, bodies.ProfilesAnswer
    ),
    ("POST", "applications"): Described(
        "Hand in an application for a certificate.", Act.REGISTER, wire.ApplicationBody, None, 201
    ),
    ("GET", "applications"): Described(
        "The applications that fit; who waits longest comes first.",
        Act.READ_RECORDS,
        query=("state", "profile", "subject", "limit"),
    ),
    ("GET", "applications/{id}"): Described(
        "An application beside its evidence, with what stands against it.", Act.READ_RECORDS
    ),
    ("POST", "applications/{id}/evidence"): Described(
        "Record what shows an identity.", Act.REGISTER, wire.EvidenceBody, None, 201
    ),
    ("POST", "applications/{id}/approve"): Described(
        "Decide that the certificate is issued, and have it issued.", Act.DECIDE, wire.DecisionBody
    ),
    ("POST", "applications/{id}/reject"): Described(
        "Decide that no certificate is issued.", Act.DECIDE, wire.DecisionBody
    ),
    ("POST", "applications/{id}/withdraw"): Described(
        "Take an application back.", Act.REGISTER, wire.DecisionBody
    ),
}
_PROBLEM: Final = {
    "description": "What stands against it (RFC 9457).",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


@cache
def document(server: str) -> dict[str, Any]:
    """The document; `server` is the API's own address, which a sign-in names as `aud` too."""
    models: set[type[BaseModel]] = {bodies.Problem}
    for one in OPERATIONS.values():
        models |= {model for model in (one.body, one.answer) if model is not None}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schemas = models_json_schema(
        [(model, "validation") for model in ordered], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, Any] = {}
    for (method, path), one in OPERATIONS.items():
        paths.setdefault(f"/{path}", {})[method.lower()] = _operation(method, path, one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Trustworks",
            "version": version("trustworks"),
            "description": "Certificates, their status, and registration, for integrators.",
        },
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(method: str, path: str, one: Described) -> dict[str, Any]:
    act = "" if one.act is None else f" The client needs {one.act.value}."
    answer = {"type": "object"} if one.answer is None else _reference(one.answer)
    found: dict[str, Any] = {
        "operationId": f"{method.lower()}-{path.replace('/', '-').replace('{', '').replace('}', '')}",
        "summary": one.summary,
        "description": one.summary + act,
        "responses": {
            str(one.status): {"description": "Done.", "content": {"application/json": {"schema": answer}}},
            "default": _PROBLEM,
        },
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in ("serial", "id")
                if f"{{{name}}}" in path
            ),
            *({"name": name, "in": "query", "schema": {"type": "string"}} for name in one.query),
        ],
    }
    if (method, path) == ("POST", "certificates"):
        found["parameters"].append(
            {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 128}}
        )
    if (method, path) == ("POST", "sessions"):
        found["security"] = []
    if one.body is not None:
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(one.body)}},
        }
    return found


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
