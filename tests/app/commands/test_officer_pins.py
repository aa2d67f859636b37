"""`trustworks keys so-pin`: the security officer's PIN sealed, thrown away, and used to set the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from key_commands import call, facts
from staff import PASSPHRASE, approve, asked_for, enrol_staff, who

from trustworks.app.commands import key_activation
from trustworks.app.wiring import Wiring
from trustworks.core.audit.search import newest
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.module import KeyAlgorithm, Pkcs11Uri, documents, initialise_token
from trustworks.core.module.activation import new_pin, seal
from trustworks.core.module.officer import set_user_pin
from trustworks.core.module.tokens import change_pin
from trustworks.core.roles.approving import Approving

if TYPE_CHECKING:
    from pathlib import Path

    from key_custodians import Custodians

    from trustworks.core.module import Module


class House:
    """The configuration, its token `issuing` with both PINs in files, and officers with cards."""

    def __init__(self, folder: Path, softhsm: Path, officers: Custodians) -> None:
        self.folder = folder
        self.library = softhsm
        self.officers = officers
        self.wiring = Wiring.lazy(folder / "trustworks.toml")
        self.so_file, self.pin_file = folder / "so.pin", folder / "user.pin"
        label = f"so-{folder.name}"[:32]
        for file in (self.so_file, self.pin_file):
            file.touch(mode=0o600)
            file.write_bytes(new_pin())
        initialise_token(
            softhsm, label=label, so_pin=self.so_file.read_bytes(), user_pin=self.pin_file.read_bytes()
        )
        self.uri = Pkcs11Uri(token=label, pin_source=f"file:{self.pin_file}")
        config = folder / "trustworks.toml"
        text = config.read_text("utf-8")
        before = next(line for line in text.splitlines() if line.startswith("issuing"))
        config.write_text(text.replace(before, f'issuing = "{self.uri}"'), "utf-8")
        self.so_pin = self.so_file.read_bytes()
        with self.wiring.open_module("issuing", read_write=True) as module:
            module.generate_key_pair(label="kept", algorithm=KeyAlgorithm.P256)

    def cards(self, option: str) -> list[object]:
        found: list[object] = []
        for card in self.officers.cards:
            file = self.folder / f"{card.name}.json"
            file.write_bytes(documents.write(card))
            found += [option, file]
        return [*found, "--threshold", 2]

    def here(self, option: str, *names: str) -> list[object]:
        return [each for name in names for each in (option, self.officers.uris[name])]

    def seal(self) -> Path:
        out = self.folder / "so.sealed.json"
        facts(self.folder, *self.sealing, "--out", out)
        return out

    @property
    def sealing(self) -> tuple[Any, ...]:
        return ("so-pin", "seal", *self.about, *self.cards("--officer"))

    @property
    def about(self) -> tuple[Any, ...]:
        return ("--token", "issuing", "--so-pin-file", self.so_file)

    def takes(self, so_pin: bytes) -> bool:
        """Whether the token takes a PIN as its officer's; tried by setting the user's to what it is."""
        try:
            set_user_pin(self.uri, so_pin, self.pin_file.read_bytes(), library=self.library)
        except Unavailable:
            return False
        return True

    def signs(self) -> bool:
        with self.wiring.open_module("issuing") as module:
            return bool(module.key("kept").sign(b"data"))


@pytest.fixture
def house(folder: Path, softhsm: Path, custodians: Custodians) -> House:
    return House(folder, softhsm, custodians)


# What must not work


def test_no_operator_alone_seals_throws_away_or_uses_an_officers_pin(house: House) -> None:
    sealed = house.seal()
    house.so_file.touch(mode=0o600)
    house.so_file.write_bytes(new_pin())
    enrol_staff(house.wiring)
    asked: dict[str, tuple[Any, ...]] = {
        "key.seal-so-pin": (*house.sealing, "--out", house.folder / "other"),
        "key.discard-so-pin": ("so-pin", "discard", *house.about, "--confirm", house.uri.token),
        "key.reset-pin": (
            *("so-pin", "reset", sealed, "--token", "issuing", *house.cards("--operator")),
            *("--out", house.folder / "other", *house.here("--officer", "anna", "boris")),
        ),
    }
    for what, arguments in asked.items():
        done = call(house.folder, *arguments, *who(house.wiring, "olga"), typed=PASSPHRASE)
        assert isinstance(done.exception, Refused), (what, done.output, done.exception)
        assert asked_for(done.exception)[0] == what
    assert house.so_file.exists()
    assert not (house.folder / "other").exists()
    assert house.signs()


def test_a_wrong_officers_pin_changes_nothing_and_keeps_the_file(house: House) -> None:
    house.so_file.write_bytes(new_pin())
    for arguments in (
        (*house.sealing, "--out", house.folder / "sealed"),
        ("so-pin", "discard", *house.about, "--confirm", house.uri.token),
    ):
        done = call(house.folder, *arguments)
        assert isinstance(done.exception, Unavailable), done.output
        assert done.exception.code == "module.so-pin-wrong"
    assert house.so_file.exists()
    assert not (house.folder / "sealed").exists()  # it would open nothing
    assert house.takes(house.so_pin)


def test_a_sealed_officers_pin_that_the_token_does_not_take_leaves_no_sealed_file(house: House) -> None:
    with house.wiring.open_module("issuing") as module:
        here = module.token_uri
    about: dict[str, Any] = {"token": here.token or "", "serial": here.serial or "", "threshold": 2}
    cards = house.officers.cards
    sealed, out = house.folder / "so.sealed.json", house.folder / "user.sealed.json"
    sealed.write_bytes(documents.write(seal(new_pin(), operators=cards, sha1=True, of_officer=True, **about)))
    done = call(
        house.folder,
        *("so-pin", "reset", sealed, "--token", "issuing", *house.cards("--operator"), "--out", out),
        *house.here("--officer", "anna", "boris"),
    )
    assert isinstance(done.exception, Unavailable), done.output
    assert done.exception.code == "module.so-pin-wrong"
    assert "nothing was changed" in str(done.exception)
    assert not out.exists()
    assert house.pin_file.exists()
    assert house.signs()


def test_an_act_on_a_pin_that_may_have_been_done_uses_its_approvals_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol_staff(house.wiring)
    out = house.folder / "user.sealed.json"
    act = ("seal", "--token", "issuing", *house.cards("--operator"))

    def run(out: Path) -> BaseException | None:
        given = (*act, "--out", out, *who(house.wiring, "olga"))
        return call(house.folder, *given, typed=PASSPHRASE).exception

    def ends(*_: object, **__: object) -> None:
        raise Unavailable("database.unreachable", "The process ended here.")

    def done_and_ends(module: Module, pin: bytes) -> None:
        change_pin(module, pin)
        ends()

    def ending(name: str, what: object) -> BaseException | None:
        """Run it, so that the act ends there and nobody says what became of its approvals."""
        end = Approving.end

        def silent(*given: Any, why: str, **named: Any) -> None:
            if not why.startswith("failed"):
                end(*given, why=why, **named)

        with monkeypatch.context() as patched:
            patched.setattr(key_activation, name, what)
            patched.setattr(Approving, "end", silent)
            return run(out)

    asked = refused(run(out))
    approve(house.wiring, "anna", "security-officer", *asked)
    approve(house.wiring, "olga", "operator", *asked)
    assert "ended here" in str(ending("seal", ends))
    # It was not ordered: the approvals come back, and serve.
    assert "ended here" in str(ending("change_pin", done_and_ends))
    assert told(house, "roles.approvals-") == ["roles.approvals-returned"]
    # It was, and done: who activates the token and gives the command again needs new ones.
    two = house.here("--operator", "anna", "boris")
    done = call(
        house.folder,
        *("activate", out, "--token", "issuing", *two, *who(house.wiring, "olga")),
        typed=PASSPHRASE,
    )
    assert done.exit_code == 0, done.exception
    assert refused(run(house.folder / "again.json")) == asked
    assert told(house, "roles.approvals-") == ["roles.approvals-used", "roles.approvals-returned"]
    assert house.signs()


def refused(error: BaseException | None) -> tuple[str, str]:
    """What is to be approved, as the refusal says."""
    assert isinstance(error, Refused), error
    return asked_for(error)


def told(house: House, prefix: str) -> list[str]:
    """The newest events that begin so, newest first."""
    with house.wiring.open_database() as database, database.read() as connection:
        return [one.type for one in newest(connection, limit=9, type_prefix=prefix)]


def test_an_officers_pin_is_thrown_away_only_by_who_writes_the_tokens_label(house: House) -> None:
    done = call(house.folder, "so-pin", "discard", *house.about, "--confirm", "issuing")
    assert isinstance(done.exception, Rejected)
    assert house.so_file.exists()
    assert house.takes(house.so_pin)


@pytest.mark.req("TRUSTWORKS:KEYS-PIN-OF-WHOM")
def test_one_officer_alone_sets_no_pin_and_a_sealed_pin_serves_for_its_own_use(house: House) -> None:
    sealed = house.seal()
    reset = ("so-pin", "reset", sealed, "--token", "issuing", *house.cards("--operator"))
    out = ("--out", house.folder / "user.sealed.json")
    done = call(house.folder, *reset, *out, *house.here("--officer", "anna"))
    assert isinstance(done.exception, Rejected)
    assert done.exception.code == "keys.quorum"
    done = call(house.folder, "activate", sealed, "--token", "issuing", *house.here("--operator", "anna"))
    assert isinstance(done.exception, Refused)
    assert done.exception.requirement == "TRUSTWORKS:KEYS-PIN-OF-WHOM"
    user = house.folder / "the-users.json"
    facts(house.folder, "seal", "--token", "issuing", *house.cards("--operator"), "--out", user)
    done = call(house.folder, "so-pin", "reset", user, *reset[3:], *out, *house.here("--officer", "anna"))
    assert isinstance(done.exception, Refused)
    assert done.exception.requirement == "TRUSTWORKS:KEYS-PIN-OF-WHOM"
    assert not (house.folder / "user.sealed.json").exists()


# What works


def test_outside_of_laboratories_pins_that_lie_on_a_disk_are_sealed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trustworks.core.module.activation.in_memory", lambda _: False)
    enrol_staff(house.wiring)
    config = house.folder / "trustworks.toml"
    text = config.read_text("utf-8").replace("lab = true", "lab = false")
    config.write_text(
        text.replace("[module]\n", '[module]\napproval = "approval.json"\noaep-sha1 = true\n'), "utf-8"
    )
    wiring = Wiring.lazy(config)
    assert not wiring.lab
    with pytest.raises(Refused) as caught, wiring.open_module("issuing"):
        pass
    assert caught.value.requirement == "TRUSTWORKS:KEYS-ATTENDED"
    for given, event in (
        ((*house.sealing, "--out", house.folder / "so.json"), "module.so-pin-seal"),
        (
            ("seal", "--token", "issuing", *house.cards("--operator"), "--out", house.folder / "user.json"),
            "module.pin-seal",
        ),
    ):
        command = (*given, *who(wiring, "olga"))
        asked = refused(call(house.folder, *command, typed=PASSPHRASE).exception)
        approve(wiring, "anna", "security-officer", *asked)
        approve(wiring, "olga", "operator", *asked)
        done = call(house.folder, *command, typed=PASSPHRASE)
        assert done.exit_code == 0, (done.output, done.exception)
        with wiring.open_database() as database, database.read() as connection:
            holds = {one.value["detail"]["hold"] for one in newest(connection, limit=9, type_prefix=event)}
        assert len(holds) == 1  # of both events
    assert not house.so_file.exists()
    assert not house.pin_file.exists()
    assert (house.folder / "so.json").exists()
    assert (house.folder / "user.json").exists()


def test_two_officers_set_a_new_pin_of_the_user_that_two_operators_open(house: House) -> None:
    sealed = house.seal()
    assert not house.so_file.exists()
    assert not house.takes(house.so_pin)  # what lay in the file is of no use any more
    assert house.signs()
    house.pin_file.write_bytes(b"a PIN that is lost")
    out = house.folder / "user.sealed.json"
    made = facts(
        house.folder,
        *("so-pin", "reset", sealed, "--token", "issuing", *house.cards("--operator"), "--out", out),
        *house.here("--officer", "clara", "anna"),
    )
    assert made["opened_by"] == ["clara", "anna"]
    assert not house.pin_file.exists()
    facts(
        house.folder,
        "activate",
        out,
        *("--token", "issuing"),
        *house.here("--operator", "boris", "clara"),
    )
    assert house.signs()


def test_an_officers_pin_that_was_thrown_away_is_nobodys(house: House) -> None:
    facts(house.folder, "so-pin", "discard", *house.about, "--confirm", house.uri.token)
    assert not house.so_file.exists()
    assert not house.takes(house.so_pin)
    assert house.signs()
