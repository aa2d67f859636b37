"""A key that was made before a ceremony is the one that is meant, and cannot leave its module."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trustworks.core.ceremony.actions import check_is_meant, check_protected
from trustworks.core.ceremony.cards import check_card
from trustworks.core.ceremony.custody import check_is_backup
from trustworks.core.errors import Refused
from trustworks.core.module.custodians import Custodian
from trustworks.core.module.wrapping import Oaep


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


@pytest.mark.req("EN319411-1:GEN-6.5.2-06")
def test_a_backup_is_made_for_the_custodians_whose_cards_were_approved() -> None:
    card = Custodian(
        name="clara",
        keys_spki=b"k",
        pins_spki=b"p",
        oaep=(Oaep.SHA256,),
        token="custodian",
        serial="1",
        made_at=datetime(2026, 11, 27, tzinfo=UTC),
    )
    check_card(card, name="clara", fingerprint=card.fingerprint)
    for name, fingerprint in (("dora", card.fingerprint), ("clara", "00" * 32)):
        with pytest.raises(Refused, match="Find out who changed it") as error:
            check_card(card, name=name, fingerprint=fingerprint)
        assert error.value.requirement == "EN319411-1:GEN-6.5.2-06"


@pytest.mark.req("EN319411-1:GEN-6.5.1-13B")
def test_another_backup_than_the_approved_one_is_refused() -> None:
    check_is_backup("ab" * 32, "ab" * 32, "ca.json")
    check_is_backup("ab" * 32, None, "ca.json")
    with pytest.raises(Refused, match="the plan is about cdcd") as error:
        check_is_backup("ab" * 32, "cd" * 32, "ca.json")
    assert error.value.requirement == "EN319411-1:GEN-6.5.1-13B"
