"""`trustworks crl`: publish, list, show, and what each refuses."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from nobody_acts import NobodyActs
from status_provider import DAY, Provider
from typer.testing import CliRunner, Result

from trustworks.core.errors import Rejected, Unavailable
from trustworks.issuance.cli.crl import crl

if TYPE_CHECKING:
    from pathlib import Path


# The databases differ for lists (test_publisher.py); here one is enough.
pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


class Wiring(NobodyActs):
    """The application's wiring, over a provider of the tests."""

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self.provider = provider
        self.opened: list[str] = []
        self.issuance_settings = provider.settings
        self.public_url = "http://lab.example"

    def open_module(self, token: str) -> AbstractContextManager[Any]:
        self.opened.append(token)
        return nullcontext(self.provider.module)

    def authority_place(self, database: Any, name: str) -> tuple[str, str]:
        del database
        return name, getattr(self.issuance_settings, name).key

    def open_database(self) -> AbstractContextManager[Any]:
        return nullcontext(self.provider.database)

    def open_recorder(self, role: str, *, database: Any = None) -> AbstractContextManager[Any]:
        del role, database
        return nullcontext(self.provider.recorder)

    def open_clock(self) -> Any:
        return self.provider.clock


def run(provider: Provider, *arguments: str) -> tuple[Result, Wiring]:
    wiring = Wiring(provider)
    result = CliRunner().invoke(crl, list(arguments), obj=wiring)
    return result, wiring


def test_another_authority_or_an_early_last_list_is_refused(provider: Provider) -> None:
    provider.issue()
    for arguments, said in (
        (["publish", "--authority", "other"], "there are issuing, root"),
        (["publish", "--last"], "neither expired nor revoked"),
        (["show", "--out", "nowhere.crl"], "No list of issuing was published yet"),
    ):
        result, _ = run(provider, *arguments)
        assert isinstance(result.exception, Rejected)
        assert said in str(result.exception)


def test_a_list_is_published_by_command_with_one_token_open(provider: Provider, tmp_path: Path) -> None:
    provider.revoke(provider.issue())
    result, wiring = run(provider, "publish", "--by", "security-officer", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert (told["authority"], told["number"], told["entries"]) == ("issuing", 1, 1)
    assert wiring.opened == ["issuing"]
    result, wiring = run(provider, "publish", "--authority", "root")
    assert "Published list 1 of root with 0 entries" in result.output
    assert wiring.opened == ["root"]
    file = tmp_path / "issuing.crl"
    result, wiring = run(provider, "show", "--out", str(file))
    assert result.exit_code == 0
    assert len(x509.load_der_x509_crl(file.read_bytes())) == 1
    assert wiring.opened == []


def test_a_list_of_the_root_that_waits_for_its_ceremony_is_told(provider: Provider) -> None:
    provider.publisher().publish_due()
    provider.revoke(provider.certificates["issuing"])
    provider.clock.utc += timedelta(minutes=10)
    result, _ = run(provider, "list")
    assert result.exit_code == 1
    assert "root      DUE  number 1" in result.output
    assert "issuing   fresh" in result.output


@pytest.mark.parametrize("as_json", [False, True])
def test_the_lists_can_be_looked_at_without_trusted_time(provider: Provider, *, as_json: bool) -> None:
    provider.publisher().publish_due()
    provider.clock.refusal = Unavailable("clock.jump", "The clock is stopped: it jumped.")
    result, _ = run(provider, "list", *(["--json"] if as_json else []))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    if as_json:
        assert [(one["number"], one["unproven_time"]) for one in json.loads(result.stdout)] == [
            (1, "clock.jump"),
            (1, "clock.jump"),
        ]
    else:
        assert "There is no trusted time (clock.jump)" in result.stderr
        assert "number 1, 0 entries" in result.stdout
    assert run(provider, "show")[0].exit_code == 0


@pytest.mark.parametrize("as_json", [False, True])
def test_the_lists_are_listed_without_a_token_and_stale_ones_fail(
    provider: Provider, *, as_json: bool
) -> None:
    options = ["--json"] if as_json else []
    result, _ = run(provider, "list", *options)
    assert result.exit_code == 1
    provider.publisher().publish("issuing", actor="test")
    provider.publisher().publish("root", actor="test")
    result, wiring = run(provider, "list", *options)
    assert result.exit_code == 0, result.output
    assert wiring.opened == []
    provider.clock.utc += DAY
    result, _ = run(provider, "list", *options)
    assert result.exit_code == 1
    if as_json:
        fresh = {one["authority"]: one["fresh"] for one in json.loads(result.output)}
        assert fresh == {"issuing": False, "root": True}
    else:
        assert "STALE" in result.output
