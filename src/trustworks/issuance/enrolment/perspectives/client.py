"""A remote perspective as this provider's authority asks it: HTTPS, with a certificate on either side."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx
from cryptography import x509

from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.pki.certificates import readable_pem_file
from trustworks.issuance.enrolment.caa import CaaRecord
from trustworks.issuance.enrolment.perspectives import wire
from trustworks.issuance.enrolment.perspectives.corroboration import Corroboration
from trustworks.issuance.rules.perspectives import check_end_entity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic import BaseModel

    from trustworks.issuance.config import PerspectiveSettings
    from trustworks.issuance.enrolment.acme.validation.attempt import Proof
    from trustworks.issuance.enrolment.caa import Resolver


class RemotePerspective:
    """The perspective of one table ``[[issuance.perspectives]]``. Raises `Unavailable` and `Malformed`."""

    def __init__(self, settings: PerspectiveSettings) -> None:
        self.name = settings.name
        self.region = settings.region
        self.settings = settings

    def look(self, proof: Proof) -> str | None:
        """None where control is seen from there; else why not."""
        question = wire.ControlQuestion.model_validate(
            {"type": proof.type, "name": proof.name, "token": proof.token, "thumbprint": proof.thumbprint}
        )
        answer = wire.read(wire.ControlAnswer, self._ask(wire.CONTROL, question))
        return None if answer.seen else answer.objection or "it does not see it"

    def caa(self, names: Sequence[str]) -> Resolver:
        """The records that it found."""
        question = wire.CaaQuestion(names=tuple(dict.fromkeys(names)))
        answer = wire.read(wire.CaaAnswer, self._ask(wire.CAA, question))
        found = {
            name: tuple(CaaRecord(*record) for record in records) for name, records in answer.records.items()
        }
        return Found(self.name, found)

    def _ask(self, path: str, question: BaseModel) -> bytes:
        settings = self.settings
        context = prepared(settings)
        try:
            with (
                httpx.Client(verify=context, trust_env=False, timeout=settings.seconds) as client,
                client.stream(
                    "POST", settings.address + path, content=question.model_dump_json().encode()
                ) as answer,
            ):
                body = b""
                for part in answer.iter_raw():
                    body += part
                    if len(body) > wire.MAX_MESSAGE:
                        raise Malformed(f"The perspective {self.name} answered too much.")
                if answer.status_code != 200:
                    raise Unavailable(
                        "perspectives.answer",
                        f"The perspective {self.name} answered {answer.status_code}; see to its log.",
                    )
                return body
        except (httpx.HTTPError, ssl.SSLError) as error:
            raise Unavailable(
                "perspectives.away",
                f"The perspective {self.name} at {settings.address} did not answer "
                f"({type(error).__name__}); see that it runs, and that both have the other's certificate.",
            ) from error


def prepared(settings: PerspectiveSettings) -> ssl.SSLContext:
    """TLS as a table says. Raises as `pinned` does."""
    return pinned(
        ssl.Purpose.SERVER_AUTH,
        [settings.certificate],
        own=settings.client_certificate,
        key=settings.client_key,
    )


def corroboration_of(settings: Sequence[PerspectiveSettings], *, lab: bool) -> Corroboration:
    """The perspectives of the configuration."""
    seconds = max((one.seconds for one in settings), default=0.0)
    return Corroboration([RemotePerspective(one) for one in settings], lab=lab, seconds=seconds)


class Found:
    """CAA records as a perspective found them; what it did not find out is `Unavailable` (caa.lookup)."""

    def __init__(self, whose: str, records: Mapping[str, Sequence[CaaRecord]]) -> None:
        self._whose = whose
        self._records = records

    def caa(self, name: str) -> Sequence[CaaRecord]:
        """The records of a domain."""
        try:
            return self._records[name]
        except KeyError:
            raise Unavailable(
                "caa.lookup", f"The perspective {self._whose} could not look up the CAA records of {name}."
            ) from None


def pinned(purpose: ssl.Purpose, others: Sequence[Path], *, own: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.3 with our certificate, and with exactly the certificates in these files on the other side.

    Raises `Malformed`, and `Unavailable` (perspectives.key) where the key cannot be used.
    """
    server = purpose is ssl.Purpose.CLIENT_AUTH
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the certificate itself is expected, whatever name is in it
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate is its own anchor
    for file in others:
        _check_trusted(file)
        # Not by cadata: Python takes an old error of another library in this thread (a module's) for its own.
        context.load_verify_locations(cafile=file)
    check_private(key)
    try:
        context.load_cert_chain(own, key)
    except (OSError, ssl.SSLError) as error:
        raise Unavailable(
            "perspectives.key",
            f"The certificate {own} and its key {key} cannot be used ({error}); name a PEM certificate and "
            "the key that belongs to it.",
        ) from error
    return context


def _check_trusted(file: Path) -> None:
    for one in readable_pem_file(file):
        try:
            is_ca = one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except x509.ExtensionNotFound:
            is_ca = False
        check_end_entity(str(file), is_ca=is_ca)


def check_private(key: Path) -> None:
    """`Unavailable` (perspectives.key) for a key that is absent or that others can read."""
    try:
        mode = key.stat().st_mode
    except OSError as error:
        raise Unavailable("perspectives.key", f"The key {key} cannot be read: {error.strerror}.") from error
    if mode & 0o077:
        raise Unavailable(
            "perspectives.key", f"The key {key} can be read by others; run chmod 600 on it, and change it."
        )
