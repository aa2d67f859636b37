"""All checks as nested data for JSON: for who wants to see every step, and not the deciding ones alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustworks.validation.report.words import KINDS, Words, moment

if TYPE_CHECKING:
    from trustworks.validation.model import Check, Conclusion, Verdict
    from trustworks.validation.report.judged import Judged


def tree(judged: Judged) -> list[dict[str, Any]]:
    """A branch for each signature, time-stamp and evidence record: its processes, blocks and checks.

    A branch is ``{"title", "indication", "sub_indication", "branches", "checks", "repeated"}``; a check has
    ``status``, ``text`` and, where it is about another block, that block's ``branch``. A block that several
    processes go on from is written once, and is `repeated` without its checks where it comes again.
    """
    return _Tree(judged).written()


class _Tree:
    def __init__(self, judged: Judged) -> None:
        self._judged = judged
        self._words = Words(judged)
        self._seen: set[int] = set()

    def written(self) -> list[dict[str, Any]]:
        outcome = self._judged.outcome
        stamps = {one.id: one for one in self._judged.evidence.time_stamps}
        found = []
        for signature in outcome.signatures:
            signer = self._words.holder(signature.signing_certificate)
            title = f"Signature of {signer}" if signer else "Signature of an unknown signer"
            processes = (signature.basic, signature.with_time, signature.archival)
            found.append(self._whole(title, signature.verdict, processes))
        for stamp in outcome.time_stamps:
            kind = KINDS[stamps[stamp.id].kind]
            title = f"{kind[0].upper()}{kind[1:]} of {moment(stamp.time)}"
            found.append(self._whole(title, stamp.verdict, (stamp.basic, stamp.archival)))
        found.extend(
            self._whole("Evidence record", record.verdict, (record.conclusion,))
            for record in outcome.evidence_records
        )
        return found

    def _whole(self, title: str, verdict: Verdict, processes: tuple[Conclusion, ...]) -> dict[str, Any]:
        branches = [self._block(one) for one in processes if one.checks]
        return {"title": title, **_told(verdict), "branches": branches, "checks": [], "repeated": False}

    def _block(self, conclusion: Conclusion) -> dict[str, Any]:
        repeated = id(conclusion) in self._seen
        self._seen.add(id(conclusion))
        checks = [] if repeated else [self._check(one) for one in conclusion.checks]
        return {
            "title": conclusion.block,
            **_told(conclusion.verdict),
            "branches": [],
            "checks": checks,
            "repeated": repeated,
        }

    def _check(self, check: Check) -> dict[str, Any]:
        return {
            "id": check.id,
            "name": check.name,
            "status": check.status.value,
            "text": check.text,
            "about": self._words.about(check.subject),
            "details": [list(one) for one in check.details],
            "requirement": check.requirement,
            "branch": None if check.block is None else self._block(check.block),
        }


def _told(verdict: Verdict) -> dict[str, str | None]:
    return {
        "indication": verdict.indication.value,
        "sub_indication": verdict.sub_indication.value if verdict.sub_indication else None,
    }
