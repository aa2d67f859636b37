"""The level of a signature by what there is of time-stamps and validation data."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trustworks.formats.pades.contents import PKCS7
from trustworks.formats.pades.levels import Steps, level_of


@pytest.mark.parametrize(
    ("stored", "archived", "level"), [(False, False, "T"), (True, False, "LT"), (True, True, "LTA")]
)
def test_validation_data_is_in_the_security_store_also_of_older_signatures(
    stored: bool, archived: bool, level: str
) -> None:
    attributes = SimpleNamespace(names=frozenset({"1.2.840.113549.1.9.4"}))
    signed: Any = SimpleNamespace(encapsulates=False, signature=SimpleNamespace(attributes=attributes))
    steps = Steps(time_stamped=True, validation_data=True, stored=stored, archived=archived)
    assert level_of(signed, {}, PKCS7, has_signer=True, steps=steps) == f"PKCS7-{level}"
