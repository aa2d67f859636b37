"""The OpenAPI document of the service, made of the messages as they are read. Source: OAS 3.1."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from trustworks.core.problems import MEDIA_TYPE
from trustworks.signing import wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

PATH: Final = "/signing/openapi.json"

_DOCUMENT: Final = {"content": "VGhlIGNvbnRyYWN0Lgo=", "name": "contract.txt"}
_PDF: Final = {"content": "JVBERi0xLjcKLi4u", "name": "contract.pdf"}
_VISIBLE: Final = {"text": "Sealed by TEST", "rectangle": [60, 60, 200, 80], "page": -1}
_OCTETS: Final = {"type": "string", "contentEncoding": "base64"}
_NAME: Final = {"type": ["string", "null"]}
_LEVEL: Final = {"type": "string", "examples": ["PAdES-BASELINE-T"]}

_ANSWERS: Final[dict[str, Any]] = {
    "PreparedAnswer": {
        "description": "What was prepared, which comes back with the value; and what a key is to sign.",
        "type": "object",
        "properties": {
            "prepared": _OCTETS,
            "scheme": {"type": "string", "examples": ["ECDSA_SHA256", "RSA_PSS_SHA256"]},
            "hash": {"type": ["string", "null"], "description": "None for Ed25519, which signs the data."},
            "digest": {"type": ["string", "null"], "contentEncoding": "base64"},
            "data_to_be_signed": {
                "type": ["string", "null"],
                "contentEncoding": "base64",
                "description": "None where it is so large that its digest alone is held.",
            },
        },
        "required": ["prepared", "scheme", "hash", "digest", "data_to_be_signed"],
        "additionalProperties": False,
    },
    "SignedAnswer": {
        "description": "The signed file, which was verified, and its level.",
        "type": "object",
        "properties": {"content": _OCTETS, "name": _NAME, "level": _LEVEL},
        "required": ["content", "name", "level"],
        "additionalProperties": False,
    },
    "AugmentedAnswer": {
        "description": "The file, and what became of each signature.",
        "type": "object",
        "properties": {
            "content": _OCTETS,
            "name": _NAME,
            "signatures": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"id": {"type": "string"}, "before": _LEVEL, "level": _LEVEL},
                    "required": ["id", "before", "level"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["content", "name", "signatures"],
        "additionalProperties": False,
    },
    "Problem": {
        "description": "What stands against it (RFC 9457); `type` ends with its code or requirement.",
        "type": "object",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
        "required": ["type", "status", "detail"],
    },
}

_REFUSED: Final = {
    "400": "The message, or a document in it, cannot be read.",
    "401": "The client is not known.",
    "403": "The client may not do that, or the token came unencrypted.",
    "413": "Too much for one request.",
    "415": "It is no JSON.",
    "422": "It cannot be signed so.",
    "429": "The client has had what it may have on a day; Retry-After says when the next begins.",
    "503": "Not now; Retry-After says when to ask again.",
}

OPERATIONS: Final[Mapping[str, tuple[type[BaseModel], str, str, Mapping[str, Any]]]] = {
    "/signing/prepare": (
        wire.PrepareBody,
        "PreparedAnswer",
        "Step 1 of 3: what a key elsewhere has to sign.",
        {
            "a text beside its signature": {
                "documents": [_DOCUMENT],
                "format": "cades",
                "packaging": "detached",
                "level": "B-T",
                "certificates": ["MIIB"],
                "claims": {"commitments": ["proof-of-approval"], "place": {"city": "Lisboa"}},
            }
        },
    ),
    "/signing/complete": (
        wire.CompleteBody,
        "SignedAnswer",
        "Step 3 of 3: the signed file, of what was prepared and the value.",
        {"the same text": {"prepared": "eyJw", "value": "MEUC", "documents": [_DOCUMENT]}},
    ),
    "/augmentation": (
        wire.AugmentBody,
        "AugmentedAnswer",
        "Signatures that are there, raised to a level.",
        {
            "all of a file": {"file": _PDF, "level": "B-LTA"},
            "data beside it": {"file": _DOCUMENT, "detached": [_DOCUMENT], "level": "B-LT"},
        },
    ),
    "/seals": (
        wire.SealBody,
        "SignedAnswer",
        "A seal of the provider over documents.",
        {
            "a PDF": {"seal": "main", "documents": [_PDF], "format": "pades", "level": "B-T"},
            "a visible seal in an encrypted PDF": {
                "seal": "main",
                "documents": [_PDF | {"password": "that of the PDF"}],
                "format": "pades",
                "pades": {"visible": _VISIBLE, "certify": "forms", "lock": {"all": True}},
            },
            "several documents in a container": {
                "seal": "main",
                "documents": [_DOCUMENT, _PDF],
                "format": "xades",
                "container": "asic-e",
            },
        },
    ),
}
"""Each path: what is sent, what is answered, what it does, and examples of what is sent by a name."""


@cache
def document() -> dict[str, Any]:
    """The document; the server is the one that sends it."""
    bodies = [(body, "validation") for body, *_ in OPERATIONS.values()]
    _, schemas = models_json_schema(bodies, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type] # literals
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Trustworks signing",
            "version": version("trustworks"),
            "description": "Signatures in three steps, seals of the provider, and higher levels. Octets are "
            "base64; members that are not here are refused.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": {path: {"post": _operation(path)} for path in OPERATIONS},
        "components": {
            "schemas": schemas.get("$defs", {}) | _ANSWERS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(path: str) -> dict[str, Any]:
    body, answer, summary, examples = OPERATIONS[path]
    refused = {
        status: {"description": told, "content": {MEDIA_TYPE: {"schema": _of("Problem")}}}
        for status, told in _REFUSED.items()
    }
    return {
        "operationId": path.strip("/").replace("/", "-"),
        "summary": summary,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _of(body.__name__),
                    "examples": {
                        name.replace(" ", "-"): {"summary": name, "value": value}
                        for name, value in examples.items()
                    },
                }
            },
        },
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": _of(answer)}}},
            **refused,
        },
    }


def _of(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
