"""What a webhook gets, and the signature by which its server knows that it comes from us.

The scheme is Standard Webhooks' v1: HMAC-SHA-256 over identifier, time and body, in headers of their own. An
integrator has a library for it in whatever language, and no call of ours costs the module a signature; what a
third party has to believe are certificates and status answers, which the module does sign.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.issuance.records.notices import Notice

PREFIX: Final = "whsec_"
_OCTETS: Final = 32


def new_secret() -> str:
    """A secret as its server's library takes it: 256 random bits in Base64 behind a prefix."""
    return PREFIX + b64encode(secrets.token_bytes(_OCTETS)).decode("ascii")


def body_of(notice: Notice) -> bytes:
    """The JSON that is sent: type and time of the event, and what it is about."""
    data = {
        name: value
        for name, value in (
            ("serial", notice.serial),
            ("application", notice.application),
            ("profile", notice.profile),
            ("reason", notice.reason),
        )
        if value is not None
    }
    told = {"type": notice.event, "timestamp": notice.at.isoformat(), "data": data}
    return json.dumps(told, separators=(",", ":")).encode("ascii")


@implements("TRUSTWORKS:WEBHOOK-SIGNED", disabled="v1,")
def signatures(secrets: Sequence[str], *, identifier: str, moment: datetime, body: bytes) -> str:
    """The value of `webhook-signature`: one signature for each secret that counts."""
    signed = b"%s.%d.%s" % (identifier.encode("ascii"), moment.timestamp(), body)
    made = (
        hmac.new(b64decode(secret.removeprefix(PREFIX)), signed, hashlib.sha256).digest()
        for secret in secrets
    )
    return " ".join(f"v1,{b64encode(one).decode('ascii')}" for one in made)


def headers_of(notice: Notice, secrets: Sequence[str], *, moment: datetime, body: bytes) -> dict[str, str]:
    """The headers of one attempt: `webhook-id` stays the same with every attempt, the time does not."""
    return {
        "content-type": "application/json",
        "webhook-id": notice.id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": signatures(secrets, identifier=notice.id, moment=moment, body=body),
    }
