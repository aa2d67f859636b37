"""The step that makes a token whose PINs nobody sees and no file keeps; and what a killed run leaves."""

from __future__ import annotations

import dataclasses
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from ceremony_plans import changed, template
from key_custodians import Custodians, make_custodians

from trustworks.core.ceremony import rules, steps
from trustworks.core.ceremony.initialising import Initialising
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.module import Module, Pkcs11Uri, documents, initialise_token, token_labels
from trustworks.core.module.activation import Activation, SealedPin, open_pin
from trustworks.core.module.health import PROBE_LABEL
from trustworks.core.module.officer import set_user_pin
from trustworks.core.module.tokens import TokenState, token_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.ceremony.executor import Facts
    from trustworks.core.keys import HistoryEntry, KeyEntry


class DiedError(BaseException):
    """What ends a run at a place, as SIGKILL does: nothing after it is done."""


@dataclasses.dataclass
class Bench:
    """A folder, the test run's tokens, operators with cards."""

    base: Path
    library: Path
    operators: Custodians
    stands_in: bool = False
    dies_after: str = ""
    activated: bytes = b""
    approved_before: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.events: list[str] = []
        self.held: dict[str, bytes] = {}
        self.approved: list[str] = []
        self.noted: list[Path] = []
        for card in self.operators.cards:
            (self.base / f"{card.name}.json").write_bytes(documents.write(card))

    def on_event(self, kind: str, uri: Pkcs11Uri, detail: dict[str, Any]) -> None:
        del uri, detail
        self.events.append(kind)

    def module(self, token: str) -> Module:
        raise NotImplementedError

    def token_labels(self) -> frozenset[str]:
        return token_labels(self.library)

    def initialise(
        self, label: str, *, so_pin: str, user_pin: str, keep: Callable[[str], None] | None = None
    ) -> None:
        def kept(serial: str) -> None:
            if self.dies_after == "C_InitToken":
                raise DiedError
            if keep is not None:
                keep(serial)
            if self.dies_after == "sealing":
                raise DiedError

        initialise_token(self.library, label=label, so_pin=so_pin, user_pin=user_pin, keep=kept)
        if self.dies_after == "C_InitPIN":
            raise DiedError

    def open_new(self, uri: Pkcs11Uri, pin: bytes | None = None) -> Module:
        return Module.open(uri, library=self.library, read_write=True, pin=pin)

    def token_state(self, label: str) -> TokenState:
        return token_state(label, self.library)

    def open_made(self, label: str) -> Module | None:
        return self.open_new(Pkcs11Uri(token=label), self.activated) if self.activated else None

    def is_approved(self, serial: str) -> bool:
        return serial in self.approved_before

    def hold(self, label: str, pin: bytes) -> None:
        self.held[label] = pin

    def approve(self, module: Module) -> None:
        self.approved.append(module.token_uri.token or "")

    def note_officer_pin(self, label: str, file: Path) -> None:
        del label
        self.noted.append(file)

    @property
    def oaep_sha1(self) -> bool:
        return True

    def registered(self, label: str) -> list[tuple[KeyEntry, list[HistoryEntry]]]:
        del label
        return []

    def confirm(self, what: str) -> Facts:
        raise NotImplementedError

    # What a test asks for

    def step(self, **changes: Any) -> steps.InitialiseToken:
        cards = tuple(
            steps.Card(name=one.name, card=f"{one.name}.json", fingerprint=one.fingerprint)
            for one in self.operators.cards
        )
        user = steps.PinSealing(file="sealed/user.json", threshold=2, operators=cards)
        officer = steps.PinSealing(file="sealed/officer.json", threshold=2, operators=cards)
        given: dict[str, Any] = {"sealed_pin": user, "sealed_so_pin": officer} | changes
        label = f"sealed-{secrets.token_hex(4)}"
        return steps.InitialiseToken(
            kind="initialise-token", phase="One", by=("anna", "boris"), label=label, **given
        )

    def opened(self, name: str) -> bytes:
        """What two operators open."""
        sealed = documents.read(SealedPin, (self.base / "sealed" / name).read_bytes(), name)
        activation = Activation(sealed)
        for who in ("anna", "boris"):
            with self.operators.open(who) as module:
                fingerprint = activation.request.fingerprint
                activation.add(open_pin(module, sealed, activation.request, fingerprint=fingerprint))
        return activation.pin()

    def written(self) -> bytes:
        """All that is in files."""
        return b"".join(one.read_bytes() for one in self.base.rglob("*") if one.is_file())


