"""NIST's Public Key Interoperability Test Suite: every test of sections 4.1 to 4.16, with its settings.

What is judged is what validation runs: `trustworks.validation.validate_certificate`, with one policy file
whose only difference from test to test is the initial settings of RFC 5280, 6.1.1. The table of settings and
outcomes is that of the corpus; the trust anchor and its list are in every test. The suite asks for an
outcome; where the table says why a path fails, the reason is compared too.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from trustworks.core.pki.extensions import read_user_notice
from trustworks.core.pki.validation import validate_path
from trustworks.validation import Context, Trust, validate_certificate
from trustworks.validation.policies.policy import Policy, parse
from trustworks.validation.rules.inputs import path_settings

if TYPE_CHECKING:
    from trustworks.validation import CertificateResult

SUITE: Final = Path(__file__).parents[4] / "shared" / "corpus" / "pkits"
# Within the validity of what is valid (2010 to 2030), after what expired, before what is not yet valid.
AT: Final = datetime(2022, 1, 1, tzinfo=UTC)

# The suite asks for RFC 5280: a list after its nextUpdate does not count there (4.4.11, 4.15.10), and of 2048
# bits, SHA-1 or the usages of an end entity's key it says nothing.
POLICY: Final = """
based-on = "ades"
name = "RFC 5280"
identifier = "urn:example:validation-policy:pkits"

[signature.signing-certificate]
algorithms = "ignore"
freshness-by-next-update = "fail"

[signature.ca-certificate]
algorithms = "ignore"
freshness-by-next-update = "fail"

