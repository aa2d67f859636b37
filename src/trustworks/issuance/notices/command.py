"""Tells subjects of changes of status: hands each notice to the operator's command.

Where the subject can be reached is not known here: the command finds that by the serial number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.handover import hand_over
from trustworks.issuance.notices.sending import NotTakenError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.issuance.records.notices import Notice


class Command:
    """Hands notices to a program, each as a line of JSON on its input; exit code 0: it took it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)

    def hand_over(self, notice: Notice) -> None:
        """Run the command for a notice. Raises `NotTakenError`."""
        told = {
            "id": notice.id,
            "serial": notice.serial,
            "kind": notice.event.rpartition(".")[2],
            "reason": notice.reason,
            "at": notice.at.isoformat(),
        }
        problem = hand_over(self._command, told)
        if problem is not None:
            raise NotTakenError(problem)
