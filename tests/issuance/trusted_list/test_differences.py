"""What tells two lists apart is told, whatever it is."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from listed_services import a_provider, a_service, a_state, purpose, qualifiers
from trusted_list_bench import list_xml, party, pointer
from trusted_list_house import NOW

from trustworks.core.pki.trusted_lists.model import Address, SupplyPoint, Text
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.core.pki.trusted_lists.uris import FOR_SEALS, FOR_SIGNATURES, QC_WITH_QSCD, WITHDRAWN
from trustworks.issuance.trusted_list.differences import differences

if TYPE_CHECKING:
    from trustworks.core.pki.trusted_lists.model import Service, TrustedList

STATE = a_state(since=NOW)


def a_list(
    *services: Service, pointers: tuple[str, ...] = (), name: str = "Provider", **scheme: Any
) -> TrustedList:
    read = read_trusted_list(list_xml(pointers=pointers).encode())
    made = replace(read, scheme=replace(read.scheme, **scheme), providers=(a_provider(*services, name=name),))
    return replace(made, sha256=hashlib.sha256(repr(made).encode()).digest())


def told(old: TrustedList, new: TrustedList) -> str:
    return "\n".join(differences(old, new))


def test_the_same_list_has_no_differences() -> None:
    assert differences(a_list(a_service(STATE)), a_list(a_service(STATE))) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sequence_number": 6}, "The sequence number was 5 and is 6."),
        ({"issued": datetime(2026, 2, 2, tzinfo=UTC)}, "the new one on 2026-02-02 00:00:00 UTC"),
        ({"next_update": None}, "and is due on never"),
        ({"address": Address(electronic=(Text("en", "mailto:a@b.example"),))}, "The address of"),
        ({"names": (Text("en", "EL:other"),)}, "The name of the scheme was nothing, and is EL:other."),
        ({"territory": "XX"}, "The territory was EL, and is XX."),
        ({"version": 5}, "The version of the format was 6, and is 5."),
    ],
)
def test_changes_of_the_scheme(changes: dict[str, Any], words: str) -> None:
    assert words in told(a_list(), a_list(**changes))


def test_changes_of_pointers() -> None:
    one, other = party("one"), party("other")
    first = pointer("FR", "https://a.example/fr.xml", one)
    assert "points to the list of FR at https://a.example/fr.xml." in told(
        a_list(), a_list(pointers=(first,))
    )
    assert "no longer points" in told(a_list(pointers=(first,)), a_list())
    second = pointer("FR", "https://a.example/fr.xml", other)
    assert "other certificates for who signs" in told(a_list(pointers=(first,)), a_list(pointers=(second,)))
    third = pointer("DE", "https://a.example/fr.xml", one)
    assert "something else of the list" in told(a_list(pointers=(first,)), a_list(pointers=(third,)))


def test_changes_of_providers() -> None:
    found = told(a_list(name="One"), a_list(name="Other"))
    assert "The provider One is no longer on it." in found
    assert "The provider Other is new on it." in found
    changed = a_list()
    changed = replace(changed, providers=(replace(changed.providers[0], trade_names=()),), sha256=b"x")
    assert "another trade name" in told(a_list(), changed)


def test_changes_of_services() -> None:
    assert "is no longer on it" in told(a_list(a_service(STATE)), a_list())
    assert "The service Service (CA/QC) is new on it: granted since" in told(
        a_list(), a_list(a_service(STATE))
    )
    later = a_state(since=NOW + timedelta(days=1), status=WITHDRAWN)
    found = told(a_list(a_service(STATE)), a_list(a_service(later)))
    assert "was granted since 2026-11-24 12:00:00 UTC; it is withdrawn since 2026-11-25" in found
    assert "is no longer told to have been granted" in found
    kept = told(a_list(a_service(STATE)), a_list(a_service(later, STATE)))
    assert "no longer told" not in kept


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"names": (Text("en", "New"),)}, "The service New (CA/QC) was called Service."),
        ({"supply_points": (SupplyPoint(uri="http://a.example/"),)}, "explained or reached elsewhere"),
        ({"extensions": purpose(FOR_SEALS)}, "has the extension ForeSeals."),
        ({"extensions": ()}, "no longer has the extension ForeSignatures."),
        (
            {"extensions": (*purpose(FOR_SIGNATURES), qualifiers(QC_WITH_QSCD))},
            "has qualifications of 1 kinds of certificates.",
        ),
    ],
)
def test_changes_of_what_a_service_is(changes: dict[str, Any], words: str) -> None:
    assert words in told(a_list(a_service(STATE)), a_list(a_service(replace(STATE, **changes))))


def test_another_certificate_of_the_same_key_is_told() -> None:
    identity = STATE.identity
    newer = replace(identity.certificates[0], der=b"newer", sha256=b"newer")
    changed = replace(STATE, identity=replace(identity, certificates=(newer,)))
    assert "another certificate of the same key" in told(a_list(a_service(STATE)), a_list(a_service(changed)))
