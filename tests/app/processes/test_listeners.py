from __future__ import annotations

import grp
import os
import pwd
import socket
import stat
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from trustworks.app.configuration.settings import HttpSettings, ProxySettings
from trustworks.app.processes import listeners
from trustworks.core.errors import Malformed, TrustworksError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def put_key(
    file: Path, mode: int = 0o600, curve: ec.EllipticCurve | None = None
) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(curve or ec.SECP256R1())
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(mode)
    return key


@pytest.fixture
def http(tmp_path: Path) -> HttpSettings:
    """HTTPS with a certificate and its key."""
    key = put_key(tmp_path / "tls.key")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A TEST server")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "tls.pem").write_bytes(made.public_bytes(Encoding.PEM))
    return HttpSettings.model_validate(
        {
            "tls-listen": "127.0.0.1:8443",
            "tls-certificate": tmp_path / "tls.pem",
            "tls-key": tmp_path / "tls.key",
        }
    )


def complaint(http: HttpSettings, error: type[TrustworksError]) -> str:
    with pytest.raises(error) as raised:
        listeners.check(http)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_certificate_with_its_key_is_in_order(http: HttpSettings) -> None:
    listeners.check(http)
    listeners.check(HttpSettings())


def test_a_key_that_is_not_there_is_told(http: HttpSettings, tmp_path: Path) -> None:
    (tmp_path / "tls.key").unlink()
    assert "tls.key, cannot be read: No such file" in complaint(http, Unavailable)


def test_a_key_of_another_certificate_is_told(http: HttpSettings, tmp_path: Path) -> None:
    put_key(tmp_path / "tls.key")
    assert "does not belong to the certificate" in complaint(http, Unavailable)


def test_a_key_that_others_can_read_is_told(http: HttpSettings, tmp_path: Path) -> None:
    (tmp_path / "tls.key").chmod(0o640)
    assert "Run chmod 600" in complaint(http, Unavailable)


@pytest.mark.parametrize("curve", [ec.SECP521R1(), ec.SECP256K1()], ids=lambda curve: curve.name)
def test_a_key_of_a_kind_that_the_server_does_not_speak_is_told(
    http: HttpSettings, tmp_path: Path, curve: ec.EllipticCurve
) -> None:
    put_key(tmp_path / "tls.key", curve=curve)
    assert "take one on P-256 or P-384" in complaint(http, Unavailable)


def proxied(socket_path: Path) -> HttpSettings:
    return HttpSettings.model_validate({"proxy": {"unix-socket": socket_path}})


def test_a_path_that_cannot_be_a_socket_is_told(tmp_path: Path) -> None:
    assert "too long for a socket" in complaint(proxied(tmp_path / ("s" * 108)), Unavailable)
    (tmp_path / "s").write_text("a file", encoding="utf-8")
    assert "is no socket" in complaint(proxied(tmp_path / "s"), Unavailable)


@pytest.mark.parametrize(
    "content", ["", "no key", "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----"]
)
def test_a_file_without_a_key_is_told(http: HttpSettings, tmp_path: Path, content: str) -> None:
    (tmp_path / "tls.key").write_text(content, encoding="ascii")
    assert "holds no private key" in complaint(http, Malformed)


def test_a_missing_certificate_is_told(http: HttpSettings, tmp_path: Path) -> None:
    (tmp_path / "tls.pem").unlink()
    assert "tls.pem cannot be read" in complaint(http, Unavailable)


def test_a_proxys_secret_that_is_too_short_is_told(tmp_path: Path) -> None:
    secret = tmp_path / "proxy.secret"
    secret.write_text("short", encoding="ascii")
    secret.chmod(0o600)
    http = HttpSettings.model_validate({"proxy": {"secret-source": secret}})
    assert "at least 32" in complaint(http, Unavailable)


# The proxy's Unix socket