@pytest.fixture(scope="module")
def operators(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Custodians:
    return make_custodians(softhsm, make_token, ("anna", "boris"))


@pytest.fixture
def bench(tmp_path: Path, softhsm: Path, operators: Custodians) -> Bench:
    return Bench(tmp_path, softhsm, operators)


# What must not work


@pytest.mark.req("EN319411-1:GEN-6.5.4-01")
def test_each_pin_has_one_place_and_is_sealed_for_people_who_take_part() -> None:
    def told(*changes: tuple[str, str]) -> list[str]:
        plan = changed(template("initialise-token"), *changes).plan
        return [said for rule, said in rules.plan_objections(plan, lab=False) if rule.endswith("6.5.4-01")]

    assert told() == []
    begin = 'so-pin-file = "secrets/issuing-2.so-pin"\n'
    one = '{ name = "anna", card = "a", fingerprint = "' + "a" * 64 + '" }'
    two = one.replace("anna", "boris").replace("a" * 64, "b" * 64)
    other = two.replace("boris", "mallory")

    def officer(cards: str, threshold: int = 2) -> tuple[str, str]:
        return begin, f'sealed-so-pin = {{ file = "s", threshold = {threshold}, operators = [{cards}] }}\n'

    assert told(officer(f"{one}, {two}")) == []
    assert told((begin, "discard-so-pin = true\n")) == []
    for change, said in (
        ((begin, ""), "so-pin-file, sealed-so-pin or discard-so-pin"),
        ((begin, begin + "discard-so-pin = true\n"), "so-pin-file, sealed-so-pin or discard-so-pin"),
        (('pin-file = "secrets/issuing-2.pin"\n', ""), "pin-file or sealed-pin"),
        (officer(f"{one}, {one}"), "the same operator or card twice"),
        (officer(f"{one}, {two}", 3), "more operators together"),
        (officer(f"{one}, {other}"), "no participant: mallory"),
    ):
        assert any(said in each for each in told(change)), said


def test_a_card_that_is_not_the_plan_s_is_refused_before_there_is_a_token(bench: Bench) -> None:
    step = bench.step()
    (bench.base / "boris.json").write_bytes(
        documents.write(dataclasses.replace(bench.operators.cards[1], token="x"))
    )
    with pytest.raises(Refused, match="The card is of boris"):
        Initialising(bench).prepare(step)
    assert step.label not in bench.token_labels()


def test_nothing_is_written_over_another_s_file(bench: Bench) -> None:
    step, action = bench.step(), Initialising(bench)
    (bench.base / "sealed").mkdir()
    file = bench.base / "sealed" / "officer.json"
    file.write_text("mine", encoding="ascii")
    for attempt in (action.prepare, lambda one: action.perform(one, {})):
        with pytest.raises(Rejected, match=r"officer\.json exists already"):
            attempt(step)
    assert file.read_text("ascii") == "mine"
    assert step.label not in bench.token_labels()


# What works, and what a run leaves that is killed


@pytest.mark.req("EN319411-1:GEN-6.5.4-01", "TRUSTWORKS:KEYS-ACTIVATION-QUORUM")
def test_both_pins_are_sealed_and_nobody_and_no_file_has_them(bench: Bench) -> None:
    step, action = bench.step(), Initialising(bench)
    facts = action.perform(step, action.prepare(step))
    assert facts["sealed_pin"]["operators"] == facts["sealed_so_pin"]["operators"] == ["anna", "boris"]
    assert bench.approved == [step.label]
    user, officer = bench.opened("user.json"), bench.opened("officer.json")
    assert bench.held == {step.label: user}  # for the steps that follow
    assert user not in bench.written()
    assert officer not in bench.written()
    assert user.decode() not in str(facts)
    uri = Pkcs11Uri(token=step.label)
    with Module.open(uri, library=bench.library, pin=user) as module:
        assert module.key(PROBE_LABEL).sign(b"data")
    set_user_pin(uri, officer, b"another PIN of the user", library=bench.library)
    with Module.open(uri, library=bench.library, pin=b"another PIN of the user") as module:
        assert module.key(PROBE_LABEL).sign(b"data")


def test_an_officer_s_pin_is_thrown_away_or_its_file_noted(bench: Bench) -> None:
    action, thrown = Initialising(bench), bench.step(sealed_so_pin=None, discard_so_pin=True)
    facts = action.perform(thrown, action.prepare(thrown))
    assert facts["so_pin"] == "drawn, and thrown away"
    assert bench.noted == []
    files = bench.step(sealed_pin=None, sealed_so_pin=None, pin_file="user.pin", so_pin_file="so.pin")
    facts = action.perform(files, action.prepare(files))
    assert bench.noted == [bench.base / "so.pin"]
    assert facts == action.look(files, {})


@pytest.mark.parametrize("place", ["C_InitToken", "sealing", "C_InitPIN"])
def test_a_token_that_a_killed_run_left_is_whole_or_is_told_to_be_none(bench: Bench, place: str) -> None:
    step, action = bench.step(), Initialising(bench)
    prepared = action.prepare(step)
    assert action.look(step, prepared) is None
    bench.dies_after = place
    with pytest.raises(DiedError):
        action.perform(step, prepared)
    bench.dies_after = ""
    if place != "C_InitPIN":
        with pytest.raises(Unavailable) as caught:
            Initialising(bench).look(step, prepared)
        assert caught.value.code == "ceremony.token-half-made"
        return
    found = Initialising(bench).look(step, prepared)
    assert found is not None
    assert found["found_after_interruption"]
    # Nobody can open it now: what it lacks is told, with what to do, and not passed over.
    assert (found["probe_key"], found["approved"]) == (False, False)
    assert "trustworks keys activate" in found["to_do"]
    assert "module approve" in found["to_do"]
    bench.approved_before = (found["token_serial"],)
    assert Initialising(bench).look(step, prepared) == found | {"approved": True}
    assert bench.approved == []
    # Once it is activated the run that goes on finishes it.
    bench.activated = bench.opened("user.json")
    finished = Initialising(bench).look(step, prepared)
    assert finished is not None
    assert (finished["probe_key"], "to_do" in finished) == (True, False)
    assert (bench.approved, finished["token_serial"]) == ([step.label], found["token_serial"])
    with Module.open(
        Pkcs11Uri(token=step.label), library=bench.library, pin=bench.opened("user.json")
    ) as module:
        assert module.token_uri.serial == found["token_serial"]
        assert module.key(PROBE_LABEL).sign(b"data")


def test_what_a_run_sealed_for_a_token_that_was_never_made_is_replaced(bench: Bench) -> None:
    step, action = bench.step(), Initialising(bench)
    action.perform(step, action.prepare(step))
    kept = (bench.base / "sealed" / "user.json").read_bytes()
    again = dataclasses.replace(bench.step(), label=f"{step.label}-2")
    for name in ("user.json", "officer.json"):
        left = documents.read(SealedPin, (bench.base / "sealed" / name).read_bytes(), name)
        changed_to = dataclasses.replace(left, token=again.label)
        (bench.base / "sealed" / name).write_bytes(documents.write(changed_to))
    action.perform(again, {})
    assert (bench.base / "sealed" / "user.json").read_bytes() != kept
    with Module.open(Pkcs11Uri(token=again.label), library=bench.library, pin=bench.opened("user.json")):
        pass
