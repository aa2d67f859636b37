"""Others judge what the whole process of signing makes, in every form, at every level, by every kind of key.

EU DSS and we are given our own trusted list and no other anchor, and say what each signature is by it.
Where one of them does not find a signature valid, it is declared with the reason in dss/matrix.toml: what is
not declared fails, and so does what is declared and no longer so. The usual run judges one of so many.
"""

from __future__ import annotations

import os
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from damaged_signatures import EXPECTED, PARTS, damaged, expected
from dss_judge import answers, changed_policy, default_policy, judge
from matrix_house import PROFILES
from matrix_judges import JUDGES, VALID, of_dss
from signature_matrix import EVERY, WITH_EDDSA, Judging, made, pairs
from signing_forms import FORMS

if TYPE_CHECKING:
    from matrix_house import MatrixHouse
    from signature_matrix import Cell, Made

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("matrix")]

WRITTEN: Final = "TRUSTWORKS_MATRIX"
"""Names the file for the table of docs/signing-agreement.md; where it is set, the whole matrix is judged."""
SAMPLE: Final = 5
DSS: Final = "EU DSS"
SOME: Final = (
    "xades-enveloped",
    "cades-detached",
    "pades",
    "jades-flattened",
    "asic-s-cades",
    "asic-e-cades",
)
"""The forms that are damaged in the usual run."""
_READ: Final = tomllib.loads(Path(__file__).with_name("dss").joinpath("matrix.toml").read_text("utf-8"))
DECLARED: Final = _READ["difference"]
OF_DAMAGED: Final = _READ["damaged"]
PAGE: Final = Path(__file__).parents[2] / "docs" / "signing-agreement.md"


def declared(name: str, cell: Cell) -> str:
    """What is to be expected of a judge: that it finds it valid, or what is declared."""
    of_it = [
        one["says"]
        for one in DECLARED
        if one["judge"] == name and any(fnmatchcase(cell.name, pattern) for pattern in one["cells"])
    ]
    assert len(of_it) <= 1, (name, cell.name)
    return of_it[0] if of_it else VALID


def chosen(form: str) -> dict[str, bool]:
    """Which judges are for a form."""
    return {DSS: True} | {name: for_(form) for name, (_, for_) in JUDGES.items()}


@pytest.fixture(scope="module")
def files(matrix: MatrixHouse, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Made], Judging, Path]:
    folder = tmp_path_factory.mktemp("matrix")
    cells = EVERY if WRITTEN in os.environ else pairs()[::SAMPLE]
    return [made(matrix, cell, folder) for cell in cells], Judging.into(matrix, folder), folder


def differences(name: str, said: dict[Cell, str]) -> list[str]:
    apart = []
    for cell, words in said.items():
        expected = declared(name, cell)
        if words != expected and (expected == VALID or expected not in words):
            apart.append(f"{cell.name}: {words}; expected: {expected}")
    return apart


def test_dss_finds_every_signature_valid_of_its_level_and_qualification(
    files: tuple[list[Made], Judging, Path], tmp_path: Path
) -> None:
    every, judging, _ = files
    judge()
    policy = tmp_path / "policy.xml"
    policy.write_bytes(changed_policy(default_policy(), WITH_EDDSA))
    cases = [judging.case(one.file, one.beside, policy=policy) for one in every]
    said = {
        one.cell: of_dss(answer, one.cell)
        for one, answer in zip(every, answers(cases, tmp_path, judging.house.for_dss()), strict=True)
    }
    assert differences(DSS, said) == []


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # joserfc, of RFC 9864
@pytest.mark.parametrize("name", JUDGES)
def test_others_find_it_valid(name: str, files: tuple[list[Made], Judging, Path], tmp_path: Path) -> None:
    every, judging, _ = files
    judged, is_for = JUDGES[name]
    said = {one.cell: judged(one, judging, tmp_path) for one in every if is_for(one.cell.form)}
    assert said
    assert differences(name, said) == []


def test_ours_is_the_same_by_the_policy_of_dss(
    files: tuple[list[Made], Judging, Path], tmp_path: Path
) -> None:
    every, judging, _ = files
    judge()
    policy = tmp_path / "policy.xml"
    policy.write_bytes(changed_policy(default_policy(), WITH_EDDSA))
    for one in every:
        (found,) = judging.here(judging.case(one.file, one.beside, policy=policy)).plain()["signatures"]
        said = (found["indication"], found["level"], found["qualification"])
        assert said == ("TOTAL-PASSED", one.cell.wanted, one.cell.qualified.ours), one.cell.name


