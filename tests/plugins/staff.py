"""One operator of each kind, with keys in files beside the configuration, enrolled by the bootstrap."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding
from operators_testbed import certificate_of, new_key, pem_of
from typer.testing import CliRunner

from trustworks.app.commands.roles import app

if TYPE_CHECKING:
    from trustworks.app.wiring import Wiring
    from trustworks.core.errors import Refused

PASSPHRASE = "secret"
HELD = {
    "anna": "security-officer",
    "ben": "security-officer,registration-officer",
    "carl": "system-administrator",
    "olga": "operator",
    "rita": "revocation-officer",
    "audra": "auditor",
}


def enrol_staff(wiring: Wiring) -> None:
    """Make their keys and name them; the auditor's key has no passphrase, and needs none."""
    given = []
    for name, held in HELD.items():
        key = new_key()
        file = wiring.base / f"{name}.key"
        file.write_bytes(pem_of(key, None if name == "audra" else PASSPHRASE.encode()))
        certificate = certificate_of(key, name, begin=datetime.now(UTC) - timedelta(hours=1))
        (wiring.base / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        given.append(f"--operator={name}:{held}:{wiring.base / name}.pem")
    done = CliRunner().invoke(app, ["bootstrap", *given, "--yes"], obj=wiring)
    assert done.exit_code == 0, (done.output, done.exception)
    # Who decides is told from those whose requests he decides on.
    described = ["operator", "describe", "ben", "--name", "Ben Beispiel", *who(wiring, "anna")]
    done = CliRunner().invoke(app, described, obj=wiring, input=f"{PASSPHRASE}\n")
    assert done.exit_code == 0, (done.output, done.exception)


def key_of(wiring: Wiring, name: str) -> str:
    """The file of somebody's key."""
    return str(wiring.base / f"{name}.key")


def who(wiring: Wiring, name: str) -> list[str]:
    """The options by which somebody acts."""
    return ["--as", name, "--key", key_of(wiring, name)]


def approve(wiring: Wiring, name: str, role: str, what: str, digest: str) -> None:
    """Approve an act by somebody's key."""
    given = ["approve", what, digest, *who(wiring, name), "--role", role]
    done = CliRunner().invoke(app, given, obj=wiring, input=f"{PASSPHRASE}\n")
    assert done.exit_code == 0, (done.output, done.exception)


def asked_for(error: Refused) -> tuple[str, str]:
    """The kind and the digest that a refusal says are to be approved."""
    assert error.requirement == "TRUSTWORKS:ROLES-QUORUM", error
    found = re.search(r"trustworks roles approve (\S+) ([0-9a-f]{64})", str(error))
    assert found is not None, error
    return found[1], found[2]
