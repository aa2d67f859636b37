"""Whether domains let us issue, asked from here and from other places in the network, and recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.audit import Event
from trustworks.core.errors import Unavailable
from trustworks.issuance.rules.perspectives import NotCorroboratedError, recorded
from trustworks.issuance.rules.servers import asks_domains

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from trustworks.core.audit import Recorder
    from trustworks.issuance.model import Profile
    from trustworks.issuance.model.requests import Request
    from trustworks.issuance.rules.perspectives import Sight


class Domains:
    """Asks the domains of alternative names whether they let us issue; `ask` refuses, `elsewhere` too."""

    def __init__(
        self,
        ask: Callable[[Sequence[str]], None] | None,
        elsewhere: Callable[[Sequence[str], date], Sequence[Sight]] | None,
        *,
        recorder: Recorder,
        lab: bool,
    ) -> None:
        self._ask = ask
        self._elsewhere = elsewhere
        self._recorder = recorder
        self._lab = lab

    def check(self, request: Request, profile: Profile, names: Sequence[str], time: datetime) -> None:
        """Whether the domains let us issue (RFC 8659). A laboratory may go without asking, and says so."""
        if not asks_domains(profile, request.door, lab=self._lab):
            return
        by = request.requested_by
        seen: Sequence[Sight] = ()
        if self._ask is not None:
            self._ask(names)
            if self._elsewhere is not None:
                seen = self._sights(profile, names, by, time)
        elif not self._lab:
            raise Unavailable(
                "issuance.caa-absent",
                f"Domains are asked before a certificate of the profile {profile.name} is issued; write into "
                "[issuance.caa] domains what their owners name you by.",
            )
        self._recorder.record(
            Event(
                type="certificate.caa",
                outcome="success",
                actor=by,
                subject={"kind": "certificate", "profile": profile.name},
                detail={
                    "names": len(names),
                    "asked": self._ask is not None,
                    **({"perspectives": recorded(seen)} if seen else {}),
                },
                time=time,
            )
        )

    def _sights(self, profile: Profile, names: Sequence[str], by: str, time: datetime) -> Sequence[Sight]:
        """What other places saw; when it is not enough, that is recorded before it refuses.

        While those that could not look might have been enough it is `Unavailable` (perspectives.away): an
        outage of theirs must end no application.
        """
        assert self._elsewhere is not None  # noqa: S101 - the caller looked
        try:
            return self._elsewhere(names, time.date())
        except NotCorroboratedError as refused:
            self._recorder.record(
                Event(
                    type="certificate.caa",
                    outcome="failure",
                    actor=by,
                    subject={"kind": "certificate", "profile": profile.name},
                    detail={"names": len(names), "asked": True, "perspectives": recorded(refused.seen)},
                    time=time,
                )
            )
            if refused.undecided:
                raise Unavailable("perspectives.away", str(refused)) from refused
            raise
