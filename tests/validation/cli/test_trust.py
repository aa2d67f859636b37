"""`trustworks trust`, as its user runs it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from trusted_list_bench import (
    LOTL,
    NOW,
    PUBLICATION,
    list_of_lists,
    list_xml,
    party,
    provider,
    service,
    sign,
    state,
)
from typer.testing import CliRunner

from trustworks.core.errors import Malformed
from trustworks.validation.cli import trust

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

COMMISSION, GREEK = party("Commission"), party("Greek operator")
AT = ["--at", NOW.isoformat()]


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A directory with the files of lists, the anchor, and a place for the store."""
    files = tmp_path / "files"
    files.mkdir()
    listed = provider("Pro\u202evider", service(state(party("P").der), state(status="past")))
    (files / "lotl.xml").write_bytes(list_of_lists({"EL": GREEK, "BE": GREEK}, signer=COMMISSION))
    (files / "EL.xml").write_bytes(sign(list_xml(providers=[listed]), GREEK))
    (tmp_path / "oj.pem").write_bytes(COMMISSION.certificate.public_bytes(Encoding.PEM))
    return tmp_path


def run(room: Path, command: str, *arguments: str) -> Result:
    return CliRunner().invoke(trust.app, [command, *arguments, "--trust", str(room / "store")])


def refresh(room: Path, *more: str, at: str = NOW.isoformat()) -> Result:
    anchor = ["--anchor", str(room / "oj.pem"), "--publication", PUBLICATION, "--lotl", LOTL]
    return run(room, "refresh", "--from", str(room / "files"), *anchor, "--at", at, *more)


def test_lists_are_refreshed_listed_and_shown(room: Path) -> None:
    done = refresh(room)
    assert done.exit_code == 0
    assert "EU  new       number 300\n" in done.stdout
    assert "EL  new       number 5\n" in done.stdout
    assert "BE  missing" in done.stdout
    again = run(room, "refresh", "--from", str(room / "files"), *AT, "--json")
    assert [one["result"] for one in json.loads(again.stdout)] == ["unchanged", "missing", "unchanged"]
    listed = run(room, "list", *AT)
    assert "EL        5  2026-02-01  2026-07-01          1         1\n" in listed.stdout
    assert "BE        0" in listed.stdout
    rows = {one["territory"]: one for one in json.loads(run(room, "list", *AT, "--json").stdout)}
    assert (rows["EL"]["services"], rows["EL"]["status"]) == (1, "EUTL_VERIFICATION_PASSED")
    shown = run(room, "show", "el", "--history", *AT).stdout
    assert "EL: Operator, number 5" in shown
    assert "  Pro\\u202evider\n" in shown  # nothing that a terminal would obey
    assert "CA/QC                  granted                since 2017-01-01" in shown
    assert "past" in shown
    document = json.loads(run(room, "show", "EL", *AT, "--json").stdout)
    assert document["providers"][0]["services"][0]["certificates"][0]
    nobody = json.loads(run(room, "show", "EL", "--provider", "other", *AT, "--json").stdout)
    assert nobody["providers"] == []
    assert "https://lists.example/EL.xml" in run(room, "show", "EU", *AT).stdout


def test_a_list_of_lists_that_is_not_believed_ends_with_1(room: Path) -> None:
    later = (NOW + timedelta(days=365)).isoformat()
    assert refresh(room, at=later).exit_code == 1
    assert "LOTL_NEXTUPDATE_PASSED" in run(room, "list", "--at", later).stdout


def test_what_cannot_be_done_is_said(room: Path) -> None:
    for result, says in (
        (run(room, "list"), "trust refresh"),
        (run(room, "refresh", "--from", str(room / "files")), "--anchor"),
        (run(room, "refresh", "--from", str(room / "nowhere")), "no directory"),
        (refresh(room, at="soon"), "no moment"),
    ):
        assert isinstance(result.exception, Malformed)
        assert says in str(result.exception)
    refresh(room)
    result = run(room, "show", "FR", *AT)
    assert isinstance(result.exception, Malformed)
    assert "there are EL, EU" in str(result.exception)


def test_private_networks_are_not_asked_for_lists(room: Path) -> None:
    options = ["--anchor", str(room / "oj.pem"), "--lotl", "http://127.0.0.1:9/lotl.xml", "--json"]
    for more, says in (([], "not at a public address"), (["--allow-private-addresses"], "did not answer")):
        done = run(room, "refresh", *options, *more)
        assert done.exit_code == 1
        assert says in json.loads(done.stdout)[0]["words"]
