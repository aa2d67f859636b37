"""By which way a certificate may be asked for: every profile at every door, in a laboratory and outside."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import trustworks
from trustworks.core.errors import Refused, Rejected
from trustworks.issuance.model.requests import Door
from trustworks.issuance.profiles import PROFILES
from trustworks.issuance.rules.doors import (
    APPLICANT,
    MAILBOX,
    PROVIDER,
    VALIDATED,
    check_door,
    check_door_of_actor,
    open_doors,
)
from trustworks.issuance.rules.servers import SERVER

PROTOCOLS = {Door.ACME, Door.CMP, Door.EST}
OWN = {Door.OFFICER, Door.PROVIDER}

# Who is the subject of each profile's certificates; a profile that is not here is nobody's.
IDENTIFIED = {
    "legal-lcp", "legal-ncp", "legal-ncp-plus", "legal-qcp-l", "legal-qcp-l-qscd",
    "legal-qcp-l-qscd-short-term", "natural-lcp", "natural-ncp", "natural-ncp-auth", "natural-ncp-plus",
    "natural-qcp-n", "natural-qcp-n-qscd", "natural-qcp-n-qscd-short-term", "psd2-qseal", "psd2-qwac",
    "qevcp-w", "qncp-w-gen-legal", "qncp-w-gen-natural", "qncp-w-iv", "qncp-w-ov", "qwac-binding",
    "smime-individual", "smime-organization", "smime-sponsored",
}  # fmt: skip
VALIDATED_NAMES = {"tls-server-dv", "tls-server-dv-short", "smime-mailbox"}
DEVICES = {"device"}
PROVIDERS = {
    "audit-signer", "cmp-server", "list-signer", "ocsp-signer", "root", "seal-edelivery", "seal-preservation",
    "seal-validation-report", "sub-ca", "tls-server", "tsu",
}  # fmt: skip


def doors_of(name: str, *, lab: bool) -> tuple[set[Door], str]:
    """The doors at which a profile's certificates are had, and the rule that closes the others."""
    if "email" in PROFILES[name].name_kinds:
        return {Door.APPLICATION}, MAILBOX
    if name in IDENTIFIED:
        qualified = PROFILES[name].qc_type is not None
        shown = {Door.OFFICER} if qualified else {Door.OFFICER, Door.API}
        return {Door.APPLICATION, *(shown if lab else ())}, APPLICANT
    if name in VALIDATED_NAMES:
        return {Door.APPLICATION, Door.ACME, *({Door.OFFICER} if lab else ())}, VALIDATED
    if name == "tls-server" and not lab:
        return {Door.APPLICATION, *OWN}, SERVER
    if name in PROVIDERS - {"tls-server"}:
        return {Door.APPLICATION, *OWN}, PROVIDER
    return set(Door) - {Door.ACME}, VALIDATED


# Every place where a certificate is asked for, and the doors that its module names.
ASKED_FOR_AT = {
    "app/ceremonies/authorities.py": "PROVIDER",
    "app/lab/services.py": "OFFICER PROVIDER",
    "app/rollover/responder.py": "PROVIDER",
    "app/rollover/unit.py": "PROVIDER",
    "issuance/cli/issue.py": "OFFICER",
    "issuance/enrolment/acme/certificates.py": "ACME",
    "issuance/enrolment/cmp/exchange.py": "CMP",
    "issuance/enrolment/est.py": "EST",
    "issuance/http/api/bodies.py": "API",
    "issuance/registration/desk.py": "APPLICATION",
}


@pytest.mark.req("TRUSTWORKS:ISSUANCE-APPLICANT-DECIDED")
def test_each_place_that_asks_for_a_certificate_says_its_own_door() -> None:
    root, found = Path(trustworks.__file__).parent, {}
    for file in root.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if "door=" not in text:
            continue
        nodes = list(ast.walk(ast.parse(text)))
        asks = [one for one in nodes if isinstance(one, ast.Call) and ast.unparse(one.func) == "Request"]
        if asks:
            assert all(any(each.arg == "door" for each in one.keywords) for one in asks), file
            said = {ast.unparse(one) for one in nodes if isinstance(one, ast.Attribute)}
            doors = sorted(one.removeprefix("Door.") for one in said if one.startswith("Door."))
            found[file.relative_to(root).as_posix()] = " ".join(doors)
    assert found == ASKED_FOR_AT


def test_every_profile_says_who_its_subject_is() -> None:
    assert {*IDENTIFIED, *VALIDATED_NAMES, *DEVICES, *PROVIDERS} == set(PROFILES)
    for names, subject in (
        (IDENTIFIED, "applicant"),
        (VALIDATED_NAMES, "names"),
        (DEVICES, "device"),
        (PROVIDERS, "provider"),
    ):
        assert {one.name for one in PROFILES.values() if one.subject_is == subject} == names


@pytest.mark.req("TRUSTWORKS:ISSUANCE-APPLICANT-DECIDED")
@pytest.mark.req("TRUSTWORKS:ISSUANCE-MAILBOX-VALIDATED")
@pytest.mark.req("TRUSTWORKS:ISSUANCE-NAMES-VALIDATED")
@pytest.mark.req("TRUSTWORKS:ISSUANCE-PROVIDER-ITSELF")
@pytest.mark.req("TRUSTWORKS:ISSUANCE-SERVER-DOOR")
@pytest.mark.parametrize("lab", [True, False], ids=["lab", "provider"])
@pytest.mark.parametrize("name", sorted(PROFILES))
def test_a_door_is_open_or_closed_for_a_profile(name: str, lab: bool) -> None:
    is_open, rule = doors_of(name, lab=lab)
    assert set(open_doors(PROFILES[name], lab=lab)) == is_open
    for door in Door:
        if door in is_open:
            check_door(PROFILES[name], door, lab=lab)
            continue
        with pytest.raises(Refused, match=r"[.]$") as refused:
            check_door(PROFILES[name], door, lab=lab)
        # ACME certifies no servers but those whose names it looked at, by a rule of its own.
        own_rule = VALIDATED if name == "tls-server" and door is Door.ACME else rule
        assert refused.value.requirement == own_rule, door


@pytest.mark.req("TRUSTWORKS:ISSUANCE-DOOR-OF-ACTOR")
def test_nobody_acts_under_the_name_of_another_door() -> None:
    named = {
        Door.APPLICATION: "application:0",
        Door.API: "api:portal",
        Door.ACME: "acme/1/2",
        Door.CMP: "cmp:reference",
        Door.EST: "est:reference",
    }
    for door, actor in named.items():
        check_door_of_actor(door, actor)
        for other in set(Door) - {door}:
            with pytest.raises(Rejected, match=r"[.]$") as rejected:
                check_door_of_actor(other, actor)
            assert rejected.value.code == "issuance.actor"
    for own in OWN:
        check_door_of_actor(own, "registration-officer")
        check_door_of_actor(own, "cmp")
