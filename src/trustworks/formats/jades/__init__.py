"""JAdES: from octets to evidence (TS 119 182-1, RFC 7515, RFC 7797)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import BeyondLimit
from trustworks.formats.jades import jws
from trustworks.formats.jades.signature import read_signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.limits import Limits


def read(
    data: Data,
    collector: Collector,
    *,
    detached: Sequence[Data] = (),
    limits: Limits,
    file: str | None = None,
) -> None:
    """Reads all signatures of a JWS in any serialization into `collector`.

    `detached` is what it signs and does not hold: the payload, data objects that sigD names, or an HTTP
    message. `file` is its name within a container. Nothing is fetched, x5u neither.

    Raises:
        Malformed: it is no JWS, or larger than the limits allow.
    """
    if data.size > limits.parsed:
        raise BeyondLimit(
            f"The JWS has {data.size} octets, more than the {limits.parsed} that are read.", "parsed"
        )
    signatures, findings = jws.parse(data.octets(), limits)
    if file is None:
        collector.media_type = "application/jose" if signatures[0].compact else "application/jose+json"
    for finding in findings:
        collector.finding(finding)
    for place, signature in enumerate(signatures):
        named = read_signature(signature, collector, detached=detached, limits=limits, file=file)
        collector.place(named, (place,))
