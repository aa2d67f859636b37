"""A planned change: its file, its rules, the drafts that are made of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.assurance.changes.drafts import change_notice, incident_notice
from trustworks.assurance.changes.model import (
    Change,
    ChangeAct,
    ChangeState,
    Incident,
    Paper,
    plan_of,
    read_plan,
)
from trustworks.assurance.changes.rules import STEPS, check_ahead, check_done, check_step, explains
from trustworks.assurance.evidence.identity import Difference
from trustworks.core.errors import Malformed, Refused, Rejected

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
VALUES: dict[str, Any] = {
    "title": "Firmware 7.5 of the device hsm-1",
    "planned": datetime(2026, 8, 1, 8, tzinfo=UTC),
    "elements": ["b"],
    "product": "hsm-1",
    "expected": {"firmware": "7.5", "library_sha256": "02" * 32},
}
FIRMWARE = Difference(field="firmware", expected="7.4", found="7.5")
LIBRARY = Difference(field="library_sha256", expected="01" * 32, found="02" * 32)


def change(*states: ChangeState, **values: Any) -> Change:
    acts = tuple(ChangeAct(state=one, at=NOW, by="anna", reason="") for one in (ChangeState.PLANNED, *states))
    return Change(number=7, plan=plan_of(VALUES | values), acts=acts)


# The file


def test_a_plan_is_read_from_a_file_and_kept_as_it_was_read(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(
        'title = "Firmware 7.5"\nplanned = 2026-08-01T10:00:00+02:00\nelements = ["b", "d"]\n'
        'product = "hsm-1"\nexpected = { firmware = "7.5" }\nreasons = "A fault of 7.4."\n'
        f'[[documents]]\ntitle = "Practice statement"\nversion = "5"\nsha256 = "{"aa" * 32}"\n',
        encoding="utf-8",
    )
    plan = read_plan(file)
    assert plan.documents == (Paper(title="Practice statement", version="5", sha256="aa" * 32),)
    assert plan_of(plan.values()) == replace(plan, planned=plan.planned.astimezone(UTC))
    assert plan.values()["planned"] == "2026-08-01T08:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "title"),
        ('title = "x"\nplanned = 2026-08-01T08:00:00Z\nelements = ["z"]', "elements.0"),
        ('title = "x"\nplanned = 2026-08-01T08:00:00Z\nelements = []', "elements"),
        ('title = "x"\nplanned = 2026-08-01T08:00:00\nelements = ["b"]', "with its zone"),
        ('title = "x"\nplanned = 2026-08-01T08:00:00Z\nelements = ["b"]\nextra = 1', "extra"),
        (
            'title = "x"\nplanned = 2026-08-01T08:00:00Z\nelements = ["b"]\nexpected = { serial = "1" }',
            "names none",
        ),
        (
            'title = "x"\nplanned = 2026-08-01T08:00:00Z\nelements = ["b"]\nexpected = { colour = "1" }',
            "expected.colour",
        ),
        (
            'title = "x"\nplanned = 2026-08-01T08:00:00Z\nelements = ["b"]\ndocuments = [{ sha256 = "no" }]',
            "documents.0.title",
        ),
        (f'title = "{"x" * 300}"', "title"),
        (
            'title = "x"\nplanned = 2026-08-01T08:00:00Z\nelements = ["b"]\nproduct = "a\\u0000"',
            "product",
        ),
        ("title = ", "no TOML"),
    ],
)
def test_a_wrong_plan_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Malformed) as caught:
        read_plan(file)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"elements": ["z", "q"]}, "a: descriptions of services, policies, .* j: third parties"),
        ({"elements": ["z", "q"]}, "at 'elements.1': it is no such letter\\.$"),
        ({"elements": []}, "b: the technical architecture"),
        ({"elements": "b"}, 'in a list, such as \\["b"\\]'),
        ({"planned": date(2026, 8, 1)}, "at 'planned': write the time with its zone, .* a day alone"),
        ({"planned": "2026-08-01"}, "at 'planned': write the time with its zone"),
        ({"planned": "soon"}, "at 'planned': write the time with its zone"),
        (
            {"expected": {"colour": "1"}},
            "at 'expected.colour': this cannot be told of .* 'serial', 'manufacturer'",
        ),
        ({"entered": {"serial": "1"}}, "there are: 'software' or 'variant'"),
        ({"extra": 1}, "no such field; there are: title, planned, description"),
        ({"title": 1}, "at 'title': write a text in quotation marks"),
        ({"title": "x" * 300}, "longer than 200 characters"),
        ({"evidence": [{"title": "x", "sha256": "no"}]}, "no SHA-256 in hexadecimal"),
        ({"evidence": [{"title": "x", "colour": "no"}]}, "at 'evidence.0.colour': there is no such"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_with_what_to_write(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(Malformed, match=told) as caught:
        plan_of(VALUES | changed)
    assert "Input should" not in str(caught.value)


def test_what_is_no_file_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="cannot be read"):
        read_plan(tmp_path / "absent.toml")
    file = tmp_path / "octets.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(Malformed, match="no TOML"):
        read_plan(file)


# Its rules


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CHANGE-AHEAD")
def test_a_change_is_planned_a_month_ahead_or_says_why_not() -> None:
    first = datetime(2026, 7, 1, tzinfo=UTC)
    check_ahead(plan_of(VALUES | {"planned": first}), NOW)
    soon = VALUES | {"planned": first - timedelta(seconds=1)}
    with pytest.raises(Refused, match="2026-07-01 or later"):
        check_ahead(plan_of(soon), NOW)
    with pytest.raises(Refused):
        check_ahead(plan_of(soon | {"urgent": "  "}), NOW)
    check_ahead(plan_of(soon | {"urgent": "A fault of the firmware is exploited."}), NOW)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CHANGE-STEPS")
def test_a_change_takes_its_steps_in_order() -> None:
    for state, allowed in STEPS.items():
        at = change() if state is ChangeState.PLANNED else change(state)
        for to in ChangeState:
            if to in allowed:
                check_step(at, to)
            else:
                with pytest.raises(Rejected, match=f"is {state.value}, and cannot become {to.value}"):
                    check_step(at, to)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CHANGE-DONE-AS-PLANNED")
def test_a_change_is_done_once_the_module_was_seen_to_have_changed() -> None:
    with pytest.raises(Rejected, match=r"expects firmware 7\.5"):
        check_done(change())
    check_done(change(ChangeState.OBSERVED))
    check_done(change(expected={}))  # of documents alone, nothing is seen


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CHANGE-EXPECTED")
def test_exactly_what_was_announced_is_explained_and_not_before_its_time() -> None:
    then = datetime(2026, 8, 1, 8, tzinfo=UTC)
    both = [FIRMWARE, LIBRARY]
    assert explains(change(), "hsm-1", both, then)
    assert not explains(change(), "hsm-1", both, then - timedelta(seconds=1))
    assert not explains(change(), "hsm-2", both, then)
    assert not explains(change(), "hsm-1", [FIRMWARE], then)
    assert not explains(change(), "hsm-1", [], then)
    serial = Difference(field="serial", expected="S1", found="S2")
    assert not explains(change(), "hsm-1", [*both, serial], then)
    other = replace(FIRMWARE, found="7.6")
    assert not explains(change(), "hsm-1", [other, LIBRARY], then)
    seen = change(ChangeState.OBSERVED)
    assert explains(seen, "hsm-1", [LIBRARY], then)  # the firmware is accepted by now
    assert not explains(seen, "hsm-1", [other], then)
    assert not explains(seen, "hsm-1", [*both, serial], then)
    assert not explains(change(ChangeState.CANCELLED), "hsm-1", both, then)
    assert not explains(change(ChangeState.OBSERVED, ChangeState.DONE), "hsm-1", both, then)


# Drafts


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CHANGE-NOTICE", "EU2025-2530:1.1", "EU2025-2530:1.2")
def test_the_draft_of_a_change_has_every_point_and_says_what_is_missing() -> None:
    whole = change(
        description="The vendor's update 7.5.",
        reasons="A fault of 7.4.",
        services=["Time-stamps"],
        elements=["b", "d"],
        evidence=[{"title": "Advisory 7"}],
        documents=[{"title": "Practice statement", "version": "5", "sha256": "aa" * 32}],
    )
    text = change_notice(whole, provider="TEST provider", now=NOW)
    for point in (
        "Description of the change (Article 1(2)(a)):\n  Firmware 7.5 of the device hsm-1\n  The vendor",
        "Planned date and time (Article 1(2)(b)):\n  2026-08-01 08:00:00 UTC",
        "Reasons (Article 1(2)(c)):\n  A fault of 7.4.",
        "Evidence for the reasons, where applicable (Article 1(2)(c)):\n  Advisory 7, SHA-256 missing",
        f"where applicable (Article 1(2)(d)):\n  Practice statement, version 5, SHA-256 {'aa' * 32}",
        "What changes (Article 1(1)):\n  (b) the technical architecture",
        "  (d) cryptographic techniques",
        "Services concerned:\n  Time-stamps",
        "firmware: 7.5",
    ):
        assert point in text
    bare = change_notice(change(product="", expected={}), provider="", now=NOW)
    for name in ("Provider", "Services concerned", "Reasons (Article 1(2)(c))", "Product"):
        assert f"{name}:\n  missing" in bare
    for text_ in (text, bare):
        assert "decides nothing" in text_
        assert "compliant" not in text_.casefold()


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INCIDENT-NOTICE")
def test_the_draft_of_an_incident_says_until_when_and_what_people_have_to_add() -> None:
    incident = Incident(
        number=3,
        at=NOW,
        product="hsm-1",
        services=("timestamping",),
        findings=("the serial number is S2, expected was S1",),
        facts={"evidence": 12},
    )
    text = incident_notice(incident, provider="TEST provider", now=NOW + timedelta(hours=1))
    assert "Became known:\n  2026-06-01 12:00:00 UTC" in text
    assert "To be notified by:\n  2026-06-02 12:00:00 UTC\n" in text
    assert "What was found:\n  the serial number is S2" in text
    assert text.count("\n  missing") == 6
    assert "this time is over" in incident_notice(incident, provider="", now=NOW + timedelta(hours=25))


def test_a_plan_is_refused_with_all_that_is_wrong_at_once() -> None:
    planned = NOW.replace(tzinfo=None)
    with pytest.raises(Malformed) as caught:
        plan_of({"elements": ["z"], "planned": planned, "expected": {"firmware": "1"}, "more": 1})
    told = str(caught.value)
    for one in ("'title'", "'elements.0'", "'more'", "write the time with its zone", "add product"):
        assert one in told
