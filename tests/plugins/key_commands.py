"""`trustworks keys` and `trustworks module` over a whole configuration, in this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from trustworks.app.commands.key_life import app
from trustworks.app.commands.module import app as module_app
from trustworks.app.wiring import Wiring

if TYPE_CHECKING:
    from pathlib import Path

    from key_custodians import Custodians
    from typer.testing import Result

CONFIGURATION = """\
[provider]
name = "A provider TEST"
lab = true

[module]
library = "{library}"

[store]
url = "sqlite:///{folder}/state.sqlite"

[tokens]
issuing = "{issuing}"
services = "{services}"
"""


def call(folder: Path, *arguments: object, commands: Any = app, typed: str = "") -> Result:
    wiring = Wiring.lazy(folder / "trustworks.toml")
    return CliRunner().invoke(commands, [str(one) for one in arguments], obj=wiring, input=f"{typed}\n")


def facts(folder: Path, *arguments: object, commands: Any = app) -> Any:
    done = call(folder, *arguments, "--json", commands=commands)
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


def places(custodians: Custodians, *names: str) -> list[object]:
    found: list[object] = []
    for name in names:
        found += ["--custodian", custodians.uris[name]]
    return found


def state(folder: Path) -> dict[str, Any]:
    (found,) = [one for one in facts(folder, "states", "list")["keys"] if one["label"] == "ca"]
    return {name: found[name] for name in ("state", "tokens", "backups")}


def destroy(folder: Path) -> None:
    facts(
        folder,
        *("destroy-key", "--token", "issuing", "--label", "ca", "--reason", "test", "--confirm", "ca"),
        commands=module_app,
    )


def keys_on(folder: Path, token: str) -> list[str]:
    (answer,) = facts(folder, "keys", "--token", token, commands=module_app)["tokens"]
    return [one["label"] for one in answer["keys"]]
