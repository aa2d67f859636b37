"""NIST's Public Key Interoperability Test Suite: every test of sections 4.1 to 4.16, with its settings.

The table of settings and outcomes is that of the corpus; the trust anchor and its list are in every test. The
suite asks for an outcome; where the table says why a path fails, the reason is compared too.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from trustworks.core.pki.building import CertificatePool, TrustAnchor, TrustAnchors
from trustworks.core.pki.checking import CheckedPath, Checker
from trustworks.core.pki.extensions import read_user_notice
from trustworks.core.pki.revocation import RevocationData
from trustworks.core.pki.tokens import Certificate, RevocationList
from trustworks.core.pki.validation import PathSettings

SUITE: Final = Path(__file__).parents[4] / "shared" / "corpus" / "pkits"
# Within the validity of what is valid (2010 to 2030), after what expired, before what is not yet valid.
AT: Final = datetime(2022, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not SUITE.is_dir(), reason=f"NOT TESTED, because {SUITE} is absent")


def cases() -> list[dict[str, Any]]:
    if not SUITE.is_dir():
        return []
    files = ("pkits.json", "pkits-user-notice.json")
    return [case for file in files for case in json.loads((SUITE / file).read_text())]


def certificate(file: str) -> Certificate:
    return Certificate.read((SUITE / "certs" / file).read_bytes())


def revocation_list(file: str) -> RevocationList:
    return RevocationList.read((SUITE / "crls" / file).read_bytes())


def checked(case: dict[str, Any], *, at: datetime = AT) -> tuple[CheckedPath, ...]:
    given = case.get("params", {})
    initial = given.get("user_initial_policy_set")
    return Checker(
        anchors=TrustAnchors([TrustAnchor.of(certificate("TrustAnchorRootCertificate.crt"))]),
        pool=CertificatePool(certificate(file) for file in case.get("other_certs", ())),
        data=RevocationData(
            revocation_list(file) for file in ("TrustAnchorRootCRL.crl", *case.get("crls", ()))
        ),
        at=at,
        settings=PathSettings(
            user_initial_policies=None if initial is None else frozenset(initial),
            explicit_policy=given.get("initial_explicit_policy", False),
            inhibit_policy_mapping=given.get("initial_policy_mapping_inhibit", False),
            inhibit_any_policy=given.get("initial_any_policy_inhibit", False),
        ),
    ).check(certificate(case["cert"]))


# What the table says of a failure, by words in it, and what is said here: a failure's code, or a status.
REASONS: Final = {
    "signature of (intermediate|the end-entity)": "signature",
    "is not valid until": "not-yet-valid",
    "certificate (1 )?expired": "expired",
    "issuer name could not be matched": "no path",
    "is not a CA": "not-ca",
    "exceeds the maximum path length": "path-length",
    "not allowed to sign certificates": "key-usage",
    "no valid set of policies": "policy",
    "contains a policy mapping": "policy-mapping",
    "not all names|some names": "name-constraints",
    "unsupported critical extension": "critical-extension",
    "end-entity certificate CRL issuer was revoked": "undetermined",
    "was revoked": "revoked",
    "revocation|CRL": "undetermined",
}


def reasons_of(paths: tuple[CheckedPath, ...]) -> set[str]:
    if not paths:
        return {"no path"}
    best = paths[0]
    return {str(one.code) for one in best.verdict.failures} | {
        one.status for one in best.statuses if one.status not in {"good", "exempt"}
    }


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case['id']}-{case['name']}")
def test_every_case_comes_out_as_the_suite_has_it(case: dict[str, Any]) -> None:
    paths = checked(case)
    holds = bool(paths) and paths[0].ok
    if "error" not in case:
        assert holds, [one.verdict.failures for one in paths]
        if "path_len" in case:
            assert len(paths[0].path.certificates) + 1 == case["path_len"]
        return
    assert not holds
    told = case["error"]["msg_regex"]
    expected = next(reason for words, reason in REASONS.items() if re.search(words, told))
    assert expected in reasons_of(paths), told


@pytest.mark.parametrize(
    "case", [one for one in cases() if "notice" in one], ids=lambda case: f"{case['id']}-{case['name']}"
)
def test_the_user_notices_to_be_shown_are_there(case: dict[str, Any]) -> None:
    policies = checked(case)[0].verdict.policies
    qualifiers = [one for policy in policies for one in (*policy.qualifiers, *policy.qualifiers_above)]
    assert case["notice"] in {read_user_notice(one) for one in qualifiers}


def test_the_whole_suite_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Every section of the suite, so that an agreement over half of it is not taken for one."""
    every = cases()
    agreed = sum(("error" not in case) == any(one.ok for one in checked(case)) for case in every)
    with capsys.disabled():
        print(f"\nPKITS: {agreed} of {len(every)} cases agree")  # noqa: T201 - the figure that is asked for
    assert {case["id"][:3] for case in every} == {f"4{section:02}" for section in range(1, 17)}
    assert agreed == len(every) >= 256
