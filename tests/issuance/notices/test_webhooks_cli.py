"""`trustworks api webhook`: what a person types, what comes out, and what became of it."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from nobody_acts import NobodyActs
from typer.testing import CliRunner

from trustworks.core.errors import Rejected
from trustworks.issuance.cli.webhooks import webhook

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from typer.testing import Result
    from webhook_receiver import Receiver
    from webhook_testbed import Hooks

# The databases differ for notices (test_webhooks.py); here one is enough.
pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


class Wiring(NobodyActs):
    """What the application hands to the commands."""

    def __init__(self, hooks: Hooks) -> None:
        super().__init__()
        self._hooks = hooks

    def open_webhooks(self) -> AbstractContextManager[Any]:
        return nullcontext(self._hooks.webhooks)


class Cli:
    def __init__(self, hooks: Hooks) -> None:
        self._wiring = Wiring(hooks)

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(webhook, list(arguments), obj=self._wiring)

    def said(self, *arguments: str) -> str:
        done = self(*arguments)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.said(*arguments, "--json"))


@pytest.fixture
def cli(hooks: Hooks) -> Cli:
    return Cli(hooks)


def create(cli: Cli, receiver: Receiver) -> dict[str, Any]:
    url = f"http://127.0.0.1:{receiver.port}/hook"
    made: dict[str, Any] = cli.json("create", "portal", "--url", url, "--event", "certificate.issued")
    return made


def test_a_webhook_is_created_listed_and_removed(cli: Cli, receiver: Receiver) -> None:
    assert cli.said("list") == "There are no webhooks.\n"
    made = create(cli, receiver)
    secret = made.pop("secret")
    assert (made["client"], made["events"]) == ("portal", ["certificate.issued"])
    assert made["added_by"] == "security-officer"
    assert cli.json("list") == cli.json("list", "portal") == {"webhooks": [made]}
    assert cli.json("list", "another") == {"webhooks": []}
    assert secret not in cli.said("list")
    assert cli.said("remove", made["id"]) == f"Removed {made['id']}.\n"
    assert cli.json("list") == {"webhooks": []}


def test_a_new_secret_is_shown_and_is_another(cli: Cli, receiver: Receiver) -> None:
    made = create(cli, receiver)
    found = cli.json("rotate", made["id"])
    assert found["id"] == made["id"]
    assert found["secret"].startswith("whsec_")
    assert found["secret"] != made["secret"]


def test_what_was_sent_for_a_test_is_found_among_the_deliveries(
    cli: Cli, hooks: Hooks, receiver: Receiver
) -> None:
    identifier = create(cli, receiver)["id"]
    assert cli.said("deliveries", identifier) == "There are no deliveries.\n"
    delivery = cli.said("test", identifier).split()[0]
    (waiting,) = cli.json("deliveries", identifier, "--state", "waiting")["deliveries"]
    assert waiting["id"] == delivery
    assert hooks.deliver() == 1
    assert cli.json("deliveries", identifier, "--state", "waiting") == {"deliveries": []}
    line = cli.said("deliveries", identifier)
    assert delivery in line
    assert "webhook.test" in line
    assert cli.said("retry", identifier) == "0 will be sent again.\n"


@pytest.mark.parametrize("command", ["rotate", "remove", "test"])
def test_a_webhook_that_is_not_there_is_said_to_be_missing(
    cli: Cli, receiver: Receiver, command: str
) -> None:
    there = create(cli, receiver)["id"]
    done = cli(command, "00" * 16)
    assert isinstance(done.exception, Rejected)
    assert "trustworks api webhook list" in str(done.exception)
    assert [one["id"] for one in cli.json("list")["webhooks"]] == [there]
