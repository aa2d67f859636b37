"""The units of an authority: each taken into use, or refused and tried again, without harm to the others."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from trustworks.core.errors import Malformed, TrustworksError, Unavailable
from trustworks.core.trace import implements
from trustworks.core.troubles import Troubles
from trustworks.timestamping import events, unit, wire
from trustworks.timestamping.rules import units as rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from trustworks.core.audit import Event, Recorder
    from trustworks.core.module import Key
    from trustworks.timestamping.config import TimestampingSettings, UnitSettings
    from trustworks.timestamping.unit import Unit

log = structlog.get_logger(__name__)


class Units(Mapping[str, "Unit"]):
    """The units that are in use, by name, in the order of the configuration. Threads share it.

    `refused` says of each other one why it does not issue. `keys` answers the key with a label.
    """

    def __init__(
        self,
        settings: TimestampingSettings,
        *,
        keys: Callable[[str], Key],
        clock_mode: str,
        lab: bool,
        today: Callable[[], date],
        recorder: Recorder,
    ) -> None:
        """Take into use what can be. Raises `Unavailable` when the log cannot be written."""
        self._settings = settings
        self._keys = keys
        self._clock_mode = clock_mode
        self._lab = lab
        self._today = today
        self._recorder = recorder
        self._attempting = threading.Lock()
        self._files: dict[str, object] = {}
        self._troubles = Troubles(log, begun="timestamping.not-renewed", over="timestamping.renewed")
        self._told: dict[str, object] = {}  # what the log was told last: why not, or of which unit
        self._in_use: dict[str, Unit] = {}
        self._alike: dict[str | None, tuple[Unit, ...]] = {}  # who may answer, by what is asked for
        self.refused: dict[str, TrustworksError] = {}
        # No request is answered before the first look at all units, so none is made here.
        self._attempt(lambda _: False, lambda _: None)

    def __getitem__(self, name: str) -> Unit:
        return self._in_use[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._in_use)

    def __len__(self) -> int:
        return len(self._in_use)

    def attempt(self, is_stopped: Callable[[Unit], bool], look: Callable[[Unit], None]) -> None:
        """Try the refused units again, and take new keys and certificates into use.

        `is_stopped` answers whether something stands against a unit in use; `look` looks at a unit before it
        is used, whether its certificate is revoked and its key there. Waits for the module, and does nothing
        while another thread is at it: for a thread that can wait.
        """
        if not self._attempting.acquire(blocking=False):
            return
        try:
            self._attempt(is_stopped, look)
        except Unavailable:
            return  # the log cannot be written, and says so itself; what it is not told of is not used
        finally:
            self._attempting.release()

    def _attempt(self, is_stopped: Callable[[Unit], bool], look: Callable[[Unit], None]) -> None:
        tried: dict[str, object] = {}
        in_use, refused, news = dict(self._in_use), dict(self.refused), list[tuple[str, object, "Event"]]()
        for one in self._settings.units:
            files = _state(one.certificate), _state(one.chain)
            present = in_use.get(one.name)
            if present is not None and not is_stopped(present):
                refused.pop(one.name, None)  # what is new did not serve, and what is in use issues again
                if files != self._files.get(one.name, files):
                    following = self._following(one, present, in_use, is_stopped, look)
                    if following is not None:
                        tried[one.name], in_use[one.name] = files, following
                        opened = events.opened(following, self._settings.accuracy_us, self._clock_mode)
                        news.append((one.name, _what(following), opened))
                continue
            outcome = self._load(one, in_use)
            if present is not None and (
                _is_same(outcome, present)
                or (isinstance(outcome, TrustworksError) and files == self._files.get(one.name))
            ):
                continue  # nothing is new: what stopped the unit says all
            if isinstance(outcome, TrustworksError):
                refused[one.name] = outcome
                news.append((one.name, str(outcome), events.refused(one.name, one.key_label, outcome)))
            else:
                look(outcome)
                tried[one.name] = files
                refused.pop(one.name, None)
                in_use[one.name] = outcome
                opened = events.opened(outcome, self._settings.accuracy_us, self._clock_mode)
                news.append((one.name, _what(outcome), opened))
        for name, what, event in news:
            if self._told.get(name) != what:
                self._recorder.record(event)
                self._told[name] = what
        self._files |= tried
        self._use(in_use, refused)

    @implements("TRUSTWORKS:ROLLOVER-TSU-TAKEN", disabled=None)
    def _following(
        self,
        one: UnitSettings,
        present: Unit,
        in_use: dict[str, Unit],
        is_stopped: Callable[[Unit], bool],
        look: Callable[[Unit], None],
    ) -> Unit | None:
        """The unit by files that were written anew, in place of one that issues; None where it may not yet.

        What is in use is left in use then, and the files are looked at again: requests are never refused for
        what follows.
        """
        found = self._load(one, in_use)
        if not isinstance(found, TrustworksError):
            if _is_same(found, present):
                return present
            look(found)
            if not is_stopped(found):
                self._troubles.ended(one.name)
                return found
        why = str(found) if isinstance(found, TrustworksError) else "it may not issue now"
        self._troubles.failed(one.name, why, unit=one.name, reason=why)
        return None

    def _use(self, in_use: dict[str, Unit], refused: dict[str, TrustworksError]) -> None:
        """Let requests see the units: the dictionaries are never changed afterwards, as threads read them."""
        order = self._settings.units
        self._in_use = {one.name: in_use[one.name] for one in order if one.name in in_use}
        self.refused = {one.name: refused[one.name] for one in order if one.name in refused}
        terms = {one.name: (self._policies(one), one.qualified) for one in order}
        first: dict[str | None, tuple[tuple[str, ...], bool]] = {None: terms[order[0].name]}
        for policies, qualified in terms.values():
            for policy in policies:
                first.setdefault(policy, (policies, qualified))
        self._alike = {
            policy: tuple(one for name, one in self._in_use.items() if terms[name] == asked)
            for policy, asked in first.items()
        }

    def _policies(self, one: UnitSettings) -> tuple[str, ...]:
        given = self._settings
        return rules.policies_of(one.policies, given.policies, given.lab_policy, self._clock_mode)

    def _load(self, one: UnitSettings, in_use: dict[str, Unit]) -> Unit | TrustworksError:
        try:
            return unit.load(
                one,
                self._settings,
                self._keys(one.key_label),
                clock_mode=self._clock_mode,
                lab=self._lab,
                today=self._today(),
                others=[(name, other.key.spki) for name, other in in_use.items() if name != one.name],
            )
        except TrustworksError as error:
            return error
        except Exception as error:
            log.exception("timestamping.bug", unit=one.name)
            return Unavailable(
                "timestamping.bug",
                f"The unit {one.name} could not be taken into use for a fault of the program "
                f"({type(error).__name__}): see the log of the process, and report it.",
            )

    # Which unit answers

    def choose(self, policy: str | None, name: str | None, may_issue: Callable[[Unit], bool]) -> Unit | None:
        """The unit that the client named, else the first one with the policy, else the first one.

        Where that one does not issue, the next with the same policies and qualification answers in its place,
        and no other: a client that names no unit gets what it expects, or nothing.
        """
        if name is not None:
            return self._in_use.get(name)
        alike = self._alike.get(policy, self._alike.get(None, ()))
        for one in alike:
            if may_issue(one):
                return one
        return alike[0] if alike else None  # it says why it does not

    def slow(self) -> tuple[str, ...]:
        """The units whose keys are slow."""
        return tuple(name for name, one in self._in_use.items() if one.pace.is_slow)

    def is_slow(self, body: bytes, name: str | None, may_issue: Callable[[Unit], bool]) -> bool:
        """Whether the key that signs the answer to a request is a slow one."""
        for one in self._in_use.values():
            if one.pace.is_slow:
                break
        else:
            return False
        policy = None
        if name is None and len(self._in_use) > 1:  # then it depends on what the client asks for
            try:
                policy = wire.decode_request(body).policy
            except Malformed:
                return False
        chosen = self.choose(policy, name, may_issue)
        return chosen is not None and chosen.pace.is_slow

    def quick_together(self, budget_us: float, most: int) -> int:
        """How many signatures of keys that are not slow fit in `budget_us`: at least one, at most `most`."""
        slowest = max(
            (one.pace.microseconds for one in self._in_use.values() if not one.pace.is_slow), default=0.0
        )
        return most if slowest * most <= budget_us else max(1, int(budget_us / slowest))


def _is_same(outcome: Unit | TrustworksError, present: Unit) -> bool:
    """Whether a unit has the key and the certificate of the one that is in use."""
    return not isinstance(outcome, TrustworksError) and _what(outcome) == _what(present)


def _what(one: Unit) -> object:
    return one.identity, one.key.key_id


def _state(file: Path | None) -> object:
    """What is another when the file was written anew; None when it cannot be looked at."""
    if file is None:
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
