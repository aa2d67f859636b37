"""Publishes lists until it is killed; says the number of each that was released.

Started by the crash test of `tests/issuance/status` with JSON: token, library, database.
"""

from __future__ import annotations

import json
import sys

from trustworks.core.audit import Recorder
from trustworks.core.errors import Rejected
from trustworks.core.module import Module, Pkcs11Uri
from trustworks.core.store import Database, StoreSettings
from trustworks.core.time import LabClock
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.status import CrlPublisher


def main() -> None:
    """Publish as fast as it goes."""
    given = json.loads(sys.argv[1])
    database = Database.open(StoreSettings.model_validate({"url": given["database"]}))
    with (
        Module.open(Pkcs11Uri.parse(given["token"]), library=given["library"], lab=True) as module,
        Recorder.open(database, "jobs") as recorder,
    ):
        publisher = CrlPublisher(
            IssuanceSettings.model_validate({}),
            public_url="http://lab.example",
            database=database,
            recorder=recorder,
            clock=LabClock(),
            keys={"issuing": module.key(label="issuing")},
        )
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            try:
                record = publisher.publish("issuing", actor="crash")
            except Rejected as error:
                if error.code != "crl.superseded":  # the other worker was faster
                    raise
                continue
            sys.stdout.write(f"{record.number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
