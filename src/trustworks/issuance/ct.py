"""Certificate Transparency: a certificate is shown to logs before it is signed, and carries their receipts.

The authority's key signs a precertificate, which no client takes for a certificate (its poison extension is
critical). Logs answer with signed certificate timestamps (SCT). The certificate then has a list of these
where the poison was, and nothing else differs. Source: RFC 6962, 3.1 to 3.3 and 4.2.
"""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from typing import TYPE_CHECKING, Final

import httpx

from trustworks.core.der.x509 import public_key_info, read_certificate
from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.issuance.preparation import Prepared, prepare
from trustworks.issuance.rules.ct import (
    Log,
    Sct,
    check_enough,
    check_sct,
    log_list,
    poisoned,
    read_sct,
    scts_needed,
    with_scts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from trustworks.issuance.config import CtSettings
    from trustworks.issuance.lints import Surroundings

MAX_ANSWER: Final = 65536
MAX_LIST: Final = 4 * 1024 * 1024


class Transparency:
    """Shows precertificates to the logs of a list and collects their timestamps."""

    def __init__(
        self, logs: Sequence[Log], *, seconds: float = 10.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._logs = tuple(logs)
        self._seconds = seconds
        self._transport = transport

    @classmethod
    def of(cls, settings: CtSettings) -> Transparency:
        """The logs of the list in a file. Raises `Malformed` and `Rejected` (issuance.ct-log-list)."""
        try:
            data = read_at_most(settings.log_list, MAX_LIST)
        except OSError as error:
            raise Rejected(
                "issuance.ct-log-list",
                f"{settings.log_list} cannot be read ({error.strerror}); name a list in [issuance.ct].",
            ) from None
        return cls(log_list(data), seconds=settings.seconds)

    def timestamps(
        self,
        precertificate: bytes,
        chain: Sequence[bytes],
        tbs: bytes,
        *,
        lifetime: timedelta,
        now: datetime,
    ) -> tuple[Sct, ...]:
        """Enough timestamps for a certificate. Raises `Refused` and `Unavailable` (ct.logs).

        `chain` are the authorities' certificates, nearest first; `tbs` is the TBSCertificate without poison.
        All logs that take it are asked at once; one that is down or answers wrongly costs nothing while there
        are enough others.
        """
        not_after = read_certificate(precertificate).tbs_certificate.validity.not_after.as_datetime()
        logs = [log for log in self._logs if log.takes(not_after.replace(tzinfo=UTC))]
        body = {"chain": [base64.b64encode(one).decode() for one in (precertificate, *chain)]}
        issuer_key = public_key_info(chain[0])
        found: list[tuple[Log, Sct]] = []
        wrong: Refused | None = None
        with (
            httpx.Client(timeout=self._seconds, transport=self._transport, trust_env=False) as client,
            ThreadPoolExecutor(max(1, len(logs))) as pool,
        ):
            for log, answer in zip(logs, pool.map(lambda one: _ask(client, one, body), logs), strict=True):
                if answer is None:
                    continue
                try:
                    check_sct(answer, log, tbs, issuer_key, now)
                except Refused as error:
                    wrong = error
                else:
                    found.append((log, answer))
        needed = scts_needed(lifetime)
        if not found and wrong is not None:
            raise wrong
        if not found:
            raise Unavailable(
                "ct.logs", "No log gave a timestamp, so the certificate is not issued; try again later."
            )
        check_enough([log for log, _ in found], needed)
        return tuple(sct for _, sct in _of_several_operators(found, needed))


def _ask(client: httpx.Client, log: Log, body: dict[str, list[str]]) -> Sct | None:
    """What a log answers, or None when it does not: that is no fault of the certificate."""
    try:
        with client.stream("POST", f"{log.url.rstrip('/')}/ct/v1/add-pre-chain", json=body) as answer:
            content = b""
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > MAX_ANSWER:
                    return None
        return read_sct(content) if answer.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, Malformed):
        return None


def _of_several_operators(found: Sequence[tuple[Log, Sct]], needed: int) -> list[tuple[Log, Sct]]:
    """As many as are needed, of different operators as far as there are such."""
    chosen: list[tuple[Log, Sct]] = []
    for one in found:
        if one[0].operator not in {log.operator for log, _ in chosen}:
            chosen.append(one)
    rest = [one for one in found if one not in chosen]
    return [*chosen, *rest][:needed]


class Logged:
    """A certificate that is shown to logs on its way: signed as precertificate, then with their timestamps.

    It is redeemed once, as `Prepared` is. `tbs` is the precertificate's: with its signature the certificate
    counts as issued (RFC 6962, 3.1), so that it is what the intent records.
    """

    def __init__(
        self,
        tbs: bytes,
        algorithm: bytes,
        around: Surroundings,
        timestamps: Callable[[bytes, bytes], Sequence[Sct]],
    ) -> None:
        self._plain = tbs
        self._algorithm = algorithm
        self._around = around
        self._timestamps = timestamps
        self._precertificate: Prepared = prepare(poisoned(tbs), algorithm, around)
        self.tbs = self._precertificate.tbs

    def redeem(self, sign: Callable[[bytes], bytes]) -> bytes:
        """Sign the precertificate, have it logged, and sign the certificate. Raises as `Prepared.redeem`."""
        precertificate = self._precertificate.redeem(sign)
        scts = self._timestamps(precertificate, self._plain)
        return prepare(with_scts(self._plain, scts), self._algorithm, self._around).redeem(sign)
