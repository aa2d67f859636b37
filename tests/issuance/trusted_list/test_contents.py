"""The next list out of what runs and the list before, without keys and records."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from trusted_list_bench import party
from trusted_list_house import NOW, operator

from trustworks.core.pki.trusted_lists.model import AdditionalServiceInformation, Text
from trustworks.core.pki.trusted_lists.uris import (
    CA_QC,
    FOR_SEALS,
    FOR_SIGNATURES,
    FOR_WEB,
    QC_FOR_ESEAL,
    QC_FOR_ESIG,
    QC_FOR_WSA,
    QC_NO_QSCD,
    QC_WITH_QSCD,
    TSA,
)
from trustworks.issuance.profiles import PROFILES
from trustworks.issuance.trusted_list.contents import next_services, past, providers
from trustworks.issuance.trusted_list.running import Running, of_authorities

OWN = "Trustworks TEST Provider"
LATER = NOW + timedelta(days=1)


def running(name: str = OWN, kind: str = CA_QC) -> Running:
    return Running(type=kind, name="TEST service", certificate=party(name, "XX").der)


@pytest.mark.req("TS119612:5.5.5")
def test_a_service_is_not_granted_from_before_its_list() -> None:
    (service,) = next_services([running()], (), NOW)
    assert service.current.since == NOW


@pytest.mark.req("TS119612:5.6.3")
def test_the_past_has_no_certificate_and_a_key_identifier() -> None:
    (service,) = next_services([running()], (), NOW)
    told = past(replace(service.current, scheme_definition_uris=(Text("en", "http://a.example/"),)))
    assert told.identity.certificates == ()
    assert len(told.identity.key_identifiers) == 1
    assert told.scheme_definition_uris == ()


def test_a_service_that_comes_back_is_granted_again_with_its_history() -> None:
    first = next_services([running()], (), NOW)
    gone = next_services([], first, NOW + timedelta(days=1))
    (back,) = next_services([running()], gone, NOW + timedelta(days=2))
    names = [one.status.rpartition("/")[2] for one in back.states]
    assert names == ["granted", "withdrawn", "granted"]
    assert [one.since for one in back.states] == [NOW + timedelta(days=2), NOW + timedelta(days=1), NOW]


def test_what_is_told_of_a_service_anew_begins_with_the_new_list() -> None:
    first = next_services([running()], (), NOW)
    more = (AdditionalServiceInformation(critical=True, uri=FOR_SEALS),)
    (service,) = next_services([replace(running(), extensions=more)], first, LATER)
    assert (service.current.since, service.current.extensions) == (LATER, more)
    assert [(one.since, one.extensions) for one in service.history] == [(NOW, ())]


def test_services_that_are_not_qualified_have_statuses_of_their_own() -> None:
    first = next_services([running(kind=TSA)], (), NOW)
    (gone,) = next_services([], first, LATER)
    names = [one.status.rpartition("/")[2] for one in gone.states]
    assert names == ["deprecatedatnationallevel", "recognisedatnationallevel"]


@pytest.mark.req("TS119612:5.5.3-2")
def test_another_organisations_name_is_explained() -> None:
    found = providers(operator(), [running(), running("TEST former name")], None, NOW)
    (provider,) = found
    own, other = (one.current for one in provider.services)
    assert own.scheme_definition_uris == ()
    assert [one.value for one in other.scheme_definition_uris] == ["http://tsp.example.com/tl/"]
    assert [one.value for one in provider.trade_names] == ["NTRXX-TEST", "TEST former name"]


def test_nobody_is_listed_who_never_had_a_service() -> None:
    assert providers(operator(), [], None, NOW) == ()


def test_an_authority_says_what_its_qualified_certificates_are_by_their_policies() -> None:
    *purposes, qualifications = of_authorities("1.2.3")
    assert [getattr(one, "uri", "") for one in purposes] == [FOR_SIGNATURES, FOR_SEALS, FOR_WEB]
    told = {one.criteria.criteria[0].policies[0]: one.qualifiers for one in qualifications.elements}  # type: ignore[union-attr]
    wanted = {
        "natural-qcp-n-qscd": (QC_FOR_ESIG, QC_WITH_QSCD),
        "natural-qcp-n": (QC_FOR_ESIG, QC_NO_QSCD),
        "legal-qcp-l-qscd": (QC_FOR_ESEAL, QC_WITH_QSCD),
        "legal-qcp-l": (QC_FOR_ESEAL, QC_NO_QSCD),
        "qevcp-w": (QC_FOR_WSA,),
    }
    for name, qualifiers in wanted.items():
        assert told[f"1.2.3.{PROFILES[name].own_policy}"] == qualifiers
    unqualified = {f"1.2.3.{one.own_policy}" for one in PROFILES.values() if one.qc_type is None}
    assert not unqualified & set(told)
