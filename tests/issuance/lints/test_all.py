"""The linter as a whole: nothing found in what the profiles make, every lint shown, in time."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from certificate_bench import found_by_lints

from trustworks.core.errors import Malformed
from trustworks.issuance.lints import all_lints, lint
from trustworks.issuance.profiles import VERSIONS

if TYPE_CHECKING:
    from certificate_bench import Benches

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    "profile", [f"{one.name}/{one.version}" for versions in VERSIONS.values() for one in versions]
)
def test_nothing_is_found_in_a_good_certificate(benches: Benches, profile: str) -> None:
    assert found_by_lints(benches[profile]) == set()


def test_every_lint_has_a_certificate_that_it_catches() -> None:
    shown = set()
    for file in ("test_rfc5280", "test_en319412", "test_others"):
        spec = importlib.util.spec_from_file_location(f"cases_{file}", HERE / f"{file}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        shown |= {case.values[0] for case in module.CASES}
    assert shown == {one.id for one in all_lints()}


def test_a_lint_says_the_id_that_its_rule_carries() -> None:
    for one in all_lints():
        assert one.check.__requirements__ == (one.id,)  # type: ignore[attr-defined]


def test_ids_are_used_once() -> None:
    ids = [one.id for one in all_lints()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("junk", [b"", b"\x30\x00", b"\x30\x80\x00\x00", b"not a certificate" * 100])
def test_what_is_no_certificate_is_malformed(benches: Benches, junk: bytes) -> None:
    with pytest.raises(Malformed):
        lint(junk, benches["root"].around)


def test_a_truncated_certificate_is_malformed(benches: Benches) -> None:
    bench = benches["natural-qcp-n-qscd"]
    der = bench.sign()
    for cut in range(1, len(der), 37):
        with pytest.raises(Malformed):
            lint(der[:cut], bench.around)


def test_every_lint_is_on_the_page_of_refusals() -> None:
    page = (HERE.parents[2] / "docs" / "refusals.md").read_text(encoding="utf-8")
    for one in all_lints():
        assert f"| `{one.id}` |" in page
