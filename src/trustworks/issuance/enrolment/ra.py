"""The registration authority: what every enrolment protocol stands on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trustworks.issuance.enrolment.waiting import WaitingRoom

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key, Module
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.service import Issuance


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationAuthority:
    """Takes requests in, by whatever protocol, and lets `issuance` decide on them.

    `public_url` is where relying parties and subscribers reach the provider, without a slash at its end,
    `origins` are those by which the HTTPS listener is reached.
    `service_key` gives the key of a label on the token `services`, None where there is no such token, and
    `service_module` the module on it. `base`
    is the configuration's folder, `state_dir` where the key of the enrolment secrets is.
    """

    settings: IssuanceSettings
    public_url: str
    issuance: Issuance
    database: Database
    recorder: Recorder
    clock: Clock
    lab: bool
    service_key: Callable[[str], Key] | None = None
    service_module: Callable[[], Module] | None = None
    base: Path = Path()
    state_dir: Path = Path()
    origins: tuple[str, ...] = ()

    @property
    def waiting(self) -> WaitingRoom:
        """The requests that wait for an officer."""
        return WaitingRoom(database=self.database, recorder=self.recorder, clock=self.clock)
