"""The table [roles]: what it may say, and what it may not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from trustworks.core.roles import Role
from trustworks.core.roles.config import RolesSettings


def settings(**given: Any) -> RolesSettings:
    return RolesSettings.model_validate({name.replace("_", "-"): value for name, value in given.items()})


def test_without_a_word_sessions_are_short_and_quorums_are_built_in() -> None:
    found = settings()
    assert not found.required
    assert found.session_idle == timedelta(minutes=15)
    assert found.lock_out == timedelta(minutes=30)
    assert found.console == ()
    root = found.quorum_for("ceremony.root")
    assert (root.approvals, root.among, root.distinct_roles) == (2, frozenset({Role.SECURITY_OFFICER}), True)
    assert root.lasts == timedelta(hours=168)


def test_the_providers_own_quorum_takes_the_place_of_ours() -> None:
    own = {"kind": "ceremony", "approvals": 3, "roles": ["operator", "security-officer"]}
    found = settings(quorum=[own], approval_hours=24)
    assert found.quorum_for("ceremony.destroy").approvals == 3
    assert found.quorum_for("ceremony.destroy").roles == {Role.OPERATOR, Role.SECURITY_OFFICER}
    assert found.quorum_for("ceremony.destroy").lasts == timedelta(hours=24)
    assert found.quorum_for("ceremony.root").approvals == 2


@pytest.mark.req("EN319411-1:GEN-6.5.1-04", "EN319411-1:GEN-6.5.1-14", "TRUSTWORKS:ROLES-CHANGES-APPROVED")
@pytest.mark.parametrize(
    ("quorum", "says"),
    [
        ([{"kind": "ceremony.service-key", "approvals": 1}], "EN319411-1:GEN-6.5.1-04"),
        ([{"kind": "ceremony.root", "approvals": 2}], "EN319411-1:GEN-6.5.1-14"),
        ([{"kind": "roles.change", "approvals": 1}], "TRUSTWORKS:ROLES-CHANGES-APPROVED"),
        ([{"kind": "x", "approvals": 0}], "greater than or equal to 1"),
        ([{"kind": "x", "approvals": 1, "roles": ["king"]}], "security-officer"),
        ([{"kind": "x", "approvals": 1, "among": ["operator", "auditor"]}], "more roles than there are"),
        ([{"kind": "x", "approvals": 1, "roles": ["operator"], "among": ["auditor"]}], "may not approve"),
        ([{"kind": "X", "approvals": 2}], "pattern"),
        ([{"kind": "x", "approvals": 2}, {"kind": "x", "approvals": 3}], "the same kind twice"),
    ],
)
def test_a_quorum_that_a_standard_forbids_or_nobody_can_meet_is_refused(
    quorum: list[dict[str, Any]], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        settings(quorum=quorum)


@pytest.mark.parametrize(
    "origin", ["https://ra.tsp.example", "https://ra.tsp.example:8443", "http://localhost:8080"]
)
def test_passkeys_are_bound_to_an_origin_that_browsers_trust(origin: str) -> None:
    assert settings(console=["tls"], console_origin=origin).console_origin == origin


@pytest.mark.parametrize(
    "origin",
    [
        "http://ra.tsp.example",
        "https://127.0.0.1:8443",
        "https://[::1]",
        "https://ra.tsp.example/",
        "https://RA.tsp.example",
        "https://user@ra.tsp.example",
        "https://ra.tsp.example:0",
        "https://ra.tsp.example:x",
        "ra.tsp.example",
        "",
    ],
)
def test_an_origin_where_no_browser_makes_passkeys_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="browsers make passkeys nowhere else"):
        settings(console_origin=origin)


def test_a_console_without_an_origin_is_refused() -> None:
    with pytest.raises(ValidationError, match="console needs console-origin"):
        settings(console=["http"])
