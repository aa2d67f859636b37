"""Carries a termination plan out, step by step. A step is recorded when it is done, and not done twice.

Whatever ends the process, the next run goes on where it stopped: a step that was begun is done again, and
each of them does only what is left of it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from trustworks.app.certificates import read_one
from trustworks.app.termination import rules
from trustworks.app.termination.export import SUMS, Exporter
from trustworks.app.termination.keys import KeyEnding, check_same
from trustworks.app.termination.plan import steps_of
from trustworks.app.termination.verify import verify
from trustworks.core.audit import Event
from trustworks.core.audit.checkpoint import certifies
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.handover import hand_over
from trustworks.core.roles import approvals_for, list_operators, quorum
from trustworks.core.roles.standing import needs_operator
from trustworks.core.time import any_time
from trustworks.issuance import records
from trustworks.issuance.model import NEVER, RevocationReason
from trustworks.issuance.records import DoneStep
from trustworks.issuance.revocation import StatusChange
from trustworks.issuance.termination import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from contextlib import ExitStack
    from datetime import date
    from pathlib import Path

    from trustworks.app.termination.plan import Party, Read
    from trustworks.app.wiring import Wiring
    from trustworks.core.audit import JSON, Recorder
    from trustworks.core.module import Key, Module
    from trustworks.core.store import Database
    from trustworks.core.time import Clock

KIND: Final = "termination.run"
"""What an approval of a plan says that it is about."""


class Termination:
    """One plan over one configuration. `by` acts in the audit log; `out` is the folder of the export.

    `told` names the parties whom people have told themselves. `tell` hears of each step as it begins, and
    `progress` of certificates.
    """

    def __init__(
        self,
        wiring: Wiring,
        read: Read,
        *,
        by: str,
        database: Database,
        recorder: Recorder,
        stack: ExitStack,
        told: Collection[str] = (),
        tell: Callable[[str], None] = lambda _: None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._wiring = wiring
        self._read = read
        self._plan = read.plan
        self._by = by
        self._database = database
        self._recorder = recorder
        self._stack = stack
        self._told = frozenset(told)
        self._tell = tell
        self._progress = progress
        self._clock: Clock = wiring.open_clock()
        self._modules: dict[str, Module] = {}

    # Before

    def objections(self) -> tuple[str, ...]:
        """Everything that stands against the plan, the files that it names and its keys among it."""
        with self._database.read() as connection:
            known = records.list_authorities(connection)
            ended = {
                one.name
                for one in known
                if records.terminated_by_plan(connection, one.name) not in {None, self._read.digest}
            }
        parents = {one.name: one.parent for one in known if one.name not in ended}
        missing = [
            f"the document {one.file} is not there"
            for one in self._plan.documents
            if not (self._wiring.base / one.file).is_file()
        ]
        return (*rules.objections(self._plan, parents, self._today()), *missing)

    def missing_approvals(self) -> tuple[str, ...]:
        """What is missing of the approvals; nothing where no operators are needed."""
        settings = self._wiring.config.roles
        with self._database.read() as connection:
            if not needs_operator(connection, settings, lab=self._wiring.lab):
                return ()
            operators = list_operators(connection)
            given = approvals_for(connection, KIND, self._read.digest)
        at = any_time(self._clock).utc
        verdict = quorum(
            settings.quorum_for(KIND), given, operators, what=KIND, sha256=self._read.digest, at=at
        )
        return tuple(verdict.missing)

    def done(self) -> list[DoneStep]:
        """The steps that were carried out."""
        with self._database.read() as connection:
            return records.done_steps(connection, self._read.digest)

    def rehearse(self, out: Path) -> dict[str, Any]:
        """Do what changes nothing: count, look for the keys, export everything, verify the export.

        That a rehearsal took place is in the audit log. Raises `Refused` for a plan with objections.
        """
        rules.check_plan(self.objections())
        now = self._clock.now().utc
        counts: dict[str, Any] = {}
        for name in self._plan.authorities:
            with self._database.read() as connection:
                left = records.to_be_revoked(connection, name, now, without=(), limit=10_000_000)
            counts[name] = {"to_revoke": len(left)}
            self._key(name)
        for one in self._plan.further_keys:
            check_same(self._module(one.token).key(one.label), bytes.fromhex(one.spki_sha256))
        exported = self._export(out, final=False)
        self._recorder.record(
            self._event("termination.rehearsed", {"authorities": counts, "sums": exported["sums"]})
        )
        return {"authorities": counts, **exported}

    # The run

    def run(self, out: Path) -> list[DoneStep]:
        """Do what is left, and answer all that was done.

        Raises `Refused` for a plan with objections, without approvals or before its day, and what a step
        raises; what was done until then stays done.
        """
        rules.check_plan(self.objections())
        rules.check_approved(self._read.digest, self.missing_approvals())
        rules.check_day(self._plan, self._today())
        done = {one.step for one in self.done()}
        for step in steps_of(self._plan):
            if step not in done:
                self._tell(step)
                what, _, of = step.partition(":")
                action: Callable[[], dict[str, JSON]] = (
                    (lambda: self._export(out, final=True)) if what == "export" else self._action(what, of)
                )
                self._record(step, action())
        return self.done()

    def _action(self, what: str, of: str) -> Callable[[], dict[str, JSON]]:
        actions: dict[str, Callable[[str], dict[str, JSON]]] = {
            "notice": self._notice,
            "close": self._close,
            "revoke-authority": self._revoke_authority,
            "revoke": self._revoke,
            "answers": self._answers,
            "lists": self._lists,
            "key": self._end_authority_key,
            "further-key": self._end_further_key,
        }
        return lambda: actions[what](of)

    def _record(self, step: str, result: dict[str, JSON]) -> None:
        now = any_time(self._clock).utc
        self._recorder.transact(
            self._event("termination.step", {"step": step, **result}),
            lambda connection: records.add_step(
                connection, self._read.digest, DoneStep(step, result, now, self._by)
            ),
        )

    def _event(self, kind: str, detail: dict[str, JSON]) -> Event:
        return Event(
            type=kind,
            outcome="success",
            actor=self._by,
            subject={"kind": "termination-plan", "name": self._plan.name, "sha256": self._read.digest},
            detail=detail,
            time=any_time(self._clock).utc,
        )

    # Steps

    def _notice(self, name: str) -> dict[str, JSON]:
        party = next(one for one in self._plan.parties if one.name == name)
        if name in self._told:
            return {"told_by": "operator"}
        command = self._wiring.issuance_settings.notices.command
        if not command:
            raise Unavailable(
                "termination.notice",
                f"{name} is not told: set [issuance.notices] command, or tell them yourself and say so with "
                f"--told {name}.",
            )
        problem = hand_over(command, _notice_of(self._read.digest, party))
        if problem is not None:
            raise Unavailable(
                "termination.notice", f"{name} is not told: {problem}. Go on when that is mended."
            )
        return {"told_by": command[0]}

    def _ending(self, name: str) -> Ending:
        return Ending(
            name,
            plan=self._read.digest,
            by=self._by,
            database=self._database,
            recorder=self._recorder,
            clock=self._clock,
            progress=self._progress,
        )

    def _close(self, name: str) -> dict[str, JSON]:
        self._ending(name).close()
        return {}

    def _revoke_authority(self, name: str) -> dict[str, JSON]:
        """Revoke a compromised authority's own certificate, and publish the list of the one above it."""
        record = self._ending(name).record()
        if record.parent is None:
            raise Rejected("termination.authority", f"{name} is a root, and nobody above it can revoke it.")
        with self._database.read() as connection:
            status = records.status(connection, record.serial)
        if status is None or status.revocation is None:
            change = StatusChange(self._clock, self._recorder)
            change.change(record.serial, RevocationReason.cACompromise, by=self._by)
        published = self._publisher().publish(record.parent, actor=self._by)
        return {"serial": record.serial, "list": published.number, "of": record.parent}

    def _revoke(self, name: str) -> dict[str, JSON]:
        return {"revoked": self._ending(name).revoke(RevocationReason[self._plan.reason])}

    def _answers(self, name: str) -> dict[str, JSON]:
        cert_hash = self._wiring.issuance_settings.ocsp.cert_hash
        ending = self._ending(name)
        with self._database.read() as connection:
            before = records.count_last_answers(connection, name)
        made = ending.answer(self._key(name), cert_hash=cert_hash) if self._left(name) else 0
        return {"certificates": made, "answers_before": before}

    def _left(self, name: str) -> bool:
        with self._database.read() as connection:
            return bool(records.unanswered(connection, name, limit=1))

    def _lists(self, name: str) -> dict[str, JSON]:
        with self._database.read() as connection:
            last = records.crl_heads(connection, name)
        if last and last[0].next_update == NEVER:  # the complete list is published last
            return {"complete": last[0].number}
        published = self._publisher().publish_all(name, actor=self._by, final=True)
        return {"complete": published[-1].number, "lists": len(published)}

    def _end_authority_key(self, name: str) -> dict[str, JSON]:
        token, label = self._wiring.authority_place(self._database, name)
        return self._end_key(token, label, self._ending(name).record().spki_sha256)

    def _end_further_key(self, place: str) -> dict[str, JSON]:
        token, _, label = place.partition("/")
        one = next(one for one in self._plan.further_keys if (one.token, one.label) == (token, label))
        return self._end_key(token, label, bytes.fromhex(one.spki_sha256))

    def _end_key(self, token: str, label: str, spki_sha256: bytes) -> dict[str, JSON]:
        reason = f"termination plan {self._plan.name}"
        ending = KeyEnding(self._recorder, self._database, reason=reason, by=self._by)
        return ending.end(self._module(token), label, spki_sha256, destroy=self._plan.keys == "destroy")

    def _export(self, out: Path, *, final: bool) -> dict[str, JSON]:
        settings = self._wiring.config.audit
        key = self._module("audit").key(label=settings.key)
        documents = [(one.kind, self._wiring.base / one.file) for one in self._plan.documents]
        if not self._is_ours(out):  # written whole, before a crash kept that from being recorded
            with self._database.inspect() as connection:
                Exporter(out, key=key).write(connection, plan=self._read.canonical, documents=documents)
        verdict = verify(out, signer=key.spki)
        if verdict.findings:
            raise Unavailable(
                "termination.export",
                f"The export does not verify: {'; '.join(verdict.findings[:5])}. It is left in {out}; see "
                "`trustworks audit verify`, and name another folder.",
            )
        left = sorted(set(self._plan.authorities) - set(verdict.ended))
        if final and left:
            raise Unavailable(
                "termination.export",
                f"{out} holds the export of a rehearsal: in it {', '.join(left)} had not ended. Name another "
                "folder.",
            )
        certified = settings.certificate is not None and certifies(read_one(settings.certificate), key.spki)
        return {
            "folder": str(out),
            "sums": hashlib.sha256((out / SUMS).read_bytes()).hexdigest(),
            "signer": verdict.signer,
            "signer_certified": certified,
            "certificates": verdict.records,
            "events": verdict.events,
        }

    def _is_ours(self, out: Path) -> bool:
        """Whether the folder is an export of this plan."""
        try:
            return (out / "plan.json").read_bytes() == self._read.canonical and (out / SUMS).is_file()
        except OSError:
            return False

    # What they work with

    def _today(self) -> date:
        return any_time(self._clock).utc.date()

    def _module(self, token: str) -> Module:
        if token not in self._modules:
            self._modules[token] = self._stack.enter_context(self._wiring.open_module(token, read_write=True))
        return self._modules[token]

    def _key(self, name: str) -> Key:
        token, label = self._wiring.authority_place(self._database, name)
        key = self._module(token).key(label=label)
        check_same(key, self._ending(name).record().spki_sha256)
        return key

    def _publisher(self) -> Any:
        return self._wiring.crl_publisher(
            database=self._database,
            recorder=self._recorder,
            clock=self._clock,
            tokens=self._module,
            roots=True,
        )


def _notice_of(plan: str, party: Party) -> dict[str, str]:
    """What the operator's command of notices is told; it may come twice."""
    return {
        "id": f"{plan[:32]}-{party.name}",
        "kind": "termination",
        "party": party.kind,
        "name": party.name,
        "contact": party.contact,
        "text": party.text,
    }
