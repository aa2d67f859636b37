"""What an applicant of the registration desk puts up, and looking for it: from here, then from elsewhere.

The looking is ACME's (`acme.validation`), at other places: BR 3.2.2.4.7 and 3.2.2.4.18.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from trustworks.issuance.enrolment.acme.rules.validation import (
    CHANGE_LABEL,
    WEBSITE_PATH,
    key_authorization,
    txt_value,
)
from trustworks.issuance.enrolment.acme.validation.attempt import Attempts, Proof
from trustworks.issuance.enrolment.acme.validation.resolver import DnsResolver
from trustworks.issuance.enrolment.dnssec import demanded
from trustworks.issuance.enrolment.perspectives.client import corroboration_of
from trustworks.issuance.enrolment.perspectives.server import Bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.enrolment.perspectives.corroboration import Corroboration
    from trustworks.issuance.rules.perspectives import Sight

_TYPES: Final = {"dns": "dns-change", "http": "website-change"}


def places(
    name: str, methods: Sequence[Literal["dns", "http"]], *, token: str, value: str
) -> dict[str, dict[str, str]]:
    """Where an applicant puts what was drawn for a name: a TXT record (``dns``), a file (``http``)."""
    content = key_authorization(token, value)
    found = {}
    if "dns" in methods:
        record = CHANGE_LABEL + name.removeprefix("*.")
        found["dns"] = {"record": record, "value": txt_value(content)}
    if "http" in methods:
        host = f"[{name}]" if ":" in name else name
        found["http"] = {"url": f"http://{host}{WEBSITE_PATH}{token}", "content": content}
    return found


class Control:
    """Control over names of web sites. Threads share it.

    `attempt` looks from here, and raises `Problem` where it does not see it.
    """

    def __init__(self, attempt: Callable[[Proof], None], corroboration: Corroboration) -> None:
        self._attempt = attempt
        self._corroboration = corroboration

    def check_ready(self, day: date) -> None:
        """Raises `Unavailable` (perspectives.too-few) where too few perspectives are configured."""
        self._corroboration.check_ready(day)

    def look(
        self, method: Literal["dns", "http"], name: str, *, token: str, value: str, day: date
    ) -> Sequence[Sight]:
        """What the perspectives saw, where it is seen from here and from enough of them.

        Raises `Problem` (not seen from here), `NotCorroboratedError`, `Unavailable`.
        """
        proof = Proof(type=_TYPES[method], name=name, token=token, thumbprint=value)
        self._attempt(proof)
        return self._corroboration.control(proof, day)


def control_of(settings: IssuanceSettings, *, lab: bool) -> Control:
    """What looks as the configuration says: as far as [issuance.acme] goes, where there is one.

    Raises `Unavailable` (acme.resolver) on a system without DNS.
    """
    acme = settings.acme
    bounds = Bounds() if acme is None else acme
    resolver = DnsResolver(
        None if acme is None else acme.resolver,
        seconds=bounds.validation_seconds,
        dnssec=demanded(settings, lab=lab),
    )
    return Control(Attempts(bounds, resolver).attempt, corroboration_of(settings.perspectives, lab=lab))