def test_dss_says_the_same_of_what_is_damaged(matrix: MatrixHouse, tmp_path: Path) -> None:
    judge()
    forms = list(FORMS) if WRITTEN in os.environ else SOME
    every = [one for form in forms for one in damaged(matrix, form, tmp_path)]
    policy = tmp_path / "policy.xml"
    policy.write_bytes(changed_policy(default_policy(), WITH_EDDSA))
    judging = Judging.into(matrix, tmp_path).without_the_signer  # the file alone tells his status
    cases = [judging.case(one.file, one.beside, policy=policy) for one in every]
    for one, answer in zip(every, answers(cases, tmp_path, matrix.for_dss()), strict=True):
        said = [_verdict(found) for found in (*answer["signatures"], *answer["time_stamps"])]
        wanted = list(expected(one.form, one.part))
        for apart in OF_DAMAGED:
            if any(fnmatchcase(one.name, pattern) for pattern in apart["files"]):
                wanted[-1] = apart["says"]
        assert said == wanted, one.name


def _verdict(said: dict[str, Any]) -> str:
    words = (said["indication"].replace("TOTAL_", "TOTAL-"), said["sub_indication"])
    return " ".join(one for one in words if one)


def test_what_is_declared_is_of_something() -> None:
    names = [f"{form}: {part}" for form in FORMS for part in PARTS]
    for one in OF_DAMAGED:
        assert one["why"]
        assert all(any(fnmatchcase(name, pattern) for name in names) for pattern in one["files"])
    for one in DECLARED:
        assert one["why"]
        assert one["judge"] in {DSS, *JUDGES}
        for pattern in one["cells"]:
            assert any(fnmatchcase(cell.name, pattern) and chosen(cell.form)[one["judge"]] for cell in EVERY)


def table() -> str:
    """How many of how many signatures each judge finds valid, by form: what is declared, and judged above."""
    names = [DSS, *JUDGES]
    lines = ["| form | Trustworks | " + " | ".join(names) + " |", "|---|" + "---:|" * (len(names) + 1)]
    sums: dict[str, list[int]] = {name: [0, 0] for name in names}
    for form in FORMS:
        cells = [one for one in EVERY if one.form == form]
        row = [f"{len(cells)} / {len(cells)}"]
        for name in names:
            if not chosen(form)[name]:
                row.append("")
                continue
            valid = sum(declared(name, one) == VALID for one in cells)
            row.append(f"{valid} / {len(cells)}")
            sums[name] = [sums[name][0] + valid, sums[name][1] + len(cells)]
        lines.append(f"| {form} | " + " | ".join(row) + " |")
    whole = [f"{len(EVERY)} / {len(EVERY)}", *(f"{valid} / {of}" for valid, of in sums.values())]
    lines.append("| all | " + " | ".join(whole) + " |")
    reasons = [f"- **{one['judge']}**, {_said(one)}: {one['why']}" for one in DECLARED]
    qualified = ["", "## By the trusted list", "", *_by_the_list()]
    return "\n".join([*lines, "", *reasons, *qualified, "", "## Damaged in one part", "", *_of_damaged()])


def _by_the_list() -> list[str]:
    """What signatures of each profile are, and of how many of them both say so."""
    lines = [
        "| profile of the certificate | Trustworks | | EU DSS | |",
        "|---|---|---:|---|---:|",
    ]
    for profile, found in PROFILES.items():
        cells = [one for one in EVERY if one.profile == profile]
        valid = sum(declared(DSS, one) == VALID for one in cells)
        ours = f"{found.ours} | {len(cells)} / {len(cells)}"
        lines.append(f"| `{profile}` | {ours} | {found.dss} | {valid} / {len(cells)} |")
    return lines


def _of_damaged() -> list[str]:
    lines = ["| part | forms | signature | time-stamp | archive time-stamp |", "|---|---|---|---|---|"]
    parts = [part for part, _, _ in EXPECTED]
    for part, forms, verdicts in EXPECTED:
        rest = "all others" if parts.count(part) > 1 else "all that have it"
        of = rest if forms == ("*",) else ", ".join(f"`{one}`" for one in forms)
        lines.append(f"| {part} | {of} | " + " | ".join(verdicts) + " |")
    reasons = [
        f"- **{DSS}**, {', '.join(f'`{name}`' for name in one['files'])}: {one['says']}. {one['why']}"
        for one in OF_DAMAGED
    ]
    return [*lines, "", *reasons]


def _said(one: dict[str, Any]) -> str:
    return ", ".join(f"`{pattern}`" for pattern in one["cells"])


def test_the_page_says_what_is_judged() -> None:
    text = table()
    if WRITTEN in os.environ:
        Path(os.environ[WRITTEN]).write_text(f"{text}\n", encoding="utf-8")
        return
    inside = (
        PAGE.read_text(encoding="utf-8")
        .partition("<!-- matrix -->\n")[2]
        .partition("<!-- end of matrix -->")[0]
    )
    assert inside == f"{text}\n", "nox -s interop renews it"
