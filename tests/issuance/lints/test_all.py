"""The linter as a whole: nothing found in what the profiles make, every lint shown, in time."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from certificate_bench import Bench, content_of, elements, found_by_lints
from cryptography import x509

from trustworks.core.der.algorithms import SIGNATURES
from trustworks.core.der.x509 import assemble_certificate
from trustworks.core.errors import Malformed
from trustworks.issuance.lints import all_lints, findings, lint, read
from trustworks.issuance.preparation import PLACEHOLDER
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
    for file in ("test_rfc5280", "test_en319412", "test_others", "test_profiles"):
        spec = importlib.util.spec_from_file_location(f"cases_{file}", HERE / f"{file}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        shown |= {case.values[0] for case in module.CASES}
    assert shown == {one.id for one in all_lints()}


def test_a_lint_says_the_id_that_its_rule_carries() -> None:
    for one in all_lints():
        assert one.check.__requirements__[0] == one.id  # type: ignore[attr-defined]


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


@pytest.mark.parametrize("profile", ["root", "natural-qcp-n-qscd", "tls-server"])
def test_what_stands_outside_of_the_signed_octets_changes_no_verdict_but_of_who_looks_there(
    benches: Benches, profile: str
) -> None:
    """Which is why only those are asked again when the signature is there."""
    bench = benches[profile]
    signed, _, _ = elements(content_of(bench.sign()))
    for algorithm in (SIGNATURES["RSA_PSS_SHA384"], SIGNATURES["ED25519"]):
        for signature in (PLACEHOLDER, b"", b"x" * 5000):
            found = lint(assemble_certificate(signed, algorithm, signature), bench.around)
            assert {one.lint.id for one in found} == {"RFC5280:4.1.1.2"}
            assert all(one.lint.outside for one in found)


def test_the_second_look_asks_who_looks_outside_alone(benches: Benches) -> None:
    bench = benches["tsu"].without(x509.ExtendedKeyUsage)
    candidate = read(bench.sign(), bench.around)
    assert findings(candidate)
    assert findings(candidate, outside=True) == ()
    spoiled = other_outer_algorithm(bench)
    again = candidate.signed(x509.load_der_x509_certificate(spoiled), spoiled)
    assert [one.lint.id for one in findings(again, outside=True)] == ["RFC5280:4.1.1.2"]


def other_outer_algorithm(bench: Bench) -> bytes:
    signed, _, _ = elements(content_of(bench.sign()))
    return assemble_certificate(signed, SIGNATURES["ED25519"], b"signature")


def test_every_lint_is_on_the_page_of_refusals() -> None:
    page = (HERE.parents[2] / "docs" / "refusals.md").read_text(encoding="utf-8")
    for one in all_lints():
        assert f"| `{one.id}` |" in page
