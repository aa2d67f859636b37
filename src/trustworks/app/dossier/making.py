"""A dossier of a configuration: gathered, made, sealed, recorded, and only then written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trustworks.app.dossier import sources
from trustworks.app.dossier.provided import inputs
from trustworks.app.dossier.sealing import open_sealer
from trustworks.assurance.collecting import Collector
from trustworks.assurance.dossier import packing
from trustworks.assurance.dossier.gathering import registered
from trustworks.assurance.dossier.model import Material
from trustworks.assurance.dossier.persons import pseudonym
from trustworks.core.audit.model import Event
from trustworks.core.secret_file import derived_key, draw_secret, read_secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from trustworks.app.dossier.sealing import Opened
    from trustworks.app.wiring import Wiring
    from trustworks.app.wiring.assuring import EvidenceSources
    from trustworks.assurance.dossier.model import Profile
    from trustworks.assurance.dossier.packing import Made
    from trustworks.assurance.engine import Forecast
    from trustworks.core.store import Database

SECRET = "dossier.secret"  # noqa: S105 - the name of a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a dossier is to be: its place, how persons are told, by which seal, and who asked for it.

    Without a place it is one file that nobody writes: a container.
    """

    out: Path | None
    profile: Profile
    seal: str | None
    by: str


def _nobody(step: str) -> None:
    del step


def make(wiring: Wiring, asked: Asked, *, told: Callable[[str], None] = _nobody) -> Made:
    """Make a dossier and write it where it has a place. `told` hears of each step as it begins.

    Raises:
        Rejected: output.*: it cannot be written there; dossier.no-seal, signing.*, evidence.*.
        Unavailable: the keys, time-stamps or the status of certificates are not to be had now.
    """
    if asked.out is not None:
        packing.check_place(asked.out)
    with (
        wiring.open_database() as database,
        wiring.open_recorder("assurance", database=database) as recorder,
    ):
        clock = wiring.open_clock()
        running = wiring.evidence_sources()
        told("Evidence is collected.")
        if wiring.lab:  # elsewhere operators enter, the jobs collect, and who only reads writes nothing
            Collector(
                running, database=database, recorder=recorder, by=asked.by, now=lambda: clock.now().utc
            ).run()
        told("The key of the seal is opened.")
        with open_sealer(wiring, database=database, recorder=recorder, name=asked.seal) as opened:
            told("The register and what runs are read.")
            material, forecasts = _material(wiring, asked, opened, database=database, running=running)
            told("The files are made and sealed.")
            made = packing.make(
                material,
                opened.sealer,
                container=asked.out is None or packing.is_container(asked.out),
                forecasts=forecasts,
            )
            recorder.record(_event(asked, made, opened.sealer.name, clock.now().utc))
        if asked.out is not None:
            packing.write(made, asked.out)
    return made


def _material(
    wiring: Wiring, asked: Asked, opened: Opened, *, database: Database, running: EvidenceSources
) -> tuple[Material, tuple[Forecast, ...]]:
    now = wiring.open_clock().now().utc.replace(microsecond=0)
    with database.read() as connection:
        found = registered(connection, now.date(), profile=asked.profile, of=_pseudonyms(wiring))
        trace = sources.trace(running)
        identities = sources.identities(wiring, connection)
        policy_sets = sources.policy_sets(wiring, connection)
        material = Material(
            made=now,
            profile=asked.profile,
            provider=sources.provider(wiring),
            sealed_in_test_module=opened.test_module,
            facts=found.facts,
            reports=found.reports,
            files=found.files,
            handed_in=found.handed_in,
            inputs=inputs(
                wiring.config,
                connection,
                facts=found.facts,
                items=found.items,
                identities=identities,
                policy_sets=policy_sets,
                trace=trace,
                lists=found.lists,
            ),
            items=found.items,
            drafts=tuple(
                one if found.hiding is None else replace(one, text=found.hiding.text(one.text))
                for one in sources.drafts(wiring, connection, now)
            ),
            identities=identities,
            policy_sets=policy_sets,
            papers=sources.papers(connection),
            devices=sources.devices(wiring),
            samples=sources.samples(
                wiring,
                connection,
                stamper=opened.stamper,
                sealer=opened.sealer,
                profile=asked.profile,
            ),
            keys=sources.register_of_keys(connection),
            installation=sources.installation(wiring),
            log=sources.log(connection, named=found.hiding is None),
            trace=trace,
            statements=sources.clause_statements(running),
        )
    return material, found.forecasts


def _event(asked: Asked, made: Made, seal: str, at: datetime) -> Event:
    return Event(
        type="assurance.dossier-exported",
        outcome="success",
        actor=asked.by,
        subject={"manifest": made.manifest},
        detail={
            "files": len(made.files),
            "profile": asked.profile.value,
            "seal": seal,
            "container": made.container is not None,
        },
        time=at,
    )


def _pseudonyms(wiring: Wiring) -> Callable[[str], str]:
    file = wiring.state_dir / SECRET
    draw_secret(file)
    secret = read_secret(file, whose="The dossier's", code="dossier.secret")
    return pseudonym(derived_key(secret, b"trustworks dossier persons"))
