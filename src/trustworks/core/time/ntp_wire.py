"""NTP version 4 as a client sees it: a request, and what to believe of the answer (RFC 5905, RFC 4330)."""

from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.time.leap_file import NTP_TO_UNIX

if TYPE_CHECKING:
    from trustworks.core.time.estimate import Leap

SECOND = 1_000_000_000
HEADER = struct.Struct(">BBbbIIIQQQQ")
_CLIENT_V4 = 0x23
_MODE_SERVER = 4
_LEAPS: dict[int, Leap] = {0: "none", 1: "insert", 2: "delete"}
_UNSYNCHRONISED = 3
_ERA = 1 << 32
# RFC 5905 holds a server with a root distance above 1.5 s (MAXDIST) unfit; one second is all that a TSA may
# declare.
MAX_ROOT_DISTANCE_NS = SECOND
_LOCAL_NET = b"\x7f\x7f"
_UNDISCIPLINED = b"LOCL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A server's answer; times are nanoseconds since 1970, distances nanoseconds."""

    leap: Leap
    stratum: int
    reference_id: bytes
    root_delay_ns: int
    root_dispersion_ns: int
    precision_ns: int
    received_ns: int
    sent_ns: int

    @property
    def root_distance_ns(self) -> int:
        """How far the server itself can be from UTC."""
        return self.root_delay_ns // 2 + self.root_dispersion_ns + self.precision_ns


def make_request() -> tuple[bytes, int]:
    """A request, and the nonce in it.

    Only the transmit timestamp is set, and to random bits: it gives nothing away about the clock, and whoever
    cannot read the request cannot make an answer that carries it.
    """
    nonce = secrets.randbits(64) | 1
    return HEADER.pack(_CLIENT_V4, 0, 0, 0, 0, 0, 0, 0, 0, 0, nonce), nonce


def parse_answer(data: bytes, nonce: int, about_ns: int, max_stratum: int) -> Answer:
    """Read and judge an answer to the request that carried `nonce`; `about_ns` chooses the NTP era.

    Raises:
        Malformed: cut short, not NTP version 4, not a server's answer.
        Rejected: not an answer to this request (``origin``), a kiss-o'-death (its own code, such as
            ``RATE``), a server that is not synchronised (``unsynchronised``) or follows its own clock
            (``local``), a stratum above `max_stratum` (``stratum``), a root distance above a second
            (``distance``), times that cannot be (``times``).
    """
    if len(data) < HEADER.size:
        raise Malformed(f"The answer has {len(data)} bytes; an NTP header has {HEADER.size}.")
    first, stratum, _poll, precision, delay, dispersion, reference, set_at, origin, received, sent = (
        HEADER.unpack_from(data)
    )
    leap, version, mode = first >> 6, first >> 3 & 7, first & 7
    if version != 4 or mode != _MODE_SERVER:
        raise Malformed(f"The answer is version {version}, mode {mode}; a server answers version 4, mode 4.")
    if origin != nonce:
        raise Rejected("origin", "The answer does not carry the request's nonce; it may be forged.")
    _judge_server(leap, stratum, reference.to_bytes(4, "big"), max_stratum)
    answer = Answer(
        leap=_LEAPS[leap],
        stratum=stratum,
        reference_id=reference.to_bytes(4, "big"),
        root_delay_ns=_short(delay),
        root_dispersion_ns=_short(dispersion),
        precision_ns=_precision(precision),
        received_ns=unix_ns(received, about_ns),
        sent_ns=unix_ns(sent, about_ns),
    )
    if answer.root_distance_ns > MAX_ROOT_DISTANCE_NS:
        raise Rejected(
            "distance", f"The server itself may be {answer.root_distance_ns // 1_000_000} ms from UTC."
        )
    if received == 0 or sent == 0 or answer.sent_ns < answer.received_ns:
        raise Rejected("times", "The server's times are missing, or it sent before it received.")
    if set_at and unix_ns(set_at, about_ns) > answer.sent_ns:
        raise Rejected("times", "The server was last set after it sent its answer.")
    return answer


def _judge_server(leap: int, stratum: int, reference_id: bytes, max_stratum: int) -> None:
    """Turn away servers that do not want to be asked, or that follow no clock but their own."""
    if stratum == 0:
        code = reference_id.rstrip(b"\0").decode("ascii", "replace") or "KISS"
        raise Rejected(code, f"The server sent a kiss-o'-death, {code!r}: it does not want to be asked.")
    if leap == _UNSYNCHRONISED:
        raise Rejected("unsynchronised", "The server says that its own clock is not synchronised.")
    if stratum > max_stratum:
        raise Rejected("stratum", f"The server is at stratum {stratum}, above the allowed {max_stratum}.")
    if reference_id.startswith(_LOCAL_NET) or (stratum == 1 and reference_id == _UNDISCIPLINED):
        raise Rejected(
            "local", "The server follows nothing but its own clock (reference 127.127.x.y or LOCL)."
        )


def _short(value: int) -> int:
    """NTP short format (16.16 seconds) as nanoseconds, rounded up."""
    return -(-value * SECOND >> 16)


def _precision(exponent: int) -> int:
    """2^exponent seconds as nanoseconds, at least one; an absurd precision becomes an absurd distance."""
    return max(1, round(2.0 ** min(exponent, 32) * SECOND))


def unix_ns(timestamp: int, about_ns: int) -> int:
    """NTP time (32.32 seconds since 1900) in nanoseconds since 1970, in the era nearest `about_ns`."""
    seconds = (timestamp >> 32) - NTP_TO_UNIX
    about = about_ns // SECOND
    seconds += round((about - seconds) / _ERA) * _ERA
    return seconds * SECOND + ((timestamp & 0xFFFFFFFF) * SECOND >> 32)


def ntp_timestamp(at_ns: int) -> int:
    """Nanoseconds since 1970 as an NTP timestamp."""
    seconds, rest = divmod(at_ns, SECOND)
    return ((seconds + NTP_TO_UNIX) % _ERA) << 32 | (rest << 32) // SECOND
