"""What is killed in the crash tests of time-stamping: a worker that answers requests, sixteen at a time."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
from typing import TYPE_CHECKING

from timestamping_testbed import SteeredClock

from trustworks.core.audit import Recorder
from trustworks.core.module import Module
from trustworks.core.store import Database
from trustworks.core.time import TimeSettings
from trustworks.timestamping import wire
from trustworks.timestamping.http import Edge
from trustworks.timestamping.service import TimestampingAuthority

if TYPE_CHECKING:
    from pathlib import Path

    from crash import Say

    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.store import StoreSettings
    from trustworks.timestamping.config import TimestampingSettings

AT_ONCE = 16


def stamp_for_ever(
    say: Say,
    softhsm2_conf: str,
    library: Path,
    token: Pkcs11Uri,
    store: StoreSettings,
    settings: TimestampingSettings,
) -> None:
    """Answer requests for ever, and say serial number and imprint of each token when it leaves."""
    os.environ["SOFTHSM2_CONF"] = softhsm2_conf
    with (
        Module.open(token, library=library, lab=True) as module,
        Database.open(store) as database,
        Recorder.open(database, "crash", probe_every=0.01) as recorder,
    ):
        authority = TimestampingAuthority(
            settings,
            keys=module.key,
            clock=SteeredClock(),
            time_settings=TimeSettings.model_validate({"sources": ["chrony"], "traceable-to": ["UTC(TEST)"]}),
            recorder=recorder,
            database=database,
            lab=True,
        )
        asyncio.run(_answer(say, Edge(authority, recorder)))


async def _answer(say: Say, edge: Edge) -> None:
    async def client() -> None:
        for _ in itertools.count():
            body = wire.encode_request(secrets.token_bytes(32), "sha256", nonce=secrets.randbits(64))
            answer = wire.decode_response(await edge.answer(body, None))
            if answer.token is None:
                await asyncio.sleep(0.002)  # the log is being opened anew
                continue
            found = wire.read_token(answer.token).tst_info
            say(f"{found.serial_number:x} {found.message_imprint.hashed_message.hex()}")

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
