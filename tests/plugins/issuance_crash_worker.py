"""A process whose threads issue certificates until it is killed, and say each serial that was released."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from issuance_testbed import PUBLIC_URL, make_csr, settings

from trustworks.core.audit import Recorder
from trustworks.core.module import Module, Pkcs11Uri
from trustworks.core.store import Database, StoreSettings
from trustworks.core.time import LabClock
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Door, Request
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
        said = threading.Lock()

        def work(number: int) -> None:
            csr = make_csr()
            while True:
                request = Request(
                    profile="audit-signer",
                    csr=csr,
                    subject=(NameAttribute("commonName", f"TEST {number}"),),
                    requested_by="operator",
                    door=Door.OFFICER,
                )
                serial = issuance.issue(request).serial
                with said:
                    sys.stdout.write(f"{serial}\n")
                    sys.stdout.flush()

        sys.stdout.write("ready\n")
        sys.stdout.flush()
        threads = [threading.Thread(target=work, args=(number,)) for number in range(given["threads"])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
