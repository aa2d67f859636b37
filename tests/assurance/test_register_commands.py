"""The register and its verdicts as an operator types them."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from certificate_sources import as_json, cmvp_record
from nobody_acts import NobodyActs
from typer.testing import CliRunner

from trustworks.assurance.cli import app
from trustworks.assurance.model import FactName
from trustworks.assurance.records import EntryKind
from trustworks.assurance.registered import facts_of, history_of
from trustworks.core.audit import Recorder
from trustworks.core.audit.search import newest
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


SAID = ("--source", "s", "--retrieved", "2026-11-01")


@pytest.fixture
def downloaded(tmp_path: Path) -> Path:
    file = tmp_path / "9001.json"
    file.write_bytes(as_json(cmvp_record()))
    return file


@pytest.fixture
def registered(wiring: Wiring, downloaded: Path) -> Wiring:
    """A module with its certificate, bound to a process."""
    run(
        wiring,
        "product",
        "add",
        "hsm-1",
        "--name",
        "Beispiel K9",
        "--firmware",
        "7.8.0",
        "--hardware",
        "808-0001",
        "--device",
    )
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
        ("identity", ["firmware=7.8.0", "hardware=808-0001"]),
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
    run(registered, "transfer", "add", "hsm-1", "hsm-1", "--backup", "--equal-protection")

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


def test_a_service_that_has_nothing_is_told_and_one_that_nobody_knows_is_refused(registered: Wiring) -> None:
    with pytest.raises(
        Malformed, match="'x' is no service of a rule set; there are: archiving, certificates"
    ):
        run(registered, "verdicts", "--service", "x")
    for command in ("verdicts", "forecast"):
        told = run(registered, command, "--service", "eaa")
        assert told.startswith("Nothing is bound to the service eaa")
        assert "Its processes: attestation_key." in told
    assert verdicts(registered, "--service", "eaa")["reports"][0]["services"] == []
    assert verdicts(registered, "--service", "certificates")["reports"][0]["services"] != []


OWN = """
id = "own"
title = "Our own rules"
source = "A decision of ours"
edition = 2026-11-01
words = "Any module that is a device."

[[table]]
id = "device"
reference = "1"
words = "It is a device."
asks = ["hardware"]
CASES

[[option]]
id = "OURS"
reference = "1"
label = "A device"
rules = ["device"]

