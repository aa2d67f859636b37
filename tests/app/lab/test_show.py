from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from trustworks.app.configuration.settings import HttpSettings
from trustworks.app.lab import show
from trustworks.app.lab.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_is_not_well_is_told_once_with_all_that_it_stops_and_word_for_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = "Set [time] traceable-to."
    found = [("clock", sentence), ("crl", "Old."), ("timestamping", sentence)]
    monkeypatch.setattr(show, "unwell", lambda plain: found if plain else [])
    said = io.StringIO()
    show.serving(Layout(tmp_path), HttpSettings(), Console(file=said))
    lines = [line for line in said.getvalue().splitlines() if line.startswith("Not well:")]
    assert lines == [f"Not well: clock, timestamping: {sentence}", "Not well: crl: Old."]


def test_several_reasons_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = ["The kernel is not synchronised.", "chronyd does not answer.", "Set [time] traceable-to."]
    monkeypatch.setattr(show, "unwell", lambda plain: [("clock", " ".join(reasons))] if plain else [])
    said = io.StringIO()
    show.serving(Layout(tmp_path), HttpSettings(), Console(file=said))
    assert "Not well: clock:\n" + "".join(f"  - {reason}\n" for reason in reasons) in said.getvalue()
