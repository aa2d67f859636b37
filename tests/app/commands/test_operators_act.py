"""What operators may do by commands, with real keys: the same everywhere, and an auditor reads alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import typer
from command_tree import COMMANDS, PERFORMED, behind
from operators_testbed import PlacedClock
from staff import HELD, PASSPHRASE, approve, asked_for, enrol_staff, key_of
from typer.testing import CliRunner

from trustworks.app.acting import (
    NOBODY,
    NOBODY_ALONE,
    approved,
    check_not_subject,
    forget_remarks,
    held,
    officer,
    tell_remarks,
)
from trustworks.app.commands.roles import app as roles_commands
from trustworks.app.configuration.config import parse
from trustworks.app.configuration_check import problems
from trustworks.app.wiring import Wiring
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.roles import Act, Role
from trustworks.core.roles.approvals import digest_of
from trustworks.core.roles.model import NOT_NEEDED, Person
from trustworks.core.roles.rules.duties import may
from trustworks.core.store import Database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIGURATION = """
[provider]
name = "TEST"
lab = {lab}
[time]
mode = "lab"
{roles}
"""


def provider(folder: Path, *, required: bool = False, lab: bool = True) -> Wiring:
    """A provider's configuration, over a database without operators."""
    text = CONFIGURATION.format(lab=str(lab).lower(), roles="[roles]\nrequired = true" if required else "")
    if not lab:
        text = text.replace('mode = "lab"', "")
    (folder / "trustworks.toml").write_text(text, encoding="utf-8")
    (folder / "state").mkdir()
    wiring = Wiring.lazy(folder / "trustworks.toml")
    with Database.open(wiring.config.store) as database:
        database.upgrade()
    return wiring


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Wiring:
    """A provider with one operator of each kind."""
    wiring = provider(tmp_path_factory.mktemp("staffed"))
    enrol_staff(wiring)
    return wiring