[signature.path-validation]
"""

TESTS: Final = (6, 8, 11, 21, 8, 17, 5, 20, 8, 14, 11, 10, 38, 35, 10, 2)
"""How many tests the sections have; some of them are run with several settings."""

# The table of the corpus has no line for it, and for 4.8.19 under the number of 4.8.18.
CPS_POINTER: Final = {
    "id": "40820",
    "name": "cps_pointer_qualifier_test20",
    "cert": "CPSPointerQualifierTest20EE.crt",
    "other_certs": ["GoodCACert.crt"],
    "crls": ["GoodCACRL.crl"],
    "path_len": 3,
}

pytestmark = pytest.mark.skipif(not SUITE.is_dir(), reason=f"NOT TESTED, because {SUITE} is absent")


@cache
def cases() -> tuple[dict[str, Any], ...]:
    if not SUITE.is_dir():
        return ()
    found = [
        case
        for file in ("pkits.json", "pkits-user-notice.json")
        for case in json.loads((SUITE / file).read_text())
    ]
    for case in found:
        if case["name"] == "user_notice_qualifier_test19":
            case["id"] = "40819"
    return (*found, CPS_POINTER)


@cache
def octets(folder: str, file: str) -> bytes:
    return (SUITE / folder / file).read_bytes()


SETTINGS: Final = {
    "user_initial_policy_set": "user-initial-policy-set",
    "initial_explicit_policy": "initial-explicit-policy",
    "initial_policy_mapping_inhibit": "initial-policy-mapping-inhibit",
    "initial_any_policy_inhibit": "initial-any-policy-inhibit",
}


def policy_of(case: dict[str, Any]) -> Policy:
    given = case.get("params", {})
    return parse(
        POLICY + "".join(f"{SETTINGS[name]} = {json.dumps(value)}\n" for name, value in given.items())
    )


def judged(case: dict[str, Any]) -> CertificateResult:
    return validate_certificate(
        octets("certs", case["cert"]),
        trust=Trust.of([octets("certs", "TrustAnchorRootCertificate.crt")]),
        policy=policy_of(case),
        at=AT,
        certificates=[octets("certs", file) for file in case.get("other_certs", ())],
        lists=[octets("crls", file) for file in ("TrustAnchorRootCRL.crl", *case.get("crls", ()))],
    )


def agrees(case: dict[str, Any]) -> bool:
    return judged(case).conclusion.passed == ("error" not in case)


# What the table says of a failure, by words in it, and what is said here: a sub-indication, and words.
GENERAL: Final = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
REASONS: Final = {
    "signature of (intermediate|the end-entity)": (GENERAL, "has a signature that"),
    "is not valid until": ("OUT_OF_BOUNDS_", "not at 2022"),
    "certificate (1 )?expired": ("OUT_OF_BOUNDS_", "not at 2022"),
    "issuer name could not be matched": ("NO_CERTIFICATE_CHAIN_FOUND", "leads from the signer"),
    "is not a CA": (GENERAL, "CA"),
    "exceeds the maximum path length": (GENERAL, "allows no further CA"),
    "not allowed to sign certificates": (GENERAL, "may not sign certificates"),
    "no valid set of policies": (GENERAL, "polic"),
    "contains a policy mapping": (GENERAL, "maps a policy"),
    "not all names|some names": (GENERAL, "has the name"),
    "unsupported critical extension": (GENERAL, "critical extension"),
    "due to a certificate hold": ("TRY_LATER", "is suspended"),
    "end-entity certificate CRL issuer was revoked": (GENERAL, "was revoked"),
    "intermediate certificate \\d was revoked": ("REVOKED_CA_NO_POE", "was revoked"),
    "was revoked": ("REVOKED_NO_POE", "was revoked"),
    "not recent enough": ("TRY_LATER", "more than"),
    "revocation|CRL": (GENERAL, "revocation data"),
}
OF_ANOTHER_TIME: Final = (GENERAL, "is older than the certificate")
# EN 319 102-1 asks before the validity whether the list is of a time at which it tells of the certificate.
BEFORE: Final = {
    "40201": OF_ANOTHER_TIME,
    "40202": OF_ANOTHER_TIME,
    "40207": (GENERAL, "of after the certificate's end"),
    "40412": OF_ANOTHER_TIME,
}


@pytest.mark.req("EN319102-1:5.2.6.4-4-PARAMETERS")
@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case['id']}-{case['name']}")
def test_every_case_comes_out_as_the_suite_has_it(case: dict[str, Any]) -> None:
    result = judged(case)
    conclusion = result.conclusion
    if "error" not in case:
        assert conclusion.passed, [one.text for one in conclusion.reasons()]
        assert result.path is not None
        if "path_len" in case:
            assert len(result.path.certificates) + 1 == case["path_len"]
        return
    told = case["error"]["msg_regex"]
    sub, words = BEFORE.get(case["id"]) or next(
        reason for pattern, reason in REASONS.items() if re.search(pattern, told)
    )
    assert str(conclusion.sub_indication).startswith(sub), told
    assert words in conclusion.reasons()[0].text, told


@pytest.mark.parametrize(
    "case", [one for one in cases() if "notice" in one], ids=lambda case: f"{case['id']}-{case['name']}"
)
def test_the_user_notices_to_be_shown_are_there(case: dict[str, Any]) -> None:
    path = judged(case).path
    assert path is not None
    policies = validate_path(path, at=AT, settings=path_settings(policy_of(case), Context.SIGNATURE)).policies
    qualifiers = [one for policy in policies for one in (*policy.qualifiers, *policy.qualifiers_above)]
    assert case["notice"] in {read_user_notice(one) for one in qualifiers}


def test_the_whole_suite_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Every test of every section, so that an agreement over half of it is not taken for one."""
    every = cases()
    numbers = {case["id"] for case in every}
    agreed = sum(agrees(case) for case in every)
    with capsys.disabled():
        print(f"\nPKITS: {agreed} of {len(every)} cases of {len(numbers)} tests agree")  # noqa: T201
    assert numbers == {
        f"4{section:02}{number:02}"
        for section, count in enumerate(TESTS, 1)
        for number in range(1, count + 1)
    }
    assert (agreed, len(every), len(numbers)) == (257, 257, 224)
