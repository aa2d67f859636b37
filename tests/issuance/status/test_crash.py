"""kill -9 at any moment: every released list is on record with its event, and no number comes twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from sqlalchemy import select
from status_provider import Provider, TestClock

from trustworks.core.audit import Recorder
from trustworks.core.audit.records import events
from trustworks.core.module import Module
from trustworks.issuance import records
from trustworks.issuance.config import IssuanceSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.store import Database

WORKER = Path(__file__).parents[2] / "plugins" / "status_crash_worker.py"
KILLS = int(os.environ.get("TRUSTWORKS_KILLS", "3"))


def released_until_killed(arguments: str, seconds: float) -> list[int]:
    """Start two workers, kill both some time later, and answer the numbers that they said were released."""
    environment = {**os.environ, "PYTHONPATH": str(WORKER.parent)}
    workers = [
        subprocess.Popen(
            [sys.executable, WORKER, arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        for _ in range(2)
    ]
    said: list[int] = []
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        threading.Timer(seconds, worker.send_signal, [signal.SIGKILL]).start()
    for worker in workers:
        assert worker.stdout is not None
        lines = worker.stdout.read().splitlines(keepends=True)
        said += [int(line) for line in lines if line.endswith("\n")]
        worker.wait(timeout=30)
        worker.stdout.close()
    return said


@pytest.mark.crash
@pytest.mark.req("RFC5280:5.2.3-02")
def test_killed_publishers_lose_and_repeat_no_number(
    database: Database, softhsm: Path, make_token: Callable[..., Pkcs11Uri]
) -> None:
    token = make_token()
    with (
        Module.open(token, library=softhsm, read_write=True, lab=True) as module,
        Recorder.open(database, "ceremony") as recorder,
    ):
        provider = Provider(
            module=module,
            database=database,
            recorder=recorder,
            clock=TestClock(utc=datetime.now(UTC)),
            settings=IssuanceSettings.model_validate({}),
        ).set_up()
        provider.revoke(provider.issue())
        chance = random.Random(20261124)  # noqa: S311 - when to kill, the same each time
        arguments = json.dumps(
            {"token": str(token), "library": str(softhsm), "database": database.settings.url}
        )
        released: list[int] = []
        for number in range(10 * KILLS):
            released += released_until_killed(arguments, chance.uniform(0.0, 0.4))
            # On a busy machine the first may be killed before they publish anything.
            if released and number + 1 >= KILLS:
                break
        assert len(set(released)) == len(released) > 0
        with database.read() as connection:
            lists = list(connection.execute(select(records.crls.c.number, records.crls.c.der)))
            told = connection.execute(
                select(events.c.body).where(events.c.type == "crl.published").order_by(events.c.sequence)
            )
            recorded = [json.loads(body)["subject"]["number"] for body in told.scalars()]
        numbers = sorted(number for number, _ in lists)
        assert set(released) <= set(numbers)
        assert sorted(recorded) == numbers == list(range(1, len(numbers) + 1))
        for number, der in lists:
            read = x509.load_der_x509_crl(der)
            assert read.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == number
            assert len(read) == 1
