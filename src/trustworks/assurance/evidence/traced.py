"""The requirements that this software carries out, and what last came of the tests that show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.assurance.evidence.model import Item, Kind, judged
from trustworks.assurance.traceability import State
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.assurance.traceability import Trace

TRACED: Final = "TRUSTWORKS:ASSURANCE-EVIDENCE-TRACE"
_MOST: Final = 20  # ids that an item names; the table has them all
_MOST_TOLD: Final = 3
_WHAT_TO_DO: Final = (
    "run the tests in the sources, or install a release's wheel, which has its results with it"
)


@implements("TRUSTWORKS:ASSURANCE-EVIDENCE-TRACE", disabled=())
def trace_findings(found: Trace) -> tuple[str, ...]:
    """What is wrong with the table of requirements: what its check objects to, and tests that failed.

    Also where no results of tests are known, here or from a release: then it shows nothing.
    """
    objections = list(found.findings[:_MOST_TOLD])
    if len(found.findings) > _MOST_TOLD:
        objections.append(f"and {len(found.findings) - _MOST_TOLD} more: trustworks assurance trace --check")
    failed = [line.requirement.id for line in found.lines if line.state is State.FAILED]
    if failed:
        named = ", ".join(failed[:_MOST])
        objections.append(f"the tests of {len(failed)} requirement(s) failed: {named}")
    if not found.has_results:
        objections.append(f"no results of tests are known of {len(found.lines)} requirements; {_WHAT_TO_DO}")
    return tuple(objections)


def trace_item(found: Trace, product: str, at: datetime) -> Item:
    """The evidence of the software itself; `product` names it with its version.

    An installed package has no tests with it: the results that came with it count, and where none did, that
    is a finding.
    """
    covered, total = found.count(State.COVERED), len(found.lines)
    results = "" if found.released is None else f" {found.released.sentence}"
    return judged(
        Kind.TRACE,
        product,
        at,
        findings=trace_findings(found),
        well=f"{total} requirements, {covered} covered by a rule and a test that passed.{results}",
        values={
            "counts": {state.value: found.count(state) for state in State},
            "tests_present": found.has_tests,
            "results_known": found.has_results,
            "results_from": None if found.released is None else found.released.as_dict(),
            "gaps": sorted(line.requirement.id for line in found.lines if line.state is State.GAP),
        },
        requirements=(TRACED,),
    )
