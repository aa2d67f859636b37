from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from trustworks.assurance import cli
from trustworks.assurance.traceability import Places
from trustworks.assurance.traceability.results import Digests, Result, merge_results
from trustworks.assurance.traceability.scan import scan
from trustworks.assurance.traceability.table import NO_TESTS
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from pathlib import Path

REGISTER = """
standard = "STD 1"
version = "V1"
prefix = "STD"
[[requirement]]
id = "STD:1"
words = "A <b>bold</b> rule holds."
fulfilled_by = "product"
service = "core"
source_status = "verified"
gap = "Not built."
[[requirement]]
id = "STD:2"
words = "The operator does it."
fulfilled_by = "operator"
service = "timestamping"
source_status = "from-memory"
"""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    found = Places(
        root=tmp_path, register=tmp_path / "requirements", code=tmp_path / "src", tests=tmp_path / "tests"
    )
    for folder in (found.register, found.code, tmp_path / "tests"):
        folder.mkdir()
    (found.register / "std.toml").write_text(REGISTER, encoding="utf-8")
    monkeypatch.setattr(cli.trace, "find_places", lambda: found)
    return found


def run(*arguments: str, code: int = 0) -> tuple[str, str]:
    result = CliRunner().invoke(cli.app, ["trace", *arguments])
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


@pytest.mark.usefixtures("places")
def test_the_table_shows_words_gap_and_source() -> None:
    output = run()[0]
    for text in ("STD:1", "gap: Not built.", "(from-memory)", "2 requirements"):
        assert text in output


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ((), ["STD:1", "STD:2"]),
        (("--service", "timestamping"), ["STD:2"]),
        (("--standard", "STD 1"), ["STD:1", "STD:2"]),
        (("--standard", "std"), ["STD:1", "STD:2"]),
        (("--gaps",), ["STD:1"]),
    ],
)
def test_json_and_its_filters(options: tuple[str, ...], ids: list[str]) -> None:
    document = json.loads(run("--json", *options)[0])
    assert [one["id"] for one in document["requirements"]] == ids
    assert not any(one["counted_as_covered"] for one in document["requirements"])


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize(
    ("options", "known"),
    [(("--service", "tsa"), "core, timestamping"), (("--standard", "EN 319 421"), "STD 1")],
)
def test_what_is_not_in_the_register_is_told_with_what_is(options: tuple[str, ...], known: str) -> None:
    result = CliRunner().invoke(cli.app, ["trace", *options])
    assert isinstance(result.exception, Malformed)
    assert known in str(result.exception)


def test_check_fails_on_what_was_not_run_where_tests_were_run(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = places.root / "results.json"
    monkeypatch.setattr(cli.trace, "find_places", lambda: replace(places, results=results))
    (places.register / "std.toml").write_text(REGISTER.replace('gap = "Not built."', ""), encoding="utf-8")
    (places.code / "rules.py").write_text("@implements('STD:1')\ndef rule(): ...\n", encoding="utf-8")
    test = "import pytest\n@pytest.mark.req('STD:1')\ndef test_it(): ...\n"
    (places.root / "tests" / "test_rules.py").write_text(test, encoding="utf-8")
    assert run("--check")[1] == "2 requirements, 0 finding(s).\n"  # no test was run yet
    other = Result(outcome="passed", at="2026-01-01T00:00:00+00:00", seconds=0.1, digest="")
    merge_results(results, {"tests/test_other.py::test_other": other})
    assert "STD:1 (std.toml): none of its tests passed" in run("--check", code=1)[1]
    assert run("--check", "--allow-not-run")[1] == "2 requirements, 0 finding(s).\n"


def test_what_was_skipped_is_shown(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    results = places.root / "results.json"
    monkeypatch.setattr(cli.trace, "find_places", lambda: replace(places, results=results))
    (places.register / "std.toml").write_text(REGISTER.replace('gap = "Not built."', ""), encoding="utf-8")
    (places.code / "rules.py").write_text("@implements('STD:1')\ndef rule(): ...\n", encoding="utf-8")
    test = "import pytest\n@pytest.mark.req('STD:1')\ndef test_it(): ...\n"
    (places.root / "tests" / "test_rules.py").write_text(test, encoding="utf-8")
    node = "tests/test_rules.py::test_it"
    digest = Digests(
        places.root, scan(places.code, places.root).rules, scan(places.root / "tests", places.root).tests
    ).of(node)
    at = "2026-01-01T00:00:00+00:00"
    result = Result(outcome="passed", at=at, seconds=0.1, digest=digest, skipped=("postgresql",))
    merge_results(results, {node: result})
    assert "passed, skipped: postgresql" in " ".join(run()[0].split())
    (line, _) = json.loads(run("--json")[0])["requirements"]
    assert (line["last"], line["skipped"]) == ("passed", ["postgresql"])
    assert line["tests"][0]["skipped"] == ["postgresql"]
    run("--html", str(places.root / "trace.html"))
    assert "passed, skipped: postgresql" in (places.root / "trace.html").read_text(encoding="utf-8")
    assert "was skipped for postgresql" in run("--check", code=1)[1]
    assert run("--check", "--allow-not-run")[1] == "2 requirements, 0 finding(s).\n"


def test_check_names_what_is_wrong_and_fails(places: Places) -> None:
    assert run("--check")[1] == "2 requirements, 0 finding(s).\n"
    (places.code / "rules.py").write_text("@implements('STD:9')\ndef rule(): ...\n", encoding="utf-8")
    errors = run("--check", code=1)[1]
    assert "src/rules.py:2: the rule rule carries STD:9, which is not in the register" in errors
    assert "1 finding(s)" in errors


def test_the_page_stands_alone_and_escapes(places: Places) -> None:
    file = places.root / "trace.html"
    run("--html", str(file))
    page = file.read_text(encoding="utf-8")
    assert "A &lt;b&gt;bold&lt;/b&gt; rule holds." in page
    assert not re.search(r"""(?:src|href)\s*=|@import|url\(""", page)
    HTMLParser().feed(page)


def test_a_page_that_cannot_be_written_is_told(places: Places) -> None:
    result = CliRunner().invoke(cli.app, ["trace", "--html", str(places.root / "absent" / "x.html")])
    assert result.exit_code == 1
    assert "cannot be written" in str(result.exception)


def test_an_installed_package_says_that_the_tests_are_elsewhere(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = Places(root=places.root, register=places.register, code=places.code)
    monkeypatch.setattr(cli.trace, "find_places", lambda: installed)
    assert NO_TESTS[:40] in run()[0]
    assert json.loads(run("--json")[0])["tests_present"] is False


def test_the_rules_of_this_product_are_found() -> None:
    document = json.loads(run("--json", "--standard", "EN319421")[0])
    within = next(one for one in document["requirements"] if one["id"] == "EN319421:TIS-7.7.1-07")
    assert within["rules"][0]["place"].startswith("src/trustworks/core/time/rules.py:")
    assert within["tests"]
