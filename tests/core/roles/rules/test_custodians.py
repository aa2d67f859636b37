"""A custodian who is no operator any more opens nothing, whatever token they kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ceremony_people import crew

from trustworks.core.errors import Refused
from trustworks.core.roles.rules.custody import check_custodians


@pytest.mark.req("EN319411-1:GEN-6.5.2-06")
def test_a_custodian_who_retired_opens_nothing() -> None:
    people = {name: one.operator for name, one in crew().items()}
    check_custodians(["anna", "clara", "nobody-enrolled"], people.values())
    for state in ("retired", "locked"):
        others = people | {"clara": replace(people["clara"], state=state)}
        with pytest.raises(Refused, match="clara cannot open this") as error:
            check_custodians(["anna", "clara"], others.values())
        assert error.value.requirement == "EN319411-1:GEN-6.5.2-06"
        check_custodians(["anna", "boris"], others.values())
    without = people | {"clara": replace(people["clara"], roles=frozenset())}
    with pytest.raises(Refused, match="clara cannot open this"):
        check_custodians(["anna", "clara"], without.values())
