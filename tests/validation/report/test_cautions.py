"""Lists that are overdue and constraints that are not asked: every report says so, whatever the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from qualified_reports import COMPLIANCE, DEVICE, FOR_ESIGN, greek_list, report

from trustworks.core.pki.trusted_lists.authenticate import (
    EU,
    EUTL_OVERDUE,
    LOTL_OVERDUE,
    LOTL_PASSED,
    Authenticated,
)
from trustworks.validation.policies.policy import shipped

if TYPE_CHECKING:
    from listed_services import GreekList

SENTENCE = "A new list of lists was due on 2026-01-01."


@dataclass(frozen=True, slots=True)
class Overdue:
    """The Greek list and the list of lists, new ones of which were due."""

    greek: GreekList

    def authenticated(self, country: str) -> Authenticated:
        if country == EU:
            return Authenticated(status=LOTL_PASSED, sub_status=(LOTL_OVERDUE,), words=(SENTENCE,))
        found = self.greek.authenticated(country)
        if found.list is None:
            return found
        scheme = replace(found.list.scheme, next_update=datetime(2026, 2, 1, tzinfo=UTC))
        return replace(found, sub_status=(EUTL_OVERDUE,), list=replace(found.list, scheme=scheme))


def test_lists_that_are_overdue_are_told_in_every_report() -> None:
    found = report(COMPLIANCE, FOR_ESIGN, DEVICE, trusted=Overdue(greek_list()))
    greek = "A new trusted list of EL was due on 2026-02-01; run `trustworks trust refresh`."
    assert [one.indication.value for one in found.outcome.signatures] == ["TOTAL-PASSED"]
    assert found.plain()["trusted_lists_overdue"] == [SENTENCE, greek]
    for sentence in (SENTENCE, greek):
        assert f"warning: {sentence}" in found.text().splitlines()
        assert f"Warning: {sentence}" in found.explained().splitlines()


def test_what_a_foreign_policy_asks_and_we_do_not_is_told_in_every_report() -> None:
    policy = replace(shipped(), not_taken=("eIDAS: it is not asked here.",))
    found = report(policy=policy)
    assert found.plain()["policy_not_taken"] == ["eIDAS: it is not asked here."]
    told = "Not asked, though the policy's file has it: eIDAS: it is not asked here."
    assert f"warning: {told}" in found.text().splitlines()
    assert f"Warning: {told}" in found.explained().splitlines()


def test_where_nothing_is_amiss_nothing_is_told() -> None:
    found = replace(report(COMPLIANCE, FOR_ESIGN, DEVICE), policy=shipped("qualified"))
    assert (found.plain()["trusted_lists_overdue"], found.plain()["policy_not_taken"]) == ([], [])
    assert not any(line.startswith("warning:") for line in found.text().splitlines())
