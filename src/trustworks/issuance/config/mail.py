"""The table ``[issuance.registration.mail]``: the server that takes our mail to holders of mailboxes."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path  # noqa: TC003 - Pydantic reads it at run time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from trustworks.core.settings import Table


def _host(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]*[A-Za-z0-9])?", value):
        raise ValueError("write the name or the IP address of a host, for example mail.tsp.example")
    return value


def _sender(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}", value):
        raise ValueError("write an address alone, for example registration@tsp.example")
    return value


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class MailSettings(Table):
    """[issuance.registration.mail]: how holders of mailboxes are written to (S/MIME BR, 3.2.2.2)."""

    server: Annotated[str, AfterValidator(_host)] = Field(
        description="The mail server that takes our mail, a name or an IP address."
    )
    port: int = Field(default=587, ge=1, le=65535, description="Its port; 587, or 465 for TLS at once.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="starttls: TLS before anything is said; tls: from the first octet on; none: without, at "
        "this machine alone.",
    )
    ca_file: Path | None = Field(
        default=None, description="Certificates (PEM) that its certificate must lead to; else the system's."
    )
    sender: Annotated[str, AfterValidator(_sender)] = Field(description="The address that our mail is from.")
    user: str | None = Field(default=None, min_length=1, max_length=255, description="Whom to sign in as.")
    password_source: Path | None = Field(
        default=None, description="File that holds that user's password, readable by its owner alone."
    )
    seconds: float = Field(default=20.0, gt=0, le=120, description="Seconds to wait for the server.")

    @model_validator(mode="after")
    def _is_protected(self) -> MailSettings:
        if self.security == "none" and not _is_this_machine(self.server):
            raise ValueError(
                'security = "none" would show who applies, and the values, to everybody on the way: use '
                "starttls or tls, or a mail server at this machine"
            )
        if (self.user is None) is not (self.password_source is None):
            raise ValueError("name user and password-source both, or none of them")
        return self
