"""What chronyd says, asked by ``chronyc -c tracking`` and believed only as far as it can be checked."""

from __future__ import annotations

import math
import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.time.config import smears
from trustworks.core.time.estimate import Estimate, Leap
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.time.config import TimeSettings
    from trustworks.core.time.readings import Moment

SECOND = 1_000_000_000
_TIMEOUT = 1.0
_FIELDS = 14
_LEAPS: dict[str, Leap | None] = {
    "Normal": "none",
    "Insert second": "insert",
    "Delete second": "delete",
    "Not synchronised": None,
}
# 127.127.x.y as hexadecimal digits: a reference of this machine itself, such as chronyd's `local` directive.
_LOCAL_REFERENCE = "7F7F"
_NO_REFERENCE = "00000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """The line of ``chronyc -c tracking``; times in seconds, frequencies in parts per million.

    `leap` is None when chronyd says that it is not synchronised.
    """

    reference_id: str
    name: str
    stratum: int
    reference_time: float
    system_offset: float
    last_offset: float
    frequency_ppm: float
    skew_ppm: float
    root_delay: float
    root_dispersion: float
    update_interval: float
    leap: Leap | None


def parse_tracking(line: str) -> Tracking:
    """Read the one line that ``chronyc -c tracking`` prints (chrony 3 and 4).

    Raises:
        Malformed: not fourteen fields, a number that is none, an unknown leap status.
    """
    fields = line.removesuffix("\n").split(",")
    if len(fields) != _FIELDS or "\n" in line.removesuffix("\n"):
        raise Malformed(f"chronyc answered {len(fields)} fields in place of {_FIELDS}: {line[:200]!r}.")
    reference_id, name, stratum, *numbers, leap = fields
    if not re.fullmatch(r"[0-9A-F]{8}", reference_id):
        raise Malformed(f"chronyc's reference id {reference_id[:20]!r} is not eight hexadecimal digits.")
    if not re.fullmatch(r"[0-9]{1,3}", stratum):
        raise Malformed(f"chronyc's stratum {stratum[:20]!r} is not a number.")
    if leap not in _LEAPS:
        raise Malformed(f"chronyc's leap status {leap[:40]!r} is unknown.")
    values = [_number(text) for text in numbers]
    time, system, last, _rms, frequency, _residual, skew, delay, dispersion, interval = values
    if min(time, skew, delay, dispersion, interval) < 0:
        raise Malformed(
            f"chronyc answered a negative time, skew, delay, dispersion or interval: {line[:200]!r}."
        )
    return Tracking(
        reference_id=reference_id,
        name=name,
        stratum=int(stratum),
        reference_time=time,
        system_offset=system,
        last_offset=last,
        frequency_ppm=frequency,
        skew_ppm=skew,
        root_delay=delay,
        root_dispersion=dispersion,
        update_interval=interval,
        leap=_LEAPS[leap],
    )


def _number(text: str) -> float:
    if not re.fullmatch(r"[-+]?[0-9]{1,12}(\.[0-9]{1,12})?", text):
        raise Malformed(f"chronyc answered {text[:40]!r} where a number belongs.")
    return float(text)


@implements("EN319421:TIS-7.7.2-02", "EN319411-1:REV-6.2.4-07")
def tracking_findings(
    tracking: Tracking, now: float, max_stratum: int, max_reference_age: float
) -> tuple[str, ...]:
    """What speaks against chronyd's word; `now` and `max_reference_age` are seconds.

    A chronyd whose only source is its own `local` directive reports offset and dispersion zero and leap
    status Normal: only its reference id shows that there is no reference. Source: EN 319 421, 7.7.2.
    """
    if tracking.leap is None or tracking.reference_id == _NO_REFERENCE or tracking.stratum == 0:
        return ("chronyd is not synchronised to any source; see `chronyc sources` for silent servers.",)
    found = []
    if tracking.reference_id.startswith(_LOCAL_REFERENCE):
        found.append(
            f"chronyd's reference {tracking.reference_id} is this machine itself (127.127.x.y, the `local` "
            "directive), not UTC; give it servers that trace to UTC(k), and remove `local`."
        )
    if tracking.stratum > max_stratum:
        found.append(
            f"chronyd is at stratum {tracking.stratum}, above the {max_stratum} of [time] max-stratum; "
            "choose servers nearer to UTC."
        )
    if smears(tracking.name):
        found.append(
            f"chronyd follows {tracking.name}, which smears leap seconds, so that it does not serve UTC; "
            "give it other servers."
        )
    age = now - tracking.reference_time
    if age > max_reference_age:
        found.append(
            f"chronyd's last measurement is {age:.0f} s old, more than the {max_reference_age:.0f} s of "
            "[time] max-reference-age; its servers no longer answer."
        )
    if age < -1:
        found.append(f"chronyd's last measurement lies {-age:.0f} s in the future; the clock was set back.")
    return tuple(found)


def tracking_bound(tracking: Tracking, now: float) -> tuple[int, int]:
    """The least and the largest error of the system clock by chronyd's figures, in nanoseconds.

    Both count to either side. Largest: |offset| + root dispersion + root delay / 2 (chronyc's manual), and
    the skew over the age of the last measurement on top, although the dispersion grows with age as well.
    """
    age = max(0.0, now - tracking.reference_time)
    distance = tracking.root_dispersion + tracking.root_delay / 2 + tracking.skew_ppm * 1e-6 * age
    offset = abs(tracking.system_offset)
    return max(0, math.floor((offset - distance) * SECOND)), math.ceil((offset + distance) * SECOND)


class ChronySource:
    """Asks chronyd on this machine; `run` gives what chronyc prints and is replaced in tests."""

    name = "chrony"

    def __init__(self, settings: TimeSettings, run: Callable[[], str] | None = None) -> None:
        self._settings = settings
        address = ("-h", settings.chrony_address) if settings.chrony_address else ()
        self._command = (settings.chronyc, "-n", *address, "-c", "tracking")
        self._run = run or self._chronyc

    def _chronyc(self) -> str:
        try:
            done = subprocess.run(
                self._command,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=_TIMEOUT,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                text=True,
                check=False,
            )
        except FileNotFoundError:
            raise Unavailable(
                "clock.chrony",
                f"There is no program {self._command[0]}; install chrony, or set [time] chronyc.",
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable("clock.chrony", f"{self._command[0]} cannot be run: {error}.") from error
        except subprocess.TimeoutExpired:
            raise Unavailable(
                "clock.chrony", f"chronyc gave no answer within {_TIMEOUT} s; see whether chronyd hangs."
            ) from None
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip().partition("\n")[0][:200]
            raise Unavailable(
                "clock.chrony",
                f"chronyd does not answer ({said or f'chronyc ended with {done.returncode}'}); "
                "start it, for example with `systemctl start chrony`.",
            )
        return done.stdout

    def estimate(self, moment: Moment) -> Estimate:
        """The bound by chronyd of the system clock's error, if nothing speaks against it."""
        try:
            tracking = parse_tracking(self._run())
        except Malformed as error:
            raise Unavailable("clock.chrony", f"{error} Only chrony 3 and 4 are understood.") from error
        now = moment.realtime / SECOND
        settings = self._settings
        findings = tracking_findings(tracking, now, settings.max_stratum, settings.max_reference_age)
        if findings:
            raise Unavailable("clock.chrony", " ".join(findings))
        at_least, bound = tracking_bound(tracking, now)
        return Estimate(
            name="chrony",
            ids=(f"chrony:{tracking.name or tracking.reference_id}",),
            bound_ns=bound,
            at_least_ns=at_least,
            leap=tracking.leap or "none",
            detail={
                "reference_id": tracking.reference_id,
                "stratum": tracking.stratum,
                "reference_time": round(tracking.reference_time),
                "offset_ns": round(tracking.system_offset * SECOND),
                "root_delay_ns": round(tracking.root_delay * SECOND),
                "root_dispersion_ns": round(tracking.root_dispersion * SECOND),
                "frequency_ppb": round(tracking.frequency_ppm * 1000),
                "skew_ppb": round(tracking.skew_ppm * 1000),
            },
        )
