"""What the commands need of the application: a key, and where time-stamps and validation data come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from trustworks.core.audit import Event
    from trustworks.core.module import Key
    from trustworks.signing.create.process import Creation


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """By the command line: the time-stamping authority, whom one trusts, what is at hand, what is asked.

    `trust`, `untrusted`, `networks`, `cache` and `offline` are as `trustworks validate` has them; `fresh` as
    `create.levels.Means` has it, `qualified` and `device` as `create.process.Terms`.
    """

    time_stamp_url: str | None = None
    trust: tuple[Path, ...] = ()
    untrusted: tuple[Path, ...] = ()
    networks: tuple[str, ...] = ()
    cache: Path | None = None
    offline: bool = False
    qualified: bool = False
    device: bool = False
    fresh: bool = True


class SigningWiring(Protocol):
    """What `sign` and `augment` need of the application's wiring."""

    def open_signing_key(self, named: str) -> AbstractContextManager[tuple[Key, Callable[[Event], None]]]:
        """A key by its PKCS#11 URI, or TOKEN/LABEL of the configuration; and who tells the audit log."""

    def creation(self, sources: Sources) -> Creation:
        """What makes signatures, with these sources."""
