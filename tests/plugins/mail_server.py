"""A mail server (RFC 5321) that keeps what it is given: in the clear, by STARTTLS, or by TLS at once."""

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from ipaddress import ip_address
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path


class MailServer(ThreadingTCPServer):
    """Takes mail for everybody but `refused`; `mails` are (receivers, message), `said` each command."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, context: ssl.SSLContext | None = None, *, at_once: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.context = context
        self.at_once = at_once
        self.refused: set[str] = set()
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.said: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that ends the handshake is not this server's trouble."""


class _Session(StreamRequestHandler):
    server: MailServer

    def setup(self) -> None:
        if self.server.at_once:
            self._secure()
        super().setup()

    def _secure(self) -> None:
        assert self.server.context is not None
        self.request = self.connection = self.server.context.wrap_socket(self.request, server_side=True)

    def finish(self) -> None:
        super().finish()
        self.connection.close()  # the server closes what it accepted, and not what TLS made of it

    def handle(self) -> None:
        receivers: list[str] = []
        self._say("220 mail.test ready")
        while line := self.rfile.readline().decode().rstrip():
            self.server.said.append(line)
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    self._say("250-mail.test" if self._may_start_tls() else "250 mail.test")
                    if self._may_start_tls():
                        self._say("250 STARTTLS")
                case "STARTTLS":
                    self._say("220 go on")
                    self._secure()
                    super().setup()
                case "MAIL":
                    receivers = []
                    self._say("250 ok")
                case "RCPT":
                    address = rest.partition("<")[2].partition(">")[0]
                    if address in self.server.refused:
                        self._say("550 no such mailbox")
                    else:
                        receivers.append(address)
                        self._say("250 ok")
                case "DATA":
                    self._say("354 go on")
                    self._say("250 kept" if self._keep(receivers) else "451 lost")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 ok")

    def _may_start_tls(self) -> bool:
        return self.server.context is not None and not isinstance(self.connection, ssl.SSLSocket)

    def _keep(self, receivers: list[str]) -> bool:
        octets = b""
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            octets += line.removeprefix(b".") if line.startswith(b"..") else line
        message: Any = message_from_bytes(octets, policy=default)
        self.server.mails.append((receivers, message))
        return True

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def mail_server(context: ssl.SSLContext | None = None, *, at_once: bool = False) -> Iterator[MailServer]:
    """A server that runs until the block ends."""
    with MailServer(context, at_once=at_once) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def certificate_for(address: str, folder: Path) -> tuple[ssl.SSLContext, Path]:
    """TLS for a host of this address, and the file of the certificate that a client must trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, own = folder / "mail.pem", folder / "mail.key"
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    own.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, own)
    return context, file
