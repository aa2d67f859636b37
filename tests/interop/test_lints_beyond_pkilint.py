"""What our own linter finds and pkilint does not: each certificate passes pkilint and is refused here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from certificate_bench import Bench, Benches, found_by_lints
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pkilint_commands import pkilint

from trustworks.core.der import qc_statements as qcs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.interop

QSCD = "QCP-N-QSCD-EIDAS-FINAL-CERTIFICATE"
NATURAL, LEGAL = "NCP-NATURAL-PERSON-CERTIFICATE", "NCP-LEGAL-PERSON-CERTIFICATE"
PDS = qcs.pds([("en", "https://tsp.example.com/pds-en.pdf")])
ESIGN, ESEAL, WEB = (qcs.qc_type(one) for one in (qcs.QC_TYPE_ESIGN, qcs.QC_TYPE_ESEAL, qcs.QC_TYPE_WEB))
WITH_DEVICE = (qcs.compliance(), qcs.sscd(), PDS)


def stating(bench: Bench, *statements: qcs.Statement) -> Bench:
    written = qcs.write_qc_statements(statements)
    return bench.put(x509.UnrecognizedExtension(x509.ObjectIdentifier(qcs.QC_STATEMENTS), written))


def under(bench: Bench, *policies: str) -> Bench:
    return bench.put(
        x509.CertificatePolicies(
            [x509.PolicyInformation(x509.ObjectIdentifier(one), None) for one in policies]
        )
    )


def judged(bench: Bench, kind: str, folder: Path) -> tuple[int, str]:
    file = folder / "judged.pem"
    file.write_bytes(x509.load_der_x509_certificate(bench.sign()).public_bytes(Encoding.PEM))
    return pkilint("lint_etsi_cert", "-t", kind, file)


SEAL = (*WITH_DEVICE, ESEAL)
BARE = (qcs.compliance(), PDS)


@pytest.mark.parametrize(
    ("profile", "kind", "right", "wrong", "lint"),
    [
        # It has no type for QCP-l, with a device or without, nor for QCP-n without one.
        ("legal-qcp-l-qscd", LEGAL, SEAL, (*WITH_DEVICE, ESIGN), "EN319412-5:QCS-4.2.3-01"),
        ("legal-qcp-l", LEGAL, (*BARE, ESEAL), (*BARE, WEB), "EN319412-5:QCS-4.2.3-01"),
        ("natural-qcp-n", NATURAL, (*BARE, ESIGN), (*BARE, ESEAL), "EN319412-5:QCS-4.2.3-01"),
        # A statement twice.
        (
            "natural-qcp-n-qscd",
            QSCD,
            (*WITH_DEVICE, ESIGN),
            (*WITH_DEVICE, ESIGN, PDS),
            "EN319412-5:QCS-4.1-02A",
        ),
        # What is to be on a device, without the device.
        ("legal-qcp-l-qscd", LEGAL, SEAL, (*BARE, ESEAL), "EN319412-5:QCS-5-01"),
    ],
    ids=["seal-as-signature", "seal-as-web", "signature-as-seal", "twice", "no-device"],
)
def test_statements_that_pass_pkilint_are_refused_here(
    benches: Benches,
    tmp_path: Path,
    profile: str,
    kind: str,
    right: tuple[qcs.Statement, ...],
    wrong: tuple[qcs.Statement, ...],
    lint: str,
) -> None:
    good, spoiled = (stating(benches[profile], *one) for one in (right, wrong))
    assert judged(good, kind, tmp_path) == judged(spoiled, kind, tmp_path) == (0, "")
    assert found_by_lints(good) == set()
    assert lint in found_by_lints(spoiled)


def test_a_lower_policy_that_passes_pkilint_is_refused_here(benches: Benches, tmp_path: Path) -> None:
    good = stating(benches["legal-qcp-l-qscd"], *SEAL)
    spoiled = under(good, qcs.QCP_L)
    assert judged(good, LEGAL, tmp_path) == judged(spoiled, LEGAL, tmp_path) == (0, "")
    assert found_by_lints(good) == set()
    assert "EN319411-2:GEN-6.6.1-05" in found_by_lints(spoiled)


@pytest.fixture(scope="module")
def benches() -> Benches:
    return Benches()
