"""Termination plans: what is no plan, what stands against one, and the order of its steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.app.termination import rules
from trustworks.app.termination.plan import (
    Custodian,
    Document,
    Party,
    Plan,
    Read,
    as_values,
    read_file,
    steps_of,
)
from trustworks.core.audit.canonical import canonical
from trustworks.core.errors import Malformed, Refused

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 28)
PARENTS = {"root": None, "issuing": "root", "other": "root"}
KINDS: tuple[Any, ...] = (
    "termination-procedures",
    "review-records",
    "audit-reports",
    "third-party-arrangements",
    "terms",
    "practice-statement",
)
TOLD: tuple[Any, ...] = ("supervisory-body", "trusted-list-operator", "subscribers", "relying-parties")


def plan(**changes: Any) -> Plan:
    return replace(
        Plan(
            version=1,
            name="end",
            purpose="the service ends",
            scenario="anticipated",
            extent="partial",
            day=TODAY,
            reviewed=TODAY,
            authorities=("issuing",),
            keys="destroy",
            decommission=("all tokens",),
            trusted_list="by the supervisor",
            subscribers="are told",
            alternatives="none",
            risks="in the register",
            finances="insured",
            custodian=Custodian(name="archive", contact="there", until=date(2060, 1, 1)),
            parties=tuple(Party(kind=kind, name=kind, contact="there", text="it ends") for kind in TOLD),
            documents=tuple(Document(kind=kind, file="a.txt") for kind in KINDS),
        ),
        **changes,
    )


def wrong(**changes: Any) -> str:
    return "; ".join(rules.objections(plan(**changes), PARENTS, TODAY))


# What is no plan


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"\xff", "not UTF-8"),
        (b"version = ", "not TOML"),
        (b"version = 1\nsurprise = 1", "surprise"),
        (b"version = 2", "version"),
    ],
)
def test_what_is_no_plan_is_malformed(tmp_path: Path, text: bytes, complaint: str) -> None:
    file = tmp_path / "plan.toml"
    file.write_bytes(text)
    with pytest.raises(Malformed, match=complaint):
        read_file(file)
    with pytest.raises(Malformed, match="cannot be read"):
        read_file(tmp_path / "absent.toml")


def test_the_template_is_a_plan_whose_digest_is_of_what_it_says(tmp_path: Path) -> None:
    text = files("trustworks.app.termination").joinpath("template.toml").read_text(encoding="utf-8")
    file = tmp_path / "plan.toml"
    file.write_text(text.replace("@AUTHORITIES@", '["issuing", "root"]'), encoding="utf-8")
    read = read_file(file)
    file.write_text(text.replace("@AUTHORITIES@", '[\n"issuing",\n"root",\n]  # as before'), encoding="utf-8")
    assert read_file(file).digest == read.digest
    other = Read(plan=read.plan, canonical=canonical(as_values(replace(read.plan, reason="superseded"))))
    assert other.digest != read.digest


# What stands against one


def test_nothing_stands_against_a_whole_plan() -> None:
    assert wrong() == ""
    rules.check_plan(())
    with pytest.raises(Refused, match="a reason"):
        rules.check_plan(("a reason",))


@pytest.mark.req("TRUSTWORKS:TERMINATION-CHECKED")
def test_a_plan_with_objections_is_refused() -> None:
    with pytest.raises(Refused, match="have it approved again"):
        rules.check_plan(("there is no authority x",))


@pytest.mark.req("EU2025-2530:3.4")
def test_a_review_counts_for_two_years() -> None:
    assert wrong(reviewed=date(2024, 11, 28)) == ""
    assert "more than two years" in wrong(reviewed=date(2024, 11, 27))
    assert "still to come" in wrong(reviewed=date(2026, 11, 29))


@pytest.mark.req("EU2025-2530:3.7-i", "EN319411-1:OVR-6.4.8-11")
@pytest.mark.parametrize("kind", TOLD)
def test_whoever_is_affected_is_told(kind: str) -> None:
    parties = plan().parties
    assert kind in wrong(parties=tuple(one for one in parties if one.kind != kind))
    assert "two parties" in wrong(parties=(*parties, parties[0]))


@pytest.mark.req("EU2025-2530:3.9")
@pytest.mark.parametrize("kind", KINDS)
def test_its_documents_are_there(kind: str) -> None:
    assert kind in wrong(documents=tuple(one for one in plan().documents if one.kind != kind))


@pytest.mark.req("EU2025-2530:3.7-e")
def test_records_are_kept_after_the_end() -> None:
    assert "before the end" in wrong(custodian=replace(plan().custodian, until=TODAY))


@pytest.mark.req("EU2025-2530:3.7-f")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"authorities": ("issuing", "nobody")}, "no authority nobody"),
        ({"authorities": ("issuing", "issuing")}, "twice"),
        ({"authorities": ("root", "issuing", "other"), "extent": "complete"}, "issuing ends after root"),
        ({"authorities": ("issuing", "root"), "extent": "complete"}, "other is not named"),
        ({"authorities": ("issuing", "other", "root")}, "every authority is named"),
        ({"compromised": ("other",)}, "other is compromised, and does not end"),
        (
            {"authorities": ("other", "issuing", "root"), "extent": "complete", "compromised": ("root",)},
            "no authority above",
        ),
    ],
)
def test_what_ends_is_there_once_and_from_below(changes: dict[str, Any], said: str) -> None:
    assert said in wrong(**changes)


@pytest.mark.req("TRUSTWORKS:TERMINATION-APPROVED")
def test_without_its_approvals_nothing_is_done() -> None:
    rules.check_approved("ab", ())
    with pytest.raises(Refused, match=r"roles approve termination\.run ab"):
        rules.check_approved("ab", ("1 of 2 approvals are there",))


@pytest.mark.req("TRUSTWORKS:TERMINATION-DAY")
def test_nothing_is_done_before_its_day() -> None:
    rules.check_day(plan(), TODAY)
    with pytest.raises(Refused, match="begins on 2026-11-28"):
        rules.check_day(plan(), date(2026, 11, 27))


# Its steps


def test_keys_go_after_what_they_sign_and_a_compromised_authority_is_revoked_first() -> None:
    parties = plan().parties[:1]
    found = steps_of(plan(authorities=("issuing", "other"), compromised=("other",), parties=parties))
    assert found == (
        "notice:supervisory-body",
        *("close:issuing", "close:other"),
        *("revoke:issuing", "answers:issuing", "lists:issuing", "key:issuing"),
        *("revoke-authority:other", "revoke:other", "answers:other", "lists:other", "key:other"),
        "export",
    )
