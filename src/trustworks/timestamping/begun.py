"""A request between its steps, on its way to a token; and the checks of that token before it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Refused, Unavailable
from trustworks.core.store.types import microseconds
from trustworks.timestamping import readback, template
from trustworks.timestamping.model import Expected
from trustworks.timestamping.rules import timing, tokens

if TYPE_CHECKING:
    from trustworks.core.errors import TrustworksError
    from trustworks.core.time import TrustedTime
    from trustworks.timestamping.model import Content, Request
    from trustworks.timestamping.unit import Unit


class Begun:
    """A request that is granted so far; `signature` or `failure` comes with the signature."""

    __slots__ = (
        "attributes",
        "content",
        "failure",
        "moment",
        "now",
        "request",
        "signature",
        "tst_info",
        "unit",
    )

    def __init__(  # noqa: PLR0917 - made in one place, on the hot path
        self,
        unit: Unit,
        request: Request,
        now: TrustedTime,
        moment: int,
        content: Content,
        tst_info: bytes,
        attributes: bytes,
    ) -> None:
        self.unit = unit
        self.request = request
        self.now = now
        self.moment = moment
        self.content = content
        self.tst_info = tst_info
        self.attributes = attributes
        self.signature = b""
        self.failure: TrustworksError | None = None


def check_delay(begun: Begun, after: TrustedTime, limit_us: int, accuracy_us: int) -> None:
    """Refuse a token whose time is no longer true `after` the signature (EN 319 421, 7.7.1).

    `limit_us`: what a signature may take. Raises `Unavailable` (clock.*).
    """
    moment, signed = begun.moment, microseconds(after.utc)
    if not timing.is_in_order(signed, moment):
        raise Unavailable(
            "clock.backwards",
            f"The clock went back by {moment - signed} us while the token was signed, and it was thrown "
            "away. Find out what sets the clock.",
        )
    if not timing.was_signed_in_time(moment, signed, limit_us):
        raise Unavailable(
            "clock.signing-too-slow",
            f"The signature took {(signed - moment) // 1000} ms, more than the {limit_us // 1000} ms "
            "of [timestamping] signing-limit-ms; the token was thrown away. See why the module is slow.",
        )
    if not timing.is_within_accuracy(
        microseconds(begun.content.gen_time), signed, after.bound_us, accuracy_us
    ):
        raise Unavailable(
            "clock.accuracy",
            f"When the token was signed its time was {accuracy_us} us off or more; it was dropped.",
        )


def check_own(begun: Begun, answer: bytes) -> None:
    """Refuse an answer whose token is not what was meant (RFC 3161, 2.4.2; EN 319 422, 5.2.2 and 9.1).

    `answer` is the TimeStampResp that leaves. What surrounds TSTInfo, signed attributes and signature is the
    same in all answers with the same lengths: the first of each is read back as a whole, and what surrounds
    them is kept. Later ones must be that, octet for octet, around parts that are read back each time.
    """
    unit, content = begun.unit, begun.content
    parts = unit.template
    expected = Expected(
        begun.request,
        parts.policy(content.policy),
        content.serial,
        content.gen_time,
        parts.accuracy,
        unit.qualified,
        unit.shape,
        parts.digest,
        begun.signature,
    )
    lengths = (len(begun.tst_info), len(begun.signature), begun.request.cert_req)
    around = unit.proven.get(lengths)
    if around is not None:
        broken = _differs(begun, answer, around, expected)
    else:
        token = readback.read_granted(answer)
        own = readback.read_own(token)
        broken = tokens.objection(own, expected)
        if broken is None:
            if len(unit.proven) >= template.MOST_FRAMES:
                unit.proven.clear()
            head, middle, tail = own.around
            unit.proven[lengths] = answer[: len(answer) - len(token)] + head, middle, tail
    if broken is not None:
        raise Refused(broken[0], f"{broken[1]} It was thrown away; this is a fault of the program.")


def _differs(
    begun: Begun, answer: bytes, around: tuple[bytes, bytes, bytes], expected: Expected
) -> tuple[str, str] | None:
    """The first requirement that an answer breaks which should be like an earlier one."""
    head, middle, tail = around
    attributes = begun.unit.template.content_of(begun.attributes)
    if answer != b"".join((head, begun.tst_info, middle, attributes, tail, begun.signature)):
        return "RFC3161:2.4.2-ONE-SIGNER", "The token has not the shape of the unit's tokens."
    if not tokens.digest_is_signed(attributes, begun.tst_info, expected):
        return "RFC3161:2.4.2-ONE-SIGNER", "The signed attributes do not cover the TSTInfo."
    return tokens.content_objection(readback.read_tst_fields(begun.tst_info), expected)
