"""Certificates of servers: whom they are for outside a laboratory, and for which names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trustworks.core.errors import Refused
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Door
from trustworks.issuance.profiles import PROFILES
from trustworks.issuance.rules.doors import check_door, check_provider_is_named
from trustworks.issuance.rules.servers import (
    COMMON_NAME,
    NAMES,
    SERVER,
    asks_domains,
    check_server_common_name,
    check_server_names,
    own_domains,
)

TLS = PROFILES["tls-server"]
OWN = own_domains(("http://TSP.example.com:8080/x", "https://acme.example.net", "https://192.0.2.1/", ""))
PROVIDER = {"countryName": "XX", "organizationName": "Example Trust TEST"}


@pytest.mark.req("TRUSTWORKS:ISSUANCE-SERVER-DOOR")
@pytest.mark.parametrize("door", [Door.API, Door.CMP, Door.EST])
def test_no_profile_of_servers_is_had_by_a_key_or_a_secret_alone(door: Door) -> None:
    site = replace(PROFILES["device"], extended_key_usage=TLS.extended_key_usage)
    for profile in (TLS, site):
        check_door(profile, door, lab=True)
        with pytest.raises(Refused, match=r"does not look who controls.*[.]$") as refused:
            check_door(profile, door, lab=False)
        assert refused.value.requirement == SERVER
    check_door(PROFILES["device"], door, lab=False)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-SERVER-NAMES")
@pytest.mark.parametrize(
    ("name", "is_own"),
    [
        ("DNS:tsp.example.com", True),
        ("DNS:WWW.Tsp.Example.com", True),
        ("DNS:*.tsp.example.com", True),
        ("DNS:acme.example.net", True),
        ("IP:192.0.2.1", True),
        ("IP:192.0.2.2", False),
        ("DNS:192.0.2.1", False),
        ("DNS:x.192.0.2.1", False),
        ("DNS:example.com", False),
        ("DNS:*.example.com", False),
        ("DNS:eviltsp.example.com", False),
        ("DNS:tsp.example.com.evil.example", False),
        ("DNS:bank.example", False),
    ],
)
def test_an_officer_has_servers_certified_below_the_providers_own_domains(name: str, is_own: bool) -> None:
    names = ("DNS:tsp.example.com", name)
    check_server_names(TLS, Door.OFFICER, names, OWN, lab=True)
    check_server_names(TLS, Door.APPLICATION, names, OWN, lab=False)  # the desk sees control
    for door in (Door.OFFICER, Door.PROVIDER):
        if is_own:
            check_server_names(TLS, door, names, OWN, lab=False)
            continue
        with pytest.raises(Refused, match=r"not at or below 192\.0\.2\.1, acme\..*[.]$") as refused:
            check_server_names(TLS, door, names, OWN, lab=False)
        assert refused.value.requirement == NAMES
    check_server_names(PROFILES["tls-server-dv"], Door.ACME, names, OWN, lab=False)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-SERVER-COMMON-NAME")
def test_the_common_name_of_a_server_is_one_of_its_names() -> None:
    names = ("DNS:tsp.example.com", "IP:192.0.2.1")
    for value in ("TSP.example.com", "192.0.2.1"):
        check_server_common_name(TLS, [NameAttribute("commonName", value)], names, lab=False)
    other = [NameAttribute("commonName", "bank.example")]
    check_server_common_name(TLS, other, names, lab=True)
    check_server_common_name(PROFILES["device"], other, (), lab=False)
    with pytest.raises(Refused, match=r"none of the alternative names.*[.]$") as refused:
        check_server_common_name(TLS, other, names, lab=False)
    assert refused.value.requirement == COMMON_NAME


@pytest.mark.req("TRUSTWORKS:ISSUANCE-PROVIDER-NAME")
def test_a_server_is_the_providers_by_its_name() -> None:
    other = [NameAttribute("organizationName", "Bank")]
    check_provider_is_named(TLS, other, PROVIDER, lab=True)
    check_provider_is_named(
        TLS, [NameAttribute("organizationName", "Example Trust TEST")], PROVIDER, lab=False
    )
    with pytest.raises(Refused, match="name the provider"):
        check_provider_is_named(TLS, other, PROVIDER, lab=False)
    with pytest.raises(Refused, match="name the provider"):
        check_provider_is_named(PROFILES["tsu"], other, PROVIDER, lab=True)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-SERVER-CAA")
def test_domains_are_asked_for_every_server_at_every_door() -> None:
    for door in set(Door) - {Door.ACME}:
        assert asks_domains(TLS, door, lab=False)
        assert not asks_domains(TLS, door, lab=True)
        assert asks_domains(PROFILES["smime-mailbox"], door, lab=True)
        assert not asks_domains(PROFILES["device"], door, lab=False)
    assert not asks_domains(PROFILES["tls-server-dv"], Door.ACME, lab=False)
