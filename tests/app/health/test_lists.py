"""What `/healthz` says of the trusted lists: none, stale, overdue, well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.app.health.lists import check_lists
from trustworks.core.errors import Unavailable
from trustworks.core.pki.trusted_lists.store import Entry, State, write_state
from trustworks.validation.config import ListsSettings

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def settings(store: Path) -> ListsSettings:
    return ListsSettings.model_validate({"store": str(store), "stale-hours": 48})


def entry(territory: str, **changes: Any) -> Entry:
    given = {
        "location": f"https://{territory}.example/list.xml",
        "sha256": "00",
        "sequence_number": 5,
        "next_update": NOW + timedelta(days=30),
        "fetched": NOW - timedelta(days=20),
        "seen": NOW - timedelta(hours=1),
        "tried": NOW - timedelta(hours=1),
    }
    return Entry.model_validate({"territory": territory, **given, **changes})


def keep(store: Path, *entries: Entry) -> None:
    store.mkdir(exist_ok=True)
    write_state(store, State(entries=entries), {})


def unwell(store: Path, code: str) -> str:
    with pytest.raises(Unavailable) as raised:
        check_lists(settings(store), NOW)
    assert raised.value.code == code
    return str(raised.value)


def test_without_lists_nothing_is_well(tmp_path: Path) -> None:
    unwell(tmp_path, "lists.none")
    keep(tmp_path, entry("EU", sha256="", problem="It is not signed."))
    assert "It is not signed." in unwell(tmp_path, "lists.none")


def test_a_damaged_store_is_told(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{")
    unwell(tmp_path, "lists.damaged")


@pytest.mark.req("TRUSTWORKS:VALIDATION-LISTS-STALE")
def test_lists_that_nobody_saw_good_for_long_are_stale(tmp_path: Path) -> None:
    late = NOW - timedelta(hours=49)
    keep(tmp_path, entry("EU", seen=late, problem="It does not answer."))
    assert unwell(tmp_path, "lists.stale").endswith("2026-11-26 11:00. It does not answer.")
    keep(tmp_path, entry("EU", seen=NOW - timedelta(hours=47), problem="It does not answer."))
    assert "It does not answer." in check_lists(settings(tmp_path), NOW).sentence


def test_an_overdue_list_of_lists_is_told(tmp_path: Path) -> None:
    keep(tmp_path, entry("EU", next_update=NOW - timedelta(days=1)))
    assert "2026-11-27" in unwell(tmp_path, "lists.overdue")


def test_national_lists_that_are_bad_or_overdue_are_named_and_stop_nothing(tmp_path: Path) -> None:
    old = entry("XX", next_update=NOW - timedelta(days=1))
    bad = entry("XY", problem="Its signature does not verify.")
    keep(tmp_path, entry("EU"), old, bad)
    found = check_lists(settings(tmp_path), NOW)
    assert "3 lists" in found.sentence
    assert "Overdue: XX." in found.sentence
    assert "XY: Its signature does not verify." in found.sentence
    assert found.detail == {"EU": 5, "XX": 5, "XY": 5}
