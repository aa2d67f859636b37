"""A laboratory, and operators with keys of their own, as the commands of a ceremony know them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from forked_program import run
from laboratory import Lab

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

ROLES = {
    "anna": "security-officer",
    "boris": "system-administrator",
    "clara": "operator",
    "dora": "operator",
    "emil": "operator",
    "rita": "registration-officer",
    "wanda": "auditor",
}


class House:
    """A laboratory, and the people of the template with keys of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lab = Lab(folder / "lab")
        self.lab.set_up()
        for name in ROLES:
            self._make(name)
        named = [f"{name}:{role}:{folder / name}.pem" for name, role in ROLES.items()]
        self.lab.run("roles", "bootstrap", "--yes", *(part for one in named for part in ("--operator", one)))
        # Who decides over applications is known by name (TRUSTWORKS:ROLES-DESCRIBED).
        told = self.acting("anna", "roles", "operator", "describe", "rita", "--name", "Rita Muster")
        assert told.returncode == 0, told.stderr

    def _make(self, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{name} TEST")])
        now = datetime.now(UTC)
        certificate = x509.CertificateBuilder(
            issuer_name=subject,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(hours=1),
            not_valid_after=now + timedelta(days=30),
        ).sign(key, hashes.SHA256())
        secret = BestAvailableEncryption(f"the secret of {name}".encode())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret)
        (self.folder / f"{name}.key").write_bytes(pem)
        (self.folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))

    def call(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return run("--config", self.lab.config, *arguments, given=typed)

    def ceremony(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return self.call("keys", "ceremony", *arguments, typed=typed)

    def by(self, name: str, *arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
        """A ceremony's command of somebody, who types the passphrase of a key: his own, or another's."""
        return self.acting(name, "keys", "ceremony", *arguments, key=key)

    def acting(
        self, name: str, *arguments: str, key: str | None = None, typed: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """A command of somebody, who then types something more."""
        own = key or name
        who = ("--as", name, "--key", str(self.folder / f"{own}.key"))
        return self.call(*arguments, *who, typed=f"the secret of {own}\n{typed}")

    def run(
        self, plan: Path, *arguments: str, typed: str = "", by: str = "boris"
    ) -> subprocess.CompletedProcess[str]:
        """The run of a plan; a system administrator types the commands."""
        return self.acting(by, "keys", "ceremony", "run", str(plan), *arguments, typed=typed)
