"""What the supervisor tells about its processes: a small file, replaced whenever something changed."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from trustworks.app.configuration.settings import split_address
from trustworks.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.app.configuration.settings import HttpSettings

NAME = "processes.json"
PATIENCE = 1.0  # seconds for a connection to this machine
REPEATEDLY = 3  # deaths, each within a minute of the start before it


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    """One process: whether it serves, how often it died since the start, and how often just now."""

    name: str
    ready: bool
    deaths: int
    lately: int

    @property
    def objection(self) -> str | None:
        """What is wrong with it; None when nothing is."""
        if self.lately >= REPEATEDLY:
            return f"{self.name} has died {self.deaths} times and is started again and again"
        if not self.ready:
            return f"{self.name} is not up"
        return None


def write(run: Path, states: Sequence[ProcessState]) -> bool:
    """Replace the file; answers False where that was not possible, such as on a full disk."""
    new = run / f"{NAME}.new"
    try:
        new.write_text(json.dumps([asdict(state) for state in states]), encoding="utf-8")
        new.replace(run / NAME)
    except OSError:
        return False
    return True


def read(run: Path) -> tuple[ProcessState, ...]:
    """What the supervisor wrote last. Raises `Unavailable` (processes.unknown) when there is nothing."""
    try:
        document = json.loads((run / NAME).read_text(encoding="utf-8"))
        return tuple(
            ProcessState(
                name=str(one["name"]),
                ready=bool(one["ready"]),
                deaths=int(one["deaths"]),
                lately=int(one["lately"]),
            )
            for one in document
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise Unavailable(
            "processes.unknown",
            "Nothing is known about the processes; `trustworks serve` writes that down, see the log.",
        ) from None


def check(states: Sequence[ProcessState]) -> None:
    """Raise `Unavailable` (processes.down) when a process is down, or dies again and again."""
    wrong = [objection for state in states if (objection := state.objection) is not None]
    if wrong:
        raise Unavailable("processes.down", f"{'; '.join(wrong)}. The log says why.")


def check_listeners(http: HttpSettings) -> None:
    """Raise `Unavailable` (processes.unheard) where nothing listens, though its workers live.

    Such as on a Unix socket whose file somebody removed: who listens on it does not notice. A listener with
    so many connections that it takes no other for a while is there. What else keeps this process from a
    connection, such as a name that does not resolve, is told by its own reason (processes.untried).
    """
    unheard, untried = [], []
    for one in (http.listen, http.tls_listen, http.proxy.unix_socket):
        if one is None:
            continue
        try:
            _connect(one)
        except (TimeoutError, BlockingIOError):
            continue
        except (ConnectionRefusedError, FileNotFoundError):
            unheard.append(str(one))
        except OSError as error:
            untried.append(f"{one} ({error.strerror or error})")
    if unheard:
        raise Unavailable(
            "processes.unheard",
            f"Nothing listens on {', '.join(unheard)}, though the processes run. Start the services anew; if "
            "it comes again, find out who removes it.",
        )
    if untried:
        raise Unavailable(
            "processes.untried",
            f"Whether these listeners answer cannot be tried: {', '.join(untried)}. Mend what is said in "
            "brackets; it is tried again by itself.",
        )


def _connect(listener: str | Path) -> None:
    """Open a connection and close it. Raises OSError."""
    if isinstance(listener, str):
        socket.create_connection(split_address(listener), PATIENCE).close()
        return
    with socket.socket(socket.AF_UNIX) as tried:
        tried.settimeout(PATIENCE)
        tried.connect(str(listener))
