"""kill -9 between what the log is told before and the act, and between the act and what is told after."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import forked_program
import pytest
from key_commands import facts, keys_on, places, state
from key_custodians import BITS, Custodians
from sqlalchemy import select

from trustworks.app.commands.module import app as module_app
from trustworks.app.wiring import Wiring
from trustworks.core.audit.records import events
from trustworks.core.module import documents

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = pytest.mark.crash

# Ends the process by SIGKILL before or after it calls what it was told; then `trustworks` with the rest.
KILLED = """\
import importlib, os, signal, sys
module, name, when = sys.argv[1:4]
owner = importlib.import_module(module)
*path, last = name.split(".")
for one in path:
    owner = getattr(owner, one)
real = getattr(owner, last)
def dies(*given, **named):
    if when == "after":
        real(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, last, dies)
from trustworks.app.cli import main
main(sys.argv[4:])
"""


def killed(folder: Path, where: str, when: str, *arguments: object) -> None:
    """Run a command of `trustworks`, which is killed there."""
    told_to = (*where.split(":"), when, "--config", folder / "trustworks.toml")
    done = forked_program.run_script(KILLED, *told_to, *arguments, cwd=folder)
    assert done.returncode == -signal.SIGKILL, done.stderr


def told(folder: Path, prefix: str) -> list[str]:
    """The types of events that begin so, in their order."""
    found = select(events.c.type).order_by(events.c.time, events.c.sequence)
    with Wiring.lazy(folder / "trustworks.toml").open_database() as database, database.read() as connection:
        return [one for one in connection.execute(found).scalars() if one.startswith(prefix)]


DESTROY = ("destroy-key", "--token", "issuing", "--label", "ca", "--reason", "test", "--confirm", "ca")


def test_a_destruction_is_known_of_and_completed_by_the_same_command(folder: Path, backup: Path) -> None:
    assert backup.exists()
    for when, left in (("before", ["ca"]), ("after", [])):
        killed(folder, "trustworks.core.module.module:Module.destroy", when, "module", *DESTROY)
        assert told(folder, "module.key-destr")[-1] == "module.key-destruction-ordered"
        assert keys_on(folder, "issuing") == left
        assert state(folder)["state"] == "operational"
    facts(folder, *DESTROY, commands=module_app)
    assert state(folder) == {"state": "suspended", "tokens": [], "backups": 1}
    assert told(folder, "module.key-destr")[-1] == "module.key-destroyed"


def test_a_transfer_that_was_killed_is_completed_by_the_same_command(
    folder: Path, backup: Path, custodians: Custodians
) -> None:
    request, opening = folder / "request.json", folder / "opening.json"
    begin = ("transfer", "begin", backup, "--token", "services", "--by", "anna", "--by", "boris")
    asked = facts(folder, *begin, "--bits", BITS, "--out", request)
    facts(
        folder,
        *("transfer", "wrap", request, backup, "--fingerprint", asked["fingerprint"], "--out", opening),
        *places(custodians, "anna", "boris"),
    )
    unwrap = ("transfer", "unwrap", request, backup, opening, "--token", "services")
    for when, there in (("before", []), ("after", ["ca"])):
        killed(folder, "trustworks.core.module.transfer:finish", when, "keys", *unwrap)
        assert keys_on(folder, "services") == there
        assert len(state(folder)["tokens"]) == 1
    assert facts(folder, *unwrap)["state"] == "operational"
    assert keys_on(folder, "services") == ["ca"]
    assert len(state(folder)["tokens"]) == 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_token_whose_sealing_was_killed_opens_by_the_old_pin_or_by_the_sealed_one(
    folder: Path, custodians: Custodians, when: str
) -> None:
    cards: list[object] = []
    for card in custodians.cards:
        file = folder / f"{card.name}.json"
        file.write_bytes(documents.write(card))
        cards += ["--operator", file]
    out, again = folder / "sealed.json", folder / "again.json"
    seal = ("seal", "--token", "issuing", *cards, "--threshold", 2)
    killed(folder, "trustworks.app.commands.key_activation:change_pin", when, "keys", *seal, "--out", out)
    assert told(folder, "module.pin") == ["module.pin-sealing-ordered"]
    assert out.exists()  # so that whichever PIN the token has, it is known
    # By a process of its own: SoftHSM2 does not see in this one that another changed the PIN.
    done = run(folder, *seal, "--out", again)
    assert (done.returncode == 0) is (when == "before")
    assert again.exists() is (when == "before")
    assert ("does not accept the PIN" in done.stderr) is (when == "after")
    operators = [one for name in ("anna", "boris") for one in ("--operator", custodians.uris[name])]
    opened = run(folder, "activate", again if when == "before" else out, "--token", "issuing", *operators)
    assert "is activated by anna and boris" in opened.stdout, opened.stderr


def run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return forked_program.run("--config", folder / "trustworks.toml", "keys", *arguments, cwd=folder)
