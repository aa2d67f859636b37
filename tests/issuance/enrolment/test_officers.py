"""No officer lets himself have a certificate: not by a pattern, not by a credential, not by a decision."""

from __future__ import annotations

import pytest

from trustworks.core.errors import Refused
from trustworks.core.roles.model import Person
from trustworks.issuance.enrolment.officers import (
    check_pattern_is_narrow,
    check_spares_officer,
    concerned_by,
)
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.wire import read_subject

BEN = Person(names=frozenset({"ben beispiel"}), identifiers=frozenset({"pnoxx-7", "ben@example.com"}))


@pytest.mark.req("TRUSTWORKS:ENROLMENT-PATTERN-NOT-OFFICER")
@pytest.mark.parametrize("lab", [True, False], ids=["lab", "provider"])
@pytest.mark.parametrize(
    ("subject", "names"),
    [
        ("CN=B*", ()),
        ("CN=* Beispiel", ()),
        ("CN=BEN  *", ()),
        ("GN=Ben, SN=*", ()),
        ("GN=*, SN=Beispiel, CN=x", ()),
        ("CN=pump, serialNumber=PNO*", ()),
        ("CN=pump", ("email:*@example.com",)),
    ],
)
def test_a_pattern_that_fits_the_officer_is_refused(subject: str, names: tuple[str, ...], lab: bool) -> None:
    with pytest.raises(Refused, match="let another officer") as refused:
        check_spares_officer(BEN, read_subject(subject), names, lab=lab)
    assert refused.value.requirement == "TRUSTWORKS:ENROLMENT-PATTERN-NOT-OFFICER"
    check_spares_officer(Person(), read_subject(subject), names, lab=lab)  # of whom nothing is known


@pytest.mark.req("TRUSTWORKS:ENROLMENT-PATTERN-NOT-OFFICER")
def test_a_pattern_that_lets_everything_pass_is_a_laboratorys_alone() -> None:
    for subject in ("CN=*", "CN=**", "CN=pump, serialNumber=*"):
        check_spares_officer(BEN, read_subject(subject), (), lab=True)
        with pytest.raises(Refused):
            check_spares_officer(BEN, read_subject(subject), (), lab=False)
    for subject in ("CN=pump *", "CN=* pump", "CN=Ben, O=*"):
        check_spares_officer(BEN, read_subject(subject), ("DNS:*",), lab=False)


@pytest.mark.req("TRUSTWORKS:ENROLMENT-PATTERN-NARROW")
@pytest.mark.parametrize(
    ("profile", "subject", "names", "narrow"),
    [
        ("device", "CN=pump *", (), True),
        ("device", "CN=pump 7, serialNumber=*", (), True),
        ("device", "CN=pump *, O=Muster Ltd", (), True),
        ("device", "CN=pump *, O=*", (), False),
        ("tls-server", "CN=server", ("DNS:a.example",), True),
        ("tls-server", "CN=server *", ("DNS:a.example",), False),
        ("tls-server", "CN=server", ("DNS:*.example",), False),
    ],
)
def test_patterns_outside_a_laboratory_are_for_the_names_of_devices(
    profile: str, subject: str, names: tuple[str, ...], narrow: bool
) -> None:
    given = (profile_named(profile), read_subject(subject), names)
    check_pattern_is_narrow(*given, lab=True)
    if narrow:
        check_pattern_is_narrow(*given, lab=False)
        return
    with pytest.raises(Refused, match="stands for any characters") as refused:
        check_pattern_is_narrow(*given, lab=False)
    assert refused.value.requirement == "TRUSTWORKS:ENROLMENT-PATTERN-NARROW"


@pytest.mark.req("EN319411-1:REG-6.2.2-26")
def test_whom_a_request_concerns_is_told_by_its_addresses_too() -> None:
    found = concerned_by(read_subject("CN=Ben"), ("email:Ben@Example.com", "DNS:a"), key_ids=["k"])
    assert [sorted(one.identifiers) for one in found] == [[], ["ben@example.com"]]
    assert found[0].key_ids == {"k"}
