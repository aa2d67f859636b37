"""What `trustworks config check` finds missing around a well-formed configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.configuration_check import problems
from trustworks.app.wiring import Wiring

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
[provider]
name = "Trustworks TEST Provider"
[store]
password-source = "secrets/database.pw"
[audit]
certificate = "certs/audit.pem"
[tokens]
services = "pkcs11:token=services?pin-source=file:secrets/services.pin"
[issuance]
country = "XX"
[issuance.ocsp]
certificate = "certs/ocsp.pem"
"""


def told(folder: Path, text: str) -> list[str]:
    file = folder / "trustworks.toml"
    file.write_text(text, encoding="utf-8")
    return problems(Wiring.lazy(file))


def test_every_file_that_is_not_there_is_told_by_its_key(tmp_path: Path) -> None:
    found = told(tmp_path, TEXT)
    for key, name in (
        ("store.password-source", "secrets/database.pw"),
        ("audit.certificate", "certs/audit.pem"),
        ("issuance.ocsp.certificate", "certs/ocsp.pem"),
    ):
        assert f"{key}: there is no file {tmp_path / name}." in found
    assert [one for one in found if one.startswith("tokens.services: ") and "services.pin" in one]


def test_a_password_that_others_can_read_is_told_until_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    password = tmp_path / "secrets" / "database.pw"
    password.write_text("a password that nobody guesses", encoding="ascii")
    password.chmod(0o640)
    sentence = f"store.password-source: others can read {password}. Run chmod 600 {password}."
    assert sentence in told(tmp_path, TEXT)
    password.chmod(0o600)
    assert sentence not in told(tmp_path, TEXT)


def test_a_service_without_its_token_is_told(tmp_path: Path) -> None:
    without = TEXT.replace("services = ", "tsu = ")
    assert "tokens.services: it is not set, and the services that are configured need it." in told(
        tmp_path, without
    )
