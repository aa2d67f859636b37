"""An approval serves one act: it is used up with it, and given back where nothing was done."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from trustworks.core.audit import Event
from trustworks.core.errors import Refused
from trustworks.core.roles import Role
from trustworks.core.roles.approvals import digest_of

if TYPE_CHECKING:
    from operators_testbed import RolesProvider
    from sqlalchemy import Connection

    from trustworks.core.audit import JSON
    from trustworks.core.roles.model import Approved

pytestmark = pytest.mark.req("TRUSTWORKS:ROLES-APPROVAL-ONCE", "TRUSTWORKS:ROLES-APPROVAL-KEPT")
ABOUT: dict[str, JSON] = {"label": "tsu-1"}


def approve(founded: RolesProvider) -> None:
    founded.approve("anna", Role.SECURITY_OFFICER, digest_of(ABOUT), "key.generate")
    founded.approve("carl", Role.SYSTEM_ADMINISTRATOR, digest_of(ABOUT), "key.generate")


def approved(founded: RolesProvider) -> Approved:
    return founded.roles.approving.approved("key.generate", ABOUT, by="carl")


def act(founded: RolesProvider, found: Approved, *, fails: bool = False) -> None:
    """An act that is a record: event and approvals in one transaction."""

    def action(connection: Connection) -> None:
        found.use(connection)
        if fails:
            raise RuntimeError("the act fails")

    event = Event(
        type="roles.tested",
        outcome="success",
        actor="carl",
        subject={"kind": "test"},
        detail={},
        time=founded.clock.moment,
    )
    founded.recorder.transact(event, action)


def is_used_up(founded: RolesProvider) -> bool:
    try:
        approved(founded)
    except Refused as error:
        return error.requirement == "TRUSTWORKS:ROLES-QUORUM" and "used up by one act" in str(error)
    return False


def test_what_was_approved_once_is_done_once(founded: RolesProvider) -> None:
    approve(founded)
    found = approved(founded)
    assert len(found.ids) == 2
    act(founded, found)
    assert is_used_up(founded)
    assert founded.events()[-1]["type"] == "roles.refused"
    with pytest.raises(Refused):
        act(founded, found)  # nor by who asked before
    assert len(founded.events("roles.tested")) == 1
    founded.clock.advance(seconds=1)
    approve(founded)  # anew
    act(founded, approved(founded))


def test_an_act_that_fails_costs_no_approvals(founded: RolesProvider) -> None:
    approve(founded)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            act(founded, approved(founded), fails=True)
    assert founded.events("roles.tested") == []
    act(founded, approved(founded))
    (event,) = founded.events("roles.tested")
    assert len(event["detail"]["bound"]) == 2  # the event of the act tells which approvals served it
    assert is_used_up(founded)


@pytest.mark.req("TRUSTWORKS:ROLES-QUORUM")
def test_who_lost_his_role_between_approval_and_act_approves_it_no_more(founded: RolesProvider) -> None:
    approve(founded)
    found = approved(founded)
    founded.roles.administration.lock(founded.actor("anna"), "carl")
    with pytest.raises(Refused, match="1 more approval"):
        act(founded, found)
    assert founded.events("roles.tested") == []


def test_of_two_acts_at_once_one_gets_the_approvals(founded: RolesProvider) -> None:
    approve(founded)
    done: list[str] = []
    begin = threading.Barrier(2)

    def run() -> None:
        found = approved(founded)
        begin.wait()
        try:
            act(founded, found)
        except Refused:
            done.append("refused")
        else:
            done.append("done")

    threads = [threading.Thread(target=run) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(done) == ["done", "refused"]
    assert len(founded.events("roles.tested")) == 1


def test_approvals_that_are_held_serve_nothing_else_and_come_back_where_nothing_was_done(
    founded: RolesProvider,
) -> None:
    approve(founded)
    approving = founded.roles.approving
    hold = approving.hold("key.generate", ABOUT, by="carl")
    assert is_used_up(founded)
    with pytest.raises(Refused):
        approving.hold("key.generate", ABOUT, by="carl")
    (left,) = approving.open_holds("key.generate", ABOUT)
    assert (left.hold, left.what, left.sha256, left.held_by) == (
        hold,
        "key.generate",
        digest_of(ABOUT),
        "carl",
    )
    approving.end(hold, "returned", by="carl", why="nothing was done")
    assert not is_used_up(founded)
    again = approving.hold("key.generate", ABOUT, by="carl")
    approving.end(again, "used", by="carl", why="done")
    assert is_used_up(founded)
    assert approving.open_holds("key.generate", ABOUT) == []
    kinds = [one["type"] for one in founded.events() if one["type"].startswith("roles.approvals-")]
    assert kinds == ["roles.approvals-returned", "roles.approvals-used"]


@pytest.mark.req("TRUSTWORKS:ROLES-APPROVAL-LEFT")
def test_what_a_process_left_is_finished_by_its_approvals_as_long_as_they_count(
    founded: RolesProvider,
) -> None:
    approve(founded)
    approving = founded.roles.approving
    hold = approving.hold("key.generate", ABOUT, by="carl")
    (left,) = approving.open_holds("key.generate", ABOUT)
    resumed = approving.resume(left, ABOUT, by="ben")
    assert resumed is not None
    assert (resumed.ids, resumed.hold_id == hold.hold_id) == (hold.ids, False)
    assert founded.events("roles.quorum-met")[-1]["detail"]["resumes"] == hold.hold_id
    assert approving.resume(left, ABOUT, by="ben") is None  # it has ended
    (open_now,) = approving.open_holds("key.generate", ABOUT)
    assert open_now.hold == resumed


@pytest.mark.req("TRUSTWORKS:ROLES-APPROVAL-LEFT", "TRUSTWORKS:ROLES-QUORUM")
@pytest.mark.parametrize("why", ["age", "operator", "role", "one more than needed"])
def test_a_hold_that_was_left_is_no_standing_approval(founded: RolesProvider, why: str) -> None:
    approve(founded)
    approving = founded.roles.approving
    if why == "one more than needed":
        founded.approve("ben", Role.SECURITY_OFFICER, digest_of(ABOUT), "key.generate")
    approving.hold("key.generate", ABOUT, by="carl")
    (left,) = approving.open_holds("key.generate", ABOUT)
    administration = founded.roles.administration
    match why:
        case "age":
            founded.clock.advance(days=400)
        case "role":
            administration.withdraw(founded.actor("ben"), "carl", Role.SYSTEM_ADMINISTRATOR)
        case _:
            administration.lock(founded.actor("ben"), "carl")
    assert approving.resume(left, ABOUT, by="ben") is None
    assert approving.open_holds("key.generate", ABOUT) == [left]  # nothing was changed
