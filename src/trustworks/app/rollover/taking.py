"""Takes the certificate that another authority issued for the next key of a time-stamping unit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trustworks.app import certificates
from trustworks.app.rollover.due import FOLDER
from trustworks.app.rollover.generations import spki_sha256
from trustworks.app.rollover.unit import check_takes, put_file
from trustworks.core.audit import Event
from trustworks.core.errors import Rejected
from trustworks.core.keys import records as key_records
from trustworks.core.module.states import KeyState

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.app.wiring import Wiring


def take_certificate(wiring: Wiring, unit: str, file: Path, *, by: str) -> str:
    """Check the certificate in a file and lay it where the jobs look for it; answers the key's label.

    Raises `Rejected` (rollover.unit) for a unit that there is not, (rollover.no-request) where no key waits
    for this certificate, `Refused` with the requirement by which the unit could not issue with it, and
    `Malformed` for a file without a certificate. Nothing is changed then.
    """
    settings = wiring.timestamping_settings
    found = next((one for one in settings.units if one.name == unit), None)
    if found is None:
        known = ", ".join(one.name for one in settings.units)
        raise Rejected("rollover.unit", f"There is no time-stamping unit {unit!r}; there are {known}.")
    certificate = certificates.read(file)
    folder = wiring.state_dir / FOLDER
    with wiring.open_database() as database, database.read() as connection:
        entry = key_records.key(connection, spki_sha256(certificate))
    if (
        entry is None
        or entry.state is not KeyState.PRE_OPERATIONAL
        or not entry.label.startswith(f"{found.key_label}-")
        or not (folder / f"{entry.label}.csr").is_file()
    ):
        raise Rejected(
            "rollover.no-request",
            f"No key of the unit {unit} waits for this certificate: it is for another key than the request "
            f"in {folder}. `trustworks keys due` says what is due.",
        )
    with wiring.open_module("tsu", any_state=True) as module:
        key = module.key(label=entry.label)
        clock = wiring.open_clock()
        check_takes(found, settings, key, file, clock.mode, lab=wiring.lab, today=wiring.today())
    event = Event(
        type="key.certificate-taken",
        outcome="success",
        actor=by,
        subject={"kind": "key", "spki_sha256": entry.spki_sha256, "label": entry.label},
        detail={"unit": unit, "serial": f"{certificate.serial_number:x}"},
        time=datetime.now(UTC),
    )
    with wiring.open_recorder("operator") as recorder:
        recorder.record(event)
    put_file(folder / f"{entry.label}.pem", file.read_bytes())
    return entry.label
