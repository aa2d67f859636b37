"""The settings of issuance: what is wrong is said before anything is issued with it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from trustworks.issuance.config import IssuanceSettings


def test_the_defaults_are_a_labs() -> None:
    found = IssuanceSettings()
    assert found.country == "XX"
    assert found.policy_arc.startswith("1.3.6.1.4.1.32473.")
    assert "TEST" in found.root.name
    assert found.root.key != found.issuing.key
    assert found.issuing.crl_every_hours <= 24


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"country": "xx"}, "capital letters"),
        ({"country": "XXX"}, "capital letters"),
        ({"policy-arc": "1.2.03"}, "dotted form"),
        ({"policy-arc": "x"}, "dotted form"),
        ({"pds": [{"language": "en", "url": "http://tsp.example.com/pds"}]}, "https"),
        ({"pds": [{"language": "english", "url": "https://tsp.example.com/pds"}]}, "language"),
        ({"cps-url": "not a url"}, "URL"),
        ({"issuing": {"crl-every-hours": 25}}, "crl-every-hours"),
        ({"issuing": {"crl-every-hours": 24, "crl-validity-hours": 24}}, "unrenewed"),
        ({"root": {"crl-validity-hours": 9000}}, "crl-validity-hours"),
        ({"organisation": "x"}, "organisation"),
    ],
)
def test_what_is_wrong_is_said(given: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        IssuanceSettings.model_validate(given)


def test_what_a_provider_says_of_itself_is_taken_as_it_is() -> None:
    given = {"country": "DE", "policy-arc": "1.3.6.1.4.1.99999.1", "cps-url": "https://tsp.example.com/cps"}
    found = IssuanceSettings.model_validate(given)
    assert (found.country, found.policy_arc, found.cps_url) == tuple(given.values())
