"""A provider whose keys follow one another by a placed clock: authorities, responder, time-stamping unit."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from issuance_testbed import PUBLIC_URL, PlacedClock, Provider, open_provider, settings

from trustworks.app.configuration.settings import RolloverSettings
from trustworks.app.rollover.authority import AuthorityRollover
from trustworks.app.rollover.responder import ResponderRollover
from trustworks.app.rollover.unit import UnitRollover
from trustworks.app.wiring.stamping import unit_key_label
from trustworks.core.ceremony.rules import plan_objections
from trustworks.core.ceremony.steps import MakeAuthority
from trustworks.core.keys import records as key_records
from trustworks.core.keys import registered_events
from trustworks.core.keys.states import KeyStates
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.module.events import new_key
from trustworks.core.module.requests import certification_request
from trustworks.core.time import TimeSettings
from trustworks.issuance import records
from trustworks.issuance.model import NameAttribute, NewAuthority
from trustworks.issuance.model.requests import Door, Request
from trustworks.issuance.status.crl import CrlPublisher
from trustworks.issuance.status.services import StatusServices
from trustworks.timestamping.config import TimestampingSettings
from trustworks.timestamping.service import TimestampingAuthority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from trustworks.core.ceremony.model import Read
    from trustworks.core.module import Key, Pkcs11Uri
    from trustworks.core.store import Database


class Site:
    """All of it. `module` is open as in the jobs, `serving` as in workers: there keys sign by their state."""

    def __init__(
        self, provider: Provider, module: Module, serving: Module, folder: Path, **rollover: Any
    ) -> None:
        self.provider, self.module, self.serving, self.folder = provider, module, serving, folder
        self.clock: PlacedClock = provider.clock
        self.issuance = provider.issuance
        self.database, self.recorder = provider.database, provider.recorder
        self.settings = RolloverSettings.model_validate(
            {"unattended": ["ocsp", "tsu", "authority"], **rollover}
        )
        self.ocsp_file, self.tsu_file = folder / "ocsp.pem", folder / "tsu.pem"
        self._certify("ocsp", "ocsp-signer", "TEST OCSP", self.ocsp_file)
        self._certify("tsu", "tsu", "TEST TSU", self.tsu_file)
        self.timestamping = TimestampingSettings.model_validate(
            {"units": [{"name": "tsu", "certificate": str(self.tsu_file)}]}
        )
        of = self.issuance.settings
        self.issuing = of.model_copy(
            update={"ocsp": of.ocsp.model_copy(update={"certificate": self.ocsp_file})}
        )
        self.responder = ResponderRollover(
            self.settings, self.issuing, file=self.ocsp_file, issuance=self.issuance, module=module,
            database=self.database, recorder=self.recorder,
        )  # fmt: skip
        self.unit = self.unit_by(issuance=True)
        self.authority = self.authority_by(self.make)

    def _certify(self, label: str, profile: str, name: str, file: Path) -> None:
        key = new_key(registered_events(self.recorder), self.module, label=label, algorithm=KeyAlgorithm.P256)
        made = self.issuance.issue(
            Request(
                profile=profile,
                csr=certification_request(key),
                subject=(NameAttribute("commonName", name),),
                requested_by="officer",
                door=Door.OFFICER,
            )
        )
        pem = [
            x509.load_der_x509_certificate(one).public_bytes(Encoding.PEM)
            for one in (made.certificate, *made.chain)
        ]
        file.write_bytes(b"".join(pem))

    def unit_by(self, *, issuance: bool) -> UnitRollover:
        return UnitRollover(
            self.settings, self.timestamping, self.timestamping.units[0], folder=self.folder / "rollover",
            issuance=self.issuance if issuance else None, module=self.module, database=self.database,
            recorder=self.recorder, clock_mode="lab", lab=True, today=self._today,
        )  # fmt: skip

    def _today(self) -> date:
        return self.clock.moment.date()

    def authority_by(self, run: Callable[[Read], object] | None) -> AuthorityRollover:
        return AuthorityRollover(
            self.settings, self.issuing, folder=self.folder / "rollover", responder=self.ocsp_file,
            signer=lambda label: self.module.key(label=label), issuance=self.issuance,
            database=self.database, recorder=self.recorder, run=run,
        )  # fmt: skip

    def make(self, plan: Read) -> None:
        """What the ceremony of a plan does: the key, and the authority."""
        assert not plan_objections(plan.plan, lab=True)
        (step,) = [one for one in plan.plan.steps if isinstance(one, MakeAuthority)]
        self.make_authority(step.authority, step.common_name, step.years)

    def make_authority(self, name: str, common_name: str, years: int = 10) -> None:
        key = new_key(registered_events(self.recorder), self.module, label=name, algorithm=KeyAlgorithm.P256)
        self.provider.keys.keys[name] = key
        new = NewAuthority(name=name, common_name=common_name, years=years, token="issuing", parent="root")
        self.issuance.create_authority(new, key, by="ceremony")
        self.publish()

    def publish(self) -> None:
        """What the task of revocation lists does, the root's list with it."""
        with self.database.read() as connection:
            names = [one.name for one in records.list_authorities(connection)]
        publisher = CrlPublisher(
            self.issuing, public_url=PUBLIC_URL, database=self.database, recorder=self.recorder,
            clock=self.clock, keys={name: self.provider.keys(name) for name in names},
        )  # fmt: skip
        publisher.publish_due(actor="jobs")

    def key_of(self, label: str) -> Key:
        """As a worker opens a unit's key."""
        return self.serving.key(unit_key_label(self.timestamping, self.database, label))

    def worker(self) -> TimestampingAuthority:
        """A worker's time-stamping authority; it looks at its units anew at every `ping`."""
        ticks = iter(range(10**9))
        return TimestampingAuthority(
            self.timestamping, keys=self.key_of, clock=self.clock,
            time_settings=TimeSettings.model_validate({"mode": "lab"}), recorder=self.recorder,
            database=self.database, lab=True, monotonic=lambda: float(next(ticks) * 2),
        )  # fmt: skip

    def status(self) -> StatusServices:
        return StatusServices.open(
            self.issuing, module=self.serving, database=self.database, clock=self.clock, base=self.folder
        )

    def states(self) -> dict[str, str]:
        with self.database.read() as connection:
            return {one.label: one.state.value for one in key_records.keys_with(connection)}

    def rounds(self, number: int = 8) -> list[str]:
        """What the tasks of the jobs do within minutes."""
        tasks = (self.responder, self.unit, self.authority)
        return [one.round(self.clock.moment) for _ in range(number) for one in tasks]


