"""The rules on a list before it is signed, one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from listed_services import a_provider, a_service, a_state
from trusted_list_bench import list_xml

from trustworks.core.errors import Refused
from trustworks.core.pki.trusted_lists.model import DigitalIdentity, Text
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.core.pki.trusted_lists.uris import GRANTED, OCSP_QC, WITHDRAWN
from trustworks.issuance.trusted_list import rules
from trustworks.issuance.trusted_list.contents import list_type, past, scheme_name

if TYPE_CHECKING:
    from trustworks.core.pki.trusted_lists.model import Provider, Scheme, Service, TrustedList

NOW = datetime(2026, 8, 31, 12, tzinfo=UTC)


def scheme(**changes: Any) -> Scheme:
    given = {
        "sequence_number": 2,
        "issued": NOW,
        "next_update": NOW + timedelta(days=30),
        "territory": "XX",
        "operators": (Text("en", "TEST Operator"),),
        "names": (Text("en", "XX:TEST list"),),
    }
    read = read_trusted_list(list_xml().encode()).scheme
    return replace(read, **{**given, **changes})


def before(*services: Service, **changes: Any) -> TrustedList:
    """The list that is replaced."""
    read = read_trusted_list(list_xml().encode())
    given = {"sequence_number": 1, "issued": NOW - timedelta(days=1), **changes}
    return replace(read, scheme=scheme(**given), providers=listed(*services))


def listed(*services: Service, name: str = "TEST Provider") -> tuple[Provider, ...]:
    return (a_provider(*services, name=name),)


def service(*states: Any, name: str = "TEST Service") -> Service:
    return a_service(*(replace(one, names=(Text("en", name),)) for one in states))


def refused(requirement: str, *arguments: Any) -> str:
    with pytest.raises(Refused) as found:
        getattr(rules, arguments[0])(*arguments[1:])
    assert found.value.requirement == requirement
    return str(found.value)


GOOD = service(a_state(since=NOW))


def test_a_good_list_passes() -> None:
    rules.check_list(scheme(), listed(GOOD), before())
    rules.check_list(scheme(sequence_number=1), listed(GOOD), None)


@pytest.mark.req("TRUSTWORKS:TRUSTED-LIST-TERRITORY")
@pytest.mark.parametrize("code", ["EU", "DE", "EL", "UK", "US", "XXX", "xx", "QL", ""])
def test_no_list_is_of_a_country(code: str) -> None:
    told = refused(rules.TERRITORY, "check_list", scheme(territory=code), listed(GOOD), before())
    assert "such as XX or ZZ" in told


@pytest.mark.req("TRUSTWORKS:TRUSTED-LIST-TERRITORY")
@pytest.mark.parametrize("code", ["AA", "QM", "QZ", "XA", "XX", "XZ", "ZZ"])
def test_codes_that_are_nobodys_are_taken(code: str) -> None:
    rules.check_territory(code)


@pytest.mark.req("TRUSTWORKS:TRUSTED-LIST-TEST-NAMES")
@pytest.mark.parametrize(
    ("changes", "providers"),
    [
        ({"operators": (Text("en", "Operator"),)}, listed(GOOD)),
        ({"names": (Text("en", "XX:LATEST list"),)}, listed(GOOD)),
        ({}, listed(GOOD, name="Provider")),
        ({}, listed(service(a_state(since=NOW), name="Test Service"))),
    ],
)
def test_every_name_says_test(changes: dict[str, Any], providers: tuple[Provider, ...]) -> None:
    assert "does not say TEST" in refused(
        rules.TEST_NAMES, "check_list", scheme(**changes), providers, before()
    )


@pytest.mark.req("TS119612:5.3.2-1")
@pytest.mark.parametrize("number", [0, 1, 3])
def test_the_next_number_follows(number: int) -> None:
    refused(rules.NUMBER, "check_list", scheme(sequence_number=number), listed(GOOD), before())


@pytest.mark.req("TS119612:5.3.2-1")
def test_the_first_number_is_one() -> None:
    assert "is 1" in refused(rules.NUMBER, "check_list", scheme(), listed(GOOD), None)


@pytest.mark.req("TRUSTWORKS:TRUSTED-LIST-CLOCK")
@pytest.mark.parametrize("later", [timedelta(0), timedelta(seconds=1)])
def test_a_list_is_younger_than_the_one_before(later: timedelta) -> None:
    refused(rules.CLOCK, "check_list", scheme(), listed(GOOD), before(issued=NOW + later))


@pytest.mark.req("TS119612:5.3.15-1")
@pytest.mark.parametrize(
    "update", [None, NOW, NOW - timedelta(days=1), datetime(2027, 3, 1, 12, 0, 1, tzinfo=UTC)]
)
def test_the_next_update_is_due_within_six_months(update: datetime | None) -> None:
    refused(rules.UPDATE, "check_list", scheme(next_update=update), listed(GOOD), before())


@pytest.mark.req("TS119612:5.3.15-1")
def test_six_months_are_months_of_the_calendar() -> None:
    rules.check_next_update(scheme(next_update=datetime(2027, 2, 28, 12, tzinfo=UTC)))
    assert rules.months_after(NOW, 6) == datetime(2027, 3, 1, tzinfo=UTC)
    assert rules.months_after(NOW.replace(day=1), 6) == datetime(2027, 2, 1, 12, tzinfo=UTC)


@pytest.mark.req("TS119612:5.5.3-1")
def test_a_key_is_listed_once_for_a_type() -> None:
    refused(rules.ONCE, "check_list", scheme(), listed(GOOD, GOOD), before())
    rules.check_once(listed(GOOD, service(a_state(since=NOW, service_type=OCSP_QC))))


@pytest.mark.req("TS119612:5.5.3-1")
def test_a_service_has_a_certificate() -> None:
    bare = service(replace(a_state(since=NOW), identity=DigitalIdentity(key_identifiers=(b"1",))))
    refused(rules.ONCE, "check_list", scheme(), listed(bare), before())


@pytest.mark.req("TS119612:5.5.10")
@pytest.mark.parametrize("earlier", [NOW, NOW + timedelta(seconds=1)])
def test_states_go_back_in_time(earlier: datetime) -> None:
    one = service(a_state(since=NOW, status=WITHDRAWN), a_state(since=earlier))
    refused(rules.ORDER, "check_list", scheme(), listed(one), before())


@pytest.mark.req("TS119612:5.3.12")
def test_nothing_that_was_told_is_left_out() -> None:
    granted = a_state(since=NOW - timedelta(days=2), status=GRANTED)
    old = service(granted)
    now = service(a_state(since=NOW, status=WITHDRAWN), past(granted))
    rules.check_list(scheme(), listed(now), before(old))
    for new in (listed(), listed(service(a_state(since=NOW, status=WITHDRAWN)))):
        refused(rules.KEPT, "check_list", scheme(), new, before(old))


@pytest.mark.req("TS119612:5.3.12")
def test_the_history_is_for_ever() -> None:
    refused(rules.KEPT, "check_list", scheme(historical_period=120), listed(GOOD), before())


@pytest.mark.req("TS119612:5.3.3")
def test_the_type_of_a_list_names_its_territory() -> None:
    root = "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/"
    assert list_type("XX", of_lists=False) == f"{root}XXlist"
    assert list_type("ZZ", of_lists=True) == f"{root}ZZlistofthelists"


@pytest.mark.req("TS119612:5.3.6")
def test_the_name_of_a_scheme_begins_with_its_territory() -> None:
    assert scheme_name("XX", "TEST list") == "XX:TEST list"
