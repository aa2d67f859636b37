"""Files that both judge, we and EU DSS: what a scenario makes, and our answer by what the judge is given."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from dss_judge import Case, changed_policy, default_policy
from judged_making import ALIKE
from signed_stories import KINDS
from verdicts_compared import told

from trustworks.core.der import ber
from trustworks.core.errors import Malformed
from trustworks.validation import validate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judged_making import Scenario


def written(scenario: Scenario, format_: str, folder: Path) -> Case:
    """A scenario in one format, in files of that folder."""
    made = scenario.told(format_)
    kinds = [(_suffix(one), one) for one in made.revocation]
    return Case(
        file=_file(folder, made.octets, KINDS[format_].suffix),
        anchors=_files(folder, [one.der for one in made.trust], "cer"),
        detached=_files(folder, made.detached, "txt"),
        at=made.at,
        lists=_files(folder, [one for kind, one in kinds if kind == "crl"], "crl"),
        answers=_files(folder, [one for kind, one in kinds if kind == "ocsp"], "ocsp"),
        records=_files(folder, made.records, "ers"),
        policy=_file(folder, changed_policy(default_policy(), (*ALIKE, *made.policy)), "policy.xml"),
    )


def _suffix(octets: bytes) -> str:
    """An OCSP answer begins with its status, a list with what is signed."""
    return "ocsp" if ber.read(octets).children()[0].octets[0] == 0x0A else "crl"


def _files(folder: Path, every: Sequence[bytes], suffix: str) -> tuple[Path, ...]:
    return tuple(_file(folder, one, suffix) for one in every)


def _file(folder: Path, octets: bytes, suffix: str) -> Path:
    file = folder / f"{hashlib.sha256(octets).hexdigest()[:24]}.{suffix}"
    file.write_bytes(octets)
    return file


def judged_here(case: Case) -> dict[str, Any]:
    """Our answer, by what the judge is given and nothing else."""
    assert case.policy is not None
    try:
        report = validate(
            case.file,
            detached=case.detached,
            records=case.records,
            policy=str(case.policy),
            trust=case.anchors,
            untrusted=(*case.lists, *case.answers, *case.certificates),
            at=case.at,
            offline=True,
        )
    except Malformed as error:
        return {"error": str(error)}
    return told(report)
