"""What a validation does not load: the start of the command is most of what one file costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from trustworks.validation.policies import suites

ASK = """
import sys
from trustworks.validation.policies import applicability, policy
print(*applicability.objections(policy.shipped()), sep="\\n")
print(sorted(name for name in sys.modules if name == "cffi" or name.startswith("trustworks.core.module")))
"""


def test_what_a_policy_lacks_is_told_without_the_binding_of_cryptographic_modules() -> None:
    told = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True).stdout
    *objections, loaded = told.splitlines()
    assert any("ECCG" in one for one in objections)
    assert loaded == "[]"


@pytest.mark.parametrize("name", suites.SHIPPED)
def test_the_agreed_suite_is_known_from_the_others(name: str) -> None:
    suite = suites.shipped(name)
    assert suites.is_agreed(suite) is (name == "eccg")
