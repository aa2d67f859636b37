"""Services on a trusted list that match a certificate at a time (TS 119 615, 4.3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from listed_services import (
    AT,
    CA,
    CERTIFICATE,
    DIRECTIVE,
    PATH,
    REGULATED,
    GreekList,
    a_provider,
    a_service,
    a_state,
    lists,
    purpose,
)

from trustworks.core.pki.trusted_lists.uris import (
    CA_QC,
    FOR_SEALS,
    FOR_SIGNATURES,
    FOR_WEB,
    TSA_QTST,
    UNDER_SUPERVISION,
    WITHDRAWN,
)
from trustworks.validation.qualification import listed_services as clause
from trustworks.validation.qualification.model import ListedServices, Status

if TYPE_CHECKING:
    from trustworks.core.pki.trusted_lists.authenticate import Authenticated

LATE = a_service(a_state(since=REGULATED), a_state(status=UNDER_SUPERVISION, since=DIRECTIVE))


def found(listed: GreekList, country: str = "EL", service_type: str = CA_QC) -> ListedServices:
    return clause.listed_services(PATH, service_type, AT, country, lists=listed)


@pytest.mark.req("TS119615:PRO-4.3.4-01")
def test_only_territories_with_a_list_are_asked() -> None:
    asked = lists(LATE)
    outcome = found(asked, "US")
    assert (outcome.status, outcome.sub_status) == (Status.FAILED, (clause.NOT_A_MEMBER_STATE,))
    assert asked.asked == []
    assert found(asked, "").sub_status == (clause.NOT_A_MEMBER_STATE,)
    assert {one for one in ("UK", "NO", "EL", "GR", "GB") if clause.is_listed_territory(one)} == {
        "UK",
        "NO",
        "EL",
    }


def test_without_an_authenticated_list_the_process_fails() -> None:
    outcome = found(lists(LATE), "FR")
    assert (outcome.status, outcome.results) == (Status.FAILED, ())
    assert outcome.sub_status == ("EUTL_VERIFICATION_FAILED", "LIST_NOT_AVAILABLE")


def test_the_warnings_of_the_list_go_along() -> None:
    listed = GreekList((a_provider(LATE),), ("WARNING_EUTL_NEXTUPDATE_PASSED",))
    assert found(listed).sub_status == ("WARNING_EUTL_NEXTUPDATE_PASSED",)


@pytest.mark.req("TS119615:PRO-4.3.4-03")
def test_a_service_of_another_type_does_not_match() -> None:
    other = a_service(a_state(service_type=TSA_QTST))
    assert [one.service for one in found(lists(LATE, other)).results] == [LATE]
    assert not clause.is_of_type(other, CA_QC)


@pytest.mark.req("TS119615:PRO-4.3.4-03-ii")
def test_a_service_matches_by_name_and_key_on_a_path_that_was_valid() -> None:
    identity = LATE.current.identity
    assert clause.leads_to(PATH, identity, AT)
    assert not clause.leads_to(PATH[:1], identity, AT)
    assert not clause.leads_to((PATH[0], replace(CA, key=b"another")), identity, AT)
    assert not clause.leads_to((PATH[0], replace(CA, subject=b"another")), identity, AT)
    # The certificate must have been valid; of the anchor only name and key count, and it may be the last.
    assert not clause.leads_to(PATH, identity, CERTIFICATE.not_after + timedelta(seconds=1))
    assert not clause.leads_to(PATH, identity, CERTIFICATE.not_before - timedelta(seconds=1))
    over = replace(CA, not_after=REGULATED)
    assert clause.leads_to((PATH[0], over), identity, AT)
    assert clause.leads_to((over,), identity, AT)
    root = replace(CA, subject=b"root", key=b"key of root")
    assert clause.leads_to((PATH[0], CA, root), a_state(member=root).identity, AT)
    assert not clause.leads_to((PATH[0], over, root), a_state(member=root).identity, AT)


@pytest.mark.req("TS119615:PRO-4.3.4-03-b")
def test_the_state_is_that_of_the_time() -> None:
    now, past = LATE.states
    assert clause.state_at(LATE, REGULATED) == now
    assert clause.state_at(LATE, REGULATED - timedelta(seconds=1)) == past
    assert clause.state_at(LATE, DIRECTIVE - timedelta(seconds=1)) is None
    early = replace(PATH[0], not_before=DIRECTIVE - timedelta(days=9)), CA
    outcome = clause.listed_services(early, CA_QC, DIRECTIVE - timedelta(days=1), "EL", lists=lists(LATE))
    assert outcome.results == ()


@pytest.mark.req("TS119615:PRO-4.3.4-03A")
def test_a_history_out_of_order_or_ambiguous_ends_the_process() -> None:
    disordered = a_service(a_state(), a_state(since=DIRECTIVE), a_state(since=DIRECTIVE + timedelta(days=1)))
    ambiguous = a_service(a_state(), a_state(since=DIRECTIVE), a_state(since=DIRECTIVE))
    for one, code in ((disordered, clause.HISTORY_DISORDERED), (ambiguous, clause.HISTORY_AMBIGUOUS)):
        outcome = found(lists(one))
        assert (outcome.status, outcome.sub_status) == (Status.FAILED, (code,))
        assert clause.history_order(outcome.results) == (code,)


@pytest.mark.req(
    "TS119615:PRO-4.3.4-05",
    "TS119615:PRO-4.3.4-06",
    "TS119615:PRO-4.3.4-07",
    "TS119615:PRO-4.3.4-08",
    "TS119615:PRO-4.3.4-09",
    "TS119615:PRO-4.3.4-10",
)
@pytest.mark.parametrize(("kind", "uri"), [(1, FOR_SIGNATURES), (2, FOR_SEALS), (3, FOR_WEB)])
def test_several_services_of_a_purpose_are_a_warning_or_an_error(kind: int, uri: str) -> None:
    granted = a_service(a_state(*purpose(uri)))
    withdrawn = a_service(a_state(*purpose(uri), status=WITHDRAWN))
    same = found(lists(granted, granted))
    assert (same.status, same.sub_status) == (Status.PASSED, (f"WARNING_T{kind}_DUPLICATION",))
    assert found(lists(granted, withdrawn)).sub_status == (f"ERROR_T{kind}_DUPLICATION",)
    both = found(lists(granted, withdrawn, granted))
    assert both.sub_status == (f"WARNING_T{kind}_DUPLICATION", f"ERROR_T{kind}_DUPLICATION")
    assert clause.duplications(both.results, kind) == both.sub_status
    assert clause.duplications(both.results, kind % 3 + 1) == ()


@pytest.mark.req("TS119615:PRO-4.3.4-11")
def test_services_of_different_providers_are_an_error() -> None:
    other = a_service(a_state(*purpose(FOR_SEALS)))
    outcome = found(GreekList((a_provider(LATE), a_provider(other, name="Another"))))
    assert (outcome.status, outcome.sub_status) == (Status.FAILED, (clause.TSP_CONFLICT,))
    assert clause.provider_conflict(outcome.results) == (clause.TSP_CONFLICT,)
    assert clause.provider_conflict(outcome.results[:1]) == ()


@pytest.mark.req("TS119615:PRO-4.3.4-01")
def test_a_laboratorys_list_is_asked_where_there_is_one() -> None:
    """A code that is nobody's is no member state's either, unless the list of lists leads to a list of it."""

    class Laboratory(GreekList):
        def authenticated(self, country: str) -> Authenticated:
            return super().authenticated("EL" if country == "XX" else country)

    of_a_laboratory = Laboratory(lists(LATE).providers)
    assert found(of_a_laboratory, "XX").status is Status.PASSED
    for listed, country in ((lists(LATE), "XX"), (of_a_laboratory, "US")):
        outcome = found(listed, country)
        assert (outcome.status, outcome.sub_status) == (Status.FAILED, (clause.NOT_A_MEMBER_STATE,))
