"""Mails to holders of mailboxes: the words, and handing them to the provider's mail server (RFC 5321)."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING, Final, Protocol

from trustworks.core.errors import Rejected, Unavailable
from trustworks.issuance.profiles.tbs import alternative_name

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.config.mail import MailSettings

CODE: Final = "registration.mail"
PATH: Final = "/mailbox"


class Mailer(Protocol):
    """Hands mails to a mail server."""

    def send(self, address: str, value: str, *, application: str, until: datetime) -> None:
        """Mail the value to its mailbox. Raises `Unavailable` (registration.mail)."""


class SmtpMailer:
    """Mails by the server of [issuance.registration.mail]. Threads share it; each mail has a connection.

    `provider` is who writes, as the receiver knows it; `public_url` where the receiver answers.
    """

    def __init__(self, settings: MailSettings, *, provider: str, public_url: str) -> None:
        self._settings = settings
        self._provider = provider
        self._public_url = public_url.rstrip("/")

    def send(self, address: str, value: str, *, application: str, until: datetime) -> None:
        """Mail the value. Raises `Unavailable` (registration.mail) when the server did not take it.

        `Rejected` (issuance.alternative-name) for what may be read as more than one address.
        """
        alternative_name(f"email:{address}")
        message = self._message(address, value, application=application, until=until)
        settings = self._settings
        server = f"{settings.server}:{settings.port}"
        context = self._trust()
        try:
            with self._connect(context) as client:
                if settings.security == "starttls":
                    client.starttls(context=context)
                if settings.user is not None and settings.password_source is not None:
                    client.login(settings.user, _password(settings.password_source))
                client.send_message(message, from_addr=settings.sender, to_addrs=[address])
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(
                CODE,
                f"The mail server {server} did not take the mail ({_reason(error)}). See to the server or to "
                "[issuance.registration.mail], and mail again; what was mailed before still counts.",
            ) from error

    def _connect(self, context: ssl.SSLContext) -> smtplib.SMTP:
        settings = self._settings
        if settings.security == "tls":
            return smtplib.SMTP_SSL(settings.server, settings.port, timeout=settings.seconds, context=context)
        return smtplib.SMTP(settings.server, settings.port, timeout=settings.seconds)

    def _trust(self) -> ssl.SSLContext:
        file = self._settings.ca_file
        try:
            context = ssl.create_default_context(cafile=file)
        except (OSError, ssl.SSLError) as error:
            raise Unavailable(
                CODE, f"The certificates in {file} cannot be read; name a PEM file as ca-file."
            ) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _message(self, address: str, value: str, *, application: str, until: datetime) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = self._settings.sender
        message["To"] = address
        message["Subject"] = f"{self._provider}: is this your mailbox?"
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self._settings.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no program answers it
        message.set_content(
            f"{self._provider} was asked for a certificate for electronic mail of the address\n"
            f"{address} (application {application}).\n\n"
            "If you want that certificate, open this page:\n\n"
            f"{self._public_url}{PATH}\n\n"
            "Enter this value there and press the button, or give it back to whom you applied to:\n\n"
            f"{value}\n\n"
            f"It is good once, until {until:%Y-%m-%d %H:%M} UTC. Give it to nobody else.\n\n"
            "If you did not ask for a certificate, do nothing: none is issued then.\n"
        )
        return message


def mailer_of(settings: IssuanceSettings, *, public_url: str) -> SmtpMailer:
    """What mails as the configuration says. Raises `Rejected` (config.mail) where it names no mail server."""
    if settings.registration.mail is None:
        raise Rejected(
            "config.mail",
            "There is no [issuance.registration.mail] in the configuration: name a mail server and a sender, "
            "see `trustworks config explain issuance.registration.mail`.",
        )
    return SmtpMailer(settings.registration.mail, provider=settings.organization, public_url=public_url)


def _password(file: Path) -> str:
    try:
        if file.stat().st_mode & 0o077:
            raise Unavailable(CODE, f"{file} can be read by others. Run `chmod 600 {file}`.")
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Unavailable(CODE, f"The password file {file} cannot be read: {error.strerror}.") from error


def _reason(error: Exception) -> str:
    """What went wrong, without the address: it does not belong into logs."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return ", ".join(f"it refuses the receiver: {code}" for code, _ in error.recipients.values())
        case smtplib.SMTPResponseException():
            return f"it answered {error.smtp_code}"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or type(error).__name__}"
        case OSError() if error.strerror:
            return error.strerror
        case _:
            return type(error).__name__
