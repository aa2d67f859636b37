"""A process that issues certificates until it is killed, and says each serial that was released."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from issuance_testbed import PUBLIC_URL, make_csr, settings

from trustworks.core.audit import Recorder
from trustworks.core.module import Module, Pkcs11Uri
from trustworks.core.store import Database, StoreSettings
from trustworks.core.time import LabClock
from trustworks.issuance.model import NameAttribute, Request
from trustworks.issuance.service import Issuance


def main() -> None:
    given = json.loads(sys.argv[1])
    with (
        Module.open(Pkcs11Uri.parse(given["token"]), library=Path(given["library"]), lab=True) as module,
        Database.open(StoreSettings.model_validate({"url": given["database"]})) as database,
    ):
        key = module.key("issuing")
        issuance = Issuance(
            settings(),
            public_url=PUBLIC_URL,
            keys=lambda _: key,
            clock=LabClock(),
            recorder=Recorder.open(database, "issuance"),
            database=database,
            lab=True,
        )
        csr = make_csr()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            request = Request(
                profile="audit-signer",
                csr=csr,
                subject=(NameAttribute("commonName", "TEST"),),
                requested_by="operator",
            )
            sys.stdout.write(f"{issuance.issue(request).serial}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
