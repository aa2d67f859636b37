"""Where a ceremony takes place: tokens, records, people; and the run of a plan, up to its time-stamp."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from trustworks.app.ceremonies.authorities import issuance_actions
from trustworks.app.certificates import read_one
from trustworks.app.last_copies import loss_check
from trustworks.core.account import account
from trustworks.core.audit.checkpoint import certifies
from trustworks.core.ceremony.actions import module_actions
from trustworks.core.ceremony.approvals import (
    check_approved,
    credential_values,
    kind_of,
    operator_objections,
    participants,
)
from trustworks.core.ceremony.ceremonies import Ceremonies
from trustworks.core.ceremony.custody import custody_actions
from trustworks.core.ceremony.executor import Executor, check_not_over
from trustworks.core.ceremony.initialising import Initialising
from trustworks.core.ceremony.rules import check_filled_in, check_plan
from trustworks.core.errors import Refused, Rejected, TrustworksError, Unavailable
from trustworks.core.keys import KeyRegister, registered_events
from trustworks.core.keys import records as key_records
from trustworks.core.module import (
    Approval,
    Module,
    Pkcs11Uri,
    initialise_token,
    read_approval,
    token_labels,
    write_approval,
)
from trustworks.core.module.health import flags_of
from trustworks.core.module.officer import note_file
from trustworks.core.module.openings import whose_turn
from trustworks.core.module.tokens import token_state
from trustworks.core.module.transfer import open_next
from trustworks.core.roles import quorum
from trustworks.core.time.any_time import any_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from trustworks.app.wiring import Wiring
    from trustworks.core.audit import Recorder
    from trustworks.core.ceremony.model import Mode, Read
    from trustworks.core.ceremony.steps import AnyStep
    from trustworks.core.ceremony.transcript import Transcript
    from trustworks.core.keys import HistoryEntry, KeyEntry
    from trustworks.core.module.backup import Backup
    from trustworks.core.module.events import OnEvent
    from trustworks.core.module.openings import Opening, Request
    from trustworks.core.module.tokens import TokenState
    from trustworks.core.ports import Stamper
    from trustworks.core.roles import QuorumVerdict
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.service import Issuance


def no_custodian(name: str, backup: Backup) -> AbstractContextManager[Module]:
    """Opens nothing: for ceremonies to which no custodians come."""
    raise Rejected(
        "keys.custodians-missing",
        f"The custodian {name} has to open the backup of {backup.key.label!r}, and nobody is here.",
    )


def nobody(what: str) -> dict[str, Any]:
    """Confirms nothing: for ceremonies without people."""
    raise Rejected("ceremony.not-confirmed", f"Nobody is there to confirm: {what}")


class Room:
    """One configuration's tokens and records, open for a ceremony; `close` closes the tokens.

    `module` answers the module of a token that the caller has open; absent, tokens are opened here. `by` is
    the actor in the audit log. `custodian` opens the token of one of a backup's custodians, who is asked for
    it. `stands_in`: this is a rehearsal's.
    """

    def __init__(
        self,
        wiring: Wiring,
        *,
        database: Database,
        recorder: Recorder,
        clock: Clock,
        by: str,
        confirm: Callable[[str], dict[str, Any]] = nobody,
        custodian: Callable[[str, Backup], AbstractContextManager[Module]] = no_custodian,
        module: Callable[[str], Module] | None = None,
        stands_in: bool = False,
    ) -> None:
        self.wiring = wiring
        self.database = database
        self.recorder = recorder
        self.clock = clock
        self.by = by
        self.confirm = confirm
        self.custodian = custodian
        self.stands_in = stands_in
        self.ceremonies = Ceremonies(database=database, recorder=recorder, clock=clock, by=by)
        self._given = module
        self._stack = ExitStack()
        self._open: dict[str, Module] = {}
        self._pins: dict[str, bytes] = {}  # of tokens that this run made, by their labels

    def close(self) -> None:
        """Close the tokens that were opened here."""
        self._stack.close()
        self._open.clear()

    # What the actions work with (core.ceremony.actions.Bench)

    @property
    def base(self) -> Path:
        """The folder that files of the plan are meant from."""
        return self.wiring.base

    @property
    def on_event(self) -> OnEvent:
        """What tells the audit log of tokens and keys."""
        return registered_events(self.recorder, may_go=loss_check(self.wiring.config))

    def module(self, token: str) -> Module:
        """The module, open on that token for writing, until the ceremony ends."""
        if self._given is not None:
            return self._given(token)
        if token not in self._open:
            pin = self._pins.get(self.wiring.token_uri(token).token or token)
            opened = self._stack.enter_context(self.wiring.open_module(token, read_write=True, pin=pin))
            if self.stands_in:
                opened.officer_pins = ()  # a rehearsal's people take no file away
            self._open[token] = opened
        return self._open[token]

    def token_labels(self) -> frozenset[str]:
        """The labels of all tokens; open ones are closed, for the library lists none anew meanwhile."""
        self.close()
        return token_labels(settings=self.wiring.config.module, base=self.wiring.base)

    def initialise(
        self, label: str, *, so_pin: str, user_pin: str, keep: Callable[[str], None] | None = None
    ) -> None:
        """Make a token; `keep` gets its serial number, and makes durable how its PINs come back."""
        self.close()
        initialise_token(
            label=label,
            so_pin=so_pin,
            user_pin=user_pin,
            lab=self.wiring.lab,
            settings=self.wiring.config.module,
            base=self.wiring.base,
            keep=keep,
        )

    def token_state(self, label: str) -> TokenState:
        """What a token says of itself before anybody logs in."""
        self.close()
        return token_state(label, settings=self.wiring.config.module, base=self.wiring.base)

    def hold(self, label: str, pin: bytes) -> None:
        """Open a new token by this PIN in later steps of this run; it is in no file."""
        self._pins[label] = pin

    def approve(self, module: Module) -> None:
        """Approve a token that the ceremony made, where the configuration keeps approvals."""
        file = self.wiring.config.module.approval
        if file is None:
            return
        approval = Approval.of(
            module.info(), operator=self.by, objects=module.inventory(), flags=flags_of(module)
        )
        self.on_event("module.approved", module.token_uri, asdict(approval))
        write_approval(self.wiring.base / file, approval)

    def is_approved(self, serial: str) -> bool:
        """Whether the token with this serial number is approved, or the configuration keeps no approvals."""
        file = self.wiring.config.module.approval
        return file is None or read_approval(self.wiring.base / file, serial) is not None

    def note_officer_pin(self, label: str, file: Path) -> None:
        """Keep in which file a new token's security officer's PIN lies."""
        note_file(self.wiring.state_dir, label, file)

    @property
    def oaep_sha1(self) -> bool:
        """Whether RSA-OAEP with SHA-1 is declared."""
        return self.wiring.lab or self.wiring.config.module.oaep_sha1

    @property
    def register(self) -> KeyRegister:
        """The register of keys, for what is done here."""
        return KeyRegister(self.recorder, by=self.by, may_go=loss_check(self.wiring.config))

    def registered(self, label: str) -> list[tuple[KeyEntry, list[HistoryEntry]]]:
        """The keys of the register with that label, each with its history."""
        with self.database.read() as connection:
            return [
                (one, key_records.history_of(connection, one.spki_sha256))
                for one in key_records.keys_with(connection, label=label)
            ]

    def collect(self, request: Request, backup: Backup) -> Opening:
        """Have the custodians of the request open, one after another.

        SoftHSM2 knows one configuration at a time in a process, and a custodian's token may have its own: the
        tokens that are open here are closed before.
        """
        opening: Opening | None = None
        while (name := whose_turn(request, opening)) is not None:
            self.close()
            with self.custodian(name, backup) as module:
                opening = open_next(module, request, backup, opening, fingerprint=request.fingerprint)
        if opening is None:
            raise Rejected("keys.custodians-missing", "Nobody opened, and nothing was brought back.")
        return opening

    def open_new(self, uri: Pkcs11Uri, pin: bytes | None = None) -> Module:
        """The module, open on a token that was just made; `pin` in place of a file's."""
        return Module.open(
            uri,
            pin=pin,
            read_write=True,
            lab=self.wiring.lab,
            base=self.wiring.base,
            today=self.wiring.today,
            settings=self.wiring.config.module,
            state=self.wiring.state_dir,
        )

    def open_made(self, label: str) -> Module | None:
        """The module, open on a token of a run before, where it is configured and its PIN is there."""
        self.close()
        tokens = self.wiring.config.tokens
        for name in {**tokens.model_dump(exclude={"further"}, exclude_none=True), **tokens.further}:
            uri = self.wiring.token_uri(name)
            if uri.token == label:
                with suppress(TrustworksError):  # not activated: the transcript says what is left to do
                    return self.open_new(uri)
        return None

    # What the issuance actions work with besides

    def issuance(self) -> Issuance:
        """The certification authorities, over the tokens of this room."""
        from trustworks.issuance.service import Issuance  # noqa: PLC0415 - few plans are about certificates

        def key(name: str) -> Any:
            token, label = self.wiring.authority_place(self.database, name)
            return self.module(token).key(label)

        return Issuance(
            self.wiring.issuance_settings,
            public_url=self.wiring.config.http.public_url,
            keys=key,
            clock=self.clock,
            recorder=self.recorder,
            database=self.database,
            lab=self.wiring.lab,
        )

    # The run

    def run(
        self,
        plan: Read,
        *,
        tell: Callable[[int, AnyStep], None] = lambda _number, _step: None,
    ) -> Transcript:
        """Carry out what is left of a plan that was approved, and seal its transcript.

        Raises `Refused` for a plan that breaks a rule or is not filled in, `Rejected` (ceremony.*) and what
        a step raises.
        """
        check_plan(plan.plan, lab=self.wiring.lab)
        if not self.stands_in:
            check_filled_in(plan.plan)
        mode: Mode = "rehearsal" if self.stands_in else "unattended" if plan.plan.unattended else "run"
        with self._turn():
            found = self.ceremonies.found(plan)
            if found.ended and found.seal is not None:
                check_not_over(found)
            if not found.ended:
                actions = {
                    **module_actions(self),
                    "initialise-token": Initialising(self),
                    **custody_actions(self),
                }
                actions |= issuance_actions(self, actions)
                executor = Executor(self.ceremonies.journal(plan, mode), actions, tell=tell)
                # Also when it is resumed: who approved it may have lost role or credential meanwhile.
                try:
                    executor.run(self._opening(plan, mode))
                finally:
                    self._pins.clear()
            return self._sealed(plan)

    def abandon(self, plan: Read, reason: str) -> Transcript:
        """End a ceremony that will not be carried on, and seal its transcript."""
        with self._turn():
            self.ceremonies.abandon(plan, reason)
            return self._sealed(plan)

    def approvals(self, plan: Read) -> QuorumVerdict:
        """What the approvals of a plan come to, by the provider's policy."""
        given, operators = self.ceremonies.approvals(plan)
        what = kind_of(plan.plan)
        policy = self.wiring.config.roles.quorum_for(what)
        at = any_time(self.clock).utc
        return quorum(policy, given, operators, what=what, sha256=plan.digest, at=at)

    def _opening(self, plan: Read, mode: Mode) -> dict[str, Any]:
        """What the first entry says. Raises `Refused` for a plan that is not approved."""
        approved: list[dict[str, Any]] = []
        credentials: list[dict[str, Any]] = []
        if mode == "run":
            verdict = self.approvals(plan)
            check_approved(plan.plan, plan.digest, verdict)
            _, operators = self.ceremonies.approvals(plan)
            wrong = operator_objections(plan.plan, operators)
            if wrong:
                raise Refused(
                    "EN319411-1:GEN-6.5.1-03",
                    f"The plan {plan.plan.name} cannot be carried out: {'; '.join(wrong)}. Put that right.",
                )
            approved = [one.as_dict() for one in verdict.counted]
            credentials = [
                credential_values(credential)
                for _, operator in participants(plan.plan, operators)
                for credential in operator.credentials
                if credential.is_usable
            ]
        return {
            "mode": mode,
            "approvals": approved,
            "credentials": credentials,
            "account": account(),
            "product": f"trustworks {version('trustworks')}",
            "laboratory": self.wiring.lab,
            "unproven_time": any_time(self.clock).unproven,
        }

    def _sealed(self, plan: Read) -> Transcript:
        settings = self.wiring.config.audit
        key = self.module("audit").key(settings.key)
        certificate = None
        if settings.certificate is not None and settings.certificate.is_file():
            found = read_one(settings.certificate)
            certificate = found if certifies(found, key.spki) else None
        return self.ceremonies.seal(plan, key, certificate)

    def stamp(self, plan: Read, stamper: Stamper) -> str | None:
        """Get the transcript's time-stamp; answers why there is none, where it could not be had now."""
        try:
            self.ceremonies.stamp(plan, stamper)
        except TrustworksError as error:
            return str(error)
        return None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One ceremony at a time; a process that dies gives its turn back."""
        file = self.wiring.run_dir / "ceremony.lock"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(
                "ceremony.lock", f"{file} cannot be opened: {error.strerror}. Let this account write there."
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Rejected(
                "ceremony.running", "A ceremony is under way on this machine; wait until it has ended."
            ) from None
        try:
            yield
        finally:
            os.close(descriptor)
