"""Whether a value that computes protects anything: what `cryptographically_valid` says beside it."""

from __future__ import annotations

import pytest
from evidence_graphs import Graph, house

from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.findings import FINDINGS
from trustworks.validation.policies.policy import parse
from trustworks.validation.report.judged import Judged
from trustworks.validation.report.plain import plain

LENIENT = """
name = "lenient"
identifier = "urn:example:lenient"
based-on = "ades"
[findings]
"cms.other-algorithms" = "ignore"
"xades.duplicate-id" = "ignore"
"""


@pytest.mark.parametrize(("code", "valid"), [("cms.other-algorithms", False), ("xades.duplicate-id", True)])
@pytest.mark.parametrize("policy", ['name = "n"\nidentifier = "urn:n"\nbased-on = "ades"', LENIENT])
def test_a_value_of_what_the_standard_calls_invalid_is_not_valid(code: str, valid: bool, policy: str) -> None:
    """By whatever policy: that the algorithms beside it are others is no opinion (RFC 6211, 2)."""
    of, graph, chosen = house(), Graph(), parse(policy)
    graph.sign(of.signer, findings=(Finding(code=code, text="So it is.", weight=Weight.FATAL),))
    outcome = graph.run(of.trust, policy=chosen)
    (told,) = plain(Judged(evidence=graph.evidence, outcome=outcome, policy=chosen))["signatures"]
    assert told["signature_intact"] is True
    assert told["cryptographically_valid"] is valid
    assert FINDINGS[code].unprotected is not valid
