"""What a round looks at, as the application opens it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from trustworks.assurance.evidence.clock import Unit
    from trustworks.assurance.model import Installation
    from trustworks.assurance.traceability import Trace
    from trustworks.core.module import ModuleHealth, ModuleInfo, Pkcs11Uri
    from trustworks.core.time import ClockStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a module said of itself, and how it is."""

    info: ModuleInfo
    health: ModuleHealth


class Sources(Protocol):
    """What runs, as the application opens it. What raises of the four families becomes a failed item."""

    @property
    def tokens(self) -> Sequence[str]:
        """The tokens that are looked at, by the names of the configuration."""

    @property
    def elsewhere(self) -> Sequence[str]:
        """Tokens of further authorities: they may be away, and no round looks at them."""

    @property
    def services(self) -> Sequence[str]:
        """The services that are configured: issuance, timestamping, validation, signing."""

    def look(self, token: str) -> Looked:
        """Open a token, ask and probe its module, and close it."""

    def uri(self, token: str) -> Pkcs11Uri:
        """By what the configuration reaches a token."""

    def installation(self, at: datetime) -> Installation:
        """How the installation of this software stands at a moment."""

    def clock(self) -> ClockStatus:
        """The clock's state."""

    @property
    def units(self) -> Sequence[Unit]:
        """The time-stamping units."""

    @property
    def schemes(self) -> Mapping[str, str]:
        """The signature schemes that the configuration names, by the labels of keys."""

    @property
    def stamps(self) -> bool:
        """Whether the log's checkpoints are time-stamped."""

    def trace(self) -> tuple[Trace, str]:
        """The table of requirements, and the product with its version."""
