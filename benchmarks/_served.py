"""The processes that a supervisor keeps running: its fork server forks them, each with a name of its own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def children_of(parent: int) -> dict[str, int]:
    """Process ids by name."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            if int(rest.split()[1]) == parent:
                found[name] = int(entry.name)
    return found


def processes_of(supervisor: int) -> dict[str, int]:
    """Workers and jobs of `trustworks serve`, and the fork server itself."""
    found = {}
    for server in children_of(supervisor).values():
        words = Path(f"/proc/{server}/cmdline").read_text(encoding="utf-8")
        if "trustworks.app.processes.fork_server" in words:
            found = {**children_of(server), "fork server": server}
    return found
