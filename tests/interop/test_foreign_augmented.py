"""EU DSS looks at signatures of others before and after they are raised: what was intact is so still."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from dss_judge import Case, answers
from foreign_augmented import LEVELS, foreign, raised
from signed_corpus import CORPUS
from validated_corpus import FORMATS

from trustworks.core.errors import Rejected

if TYPE_CHECKING:
    from trustworks.formats.data import Data

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("matrix")]

SAMPLE: Final = 12
WHOLE: Final = "TRUSTWORKS_WHOLE_CORPUS"
"""Where it is set, all files are judged."""


def intact(said: dict[str, Any]) -> set[tuple[str, ...]]:
    """What EU DSS finds intact: signatures by their values, time-stamps by what they say."""
    signatures = {
        (one["key"], name)
        for one in said["signatures"]
        for name in ("intact", "valid", "data_found", "data_intact", "signing_certificate_identified")
        if one[name]
    }
    stamps = {
        (one["time"], one["kind"], name)
        for one in said["time_stamps"]
        for name in ("intact", "valid", "imprint_found", "imprint_intact")
        if one[name]
    }
    return signatures | stamps


def test_what_was_intact_is_so_still(tmp_path: Path) -> None:
    asked: list[tuple[str, Case, Case]] = []
    for folder in FORMATS:
        for one in foreign(folder, one_of=1 if WHOLE in os.environ else SAMPLE):
            data: Data = one.data
            for level in LEVELS:
                try:
                    data = raised(one, data, level)
                except Rejected:
                    continue
            if data is one.data:
                continue
            file = tmp_path / str(len(asked)) / Path(one.case.document).name
            file.parent.mkdir()
            file.write_bytes(data.octets())
            beside = tuple(CORPUS / name for name in one.case.detached)
            before, after = (
                Case(file=path, detached=beside, at=one.then) for path in (CORPUS / one.case.document, file)
            )
            asked.append((one.case.document, before, after))
    assert asked
    said = answers([case for _, *cases in asked for case in cases], tmp_path)
    for (name, _, _), was, made in zip(asked, said[::2], said[1::2], strict=True):
        if "error" not in was:
            assert "error" not in made, (name, made)
            assert intact(was) - intact(made) == set(), name
