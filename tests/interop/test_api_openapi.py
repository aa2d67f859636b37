"""openapi-spec-validator over the description of the JSON API: an integrator's tools can read it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from trustworks.issuance.http.api.openapi import document
from trustworks.signing import wire
from trustworks.signing.http import PATHS
from trustworks.signing.http import document as of_signing
from trustworks.signing.http.openapi import OPERATIONS

pytestmark = pytest.mark.interop


def objections(told: dict[str, Any]) -> list[str]:
    return [one.message for one in OpenAPIV31SpecValidator(told).iter_errors()]


@pytest.fixture
def told() -> dict[str, Any]:
    """The document as it is sent: tests/issuance/api compares it with the answer of the API."""
    found: dict[str, Any] = json.loads(json.dumps(document("https://tsp.example.com/api/v1")))
    return found


def test_the_description_is_openapi(told: dict[str, Any]) -> None:
    assert objections(told) == []


def test_the_judge_objects_to_a_damaged_description(told: dict[str, Any]) -> None:
    untitled, unplaced, lost = (copy.deepcopy(told) for _ in range(3))
    del untitled["info"]["title"]
    path = next(one for one in unplaced["paths"] if "{serial}" in one)
    unplaced["paths"][path.replace("{serial}", "{number}")] = unplaced["paths"].pop(path)
    lost["paths"]["/sessions"]["post"]["responses"] = {"soon": {"description": "No status."}}
    for damaged in (untitled, unplaced, lost):
        assert objections(damaged)


def test_the_description_of_signing_is_openapi_and_has_every_path() -> None:
    told: dict[str, Any] = json.loads(json.dumps(of_signing()))
    assert objections(told) == []
    assert set(told["paths"]) == set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_the_examples_of_signing_are_what_is_read(path: str) -> None:
    told: dict[str, Any] = json.loads(json.dumps(of_signing()))
    content = told["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    schema = {**content["schema"], "components": told["components"]}
    body: Any = OPERATIONS[path][0]
    assert content["examples"]
    for one in content["examples"].values():
        assert list(Draft202012Validator(schema).iter_errors(one["value"])) == []
        octets = json.dumps(one["value"]).encode()
        assert isinstance(wire.read(body, octets), body)
    unknown = {**one["value"], "nonsense": 1}
    assert list(Draft202012Validator(schema).iter_errors(unknown))
