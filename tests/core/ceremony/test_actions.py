"""A key that was made before a ceremony is the one that is meant, and cannot leave its module."""

from __future__ import annotations

import pytest

from trustworks.core.ceremony.actions import check_is_meant, check_protected
from trustworks.core.errors import Refused


@pytest.mark.req("EN319411-1:GEN-6.5.1-13B")
def test_a_key_of_the_same_label_that_is_another_is_refused() -> None:
    check_is_meant("ca", "ab" * 32, "ab" * 32)
    check_is_meant("ca", "ab" * 32, None)
    with pytest.raises(Refused, match="Find out whose key it is") as error:
        check_is_meant("ca", "ab" * 32, "cd" * 32)
    assert error.value.requirement == "EN319411-1:GEN-6.5.1-13B"


@pytest.mark.req("EN319411-1:GEN-6.5.1-13B")
@pytest.mark.parametrize(
    "protection",
    [
        {"sensitive": True, "extractable": True},
        {"sensitive": False, "extractable": False},
        {"sensitive": None, "extractable": False},
        {"sensitive": True},
    ],
)
def test_a_key_that_could_leave_its_module_is_not_taken_into_use(protection: dict[str, bool | None]) -> None:
    check_protected("ca", {"sensitive": True, "extractable": False})
    with pytest.raises(Refused, match="cannot be extracted") as error:
        check_protected("ca", protection)
    assert error.value.requirement == "EN319411-1:GEN-6.5.1-13B"