@pytest.fixture(autouse=True)
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody types his passphrase."""
    monkeypatch.setattr("trustworks.app.acting.ask", lambda _: PASSPHRASE)


def begin(wiring: Wiring, words: str, name: str | None, key: str | None) -> None:
    """Call the command as far as the officer is concerned; nothing else is given to it."""
    command = COMMANDS[words]
    callback = behind(command.callback)
    given: dict[str, Any] = {one.name or "": None for one in command.params}
    given |= {"operator_name": name, "operator_key": key}
    if callback.when is not None:
        given[callback.when] = True
    context: Any = typer.Context(command, obj=wiring)
    callback(context=context, **given)


def told(wiring: Wiring, kind: str) -> list[dict[str, Any]]:
    from trustworks.core.audit.search import newest  # noqa: PLC0415

    with wiring.open_database() as database, database.inspect() as connection:
        return [one.value for one in newest(connection, type_prefix=kind, limit=1000)]


def refusal(call: Callable[..., object], *given: Any, **named: Any) -> str:
    with pytest.raises(Refused) as caught:
        call(*given, **named)
    return caught.value.requirement


@pytest.mark.req("CENTS419261:SA1.1", "CENTS419261:M1.5")
def test_an_auditor_with_his_own_key_does_nothing_but_read(staffed: Wiring) -> None:
    reading = {words for words, act in PERFORMED.items() if may({Role.AUDITOR}, act)}
    assert reading == {"assurance dossier"}
    before = len(told(staffed, "roles.refused"))
    for words in PERFORMED.keys() - reading:
        assert refusal(begin, staffed, words, "audra", key_of(staffed, "audra")) == ("CENTS419261:SA1.1"), (
            words
        )
    events = told(staffed, "roles.refused")
    assert len(events) - before == len(PERFORMED) - len(reading)
    assert {one["actor"] for one in events} == {"audra"}


@pytest.mark.req("CENTS419261:IA1.1")
def test_nothing_is_done_in_nobodys_name_once_there_are_operators(staffed: Wiring) -> None:
    for words in PERFORMED:
        assert refusal(begin, staffed, words, None, None) == "CENTS419261:IA1.1", words
    with pytest.raises(Malformed, match="go together"):
        begin(staffed, "registration approve", "ben", None)


@pytest.mark.req("CENTS419261:SA1.1")
def test_each_operator_does_what_his_roles_name_and_nothing_else(staffed: Wiring) -> None:
    for name, given in HELD.items():
        roles = {Role(one) for one in given.split(",")}
        for act in set(PERFORMED.values()):
            if may(roles, act):
                assert officer(staffed, act, name, key_of(staffed, name)) == name
            else:
                key = key_of(staffed, name)
                assert refusal(officer, staffed, act, name, key) == "CENTS419261:SA1.1"


@pytest.mark.req("CENTS419261:IA1.1")
def test_where_the_configuration_requires_operators_nobody_acts_before_there_are_any(tmp_path: Path) -> None:
    wiring = provider(tmp_path, required=True)
    for words in PERFORMED:
        assert refusal(begin, wiring, words, None, None) == "CENTS419261:IA1.1", words
    (tmp_path / "state" / "trustworks.sqlite").unlink(missing_ok=True)
    assert refusal(officer, wiring, Act.RUN_CEREMONY, None, None) == "CENTS419261:IA1.1"


@pytest.mark.req("TRUSTWORKS:ROLES-REQUIRED", "CENTS419261:IA1.1")
def test_outside_a_laboratory_no_command_changes_anything_before_there_are_operators(tmp_path: Path) -> None:
    wiring = provider(tmp_path, lab=False)
    for words, act in PERFORMED.items():
        with pytest.raises(Refused, match="trustworks roles bootstrap") as caught:
            begin(wiring, words, None, None)
        assert caught.value.requirement == "CENTS419261:IA1.1", words
        with pytest.raises(Refused):
            officer(wiring, act, None, None)
    for what in ("key.generate", "api.client", "certificate.qualified", "revocation.mass", "key.destroyed"):
        assert refusal(approved, wiring, what, {"of": what}, by="root") == "TRUSTWORKS:ROLES-QUORUM"
    assert any("trustworks roles bootstrap" in one for one in problems(wiring))
    (tmp_path / "state" / "trustworks.sqlite").unlink()
    assert refusal(officer, wiring, Act.RUN_CEREMONY, None, None) == "CENTS419261:IA1.1"


@pytest.mark.req("TRUSTWORKS:ROLES-REQUIRED")
def test_no_setting_lets_commands_ask_for_nobody_outside_a_laboratory(tmp_path: Path) -> None:
    text = '[provider]\nname = "TEST"\n[roles]\nrequired = false\n'
    with pytest.raises(Malformed, match="holds in a laboratory alone"):
        parse(text, tmp_path / "trustworks.toml")
    assert not parse(text.replace('"TEST"', '"TEST"\nlab = true'), tmp_path / "t.toml").config.roles.required


@pytest.mark.req("CENTS419261:IA1.1")
def test_where_no_configuration_is_found_nobody_is_asked_for_only_when_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wiring = Wiring.lazy(None)
    lone = [
        words for words in PERFORMED if "without_configuration" in (p.name for p in COMMANDS[words].params)
    ]
    assert {"module generate-key", "module destroy-key", "module init-token", "module approve"} <= set(lone)
    for words in lone:
        with pytest.raises(Refused, match="add --without-configuration") as caught:
            begin(wiring, words, None, None)
        assert caught.value.requirement == "CENTS419261:IA1.1", words
    with pytest.raises(Malformed, match="No configuration found"):  # nor is it offered elsewhere
        begin(wiring, "certificate issue", None, None)
    assert capsys.readouterr().err == ""
    forget_remarks()
    assert wiring.officer(Act.RUN_CEREMONY, None, None, alone=True) is None
    tell_remarks()
    assert NOBODY_ALONE in " ".join(capsys.readouterr().err.split("\n"))
    (tmp_path / "house").mkdir()
    with pytest.raises(Malformed, match="leave --without-configuration out"):
        provider(tmp_path / "house").officer(Act.RUN_CEREMONY, None, None, alone=True)
    (tmp_path / "trustworks.toml").write_text("[provider", encoding="utf-8")
    for said in (False, True):  # one that cannot be read is one
        with pytest.raises(Malformed, match=r"trustworks\.toml"):
            wiring.officer(Act.RUN_CEREMONY, None, None, alone=said)


def test_what_is_done_without_operators_is_said_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wiring = provider(tmp_path)
    for _ in range(2):
        assert officer(wiring, Act.DECIDE, None, None) is None
    assert capsys.readouterr().err == ""  # after the command, and once
    tell_remarks()
    assert capsys.readouterr().err == f"{NOBODY}\n"
    tell_remarks()
    assert capsys.readouterr().err == ""
    assert approved(wiring, "api.client", {"client": "crm"}, by="security-officer") is NOT_NEEDED
    check_not_subject(wiring, Act.DECIDE, "nobody", [Person(names=frozenset({"nobody"}))])


@pytest.mark.req("TRUSTWORKS:ROLES-QUORUM", "EN319411-1:GEN-6.5.4-01")
def test_what_nobody_does_alone_needs_the_approvals_of_several(staffed: Wiring) -> None:
    about: dict[str, Any] = {"client": "crm", "acts": ["certificate.issue"]}
    with pytest.raises(Refused) as caught:
        approved(staffed, "api.client", about, by="ben")
    asked = asked_for(caught.value)
    assert asked[0] == "api.client"
    approve(staffed, "ben", "registration-officer", *asked)
    approve(staffed, "ben", "security-officer", *asked)  # one person twice is one
    assert refusal(approved, staffed, "api.client", about, by="ben") == "TRUSTWORKS:ROLES-QUORUM"
    approve(staffed, "carl", "system-administrator", *asked)
    found = approved(staffed, "api.client", about, by="ben")
    assert len(found.ids) == 2
    (event,) = told(staffed, "roles.quorum-met")
    assert (event["actor"], event["detail"]["about"]) == ("ben", about)
    with staffed.open_database() as database, database.begin() as connection:
        found.use(connection)
    with pytest.raises(Refused, match="used up by one act") as again:
        approved(staffed, "api.client", about, by="ben")
    assert again.value.requirement == "TRUSTWORKS:ROLES-QUORUM"
    other = about | {"client": "another"}
    assert refusal(approved, staffed, "api.client", other, by="ben") == "TRUSTWORKS:ROLES-QUORUM"


KILLED = """
import os, signal, sys
from pathlib import Path
from trustworks.app.acting import held
from trustworks.app.wiring import Wiring
with held(Wiring.lazy(Path(sys.argv[1])), "key.generate", {"label": "k"}, by="carl", done=lambda _: False):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.crash
@pytest.mark.req("TRUSTWORKS:ROLES-APPROVAL-ONCE", "TRUSTWORKS:ROLES-APPROVAL-KEPT")
@pytest.mark.parametrize("done", [False, True])
def test_a_process_that_is_killed_in_an_act_leaves_its_approvals_to_be_looked_at(
    staffed: Wiring, *, done: bool
) -> None:
    what = "key.generate"
    about: dict[str, Any] = {"label": "k"}
    for name, role in (("anna", "security-officer"), ("carl", "system-administrator")):
        approve(staffed, name, role, what, digest_of(about))
    killed = subprocess.run([sys.executable, "-c", KILLED, str(staffed.loaded.file)], check=False)
    assert killed.returncode == -signal.SIGKILL

    def look(hold: str) -> bool:
        assert len(bytes.fromhex(hold)) == 20
        return done

    if done:
        with (
            pytest.raises(Refused, match="used up by one act"),
            held(staffed, what, about, by="carl", done=look),
        ):
            pytest.fail("an act was done twice by the same approvals")
    else:
        with pytest.raises(RuntimeError), held(staffed, what, about, by="carl", done=lambda _: False):
            raise RuntimeError("the act fails, and nothing was done")
        with held(staffed, what, about, by="carl", done=look) as hold:
            assert hold is not None
            with (
                pytest.raises(Rejected, match="is being done"),
                held(staffed, what, about, by="carl", done=look),
            ):
                pytest.fail("two did the same act at once")
    kinds = [one["type"] for one in told(staffed, "roles.approvals-")]
    given_back = 0 if done else 2  # by the process that was killed, by the act that failed
    assert kinds[: given_back + 1] == ["roles.approvals-used", *["roles.approvals-returned"] * given_back]


