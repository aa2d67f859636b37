"""`trustworks keys seal`, `activate`, `deactivate`: no PIN that opens a token is lost by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from key_commands import call, facts

from trustworks.app.commands import key_activation
from trustworks.app.wiring import Wiring
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.module import documents
from trustworks.core.module.activation import new_pin, seal

if TYPE_CHECKING:
    from pathlib import Path

    from key_custodians import Custodians


class Tokens:
    """The configuration with its two tokens, and what operators need to open sealed PINs."""

    def __init__(self, folder: Path, operators: Custodians) -> None:
        self.folder = folder
        self.operators = operators
        self.wiring = Wiring.lazy(folder / "trustworks.toml")

    def cards(self) -> list[object]:
        found: list[object] = []
        for card in self.operators.cards:
            file = self.folder / f"{card.name}.json"
            file.write_bytes(documents.write(card))
            found += ["--operator", file]
        return [*found, "--threshold", 2]

    def sealed(self, token: str, name: str) -> Path:
        """A sealed PIN of a token, which has it from then on."""
        out = self.folder / name
        facts(self.folder, "seal", "--token", token, *self.cards(), "--out", out)
        return out

    def other_pin(self, token: str, *, of_officer: bool = False) -> Path:
        """A file that says it is the sealed PIN of a token, which takes another."""
        with self.wiring.open_module(token) as module:
            here = module.token_uri
        made = seal(
            new_pin(),
            token=here.token or "",
            serial=here.serial or "",
            operators=self.operators.cards,
            threshold=2,
            sha1=True,
            of_officer=of_officer,
        )
        out = self.folder / "another.json"
        out.write_bytes(documents.write(made))
        return out

    def activating(self, sealed: Path) -> tuple[object, ...]:
        two = [one for name in ("anna", "boris") for one in ("--operator", self.operators.uris[name])]
        return ("activate", sealed, "--token", "issuing", *two)

    @property
    def pin_file(self) -> Path:
        return key_activation.pin_file(self.wiring, "issuing")

    def opens(self) -> bool:
        with self.wiring.open_module("issuing") as module:
            return bool(module.token_uri.serial)


@pytest.fixture
def tokens(folder: Path, custodians: Custodians) -> Tokens:
    return Tokens(folder, custodians)


# What must not work


def test_a_wrong_sealed_file_leaves_the_pin_that_was_there(tokens: Tokens) -> None:
    before = tokens.pin_file.read_bytes()
    of_another_token = tokens.sealed("services", "services.json")
    done = call(tokens.folder, *tokens.activating(of_another_token))
    assert isinstance(done.exception, Rejected), done.output
    assert done.exception.code == "keys.other-request"
    assert tokens.pin_file.read_bytes() == before
    done = call(tokens.folder, *tokens.activating(tokens.other_pin("issuing")))
    assert isinstance(done.exception, Unavailable), done.output
    assert done.exception.code == "module.pin-wrong"
    assert tokens.pin_file.read_bytes() == before
    assert tokens.opens()


def test_an_activation_that_the_log_does_not_take_leaves_the_pin_file_as_it_was(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = tokens.sealed("issuing", "sealed.json")
    tokens.pin_file.write_bytes(b"what lay there\n")

    def full(*_: object) -> None:
        raise Unavailable("audit.unwritable", "The audit log cannot be written.")

    monkeypatch.setattr("trustworks.core.audit.recorder.Recorder.record", full)
    assert isinstance(call(tokens.folder, *tokens.activating(sealed)).exception, Unavailable)
    assert tokens.pin_file.read_bytes() == b"what lay there\n"
    tokens.pin_file.unlink()
    assert isinstance(call(tokens.folder, *tokens.activating(sealed)).exception, Unavailable)
    assert not tokens.pin_file.exists()


@pytest.mark.req("TRUSTWORKS:KEYS-ONLY-PIN-KEPT")
def test_the_pin_file_of_a_token_that_was_never_sealed_is_not_removed(tokens: Tokens) -> None:
    of_another_token = tokens.sealed("services", "services.json")
    deactivate = ("deactivate", "--token", "issuing")
    done = call(tokens.folder, *deactivate)
    assert isinstance(done.exception, Refused), done.output
    assert done.exception.requirement == "TRUSTWORKS:KEYS-ONLY-PIN-KEPT"
    done = call(tokens.folder, *deactivate, "--sealed", of_another_token)
    assert isinstance(done.exception, Rejected), done.output
    assert done.exception.code == "keys.other-request"
    of_officer = tokens.other_pin("issuing", of_officer=True)
    done = call(tokens.folder, *deactivate, "--sealed", of_officer)
    assert isinstance(done.exception, Refused), done.output
    assert done.exception.requirement == "TRUSTWORKS:KEYS-PIN-OF-WHOM"
    assert tokens.opens()


# What works


def test_a_token_is_deactivated_whose_sealed_pin_the_log_knows_or_that_is_shown(tokens: Tokens) -> None:
    sealed = tokens.sealed("issuing", "sealed.json")
    deactivate = ("deactivate", "--token", "issuing")
    assert not facts(tokens.folder, *deactivate)["was_active"]
    facts(tokens.folder, *tokens.activating(sealed))
    assert tokens.opens()
    assert facts(tokens.folder, *deactivate)["was_active"]
    assert not tokens.pin_file.exists()
    # A token that another installation sealed, of which this one's log knows nothing.
    shown = tokens.other_pin("services")
    assert facts(tokens.folder, "deactivate", "--token", "services", "--sealed", shown)["was_active"]
    assert not key_activation.pin_file(tokens.wiring, "services").exists()