@contextmanager
def open_site(
    database: Database,
    token: Pkcs11Uri,
    library: Path,
    folder: Path,
    *,
    years: int = 10,
    shards: int = 1,
    **rollover: Any,
) -> Iterator[Site]:
    """A site in use since the clock's first moment; `years` is how long its issuing authority lives.

    `shards` is over how many revocation lists its certificates are spread.
    """
    with (
        Module.open(token, library=library, read_write=True, lab=True) as module,
        Module.open(token, library=library, lab=True, state_of=_now(KeyStates(database))) as serving,
    ):
        root = module.generate_key_pair(label="root", algorithm=KeyAlgorithm.P384)
        issuing = module.generate_key_pair(label="issuing", algorithm=KeyAlgorithm.P256)
        with open_provider(
            database, root, issuing, of=settings(issuing={"years": years, "crl-shards": shards})
        ) as provider:
            provider.issuance.create_root(root, by="ceremony")
            provider.issuance.create_issuing(issuing, by="ceremony")
            yield Site(provider, module, serving, folder, **rollover)


def _now(states: KeyStates) -> KeyStates:
    """The states of keys, asked for each time: a test's clock goes by in no time."""
    states._seen = _Forgetful()
    return states


class _Forgetful(dict[bytes, Any]):
    def get(self, *_: Any) -> None:
        return None
