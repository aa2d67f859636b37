"""Hands a message to a program of the operator: JSON on its standard input, taken when it ends with 0."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PATIENCE: Final = 30.0  # seconds for one message
_MOST: Final = 2000  # characters of a reason


def hand_over(
    command: Sequence[str], message: Mapping[str, Any], *, patience: float = PATIENCE
) -> str | None:
    """Run `command` (a program and its arguments) with `message` as a line of JSON.

    Answers None when it was taken, else why not: the program cannot be started, took longer than `patience`
    seconds, or ended with another code than 0.
    """
    try:
        done = subprocess.run(
            tuple(command),
            input=json.dumps(message) + "\n",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=patience,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {error}"[:_MOST]
    return None if done.returncode == 0 else f"exit code {done.returncode}: {done.stderr.strip()}"[:_MOST]
