"""The tasks that replace keys by the clock: of the responder, of units, of the issuing authority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import TrustworksError, Unavailable

if TYPE_CHECKING:
    from contextlib import ExitStack

    from trustworks.app.processes.rounds import Round, Tokens
    from trustworks.app.wiring import Wiring
    from trustworks.core.ceremony.model import Read
    from trustworks.core.module import Key


def responder(wiring: Wiring, tokens: Tokens, stack: ExitStack) -> Round:
    """Replaces the OCSP responder's key."""
    from trustworks.app.rollover.responder import ResponderRollover  # noqa: PLC0415 - loads the services
    from trustworks.core.time import any_time  # noqa: PLC0415 - as above

    settings = wiring.issuance_settings
    if settings.ocsp.certificate is None:
        raise Unavailable(
            "ocsp.no-signer", "[issuance.ocsp] certificate names no file, so nothing is replaced."
        )
    database = stack.enter_context(wiring.open_database())
    recorder = stack.enter_context(wiring.open_recorder("jobs-rollover", database=database))
    rollover = ResponderRollover(
        wiring.config.rollover,
        settings,
        file=wiring.base / settings.ocsp.certificate,
        issuance=stack.enter_context(
            wiring.open_issuance(database=database, recorder=recorder, module=tokens.get)
        ),
        module=stack.enter_context(wiring.open_module("services", read_write=True, any_state=True)),
        database=database,
        recorder=recorder,
    )
    clock = wiring.open_clock()
    return lambda: rollover.round(any_time(clock).utc)


def units(wiring: Wiring, tokens: Tokens, stack: ExitStack) -> Round:
    """Replaces the keys of the time-stamping units, each by itself: one that fails hinders no other."""
    from trustworks.app.rollover.due import FOLDER  # noqa: PLC0415 - loads the services
    from trustworks.app.rollover.unit import UnitRollover  # noqa: PLC0415 - as above
    from trustworks.core.time import any_time  # noqa: PLC0415 - as above

    database = stack.enter_context(wiring.open_database())
    recorder = stack.enter_context(wiring.open_recorder("jobs-rollover-tsu", database=database))
    issuance = None
    if wiring.config.issuance is not None and wiring.config.tokens.issuing is not None:
        issuance = stack.enter_context(
            wiring.open_issuance(database=database, recorder=recorder, module=tokens.get)
        )
    module = stack.enter_context(wiring.open_module("tsu", read_write=True, any_state=True))
    clock = wiring.open_clock()
    settings = wiring.timestamping_settings
    rollovers = [
        UnitRollover(
            wiring.config.rollover,
            settings,
            unit,
            folder=wiring.state_dir / FOLDER,
            issuance=issuance,
            module=module,
            database=database,
            recorder=recorder,
            clock_mode=clock.mode,
            lab=wiring.lab,
            today=wiring.today,
        )
        for unit in settings.units
    ]

    def look() -> str:
        now, failures, done = any_time(clock).utc, list[TrustworksError](), dict[str, None]()
        for one in rollovers:
            try:
                done[one.round(now)] = None
            except TrustworksError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return " ".join(done)

    return look


def authority(wiring: Wiring, tokens: Tokens, stack: ExitStack) -> Round:
    """Prepares the issuing authority's next generation, and decides from when on it issues."""
    from trustworks.app.ceremonies.room import Room  # noqa: PLC0415 - loads the services
    from trustworks.app.rollover.authority import AuthorityRollover  # noqa: PLC0415 - as above
    from trustworks.app.rollover.due import FOLDER  # noqa: PLC0415 - as above
    from trustworks.core.time import any_time  # noqa: PLC0415 - as above

    settings = wiring.issuance_settings
    database = stack.enter_context(wiring.open_database())
    recorder = stack.enter_context(wiring.open_recorder("jobs-rollover-authority", database=database))
    clock = wiring.open_clock()
    room = Room(wiring, database=database, recorder=recorder, clock=clock, by="jobs")

    def signer(label: str) -> Key:
        return stack.enter_context(wiring.open_module("services", any_state=True)).key(label)

    def run(plan: Read) -> None:
        try:
            room.run(plan)
        finally:
            room.close()

    def begun(name: str) -> Read | None:
        found = room.ceremonies.find(name)
        return None if found is None else found.plan

    rollover = AuthorityRollover(
        wiring.config.rollover,
        settings,
        folder=wiring.state_dir / FOLDER,
        responder=None if settings.ocsp.certificate is None else wiring.base / settings.ocsp.certificate,
        signer=signer,
        issuance=stack.enter_context(
            wiring.open_issuance(database=database, recorder=recorder, module=tokens.get)
        ),
        database=database,
        recorder=recorder,
        run=run if "authority" in wiring.config.rollover.unattended else None,
        begun=begun,
    )
    return lambda: rollover.round(any_time(clock).utc)
