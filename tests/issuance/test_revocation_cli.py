"""`trustworks revocation`: what a person types, what comes out, who acts, and what changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from issuance_testbed import NATURAL, make_csr
from nobody_acts import NobodyActs
from typer.testing import CliRunner

from trustworks.core.errors import Refused, Rejected
from trustworks.core.roles import Act
from trustworks.issuance.cli import app, revocation

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import typer
    from issuance_testbed import Provider
    from typer.testing import Result

# The databases differ for requests (test_revocation_requests.py); here one is enough.
pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


class Wiring(NobodyActs):
    """What the application hands to the commands."""

    lab = True

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self._provider = provider

    def open_issuance(self, role: str = "issuance") -> AbstractContextManager[Any]:
        from contextlib import nullcontext  # noqa: PLC0415

        assert role
        return nullcontext(self._provider.issuance)

    def open_database(self) -> AbstractContextManager[Any]:
        from contextlib import nullcontext  # noqa: PLC0415

        return nullcontext(self._provider.database)


class Cli:
    def __init__(self, provider: Provider, csr: Path) -> None:
        self.wiring = Wiring(provider)
        self._csr = csr

    def __call__(self, *arguments: str, noun: typer.Typer = revocation) -> Result:
        return CliRunner().invoke(noun, list(arguments), obj=self.wiring)

    def json(self, *arguments: str, noun: typer.Typer = revocation) -> Any:
        done = self(*arguments, "--json", noun=noun)
        assert done.exit_code == 0, (done.output, done.exception)
        return json.loads(done.stdout)

    def issue(self) -> str:
        given = ("issue", "--profile", "natural", "--csr", str(self._csr), "--subject", NATURAL)
        return str(self.json(*given, noun=app)["serial"])

    def status(self, serial: str) -> str:
        return str(self.json("show", serial, noun=app)["status"])

    def ask(self, serial: str, *more: str) -> dict[str, Any]:
        found: dict[str, Any] = self.json(
            "request", serial, "--reason", "superseded", "--requester", "subject-0815", *more
        )
        return found


@pytest.fixture
def cli(provider: Provider, tmp_path: Path) -> Cli:
    file = tmp_path / "request.csr"
    file.write_bytes(make_csr())
    return Cli(provider, file)


def test_a_request_waits_until_it_is_confirmed_and_then_revokes(cli: Cli) -> None:
    serial = cli.issue()
    made = cli.ask(serial, "--note", "the card is replaced", "--as", "rita", "--key", "rita.key")
    assert (made["state"], made["serial"], made["confirmed_by"]) == ("pending", serial, None)
    assert cli.wiring.asked[-1] == (Act.REVOKE, "rita", "rita.key")
    assert cli.status(serial) == "good"
    assert f"{made['id']}  " in cli("list", "--all").stdout
    done = cli("confirm", made["id"], "--confirmed-how", "called back", "--as", "rita", "--key", "rita.key")
    assert f"Revoked the certificate of {made['id']} for superseded" in done.stdout
    assert cli.status(serial) == "revoked"
    (listed,) = cli.json("list", "--all")
    assert (listed["state"], listed["confirmed_by"], listed["decided_by"]) == ("done", "rita", "rita")
    assert cli.json("list") == []
    again = cli("confirm", made["id"], "--confirmed-how", "called back")
    assert isinstance(again.exception, Rejected)


def test_a_confirmed_request_for_a_moment_to_come_waits_for_it(cli: Cli) -> None:
    serial = cli.issue()
    at = (datetime.now(UTC) + timedelta(days=3650)).isoformat()
    made = cli.ask(serial, "--at", at)
    assert cli.json("confirm", made["id"], "--confirmed-how", "signed letter") == {
        "id": made["id"],
        "revoked": False,
    }
    assert cli.status(serial) == "good"


def test_a_report_is_recorded_and_refused_with_a_reason(cli: Cli) -> None:
    told = cli.json("report", "--requester", "a reader", "--note", "the name looks wrong")
    assert (told["kind"], told["serial"]) == ("problem-report", None)
    for why in ("", " "):
        assert isinstance(cli("refuse", told["id"], "--why", why).exception, Rejected)
    assert isinstance(cli("confirm", told["id"], "--confirmed-how", "read it").exception, Rejected)
    assert "Refused." in cli("refuse", told["id"], "--why", "the name is right", "--by", "rita").stdout
    (found,) = cli.json("list", "--all")
    assert (found["state"], found["decided_by"], found["decided_why"]) == (
        "refused",
        "rita",
        "the name is right",
    )


def test_who_is_late_says_why_and_the_list_ends_with_one_while_one_is_overdue(cli: Cli) -> None:
    made = cli.ask(cli.issue(), "--received-at", "2020-01-31")
    late = cli("list")
    assert late.exit_code == 1
    assert "OVERDUE" in late.stdout
    assert isinstance(cli("delay", made["id"], "--why", "").exception, Refused)
    assert "Recorded." in cli("delay", made["id"], "--why", "the requester is not reached").stdout
    (found,) = cli.json("list")
    assert (found["overdue"], found["delayed_why"]) == (False, "the requester is not reached")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--reason", "because"), "issuance.reason"),
        (("--reason", "superseded", "--requested-by-kind", "king"), "revocation.kind"),
        (("--reason", "superseded", "--received-at", "2999-01-01"), "revocation.date"),
    ],
)
def test_what_makes_no_sense_is_not_recorded(cli: Cli, arguments: tuple[str, ...], code: str) -> None:
    done = cli("request", cli.issue(), "--requester", "subject-0815", *arguments)
    assert isinstance(done.exception, Rejected), done.output
    assert done.exception.code == code
    assert cli.json("list", "--all") == []


@pytest.mark.req("EN319411-1:REG-6.2.2-26")
def test_nobody_holds_a_request_back_that_is_about_his_own_certificate(cli: Cli) -> None:
    made = cli.ask(cli.issue())
    for command in ("delay", "refuse"):
        cli(command, made["id"], "--why", "no reason at all", "--as", "anna", "--key", "k")
        act, name, (person,) = cli.wiring.concerned[-1]
        assert (act, name) == (Act.REVOKE, "anna")
        assert "anna muster" in person.names
        assert len(person.key_ids) == 1


@pytest.mark.req("EN319411-1:REG-6.2.2-26")
def test_nobody_says_that_his_own_key_is_lost(cli: Cli, provider: Provider) -> None:
    record = provider.issuance.find(cli.issue())
    assert record is not None
    key = record.spki_sha256.hex()
    cli("key", "--spki-sha256", key, "--confirmed-how", "it was found", "--as", "anna", "--key", "k")
    act, name, persons = cli.wiring.concerned[-1]
    assert (act, name) == (Act.REVOKE, "anna")
    assert any("anna muster" in one.names for one in persons)
    assert all(key in one.key_ids for one in persons)
    unknown = "1" * 64  # a key without a certificate here may be an officer's own all the same
    cli("key", "--spki-sha256", unknown, "--confirmed-how", "it was found", "--as", "anna", "--key", "k")
    assert [set(one.key_ids) for one in cli.wiring.concerned[-1][2]] == [{unknown}]


@pytest.mark.req("CENTS419261:SA1.1")
def test_who_may_not_revoke_changes_no_request(cli: Cli) -> None:
    serial = cli.issue()
    made = cli.ask(serial)
    cli.wiring.refusal = Refused("CENTS419261:SA1.1", "Not you.")
    for arguments in (
        ("request", serial, "--reason", "superseded", "--requester", "x"),
        ("report", "--requester", "x", "--note", "x"),
        ("confirm", made["id"], "--confirmed-how", "x"),
        ("delay", made["id"], "--why", "x"),
        ("refuse", made["id"], "--why", "x"),
        ("key", "--spki-sha256", "0" * 64, "--confirmed-how", "x"),
    ):
        done = cli(*arguments, "--as", "audra", "--key", "k")
        assert isinstance(done.exception, Refused), arguments
        assert done.stdout == ""
    cli.wiring.refusal = None
    (found,) = json.loads(cli("list", "--all", "--json").stdout)
    assert (found["id"], found["state"], found["delayed_why"]) == (made["id"], "pending", None)
    assert cli.status(serial) == "good"