@pytest.mark.req("TRUSTWORKS:ROLES-APPROVAL-LEFT")
@pytest.mark.parametrize("done", [False, True])
def test_a_hold_left_by_an_act_that_completes_is_judged_anew(
    staffed: Wiring, monkeypatch: pytest.MonkeyPatch, *, done: bool
) -> None:
    what = "key.restore"
    about: dict[str, Any] = {"backup": "b", "done": done}
    for name, role in (("anna", "security-officer"), ("carl", "system-administrator")):
        approve(staffed, name, role, what, digest_of(about))
    with staffed.open_roles() as roles:
        left = roles.approving.hold(what, about, by="carl")
    later = PlacedClock(datetime.now(UTC) + timedelta(days=300))
    monkeypatch.setattr(Wiring, "open_clock", lambda _: later)
    with (
        pytest.raises(Refused, match="No operator does this alone"),
        held(staffed, what, about, by="carl", done=lambda _: done, completes=True),
    ):
        pytest.fail("approvals that are too old let an act be done")
    ended = {one["subject"]["hold"]: one["type"] for one in told(staffed, "roles.approvals-")}
    assert ended[left.hold_id] == f"roles.approvals-{'used' if done else 'returned'}"


@pytest.mark.req("TRUSTWORKS:ROLES-APPROVAL-LEFT")
def test_a_hold_left_by_an_act_that_completes_serves_its_end(staffed: Wiring) -> None:
    what = "key.restore"
    about: dict[str, Any] = {"backup": "c"}
    for name, role in (("anna", "security-officer"), ("carl", "system-administrator")):
        approve(staffed, name, role, what, digest_of(about))
    with staffed.open_roles() as roles:
        left = roles.approving.hold(what, about, by="carl")
    shown = CliRunner().invoke(roles_commands, ["approvals", "list", what, "--json"], obj=staffed)
    assert [(one["hold"], one["held_by"]) for one in json.loads(shown.output)["held"]] == [
        (left.hold_id, "carl")
    ]
    shown = CliRunner().invoke(roles_commands, ["approvals", "list"], obj=staffed)
    assert f"held by carl: {what} {digest_of(about)}" in shown.output
    with held(staffed, what, about, by="carl", done=lambda _: False, completes=True) as hold:
        assert hold is not None
        assert set(hold.ids) == set(left.ids)
    ended = {one["subject"]["hold"]: one["type"] for one in told(staffed, "roles.approvals-")}
    assert ended[hold.hold_id] == "roles.approvals-used"
    with (
        pytest.raises(Refused, match="used up by one act"),
        held(staffed, what, about, by="carl", done=lambda _: True, completes=True),
    ):
        pytest.fail("the approvals served twice")
