"""`trustworks trusted-list`: build, show, verify, diff, and what each refuses."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nobody_acts import NobodyActs
from trusted_list_bench import list_xml, party, sign
from typer.testing import CliRunner, Result

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.roles.model import Act
from trustworks.issuance.cli.trusted_list import app

if TYPE_CHECKING:
    from pathlib import Path

    from trusted_list_house import House

# Two databases: test_races.py.
pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


@dataclass
class Module:
    house: House

    def key(self, label: str) -> Any:
        assert label == "list-signer"
        spki = self.house.keys["list signer"].public_key()
        return SimpleNamespace(
            label=label,
            spki=spki.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            scheme=SimpleNamespace(name="ECDSA_SHA256"),
            sign=self.house.signer().sign,
        )


class Wiring(NobodyActs):
    """The application's wiring, over a house of the tests."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self.house = house
        self.opened: list[str] = []
        self.trusted_list_settings = house.of.trusted_list

    def trusted_lists(self, *, database: Any, clock: Any, recorder: Any = None) -> Any:
        del database, clock, recorder
        return self.house.lists

    def open_module(self, token: str) -> AbstractContextManager[Any]:
        self.opened.append(token)
        return nullcontext(Module(self.house))

    def open_database(self) -> AbstractContextManager[Any]:
        return nullcontext(self.house.provider.database)

    def open_recorder(self, role: str, *, database: Any = None) -> AbstractContextManager[Any]:
        del role, database
        return nullcontext(self.house.provider.recorder)

    def open_clock(self) -> Any:
        return self.house.provider.clock


def run(house: House, *arguments: str) -> tuple[Result, Wiring]:
    wiring = Wiring(house)
    return CliRunner().invoke(app, list(arguments), obj=wiring), wiring


def test_lists_are_built_by_command_with_one_token_open(house: House) -> None:
    result, wiring = run(house, "build", "--by", "officer", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert (told["built"], told["list"]["number"], told["list"]["territory"]) == (True, 1, "XX")
    assert wiring.opened == ["services"]
    assert [one[0] for one in wiring.asked] == [Act.PUBLISH]
    house.provider.clock.advance(days=1)
    result, _ = run(house, "build")
    assert result.output.splitlines()[0].startswith("Published number 2 of http://tsp.example.com/tl/XX.xml")
    assert result.output.splitlines()[1].startswith(
        "Published number 2 of http://tsp.example.com/tl/lotl.xml"
    )


def test_only_what_is_due_is_built(house: House) -> None:
    for output, opened in (("Published number 1", ["services"]), ("No new list is due.", [])):
        result, wiring = run(house, "build", "--if-due")
        assert output in result.output
        assert wiring.opened == opened
        house.provider.clock.advance(seconds=1)
    assert json.loads(run(house, "build", "--if-due", "--json")[0].output) == {"built": False}


def test_what_the_list_tells_is_shown(house: House) -> None:
    house.unit()
    house.issue()
    result, _ = run(house, "show")
    assert "XX:Trustworks TEST trusted list" in result.output
    assert "TSA/QTST            granted" in result.output
    told = json.loads(run(house, "show", "--json")[0].output)
    assert [one["type"] for one in told["services"]] == ["CA/QC", "Certstatus/OCSP/QC", "TSA/QTST"]
    result, _ = run(house, "show", "--list-of-lists")
    assert "points to http://tsp.example.com/tl/XX.xml" in result.output


def test_earlier_lists_are_written_to_files_and_those_that_never_were_refused(
    house: House, tmp_path: Path
) -> None:
    first = house.issue()
    house.provider.clock.advance(days=1)
    house.issue()
    file = tmp_path / "list.xml"
    result, _ = run(house, "show", "--number", "1", "--out", str(file))
    assert "Wrote number 1" in result.output
    assert len(file.read_bytes()) == first.size
    result, _ = run(house, "show", "--number", "3")
    assert isinstance(result.exception, Rejected)
    assert "there are 1 to 2" in str(result.exception)


@pytest.mark.parametrize("command", ["show", "verify"])
def test_before_the_first_list_it_is_said_what_to_do(house: House, command: str) -> None:
    result, _ = run(house, command)
    assert isinstance(result.exception, Rejected)
    assert "trusted-list build" in str(result.exception)


def test_the_lists_in_force_are_verified(house: House) -> None:
    house.issue()
    result, _ = run(house, "verify")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "http://tsp.example.com/tl/XX.xml: good",
        "http://tsp.example.com/tl/lotl.xml: good",
    ]
    house.provider.clock.advance(days=31)
    result, _ = run(house, "verify", "--json")
    assert result.exit_code == 1
    told = json.loads(result.output)
    assert [len(one["faults"]) for one in told["lists"]] == [1, 1]
    assert "A new list was due on" in told["lists"][0]["faults"][0]


def test_a_file_is_verified_by_who_has_to_have_signed_it(house: House, tmp_path: Path) -> None:
    house.issue()
    file = tmp_path / "list.xml"
    file.write_bytes(house.octets()[0])
    assert run(house, "verify", str(file))[0].exit_code == 0
    file.write_bytes(house.octets()[0].replace(b"TEST Town", b"TEST Toun"))
    result, _ = run(house, "verify", str(file))
    assert (result.exit_code, "does not hold" in result.output) == (1, True)
    file.write_bytes(house.octets()[0])
    another = tmp_path / "another.pem"
    another.write_bytes(party("another").certificate.public_bytes(Encoding.PEM))
    result, _ = run(house, "verify", str(file), "--signer", str(another))
    assert (result.exit_code, "another certificate" in result.output) == (1, True)


def test_what_is_no_list_is_said_so(house: House, tmp_path: Path) -> None:
    file = tmp_path / "list.xml"
    for octets in (b"no list", b"<a/>"):
        file.write_bytes(octets)
        for command in (["verify", str(file)], ["diff", str(file), str(file)]):
            assert isinstance(run(house, *command)[0].exception, Malformed)
    result, _ = run(house, "verify", str(tmp_path / "nowhere.xml"))
    assert "cannot be read" in str(result.exception)


def test_what_changed_is_told_in_words(house: House, tmp_path: Path) -> None:
    unit = house.unit()
    house.issue()
    house.provider.clock.advance(days=1)
    house.units.remove(unit)
    house.unit("TSU 2")
    house.issue()

    result, _ = run(house, "diff", "1", "2")

    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0] == "The sequence number was 1 and is 2."
    assert any("Trustworks TEST TSU 1 (TSA/QTST) was granted since" in one for one in lines)
    assert any("Trustworks TEST TSU 2 (TSA/QTST) is new on it: granted since" in one for one in lines)
    assert json.loads(run(house, "diff", "1", "2", "--json")[0].output)["differences"] == lines

    file = tmp_path / "2.xml"
    run(house, "show", "--out", str(file))
    result, _ = run(house, "diff", str(file), "2")
    assert (result.exit_code, result.output) == (0, "The lists are the same.\n")


def test_lists_of_others_are_told_apart_too(house: House, tmp_path: Path) -> None:
    for name in ("1.xml", "2.xml"):
        (tmp_path / name).write_bytes(sign(list_xml("EL"), party("Operator")))
    result, _ = run(house, "diff", str(tmp_path / "1.xml"), str(tmp_path / "2.xml"))
    assert (result.exit_code, "were signed apart" in result.output) == (1, True)
