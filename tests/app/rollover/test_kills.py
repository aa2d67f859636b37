"""kill -9 of the jobs at every step of every key's replacement: who starts again goes on from there."""

from __future__ import annotations

import json
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import rollover_crash_worker
from cryptography import x509
from forked_program import run_script
from laboratory import Lab
from postgresql_server import NoPostgresqlError, PostgresqlServer

from trustworks.app.lab.configuration import config_text
from trustworks.app.rollover.generations import spki_sha256
from trustworks.app.wiring import Wiring
from trustworks.core.ceremony import plan as plans
from trustworks.core.keys import records as key_records
from trustworks.core.module.health import PROBE_LABEL
from trustworks.core.module.states import KeyState
from trustworks.issuance.orders import USE_OF_ISSUING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

WORKER = Path(rollover_crash_worker.__file__).read_text(encoding="utf-8")
DAY = timedelta(days=1)
KEY = "trustworks.core.module.module.Module.generate_key_pair"
DESTROY = "trustworks.core.module.module.Module.destroy"
OF_SERVICES = "trustworks.app.rollover.generations"
# Its steps are those of the unit, but for the certificates.
RESPONDER = (
    ("trustworks.app.rollover.responder.certify", True),
    (f"{OF_SERVICES}.put", False),
    (DESTROY, True),
)
UNIT = (
    (KEY, False),
    (KEY, True),
    ("trustworks.issuance.service.Issuance.issue", True),
    ("trustworks.app.rollover.unit.put_file", True),
    (f"{OF_SERVICES}.decide", True),
    (f"{OF_SERVICES}.put", False),
    (f"{OF_SERVICES}.put", True),
    (DESTROY, False),
    (DESTROY, True),
)
AUTHORITY = (
    (KEY, True),
    ("trustworks.issuance.service.Issuance.create_authority", True),
    ("trustworks.app.rollover.authority.certify", True),
    ("trustworks.app.rollover.authority.decide", True),
)


class House:
    """A laboratory whose issuing authority lives three years, and its jobs, which are killed."""

    def __init__(self, folder: Path, store: str) -> None:
        self.lab = Lab(folder / "lab")
        self.left = folder / "left"
        self.lab.folder.mkdir()
        text = config_text(f"127.0.0.1:{self.lab.port}", f"127.0.0.1:{self.lab.tls_port}", "lab")
        self.lab.config.write_text(
            f"{text}{store}\n[issuance.issuing]\nyears = 3\n"
            '\n[rollover]\nunattended = ["ocsp", "tsu"]\nauthority-days = 1185\nlook-every = 0.1\n',
            encoding="utf-8",
        )
        self.lab.set_up()
        self.wiring = Wiring.lazy(self.lab.config)
        self.began = self.moment = datetime.now(UTC)

    def let_the_jobs_make_authorities(self) -> None:
        text = self.lab.config.read_text(encoding="utf-8")
        self.lab.config.write_text(text.replace('["ocsp", "tsu"]', '["ocsp", "tsu", "authority"]'), "utf-8")

    def after(self, days: float) -> None:
        """Let the next jobs begin so many days after the first."""
        self.moment = max(self.moment, self.began + days * DAY)

    def kill(self, task: str, target: str, *, after: bool) -> None:
        """Start the jobs, and let them be killed there."""
        done = self._run({"task": task, "target": target, "after": after})
        assert done.returncode == -signal.SIGKILL, (target, done.stderr[-3000:])

    def work(self, days: int) -> None:
        """Let the jobs work that long by their clock, and stop them as an operator does."""
        done = self._run({"days": days})
        assert done.returncode == 0, done.stderr[-3000:]

    def _run(self, stop: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        done = run_script(WORKER, self.lab.config, self.moment.isoformat(), json.dumps(stop), self.left)
        self.moment = datetime.fromisoformat(self.left.read_text(encoding="utf-8"))
        return done

    def states(self) -> dict[str, KeyState]:
        with self.wiring.open_database() as database, database.read() as connection:
            return {one.label: one.state for one in key_records.keys_with(connection)}

    def label(self, file: str) -> str:
        """The key whose certificate is in a file."""
        certificate = x509.load_pem_x509_certificate((self.lab.folder / file).read_bytes())
        with self.wiring.open_database() as database, database.read() as connection:
            found = key_records.key(connection, spki_sha256(certificate))
        assert found is not None
        return found.label

    def check(self, family: str, file: str) -> None:
        """The key in use is operational, and at most one other one is about."""
        states = {name: one for name, one in self.states().items() if name.startswith(family)}
        assert states[self.label(file)] is KeyState.OPERATIONAL
        alive = [name for name, one in states.items() if one is not KeyState.DESTROYED]
        assert len(alive) <= 2, states

    def apart(self) -> dict[str, int]:
        """Keys of which the tokens hold another number than the register says: of one destroyed none."""
        on_tokens = Counter(
            key["label"]
            for token in json.loads(self.lab.run("module", "keys", "--json").stdout)["tokens"]
            for key in token["keys"]
        )
        # The token of the root is closed, and the probe is on every token.
        return {
            label: on_tokens[label]
            for label, state in self.states().items()
            if label not in {"root", PROBE_LABEL}
            and on_tokens[label] != (0 if state is KeyState.DESTROYED else 1)
        }

    def successions(self) -> dict[str, list[str]]:
        with self.wiring.open_database() as database, database.read() as connection:
            uses = (USE_OF_ISSUING, "ocsp", "tsu/tsu-1")
            return {use: [one.name for one in key_records.successions(connection, use)] for use in uses}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    if request.param == "sqlite":
        yield House(tmp_path, "")
        return
    try:
        server = PostgresqlServer(durable=True)
    except NoPostgresqlError as error:
        pytest.skip(f"NOT TESTED ON POSTGRESQL: {error}")
    server.run("CREATE DATABASE rollover")
    yield House(tmp_path, f'\n[store]\nurl = "{server.url("rollover")}"\n')
    server.remove()


@pytest.mark.crash
@pytest.mark.req("EN319421:7.6.7-NEW-KEY", "EN319421:7.6.7-DESTROY", "TRUSTWORKS:ROLLOVER-OCSP")
def test_jobs_that_are_killed_at_any_step_go_on_from_there(house: House) -> None:
    """Responder, unit and issuing authority are each replaced, each step under a kill."""
    house.after(58)
    for target, after in RESPONDER:
        house.kill("rollover", target, after=after)
        house.check("ocsp", "certs/ocsp.pem")
    house.after(333)
    for target, after in UNIT:
        house.kill("rollover.tsu", target, after=after)
        house.check("tsu-1", "certs/tsu-1.pem")
    house.after(546)
    house.kill("rollover.authority", "trustworks.app.rollover.authority.put", after=True)
    written = plans.read_file(house.lab.folder / "state" / "rollover" / "issuing-2.toml")
    assert written.plan.name == "rollover-issuing-2"
    house.let_the_jobs_make_authorities()
    for target, after in AUTHORITY:
        house.kill("rollover.authority", target, after=after)
    house.work(days=10)  # enough for every step of a service's key, and for its overlap
    assert house.apart() == {}
    assert house.successions() == {
        USE_OF_ISSUING: ["issuing-2"],
        "ocsp": [f"ocsp-{number}" for number in range(2, 2 + len(house.successions()["ocsp"]))],
        "tsu/tsu-1": ["tsu-1-2"],
    }
    assert "The log is sound." in house.lab.run("audit", "verify").stdout
