"""An approval serves one act."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Refused
from trustworks.core.roles import Role
from trustworks.core.roles.approvals import digest_of

if TYPE_CHECKING:
    from operators_testbed import RolesProvider

    from trustworks.core.audit import JSON

pytestmark = pytest.mark.req("TRUSTWORKS:ROLES-APPROVAL-ONCE")
ABOUT: dict[str, JSON] = {"label": "tsu-1"}


def approved(founded: RolesProvider) -> None:
    founded.approve("anna", Role.SECURITY_OFFICER, digest_of(ABOUT), "key.generate")
    founded.approve("carl", Role.SYSTEM_ADMINISTRATOR, digest_of(ABOUT), "key.generate")


def test_what_was_approved_once_is_done_once(founded: RolesProvider) -> None:
    approved(founded)
    assert len(founded.roles.require_approved("key.generate", ABOUT, by="carl")) == 2
    with pytest.raises(Refused, match="used up by one act") as caught:
        founded.roles.require_approved("key.generate", ABOUT, by="carl")
    assert caught.value.requirement == "TRUSTWORKS:ROLES-QUORUM"
    assert len(founded.events("roles.quorum-met")) == 1
    assert founded.events()[-1]["type"] == "roles.refused"
    founded.clock.advance(seconds=1)
    approved(founded)  # anew
    assert len(founded.roles.require_approved("key.generate", ABOUT, by="carl")) == 2


def test_of_two_acts_at_once_one_gets_the_approvals(founded: RolesProvider) -> None:
    approved(founded)
    done: list[str] = []
    begin = threading.Barrier(2)

    def act() -> None:
        begin.wait()
        try:
            founded.roles.require_approved("key.generate", ABOUT, by="carl")
        except Refused:
            done.append("refused")
        else:
            done.append("done")

    threads = [threading.Thread(target=act) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(done) == ["done", "refused"]
    assert len(founded.events("roles.quorum-met")) == 1