class Server:
    """Binds as granian does: with the umask, then the mode that it was told, then the hooks."""

    def __init__(self, file: Path) -> None:
        self.uds_permissions: int | None = None
        self.modes: list[int] = []
        self._file = file
        self._hooks: list[Callable[[], object]] = []

    def on_startup(self, hook: Callable[[], object]) -> None:
        self._hooks.append(hook)

    def start(self) -> None:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(self._file))
        assert self.uds_permissions is not None
        self._file.chmod(self.uds_permissions)
        self.modes.append(mode_of(self._file))
        for hook in self._hooks:
            hook()
        self.modes.append(mode_of(self._file))


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def another_group() -> grp.struct_group:
    """A group that a new file of ours does not have, and that we may give it to."""
    mine = set(os.getgroups())
    for one in grp.getgrall():
        if one.gr_gid != os.getegid() and (os.geteuid() == 0 or one.gr_gid in mine):
            return one
    pytest.skip("NOT TESTED, because this account is in one group only")


@pytest.fixture(params=[0o022, 0o077, 0o000], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def short() -> Iterator[Path]:
    """A Unix socket's name has at most 107 octets, and the folders of tests are long."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.usefixtures("umask")
def test_the_named_group_reaches_the_socket_and_nobody_else(
    short: Path, another_group: grp.struct_group
) -> None:
    file = short / "run" / "trustworks" / "proxy.sock"
    server = Server(file)
    proxy = {"unix-socket": file, "unix-socket-group": another_group.gr_name}
    listeners.prepare_socket(server, ProxySettings.model_validate(proxy))
    server.start()
    assert server.modes == [0o600, 0o660], "somebody could reach the socket before its group was set"
    assert mode_of(file.parent) == 0o750
    assert file.stat().st_gid == file.parent.stat().st_gid == another_group.gr_gid
    assert file.stat().st_uid == file.parent.stat().st_uid == os.geteuid()


def test_a_folder_that_is_there_keeps_its_mode_and_owner(
    short: Path, another_group: grp.struct_group
) -> None:
    folder = short / "there"
    folder.mkdir()
    folder.chmod(0o711)
    before = folder.stat()
    server = Server(folder / "proxy.sock")
    proxy = {"unix-socket": folder / "proxy.sock", "unix-socket-group": another_group.gr_name}
    listeners.prepare_socket(server, ProxySettings.model_validate(proxy))
    server.start()
    after = folder.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert (folder / "proxy.sock").stat().st_gid == another_group.gr_gid


def test_without_a_group_the_socket_is_of_the_services_own(short: Path) -> None:
    file = short / "new" / "proxy.sock"
    server = Server(file)
    listeners.prepare_socket(server, ProxySettings.model_validate({"unix-socket": file}))
    server.start()
    assert server.modes == [0o660, 0o660]
    assert mode_of(file.parent) & ~0o750 == 0
    assert file.stat().st_gid == os.getegid()


def test_a_folder_that_the_group_cannot_have_is_not_left_behind(
    short: Path, another_group: grp.struct_group, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    proxy = {"unix-socket": short / "new" / "proxy.sock", "unix-socket-group": another_group.gr_name}
    monkeypatch.setattr(os, "chown", refused)
    with pytest.raises(PermissionError):
        listeners.prepare_socket(Server(short), ProxySettings.model_validate(proxy))
    assert not (short / "new").exists()  # else it would count as the operator's the next time


def test_an_account_outside_the_group_is_told_before_the_start(
    tmp_path: Path, another_group: grp.struct_group, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = {"unix-socket": tmp_path / "proxy.sock", "unix-socket-group": another_group.gr_name}
    http = HttpSettings.model_validate({"proxy": proxy})
    listeners.check(http)
    monkeypatch.setattr(os, "geteuid", lambda: pwd.getpwall()[-1].pw_uid)
    monkeypatch.setattr(os, "getegid", lambda: another_group.gr_gid)
    listeners.check(http)
    monkeypatch.setattr(os, "getegid", lambda: another_group.gr_gid + 1)
    monkeypatch.setattr(os, "getgroups", lambda: [another_group.gr_gid])
    listeners.check(http)
    monkeypatch.setattr(os, "getgroups", list)
    said = complaint(http, Unavailable)
    account = pwd.getpwall()[-1].pw_name
    assert f"The account {account} is not in the group {another_group.gr_name}" in said
    assert f"usermod -aG {another_group.gr_name} {account}" in said
    unnamed = max(one.pw_uid for one in pwd.getpwall()) + 1  # as in a container
    monkeypatch.setattr(os, "geteuid", lambda: unnamed)
    assert f"The account uid {unnamed} is not in the group" in complaint(http, Unavailable)
