"""Times at the beginning and the end of the calendar, where sums of times and durations do not exist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from evidence_graphs import DAY, NOW, at_hand, crl, signed, verdict

from trustworks.formats.evidence import Attributes, TimeStampKind
from trustworks.validation.rules.with_time import soon_enough

FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def lasting(limit: str) -> str:
    return f'{{ level = "fail", at-most = "{limit}" }}'


@pytest.mark.req("EN319102-1:5.2.5-FRESH")
def test_a_list_after_which_no_other_comes() -> None:
    """An authority that closes says so: the next update of its last list is at the end of the calendar."""
    graph, of, _ = signed()
    graph.certificates(of.ca)
    graph.lists(crl(of.ca, NOW - DAY, lasts=LAST - NOW), crl(of.root))
    strict = '[signature.signing-certificate]\nfreshness-by-next-update = "fail"'
    for policy in (None, strict):
        assert verdict(graph.run(of.trust, policy=policy)) == "TOTAL-PASSED"


@pytest.mark.req("EN319102-1:5.2.5-FRESH")
@pytest.mark.parametrize("days", [999_999_999, 730_000])
def test_a_policy_that_takes_data_of_any_age(days: int) -> None:
    graph, of, _ = signed()
    at_hand(graph, of)
    policy = f"[signature.signing-certificate]\nfreshness = {lasting(f'{days}d')}"
    assert verdict(graph.run(of.trust, policy=policy)) == "TOTAL-PASSED"


@pytest.mark.req("EN319102-1:5.5.4-5-B")
@pytest.mark.parametrize(
    ("claimed", "days", "late"),
    [(FIRST, 1, True), (FIRST, 999_999_999, False), (LAST, 1, False), (LAST, 999_999_999, False)],
)
def test_a_signature_that_claims_to_be_of_another_age(claimed: datetime, days: int, *, late: bool) -> None:
    _, _, signature = signed(attributes=Attributes(signing_time=claimed))
    assert bool(soon_enough(signature, NOW, timedelta(days=days))) is late


@pytest.mark.req("EN319102-1:5.5.4-4-E")
def test_time_stamps_of_the_first_year_have_an_order_too() -> None:
    graph, of, signature = signed()
    graph.stamp(signature, FIRST, of.tsa, kind=TimeStampKind.CONTENT, accuracy=1e9)
    graph.stamp(signature, NOW, of.tsa, kind=TimeStampKind.CONTENT, accuracy=1.0)
    graph.stamp(signature, FIRST + timedelta(days=1), of.tsa, accuracy=1.0)
    at_hand(graph, of)
    outcome = graph.run(of.trust, policy='[time-stamp]\norder = "fail"')
    assert outcome.signatures[0].best_signature_time is not None
