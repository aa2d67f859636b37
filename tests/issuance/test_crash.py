"""kill -9 at any moment: the released is on record, the intended is settled, no serial comes twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from issuance_testbed import PUBLIC_URL, settings
from sqlalchemy import select

from trustworks.core.audit import Recorder
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.time import LabClock
from trustworks.issuance import records
from trustworks.issuance.service import Issuance

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.store import Database

WORKER = Path(__file__).parents[1] / "plugins" / "issuance_crash_worker.py"
KILLS = int(os.environ.get("TRUSTWORKS_KILLS", "6"))


def released_until_killed(arguments: str, seconds: float) -> list[str]:
    """Start a worker, kill it some time after its first certificate, and answer what it said was released."""
    process = subprocess.Popen(
        [sys.executable, WORKER, arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(WORKER.parent)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    timer = threading.Timer(seconds, process.send_signal, [signal.SIGKILL])
    timer.start()
    said = process.stdout.read().splitlines(keepends=True)
    process.wait(timeout=30)
    timer.cancel()
    process.stdout.close()
    return [line.strip() for line in said if line.endswith("\n")]


@pytest.mark.crash
@pytest.mark.req("TRUSTWORKS:ISSUANCE-INTENT", "EN319412-2:GEN-4.2.6-01")
@pytest.mark.parametrize("threads", [1, 8])
def test_a_killed_issuer_loses_and_repeats_nothing(
    database: Database, softhsm: Path, make_token: Callable[..., Pkcs11Uri], threads: int
) -> None:
    """Whether one certificate is under way when it is killed or two batches are."""
    token = make_token()
    with Module.open(token, library=softhsm, read_write=True, lab=True) as module:
        root = module.generate_key_pair(label="root", algorithm=KeyAlgorithm.P256)
        issuing = module.generate_key_pair(label="issuing", algorithm=KeyAlgorithm.P256)
        recorder = Recorder.open(database, "ceremony")
        issuance = Issuance(
            settings(),
            public_url=PUBLIC_URL,
            keys={"root": root, "issuing": issuing}.__getitem__,
            clock=LabClock(),
            recorder=recorder,
            database=database,
            lab=True,
        )
        issuance.create_root(root, by="ceremony")
        issuance.create_issuing(issuing, by="ceremony")

        chance = random.Random(20261124)  # noqa: S311 - when to kill, the same each time
        arguments = json.dumps(
            {
                "token": str(token),
                "library": str(softhsm),
                "database": database.settings.url,
                "threads": threads,
            }
        )
        released: list[str] = []
        for _ in range(KILLS):
            released += released_until_killed(arguments, chance.uniform(0.0, 0.4))

        assert len(set(released)) == len(released)
        with database.read() as connection:
            rows = dict(
                connection.execute(select(records.certificates.c.serial, records.certificates.c.state)).all()
            )
        assert all(rows[serial] == "issued" for serial in released)
        open_now = {serial for serial, state in rows.items() if state == "issuing"}
        assert set(issuance.settle(by="start", older_than=timedelta(0))) == open_now
        assert issuance.list(state="issuing") == []
        assert issuance.counts().get("abandoned", 0) == len(open_now)
        recorder.close()
