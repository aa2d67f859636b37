"""What the listeners need: HTTPS' certificate and key, the proxy's secret and its socket.

It is looked at before any process is started: a worker that finds something wrong can only end, again and
again; the operator is told once instead.
"""

from __future__ import annotations

import grp
import os
import stat
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from trustworks.app import certificates
from trustworks.app.web.client_identity import read_secret
from trustworks.core.account import account
from trustworks.core.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

    from trustworks.app.configuration.settings import HttpSettings, ProxySettings


def check(http: HttpSettings) -> None:
    """Raise `Unavailable` or `Malformed`, one sentence.

    `Unavailable`: serve.tls, certificate.absent, http.proxy-secret, http.proxy-socket, http.proxy-group.
    """
    if http.tls_certificate is not None and http.tls_key is not None:
        certificate = certificates.read(http.tls_certificate)
        _check_key(http.tls_key, certificate, http.tls_certificate)
    if http.proxy.secret_source is not None:
        read_secret(http.proxy.secret_source)
    if http.proxy.unix_socket is not None:
        _check_socket(http.proxy.unix_socket)
    if http.proxy.unix_socket_group is not None:
        _check_group(http.proxy.unix_socket_group)


def _check_socket(path: Path) -> None:
    if len(os.fsencode(path)) > _LONGEST_SOCKET:
        raise Unavailable(
            "http.proxy-socket",
            f"The path {path} of [http.proxy] unix-socket is too long for a socket; give one of at most "
            f"{_LONGEST_SOCKET} octets, such as /run/trustworks/http.sock.",
        )
    try:
        kind = path.lstat().st_mode
    except OSError:  # not there yet; what stands against making it is told by who makes it
        return
    if not stat.S_ISSOCK(kind):
        raise Unavailable(
            "http.proxy-socket",
            f"{path} of [http.proxy] unix-socket is there and is no socket; name another path, or remove it.",
        )


def _check_group(name: str) -> None:
    """An account can give its files to the groups that it is in; root can to all."""
    if os.geteuid() != 0 and grp.getgrnam(name).gr_gid not in {os.getegid(), *os.getgroups()}:
        who = account()
        raise Unavailable(
            "http.proxy-group",
            f"The account {who} is not in the group {name} of [http.proxy] unix-socket-group, and cannot let "
            f"it reach the socket. Run usermod -aG {name} {who}, or let the container have the group with "
            f"--group-add {name}, and start the services anew.",
        )


def prepare_socket(server: Any, proxy: ProxySettings) -> None:
    """Let `server`, which is about to listen on the proxy's Unix socket, be reached by the proxy alone.

    Whoever reaches the socket is believed. A folder that is there already is the operator's: its mode and its
    owner stay.
    """
    if proxy.unix_socket is None:
        return
    if proxy.unix_socket_group is None:
        proxy.unix_socket.parent.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
        server.uds_permissions = _SOCKET
        return
    group = grp.getgrnam(proxy.unix_socket_group).gr_gid
    _make_folder(proxy.unix_socket.parent, group)
    server.uds_permissions = _NOBODY_ELSE  # until the hook, which runs once it is bound
    server.on_startup(partial(_hand_over, proxy.unix_socket, group, _SOCKET))


_LONGEST_SOCKET: Final = 107  # sun_path of unix(7), without the octet that ends it
_LEAST_RSA: Final = 2048
_FOLDER: Final = 0o750
_SOCKET: Final = 0o660
_NOBODY_ELSE: Final = 0o600


def _make_folder(folder: Path, group: int) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    try:
        _hand_over(folder, group, _FOLDER)
    except OSError:
        folder.rmdir()
        raise


def _hand_over(path: Path, group: int, mode: int) -> None:
    """Give something of ours to a group, which may do with it what `mode` says whatever the umask is."""
    os.chown(path, -1, group)
    path.chmod(mode)


def _check_key(file: Path, certificate: x509.Certificate, certificate_file: Path) -> None:
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            octets = stream.read()
    except OSError as error:
        raise Unavailable(
            "serve.tls",
            f"The key of HTTPS, {file}, cannot be read: {error.strerror}. Correct [http] tls-key, or let the "
            "services' account read it.",
        ) from None
    if mode & 0o077:
        raise Unavailable(
            "serve.tls",
            f"Others can read the key of HTTPS, {file}. Run chmod 600 {file}; if they may have read it, take "
            "a new key and certificate.",
        )
    try:
        key = load_pem_private_key(octets, None)
    except (ValueError, TypeError):  # the library's words say nothing to an operator, and could say too much
        raise Malformed(
            f"{file} holds no private key in PEM without a password; name one in [http] tls-key."
        ) from None
    if not _is_spoken(key):
        raise Unavailable(
            "serve.tls",
            f"The key of HTTPS, {file}, is of a kind that the server does not speak TLS with; take one on "
            "P-256 or P-384, RSA of at least 2048 bits, or Ed25519.",
        )
    if certificates.spki(key.public_key()) != certificates.spki(certificate.public_key()):
        raise Unavailable(
            "serve.tls",
            f"The key of HTTPS, {file}, does not belong to the certificate {certificate_file}. Name the two "
            "that belong together in [http] tls-key and tls-certificate.",
        )


def _is_spoken(key: object) -> bool:
    match key:
        case ec.EllipticCurvePrivateKey():
            return isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1)
        case rsa.RSAPrivateKey():
            return key.key_size >= _LEAST_RSA
        case _:
            return isinstance(key, ed25519.Ed25519PrivateKey)