[[process]]
service = "certificates"
id = "ca_key_use"
reference = "1"
label = "use of keys"
options = ["OURS"]
"""
CASE = """
[[table.case]]
hardware = "{}"
verdict = "{}"
says = "said"
"""


DEVICES = (("real", "strong"), ("test", "insufficient"), ("unknown", "unknown"))


def test_verdicts_by_a_rule_set_of_ones_own_that_is_whole(registered: Wiring, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    cases = [CASE.format(*one) for one in DEVICES]
    file.write_text(OWN.replace("CASES", "".join(cases)), encoding="utf-8")
    (report,) = verdicts(registered, "--rules", str(file))["reports"]
    assert (report["rule_set"], report["services"][0]["verdict"]) == ("own", "strong")
    assert "Our own rules, from" in run(registered, "forecast", "--rules", str(file))
    with pytest.raises(Malformed, match="'eaa' is no service of a rule set; there are: certificates"):
        run(registered, "verdicts", "--service", "eaa", "--rules", str(file))
    file.write_text(OWN.replace("CASES", "".join(cases[:-1])), encoding="utf-8")
    for command in ("verdicts", "forecast"):
        with pytest.raises(Malformed, match=r"is not whole, and answers nothing: .*rules check"):
            run(registered, command, "--rules", str(file))


def test_what_is_found_has_todays_standing_and_the_age_of_its_source(wiring: Wiring, tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    today = datetime.now(UTC).date()
    ended = cmvp_record(certificate_number="9002", sunset_date=f"{today - timedelta(days=1):%m/%d/%Y}")
    file.write_bytes(as_json([cmvp_record(), ended]))
    run(wiring, "certificate", "import", str(file), "--source", "s", "--retrieved", "2026-10-01")
    first, second = run(wiring, "certificate", "find", "90").splitlines()
    assert first.endswith("[active until 2029-04-01; its source of 2026-10-01 is old]")
    assert f"[historical, as its validity ended on {today - timedelta(days=1)};" in second
    found = json.loads(run(wiring, "certificate", "find", "90", "--json"))
    assert [one["standing"]["today"] for one in found] == ["active", "historical"]
    assert found[0]["standing"]["old_source_of"] == "2026-10-01"


def test_the_day_of_a_download_is_told_where_nobody_said_it(wiring: Wiring, downloaded: Path) -> None:
    day = datetime.now(UTC) - timedelta(days=40)
    os.utime(downloaded, (day.timestamp(), day.timestamp()))
    for words in (["certificate", "import", "--source", "s"], ["sources", "read"]):
        told = run(wiring, *words, str(downloaded))
        assert f"9001.json: taken as downloaded on {day:%Y-%m-%d}, the file's own time" in told
        assert "taken as" not in run(wiring, *words, str(downloaded), "--retrieved", "2026-10-01")
    ahead = datetime.now(UTC) + timedelta(days=2)
    os.utime(downloaded, (ahead.timestamp(), ahead.timestamp()))
    for words in (["certificate", "import", "--source", "s"], ["sources", "read"]):
        with pytest.raises(Malformed, match=r"not come\. Its own time is wrong: say by --retrieved"):
            run(wiring, *words, str(downloaded))
        with pytest.raises(Malformed, match=r"which has not come\. Say on which day"):
            run(wiring, *words, str(downloaded), "--retrieved", f"{ahead:%Y-%m-%d}T23:59:00Z")


def test_one_file_stands_for_several_documents(registered: Wiring, tmp_path: Path) -> None:
    file = tmp_path / "all.pdf"
    file.write_bytes(b"risk analysis and coverage")
    kinds = ("risk-analysis", "coverage-demonstration", "equivalence-evidence", "coverage-demonstration")
    for kind in kinds:
        run(registered, "document", "add", kind, "hsm-1", str(file), "--standard", "ISO/IEC 15408, EAL 4")
    listed = json.loads(run(registered, "document", "list", "--json"))
    own = [one["kind"] for one in listed if one["title"] == "all.pdf"]
    assert sorted(own) == sorted(set(kinds))  # said twice, it is one
    assert len({one["sha256"] for one in listed if one["title"] == "all.pdf"}) == 1


def test_who_read_it_is_told_beside_who_enters_it(registered: Wiring) -> None:
    run(
        registered, "confirm", "condition", "hsm-1", "fips:9001", "--page", "p. 3", "--person", "p-7",
        "--by", "carl",
    )  # fmt: skip
    with pytest.raises(Malformed, match="is no pseudonym"):
        run(registered, "confirm", "condition", "hsm-1", "fips:9001", "--page", "3", "--person", "Anna B")
    with registered.database.read() as connection:
        (confirmed,) = facts_of(connection).confirmations
    assert confirmed.by == "p-7"


# Certificates that are entered by hand


def enter(wiring: Wiring, paper: Path, identifier: str, *options: str) -> str:
    given = ["--file", str(paper), "--page", "page 3", *options]
    return run(wiring, "certificate", "add", identifier, *given)


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    file = tmp_path / "certificate.pdf"
    file.write_bytes(b"the certificate")
    return file


HELD = (
    *("--product", "Beispiel K9", "--holder", "Beispiel AG", "--status", "active"),
    *("--issued", "2025-01-01", "--ends", "2035-01-01", "--firmware", "7.8.0"),
)


def test_rows_that_no_importer_reads_are_reached_by_hand(
    registered: Wiring, paper: Path, tmp_path: Path
) -> None:
    common = ("--standard", "CC:2022", "--eal", "EAL4+ AVA_VAN.5 ALC_FLR.2", "--profile", "EN 419221-5:2018")
    told = enter(registered, paper, "cc:EX-2026-1", *HELD, *common, "--person", "p-2")
    assert "certificate bind cc:EX-2026-1 PRODUCT" in told
    enter(registered, paper, "national:EX-7", *HELD, "--standard", "ITSEC E4", "--scheme", "EX", "--eal", "4")
    analysis = tmp_path / "analysis.pdf"
    analysis.write_bytes(b"analysis, coverage, equivalence")
    for kind in ("coverage-demonstration", "equivalence-evidence"):
        run(registered, "document", "add", kind, "hsm-1", str(analysis), "--standard", "ISO/IEC 15408, EAL 4")
    for one in ("cc:EX-2026-1", "national:EX-7"):
        run(registered, "certificate", "bind", one, "hsm-1")
        for kind, values in (
            ("identity", ["--value", "firmware=7.8.0"]),
            ("evaluated-scope", ["--value", "sign"]),
        ):
            run(registered, "confirm", kind, "hsm-1", one, "--page", "p. 1", *values)
    run(registered, "confirm", "target-fits", "hsm-1", "cc:EX-2026-1", "--page", "analysis, p. 2")
    reports = [
        {one["option"]: one for each in report["services"] for process in each["processes"]
         if process["process"] == "ca_key_use" for one in process["options"]}
        for report in verdicts(registered)["reports"]
    ]  # fmt: skip
    assert reports[0]["CUR-CC-EAL4"]["verdict"] in {"strong", "argued"}
    assert reports[1]["NATIONAL-EQ"]["verdict"] == "argued"
    assert reports[1]["NATIONAL-EQ"]["certificate"] == "national:EX-7"
    sources = [fact["source"] for one in reports[0]["CUR-CC-EAL4"]["reasons"] for fact in one["facts"]]
    assert any("certificate.pdf, page 3, read by p-2, retrieved" in one for one in sources)
    shown = run(registered, "certificate", "show", "cc:EX-2026-1")
    assert "AVA_VAN.5, ALC_FLR.2  (certificate.pdf, page 3, read by p-2," in shown


@pytest.mark.req("TRUSTWORKS:ASSURANCE-BY-HAND-CORRECTED")
def test_a_fact_is_corrected_by_a_later_one_with_its_reason(wiring: Wiring, paper: Path) -> None:
    enter(wiring, paper, "cc:EX-2026-1", "--eal", "4", "--holder", "Beispiel AG", "--person", "p-2")
    enter(wiring, paper, "cc:EX-2026-1", "--eal", "4", "--person", "p-3")  # read again: the same
    with pytest.raises(Refused, match="was read otherwise before: eal 4 to 5") as refused:
        enter(wiring, paper, "cc:EX-2026-1", "--eal", "5")
    assert refused.value.requirement == "TRUSTWORKS:ASSURANCE-BY-HAND-CORRECTED"
    with pytest.raises(Rejected, match="was read later, on"):
        enter(wiring, paper, "cc:EX-2026-1", "--eal", "5", "--read-on", "2026-01-01", "--correction", "x")
    told = enter(wiring, paper, "cc:EX-2026-1", "--eal", "5", "--correction", "the wrong column")
    assert told.startswith("Corrected eal of cc:EX-2026-1")
    with wiring.database.read() as connection:
        versions = history_of(connection, EntryKind.CERTIFICATE, "cc:EX-2026-1")
        (event,) = [
            one.value for one in newest(connection, limit=9, type_prefix="assurance.certificate-corr")
        ]
        (now,) = facts_of(connection).certificates
    assert len(versions) == 3
    assert '"value":4' in (versions[0].content or "")
    assert event["detail"]["facts"] == [{"fact": "eal", "before": "4", "after": "5"}]
    assert event["detail"]["reason"] == "the wrong column"
    assert (now.value(FactName.EAL), now.value(FactName.HOLDER)) == (5, "Beispiel AG")


@pytest.mark.parametrize(
    ("identifier", "options", "sentence"),
    [
        ("EX-2026-1", ["--eal", "4"], "names no certificate: write its scheme"),
        ("cc:two words", ["--eal", "4"], "names no certificate"),
        ("itsec:1", ["--eal", "4"], "names no certificate"),
        ("cc:1", [], "nothing was read in it"),
        ("cc:1", ["--eal", "high", "--ends", "soon"], "is no date.*is no assurance level"),
        ("cc:1", ["--overall-level", "3"], "overall-level: no certificate of cc has it"),
        ("fips:1", ["--eal", "4"], "eal: no certificate of fips has it"),
        ("fips:1", ["--overall-level", "7"], "no level from 1 to 4"),
        ("fips:1", ["--area", "Physical Security 4"], "is no area with its level"),
        ("cc:1", ["--issued", "2026-01-02", "--ends", "2026-01-01"], "before it was issued"),
        ("cc:1", ["--issued", "2999-01-01"], "after its document was retrieved"),
        ("cc:1", ["--report", "file:///etc/passwd"], "is no address on the web"),
        ("cc:1", ["--holder", " "], "holder: it is empty"),
        ("cc:1", ["--eal", "4", "--person", "Petra Probe"], "is no pseudonym"),
        ("cc:1", ["--eal", "4", "--page", " "], "Say where in the file"),
    ],
)
def test_what_cannot_be_read_in_a_certificate_is_told_at_once(
    wiring: Wiring, paper: Path, identifier: str, options: list[str], sentence: str
) -> None:
    with pytest.raises(Malformed, match=sentence):
        enter(wiring, paper, identifier, *options)
    assert "No certificate is registered" in run(wiring, "certificate", "list")


def test_what_was_read_cannot_be_of_a_day_that_has_not_come_nor_contradict_itself(
    wiring: Wiring, paper: Path
) -> None:
    with pytest.raises(Malformed, match="which has not come"):
        enter(wiring, paper, "cc:1", "--eal", "4", "--read-on", "2999-01-01")
    enter(wiring, paper, "cc:1", "--ends", "2026-01-01")
    with pytest.raises(Rejected, match="cannot be so: it ends on 2026-01-01, before it was issued"):
        enter(wiring, paper, "cc:1", "--issued", "2026-02-01")


def test_what_is_not_there_is_said_as_none(wiring: Wiring, paper: Path) -> None:
    enter(wiring, paper, "fips:1", "--caveat", "none", "--area", "none", "--overall-level", "3")
    enter(wiring, paper, "cc:1", "--eal", "none", "--caveat", "When installed as the guidance says")
    with wiring.database.read() as connection:
        common, fips = facts_of(connection).certificates
    assert (fips.value(FactName.CAVEAT), fips.value(FactName.AREA_LEVELS)) == ("", {})
    assert common.value(FactName.EAL) == 0


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
    told = json.loads(run(wiring, "certificate", "import", str(file), *SAID, "--json", code=1))
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
