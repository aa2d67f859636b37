"""The OpenAPI document of the JSON API, made of the table of operations. Source: OAS 3.1."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from trustworks.issuance.http.api import bodies, webhook_bodies
from trustworks.issuance.http.api.operations import OPERATIONS, SIGN_IN_PATH
from trustworks.issuance.records.notices import EVENTS

if TYPE_CHECKING:
    from pydantic import BaseModel

    from trustworks.issuance.http.api.service import Operation

_PROBLEM: Final = {
    "description": "What stands against it (RFC 9457).",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_TEXT: Final = {"type": "string"}
_PLACES: Final = {
    "serial": {"type": "string", "pattern": "^[0-9a-fA-F]{1,40}$"},
    "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "delivery": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}


@cache
def document(server: str) -> dict[str, Any]:
    """The document; `server` is the API's own address, which a sign-in names as `aud` too."""
    models: set[type[BaseModel]] = {
        *(bodies.Problem, bodies.SignInBody, bodies.SessionAnswer, webhook_bodies.EventMessage)
    }
    for one in OPERATIONS:
        models |= {model for model in (one.body, one.answer) if model is not None}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schemas = models_json_schema(
        [(model, "validation") for model in ordered], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, Any] = {f"/{SIGN_IN_PATH}": {"post": _SIGN_IN}}
    for one in OPERATIONS:
        paths.setdefault(f"/{one.path}", {})[one.method.lower()] = _operation(one)
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
        "webhooks": {name: {"post": _event(name, told)} for name, told in EVENTS.items()},
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Operation) -> dict[str, Any]:
    act = "" if one.act is None else f" The client needs {one.act.value}."
    places = re.findall(r"\{(\w+)\}", one.path)
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _PLACES[name]} for name in places
    ]
    if one.query is not None:
        parameters += _query(one.query)
    responses: dict[str, Any] = {str(one.status): _done(one.answer)}
    if one.again is not None:
        responses[str(one.again)] = _done(one.answer, "Done before: the same answer again.")
        key = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"}
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": key})
    found: dict[str, Any] = {
        "operationId": f"{one.method.lower()}-{re.sub(r'[{}]', '', one.path).replace('/', '-')}",
        "summary": one.summary,
        "description": one.summary + act,
        "responses": {**responses, "default": _PROBLEM},
        "parameters": parameters,
    }
    if one.body is not None:
        found["requestBody"] = _body(one.body)
    return found


def _event(name: str, told: str) -> dict[str, Any]:
    """What is sent to a webhook. Source: OAS 3.1, 4.8.1; Standard Webhooks."""
    headers = {
        "webhook-id": "Stays the same when the event is sent again.",
        "webhook-timestamp": "When it is sent: seconds since 1970. Refuse what is older than some minutes.",
        "webhook-signature": "v1, and Base64 of HMAC-SHA-256 over webhook-id.webhook-timestamp.body; several "
        "with a space between them while a secret is replaced.",
    }
    return {
        "operationId": name,
        "summary": told,
        "security": [],
        "parameters": [
            {
                "name": header,
                "in": "header",
                "required": True,
                "description": text,
                "schema": _TEXT,
            }
            for header, text in headers.items()
        ],
        "requestBody": _body(webhook_bodies.EventMessage),
        "responses": {
            "2XX": {"description": "Taken."},
            "410": {"description": "Nothing more, ever: the webhook is removed."},
            "default": {"description": "Not taken; it is sent again, after a pause that grows."},
        },
    }


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "description": told.pop("description", ""),
            "schema": _without_null(told),
        }
        for name, told in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: what may be left out is left out."""
    choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    return choices[0] if choices else {key: value for key, value in schema.items() if key != "title"}


def _done(model: type[BaseModel], description: str = "Done.") -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _reference(model)}}}


def _body(model: type[BaseModel]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": _reference(model)}}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


_SIGN_IN: Final[dict[str, Any]] = {
    "operationId": "post-sessions",
    "summary": "Sign in, and get a token for minutes.",
    "description": "Sign in, and get a token for minutes.",
    "security": [],
    "requestBody": _body(bodies.SignInBody),
    "responses": {"201": _done(bodies.SessionAnswer), "default": _PROBLEM},
}
