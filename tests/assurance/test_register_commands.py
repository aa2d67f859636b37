"""The register and its verdicts as an operator types them."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from certificate_sources import as_json, cmvp_record
from nobody_acts import NobodyActs
from typer.testing import CliRunner

from trustworks.assurance.cli import app
from trustworks.core.audit import Recorder
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.roles.model import Act

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.core.store import Database

pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)  # one is enough here


class Wiring(NobodyActs):
    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database

    @contextmanager
    def open_database(self) -> Iterator[Database]:
        yield self.database

    @contextmanager
    def open_recorder(self, stream: str, *, database: Database) -> Iterator[Recorder]:
        with Recorder.open(database, stream) as opened:
            yield opened


@pytest.fixture
def wiring(database: Database) -> Wiring:
    return Wiring(database)


def run(wiring: Wiring, *words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(words), obj=wiring)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def downloaded(tmp_path: Path) -> Path:
    file = tmp_path / "9001.json"
    file.write_bytes(as_json(cmvp_record()))
    return file


@pytest.fixture
def registered(wiring: Wiring, downloaded: Path) -> Wiring:
    """A module with its certificate, bound to a process."""
    run(wiring, "product", "add", "hsm-1", "--name", "Example HSM", "--firmware", "7.8.0", "--device")
    run(wiring, "certificate", "import", str(downloaded), "--source", "the programme")
    run(wiring, "certificate", "bind", "fips:9001", "hsm-1")
    run(
        wiring, "binding", "add", "certificates", "ca_key_use", "hsm-1",
        "--function", "sign", "--algorithm", "P-384",
    )  # fmt: skip
    analysis = downloaded.with_name("risk.pdf")
    analysis.write_bytes(b"the analysis")
    run(wiring, "document", "add", "risk-analysis", "hsm-1", str(analysis))
    return wiring


def verdicts(wiring: Wiring, *options: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(run(wiring, "verdicts", "--json", *options))
    return values


def process(wiring: Wiring, *options: str) -> dict[str, Any]:
    report = verdicts(wiring, *options)["reports"][0]
    return next(
        one for each in report["services"] for one in each["processes"] if one["process"] == "ca_key_use"
    )


def test_a_module_is_registered_step_by_step_and_its_verdict_rises(
    registered: Wiring, tmp_path: Path
) -> None:
    assert process(registered)["verdict"] == "unknown"
    guidance = tmp_path / "guidance.pdf"
    guidance.write_bytes(b"the guidance")
    for kind, values in (
        ("identity", ["firmware=7.8.0"]),
        ("evaluated-scope", ["sign"]),
        ("condition", []),
        ("target-fits", []),
    ):
        given = [word for one in values for word in ("--value", one)]
        run(registered, "confirm", kind, "hsm-1", "fips:9001", "--page", "policy, page 3", *given)
    run(registered, "document", "add", "vendor-guidance", "hsm-1", str(guidance))
    for kind in ("shipment", "storage", "vendor-guidance-followed", "default-credentials-changed"):
        run(registered, "check", "add", kind, "hsm-1", "--person", "a", "--person", "b", "--seal", "1")
    run(registered, "check", "add", "life-cycle", "hsm-1", "--person", "a")
    run(registered, "check", "add", "function", "hsm-1", "--person", "a")
    run(registered, "check", "add", "dual-control", "hsm-1", "--person", "a", "--person", "b")
    run(registered, "headcount", "set", "hsm-1", "backup", "3", "--allowed", "3")

    found = process(registered)
    assert {one["option"]: one["verdict"] for one in found["options"]}["CUR-FIPS140-3-L3"] == "strong"
    assert found["verdict"] == "partial"  # what the module says of itself was not read
    with pytest.raises(Refused, match="A change is planned first"):
        run(registered, "product", "change", "hsm-1", "--firmware", "7.9.0")
    run(registered, "product", "change", "hsm-1", "--firmware", "7.9.0", "--correction", "misread")
    changed = process(registered)
    assert changed["verdict"] == "insufficient"
    assert "firmware was 7.8.0, and is 7.9.0" in json.dumps(changed)


def test_both_rule_sets_are_printed_the_current_one_first(registered: Wiring) -> None:
    told = run(registered, "verdicts")
    assert told.index("Implementing acts of 2025") < told.index("Guidance on Article 24(2)(e)")
    assert "ca_key_use (hsm-1): unknown" in told
    assert "This is evidence, and no decision" in told
    assert "Gap: certificates/ca_key_generation" in told
    assert "standing; our reading" in run(registered, "verdicts", "--whole")


def test_verdicts_are_of_the_day_that_is_asked_about(registered: Wiring) -> None:
    early = process(registered, "--at", "2020-01-01")
    assert (early["verdict"], early["begins"], early["obligation"]) == ("unknown", "2025-10-20", False)
    told = run(registered, "verdicts", "--at", "2020-01-01")
    assert "certificates: not in force yet, from 2025-10-20 on" in told
    assert "ca_key_use (hsm-1): not in force yet, from 2025-10-20 on  [no obligation]" in told
    then = process(registered, "--at", "2025-10-20")
    assert then["begins"] is None


def test_a_forecast_names_the_days(registered: Wiring) -> None:
    told = run(registered, "forecast", "--at", "2026-11-01", "--until", "2031-02-01")
    assert "2029-04-02  certificates/ca_key_use (hsm-1): unknown -> insufficient" in told
    with pytest.raises(Malformed, match="is before the first"):
        run(registered, "forecast", "--at", "2026-11-01", "--until", "2026-10-01")


def test_a_service_that_has_nothing_is_told_with_those_that_have(registered: Wiring) -> None:
    with pytest.raises(Malformed, match="Nothing is bound to the service 'x'; there are: certificates"):
        run(registered, "verdicts", "--service", "x")


def test_what_is_registered_is_listed_and_shown(registered: Wiring) -> None:
    assert "hsm-1" in run(registered, "product", "list")
    shown = run(registered, "product", "show", "hsm-1")
    assert "firmware              7.8.0" in shown
    assert "version 2" in shown
    assert "fips:9001" in run(registered, "certificate", "list")
    assert "overall-level        3  (9001.json, " in run(registered, "certificate", "show", "fips:9001")
    assert "certificates/ca_key_use" in run(registered, "binding", "list")
    assert "fips:9001" in run(registered, "certificate", "find", "9001")
    assert "certificates ca_key_use" in run(registered, "binding", "processes")


@pytest.mark.parametrize(
    "words",
    [
        ["product"],
        ["certificate"],
        ["binding"],
        ["check"],
        ["document"],
        ["paper"],
        ["transfer"],
        ["headcount"],
    ],
)
def test_an_empty_list_says_what_would_fill_it(wiring: Wiring, words: list[str]) -> None:
    told = run(wiring, *words, "list")
    assert "`trustworks assurance " in told
    assert json.loads(run(wiring, *words, "list", "--json")) == []


def test_an_import_with_a_problem_fails_and_imports_the_rest(wiring: Wiring, tmp_path: Path) -> None:
    file = tmp_path / "two.json"
    file.write_bytes(as_json([cmvp_record(), cmvp_record(certificate_number="9002", overall_level="high")]))
    told = json.loads(run(wiring, "certificate", "import", str(file), "--source", "s", "--json", code=1))
    assert told[0]["problems"]
    assert "fips:9001" in run(wiring, "certificate", "find", "9001")


def test_the_file_comes_back_octet_by_octet(registered: Wiring, downloaded: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(downloaded.read_bytes()).hexdigest()
    run(registered, "certificate", "file", digest[:12], "--out", str(tmp_path / "out.json"))
    assert (tmp_path / "out.json").read_bytes() == downloaded.read_bytes()
    with pytest.raises(Rejected, match="No kept file begins with 'ffff'"):
        run(registered, "certificate", "file", "ffff", "--out", str(tmp_path / "x"))


def test_a_binding_ends_and_a_product_retires(registered: Wiring) -> None:
    run(registered, "binding", "end", "certificates", "ca_key_use", "hsm-1", "--on", "2026-12-31")
    assert "until 2026-12-31" in run(registered, "binding", "list")
    run(registered, "product", "retire", "hsm-1", "--on", "2027-01-01")
    assert "2027-01-01" in run(registered, "product", "show", "hsm-1")
    with pytest.raises(Rejected, match="is not bound to hsm-2"):
        run(registered, "binding", "end", "certificates", "ca_key_use", "hsm-2", "--on", "2026-12-31")


def test_who_may_not_does_not(wiring: Wiring) -> None:
    wiring.refusal = Refused("CENTS419261:SA1.1", "Not you.")
    with pytest.raises(Refused):
        run(wiring, "product", "add", "hsm-1", "--name", "x")
    assert wiring.asked == [(Act.CONFIGURE, None, None)]
    wiring.refusal = None
    assert run(wiring, "product", "list").startswith("No product is registered")


def test_a_second_product_of_one_name_is_refused(registered: Wiring) -> None:
    told = CliRunner().invoke(app, ["product", "add", "hsm-1", "--name", "x"], obj=registered)
    assert told.exit_code == 2
    assert "There is a product hsm-1" in told.output
    told = CliRunner().invoke(app, ["product", "change", "hsm-1"], obj=registered)
    assert "Say what changes" in told.output


def test_transfers_and_numbers_are_entered(registered: Wiring) -> None:
    run(registered, "product", "add", "hsm-2", "--name", "Second")
    run(registered, "transfer", "add", "hsm-1", "hsm-2", "--equal-protection", "--allowed")
    run(registered, "headcount", "set", "hsm-1", "recovery", "3", "--allowed", "3")
    assert f"{datetime.now(UTC):%Y-%m-%d}  hsm-1 to hsm-2" in run(registered, "transfer", "list")
    assert "recovery: 3, allowed 3" in run(registered, "headcount", "list")
    assert "risk" not in run(registered, "check", "list")


def test_a_document_of_the_provider_is_entered_in_versions_and_taken_out(
    wiring: Wiring, tmp_path: Path
) -> None:
    file = tmp_path / "plan.txt"
    file.write_text("how we end", encoding="utf-8")
    of = ("--title", "Termination plan", "--written", "2026-01-02", "--pages", "pages 3 to 5")
    told = run(wiring, "paper", "add", "termination-plan", str(file), *of, "--version", "1")
    assert "for point 13(d) of Annex III" in told
    file.write_text("how we end now", encoding="utf-8")
    run(wiring, "paper", "add", "termination-plan", str(file), *of, "--version", "2", "--names-nobody")
    (one,) = json.loads(run(wiring, "paper", "list", "--json"))
    assert (one["version"], one["pages"], one["names_persons"]) == ("2", "pages 3 to 5", False)
    assert one["sha256"] == hashlib.sha256(b"how we end now").hexdigest()
    assert "version 2  Termination plan" in run(wiring, "paper", "list")
    run(wiring, "paper", "remove", one["id"], "--reason", "entered by mistake")
    assert json.loads(run(wiring, "paper", "list", "--json")) == []
    with pytest.raises(Rejected, match="has no paper"):
        run(wiring, "paper", "remove", one["id"], "--reason", "again")


@pytest.mark.parametrize(
    ("words", "refused", "told"),
    [
        (("--version", "1", "--written", "2999-01-01"), Rejected, "has not come"),
        (("--version", " "), Malformed, "needs a title and a version"),
        (("--version", "1", "--language", "English"), Malformed, "no ISO 639-1 code"),
        (("--version", "1", "--title", "a\x07b"), Malformed, "cannot be printed"),
    ],
)
def test_a_document_of_the_provider_that_cannot_be_is_refused(
    wiring: Wiring, tmp_path: Path, words: tuple[str, ...], refused: type[Exception], told: str
) -> None:
    file = tmp_path / "plan.txt"
    file.write_text("how we end", encoding="utf-8")
    with pytest.raises(refused, match=told):
        run(wiring, "paper", "add", "termination-plan", str(file), *words)
    assert json.loads(run(wiring, "paper", "list", "--json")) == []


def test_the_kinds_of_documents_name_their_points(wiring: Wiring) -> None:
    assert "13(d)   termination-plan" in run(wiring, "paper", "kinds")
    kinds = {one["kind"]: one for one in json.loads(run(wiring, "paper", "kinds", "--json"))}
    assert kinds["parties"]["points"] == ["2", "11"]
