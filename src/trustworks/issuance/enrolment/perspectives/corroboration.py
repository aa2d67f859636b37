"""Asks all remote perspectives at once, and judges what they saw (Baseline Requirements, 3.2.2.9).

Nothing of what one perspective found is shown to another. The callers looked from here before: what is not
seen from here is not asked elsewhere.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

import structlog

from trustworks.core.errors import Refused, Rejected, TrustworksError
from trustworks.issuance.enrolment.acme.validation.resolver import LOCALHOST
from trustworks.issuance.enrolment.caa import asker
from trustworks.issuance.rules.perspectives import (
    NotCorroboratedError,
    Sight,
    check_agreement,
    check_number,
    check_regions,
    is_undecided,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from trustworks.issuance.config import CaaSettings
    from trustworks.issuance.enrolment.acme.validation.attempt import Proof
    from trustworks.issuance.enrolment.caa import Resolver

log = structlog.get_logger(__name__)


class Perspective(Protocol):
    """Somebody elsewhere in the network. What its methods raise is a no."""

    @property
    def name(self) -> str:
        """How it is called in records."""

    @property
    def region(self) -> str:
        """The Internet registry in whose region it stands."""

    def look(self, proof: Proof) -> str | None:
        """None where control over the name is seen from there; else why not."""

    def caa(self, names: Sequence[str]) -> Resolver:
        """The CAA records as they are seen from there, of these domains and those above them."""


class Corroboration:
    """The perspectives of the configuration. Threads share it.

    In a laboratory there may be fewer than are prescribed, or none, and all in one region.
    """

    def __init__(self, perspectives: Sequence[Perspective] = (), *, lab: bool, seconds: float = 0.0) -> None:
        """`seconds` is how long all of them may take, who are asked at once."""
        self.perspectives = tuple(perspectives)
        self.seconds = seconds
        self._lab = lab

    def check_ready(self, day: date) -> None:
        """`Unavailable` (perspectives.too-few) where too few are configured; asked before anything is."""
        if not self._lab:
            check_number(len(self.perspectives), day)

    def answering(self) -> tuple[Sight, ...]:
        """Which of them answer now: they are asked for a name that nobody asks DNS for."""

        def look(one: Perspective) -> str | None:
            one.caa([LOCALHOST]).caa(LOCALHOST)
            return None

        return self._seen(look)

    def check_answering(self, seen: Sequence[Sight], day: date) -> None:
        """Raise as `control` does where those that answer are not enough for anything."""
        self.check_ready(day)
        self._check(seen, "The authority")

    def control(self, proof: Proof, day: date) -> tuple[Sight, ...]:
        """Who saw control over a name. Raises `NotCorroboratedError` and as `check_ready`."""
        return self._asked(f"Control over {proof.name}", lambda one: one.look(proof), day)

    def caa(self, names: Sequence[str], decide: Callable[[Resolver], None], day: date) -> tuple[Sight, ...]:
        """By whose sight the domains let us issue: `decide` raises for records that do not.

        Raises `NotCorroboratedError` and as `check_ready`.
        """

        def look(one: Perspective) -> str | None:
            decide(one.caa(names))
            return None

        return self._asked(f"That CAA lets us issue for {', '.join(names)}", look, day)

    def _asked(self, what: str, look: Callable[[Perspective], str | None], day: date) -> tuple[Sight, ...]:
        self.check_ready(day)
        seen = self._seen(look)
        if seen:
            self._check(seen, what)
        return seen

    def _seen(self, look: Callable[[Perspective], str | None]) -> tuple[Sight, ...]:
        if not self.perspectives:
            return ()
        with ThreadPoolExecutor(len(self.perspectives), thread_name_prefix="perspective") as pool:
            return tuple(pool.map(lambda one: _sight(one, look), self.perspectives))

    def _check(self, seen: Sequence[Sight], what: str) -> None:
        try:
            check_agreement(seen, what)
            if not self._lab:
                check_regions(seen, what)
        except Refused as refused:
            undecided = is_undecided(seen, regions=not self._lab)
            raise NotCorroboratedError(refused, seen, undecided=undecided) from refused


def _sight(one: Perspective, look: Callable[[Perspective], str | None]) -> Sight:
    reached = True
    try:
        objection = look(one)
    except (Refused, Rejected) as error:  # it looked, and what it saw objects
        objection = str(error)
    except TrustworksError as error:
        objection, reached = str(error), False
    except Exception as error:  # noqa: BLE001 - whatever goes wrong there, it does not corroborate
        log.warning("perspective.failed", perspective=one.name, reason=repr(error))
        objection, reached = "the perspective failed", False
    return Sight(one.name, one.region, objection, reached)


def caa_elsewhere(
    corroboration: Corroboration, settings: CaaSettings
) -> Callable[[Sequence[str], date], tuple[Sight, ...]]:
    """What looks at alternative names (``DNS:name``, ``email:address``) from elsewhere.

    The domains of mailboxes alone are looked at by the perspectives that there are: control that was shown by
    mail needs none (S/MIME Baseline Requirements, 4.2.2.1), and control of the domain is not seen without.
    """

    def ask(names: Sequence[str], day: date) -> tuple[Sight, ...]:
        split = [name.partition(":") for name in names]
        sites = [value for kind, _, value in split if kind == "DNS"]
        mail = [value.rpartition("@")[2].lower() for kind, _, value in split if kind == "email"]
        if not sites and (not mail or not corroboration.perspectives):
            return ()
        domains = list(dict.fromkeys((*sites, *mail)))
        return corroboration.caa(domains, lambda resolver: asker(settings, resolver)(names), day)

    return ask
