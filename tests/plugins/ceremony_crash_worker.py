"""Carries out a plan, and kills itself by SIGKILL before it writes down what it was told to stop at."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from trustworks.app.ceremonies.room import Room
from trustworks.app.wiring import Wiring
from trustworks.core.ceremony import plan as plans
from trustworks.core.ceremony.ceremonies import Ceremonies


def main() -> None:
    config, plan, event, step = sys.argv[1:]

    def stopping(name: str, told: Any) -> Any:
        method = getattr(Ceremonies, name)

        def instead(self: Any, *arguments: Any, **named: Any) -> Any:
            if told(*arguments, **named):
                os.kill(os.getpid(), signal.SIGKILL)
            return method(self, *arguments, **named)

        return instead

    Ceremonies.write = stopping(  # type: ignore[method-assign]
        "write",
        lambda _plan, _before, happened, **named: (happened, str(named.get("step"))) == (event, step),
    )
    Ceremonies.seal = stopping("seal", lambda *_: event == "seal")  # type: ignore[method-assign]
    wiring = Wiring.lazy(Path(config))
    with wiring.open_database() as database, wiring.open_recorder("ceremony", database=database) as recorder:
        room = Room(wiring, database=database, recorder=recorder, clock=wiring.open_clock(), by="ceremony")
        room.run(plans.read_file(Path(plan)))


if __name__ == "__main__":
    main()
