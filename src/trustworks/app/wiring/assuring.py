"""Live evidence: what runs by this configuration, opened to be looked at."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from trustworks.app.wiring.modules import TOKENS, Modules
from trustworks.core.errors import Unavailable

_LOOKS = 2  # intervals of the integrity check after which its last look is old

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from trustworks.assurance.collecting import Looked
    from trustworks.assurance.evidence.clock import Unit
    from trustworks.assurance.model import Installation
    from trustworks.assurance.traceability import Trace
    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.time import ClockStatus


class Assuring(Modules):
    """What is looked at for evidence."""

    def evidence_sources(self) -> EvidenceSources:
        """What runs by this configuration."""
        # By a wiring of its own: who only looks needs no watch, which would tell again what is told already.
        return EvidenceSources(Modules.over(self.loaded))


class EvidenceSources:
    """The sources of live evidence. A token is opened for a look alone: nobody holds it for that."""

    def __init__(self, wiring: Modules) -> None:
        self._wiring = wiring

    @property
    def tokens(self) -> Sequence[str]:
        """The tokens of the configuration; the root's is opened by ceremonies alone."""
        tokens = self._wiring.config.tokens
        return tuple(name for name in TOKENS if name != "root" and getattr(tokens, name) is not None)

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """The tokens of further authorities."""
        return tuple(self._wiring.config.tokens.further)

    def uri(self, token: str) -> Pkcs11Uri:
        """The URI of a token."""
        return self._wiring.token_uri(token)

    @property
    def services(self) -> tuple[str, ...]:
        """The services that are configured; validation where it signs its reports."""
        config = self._wiring.config
        found = {
            "issuance": config.issuance is not None,
            "timestamping": config.timestamping is not None,
            "validation": config.validation is not None and config.validation.seal is not None,
            "signing": config.signing is not None,
        }
        return tuple(name for name, there in found.items() if there)

    def look(self, token: str) -> Looked:
        """Ask and probe the module of a token."""
        from trustworks.assurance.collecting import Looked  # noqa: PLC0415 - loads the register

        with self._wiring.open_module(token) as module:
            return Looked(info=module.info(), health=module.health())

    def installation(self, at: datetime) -> Installation:
        """How this software stands against its manifest: by the processes' last look, else by a new one."""
        from trustworks.app.wiring.installed import examine  # noqa: PLC0415 - where evidence is collected
        from trustworks.assurance.integrity import standing  # noqa: PLC0415 - as above

        settings = self._wiring.config.integrity
        if settings.manifest is None:
            return standing.as_installation(None, at)
        try:
            last = standing.as_installation(standing.read(self._wiring.run_dir), at)
        except Unavailable:
            return standing.as_installation(examine(self._wiring), at)
        # What processes found that have ended since is old.
        old = (at - last.at).total_seconds() > _LOOKS * settings.look_every
        return standing.as_installation(examine(self._wiring), at) if old else last

    def clock(self) -> ClockStatus:
        """The clock's state."""
        return self._wiring.open_clock().status()

    @property
    def units(self) -> Sequence[Unit]:
        """The time-stamping units, with the accuracy that they declare."""
        from trustworks.assurance.evidence.clock import Unit  # noqa: PLC0415 - as above

        settings = self._wiring.config.timestamping
        if settings is None:
            return ()
        return tuple(
            Unit(name=one.name, accuracy_us=settings.accuracy_us, resolution_us=settings.resolution_us)
            for one in settings.units
        )

    @property
    def schemes(self) -> Mapping[str, str]:
        """The signature schemes of units whose configuration names one, by the labels of their keys."""
        settings = self._wiring.config.timestamping
        if settings is None:
            return {}
        return {one.key_label: one.signature for one in settings.units if one.signature is not None}

    @property
    def stamps(self) -> bool:
        """Whether checkpoints are time-stamped."""
        return self._wiring.config.audit.time_stamp_url is not None

    def trace(self) -> tuple[Trace, str]:
        """The table of requirements, read once: what it is made of does not change while a process runs."""
        return self._trace

    @cached_property
    def _trace(self) -> tuple[Trace, str]:
        from importlib.metadata import version  # noqa: PLC0415 - costs 30 ms

        from trustworks.assurance.traceability import find_places, trace  # noqa: PLC0415 - as above

        return trace(find_places()), f"trustworks {version('trustworks')}"
