"""What a request may ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv6Address

import pytest
from cryptography import x509

from trustworks.core.errors import Refused, Rejected
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.profiles import PROFILES, VERSIONS, profile_named
from trustworks.issuance.profiles.tbs import alternative_name, alternative_names
from trustworks.issuance.rules.requests import (
    check_actor,
    check_alternative_names,
    check_in_use,
    check_not_a_ceremony,
    complete_subject,
    validity,
)

NOW = datetime(2026, 11, 24, 12, 0, 0, 999_999, tzinfo=UTC)
PROVIDER = {"countryName": "XX", "organizationName": "TEST Provider", "organizationIdentifier": None}
NATURAL = {
    "commonName": "A TEST",
    "serialNumber": "1",
    "surname": "A",
    "countryName": "XX",
    "givenName": "B",
}


def attributes(**given: str) -> list[NameAttribute]:
    return [NameAttribute(*item) for item in given.items()]


def test_the_name_has_the_profiles_order_and_what_the_provider_adds() -> None:
    found = complete_subject(PROFILES["natural-qcp-n-qscd"], attributes(**NATURAL), PROVIDER)
    assert [one.type for one in found] == [
        "countryName",
        "givenName",
        "surname",
        "serialNumber",
        "commonName",
    ]
    found = complete_subject(PROFILES["tsu"], attributes(commonName="TEST TSU"), PROVIDER)
    assert found == (
        ("countryName", "XX"),
        ("organizationName", "TEST Provider"),
        ("commonName", "TEST TSU"),
    )


@pytest.mark.req("TRUSTWORKS:ISSUANCE-SUBJECT-ATTRIBUTES")
@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"serialNumber": None}, "serialNumber"),
        ({"countryName": None}, "countryName"),
        ({"surname": None, "givenName": None}, "exactly one"),
        ({"pseudonym": "P"}, "exactly one"),
        ({"localityName": "L"}, "localityName"),
    ],
)
def test_what_is_missing_unknown_or_contradictory_is_said(change: dict[str, str | None], word: str) -> None:
    given = {name: value for name, value in {**NATURAL, **change}.items() if value is not None}
    with pytest.raises(Rejected, match=word):
        complete_subject(PROFILES["natural-qcp-n-qscd"], attributes(**given), PROVIDER)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-SUBJECT-ATTRIBUTES")
@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"serialNumber": "TEST_1"}, "alone"),
        ({"serialNumber": "ä"}, "alone"),
        ({"countryName": "ÄÖ"}, "alone"),
        ({"surname": "x" * 256}, "256 characters"),
        ({"surname": "  "}, "characters"),
        ({"surname": "a\u202eb"}, "cannot be shown"),
        ({"surname": "\ud800"}, "cannot be shown"),
        ({"surname": "a\0b"}, "cannot be shown"),
    ],
)
def test_values_that_cannot_be_written_or_read_are_rejected(change: dict[str, str], word: str) -> None:
    with pytest.raises(Rejected, match=word):
        complete_subject(PROFILES["natural-qcp-n-qscd"], attributes(**{**NATURAL, **change}), PROVIDER)


@pytest.mark.parametrize("by", ["", " x", "a\nb", "x" * 65, "ä", "a;b"])
def test_who_acts_is_a_role_or_a_pseudonym(by: str) -> None:
    check_actor("registration-officer")
    with pytest.raises(Rejected, match="role or pseudonym"):
        check_actor(by)


def test_a_pseudonym_may_stand_for_the_name() -> None:
    given = {"commonName": "P TEST", "pseudonym": "P TEST", "serialNumber": "1", "countryName": "XX"}
    complete_subject(PROFILES["natural-qcp-n-qscd"], attributes(**given), PROVIDER)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-SUBJECT-ATTRIBUTES")
def test_an_attribute_given_twice_is_rejected() -> None:
    twice = [*attributes(**NATURAL), NameAttribute("surname", "C")]
    with pytest.raises(Rejected, match="twice"):
        complete_subject(PROFILES["natural-qcp-n-qscd"], twice, PROVIDER)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-ALTERNATIVE-NAMES")
def test_alternative_names_are_a_servers_alone() -> None:
    with pytest.raises(Rejected, match="needs alternative names"):
        check_alternative_names(PROFILES["tls-server"], ())
    with pytest.raises(Rejected, match="no alternative names"):
        check_alternative_names(PROFILES["tsu"], ("DNS:a",))
    check_alternative_names(PROFILES["tls-server"], ("DNS:a",))


@pytest.mark.req("TRUSTWORKS:ISSUANCE-ALTERNATIVE-NAMES")
def test_a_certificate_has_a_hundred_alternative_names_at_most() -> None:
    names = [f"DNS:h{number}.example.com" for number in range(101)]
    check_alternative_names(PROFILES["tls-server"], names[:100])
    with pytest.raises(Rejected, match="at most 100"):
        check_alternative_names(PROFILES["tls-server"], names)


@pytest.mark.parametrize("text", ["URI:x", "tsp.example.com", "192.0.2.1", "dns:a.test", "DNSX:a", ""])
def test_an_alternative_name_says_what_it_is(text: str) -> None:
    with pytest.raises(Rejected, match="DNS:name, IP:address or email:address"):
        alternative_name(text)


def test_an_address_of_one_hosts_interface_is_not_certified_without_it() -> None:
    with pytest.raises(Rejected, match="without %"):
        alternative_name("IP:fe80::1%eth0")
    assert alternative_name("IP:fe80::1") == x509.IPAddress(IPv6Address("fe80::1"))


def test_a_name_that_is_given_twice_is_certified_once() -> None:
    given = ("DNS:a.test", "DNS:A.TEST", "IP:2001:db8::1", "DNS:a.test", "IP:2001:DB8:0::1", "DNS:b.test")
    assert alternative_names(given) == [
        x509.DNSName("a.test"),
        x509.IPAddress(IPv6Address("2001:db8::1")),
        x509.DNSName("b.test"),
    ]


def test_authorities_are_a_ceremonys() -> None:
    for profile in PROFILES.values():
        if profile.ca:
            with pytest.raises(Rejected, match="ceremony"):
                check_not_a_ceremony(profile)
        else:
            check_not_a_ceremony(profile)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-VALIDITY-WITHIN")
def test_validity_begins_now_and_ends_with_the_authority_at_the_latest() -> None:
    profile = PROFILES["tsu"]
    first, last = validity(profile, None, NOW, NOW + timedelta(days=9999))
    assert first == NOW.replace(microsecond=0)
    assert last - first == timedelta(days=profile.days, seconds=-1)
    end = NOW + timedelta(days=100)
    assert validity(profile, None, NOW, end)[1] == end
    assert validity(profile, 50, NOW, end)[1] < end
    for asked in (100, 101):  # the authority ends within the hundredth day, so that 99 are left in whole
        with pytest.raises(Refused, match=r"2027-03-04 11:59 UTC; ask for 99 days at most\."):
            validity(profile, asked, NOW, end - timedelta(seconds=2))
    assert validity(profile, 99, NOW, end - timedelta(seconds=2))[1] < end
    for days, soon in ((None, -1), (1, 0.5)):
        with pytest.raises(Refused, match="renew it before"):
            validity(profile, days, NOW, NOW + timedelta(days=soon))


@pytest.mark.parametrize("days", [0, -1, 10**9])
def test_days_outside_the_profile_are_rejected(days: int) -> None:
    with pytest.raises(Rejected, match="allows 1 to"):
        validity(PROFILES["tsu"], days, NOW, None)


def test_a_wrong_profile_name_gets_a_hint() -> None:
    assert profile_named("natural").name == "natural-qcp-n-qscd"
    assert profile_named("seal") is profile_named("legal-seal")
    with pytest.raises(Rejected, match="Did you mean tls-server"):
        profile_named("tls-sever")
    with pytest.raises(Rejected, match="profile list"):
        profile_named("")


def test_a_name_may_say_a_version() -> None:
    first, second = VERSIONS["natural-qcp-n-qscd"]
    assert profile_named("natural-qcp-n-qscd") is profile_named("natural/1") is first
    assert profile_named("natural/2") is second
    assert (first.qcs, second.qcs) == ("V2.5.1", "V2.6.1")
    assert profile_named("natural", {"natural-qcp-n-qscd": 2}) is second
    assert profile_named("natural/1", {"natural-qcp-n-qscd": 2}) is first
    for name in ("tsu/2", "tsu/", "tsu/x", "tsu"):
        with pytest.raises(Rejected, match="it has 1") as found:
            profile_named(name, {"tsu": 7})
        assert found.value.code == "issuance.profile-version"


def test_a_version_is_issued_in_its_time() -> None:
    profile = replace(PROFILES["tsu"], since=date(2026, 2, 1), until=date(2026, 3, 1))
    check_in_use(profile, date(2026, 2, 1))
    check_in_use(profile, date(2026, 3, 1))
    check_in_use(PROFILES["tsu"], date(2099, 1, 1))
    for day in (date(2026, 1, 31), date(2026, 3, 2)):
        with pytest.raises(Rejected, match="from 2026-02-01 until 2026-03-01"):
            check_in_use(profile, day)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-ALTERNATIVE-NAMES")
def test_names_are_of_the_profiles_kinds() -> None:
    check_alternative_names(PROFILES["smime-mailbox"], ("email:a@b.test",))
    check_alternative_names(PROFILES["qevcp-w"], ("DNS:a.test",))
    for profile, name in (("qevcp-w", "IP:192.0.2.1"), ("smime-mailbox", "DNS:a.test"), ("tsu", "DNS:a")):
        with pytest.raises(Rejected):
            check_alternative_names(PROFILES[profile], (name,))
    with pytest.raises(Rejected, match="email:anna"):
        check_alternative_names(PROFILES["smime-mailbox"], ())


@pytest.mark.parametrize("text", ["a", "@b.test", "a@", "a b@c.test", '"a"@b.test', "<a@b.test>", "\u00e4@b"])
def test_a_mailbox_is_name_and_domain(text: str) -> None:
    with pytest.raises(Rejected, match="no address of electronic mail"):
        alternative_name(f"email:{text}")
    assert alternative_name("email:a@b.test") == x509.RFC822Name("a@b.test")


@pytest.mark.req("TRUSTWORKS:ISSUANCE-VALIDITY-WITHIN")
def test_some_hours_are_not_cut_and_not_chosen() -> None:
    profile = PROFILES["natural-qcp-n-qscd-short-term"]
    first, last = validity(profile, None, NOW, NOW + timedelta(days=1))
    assert (first, last) == (NOW.replace(microsecond=0), first + timedelta(hours=12, seconds=-1))
    with pytest.raises(Rejected, match="12 hours"):
        validity(profile, 1, NOW, None)
    with pytest.raises(Refused, match="renew it"):
        validity(profile, None, NOW, NOW + timedelta(hours=11))


def test_values_are_in_composed_form() -> None:
    composed, decomposed = "M\u00fcller TEST", "Mu\u0308ller TEST"
    given = {**NATURAL, "commonName": composed}
    complete_subject(PROFILES["natural-qcp-n-qscd"], attributes(**given), PROVIDER)
    with pytest.raises(Rejected, match=r"NFC.*u\u0308.*write .M\u00fcller"):
        complete_subject(
            PROFILES["natural-qcp-n-qscd"], attributes(**{**given, "commonName": decomposed}), PROVIDER
        )
