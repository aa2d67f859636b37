"""Remote network perspectives: others who look at the same challenge from elsewhere in the network.

Whoever has captured the routes to this server has not captured those to all of them (CA/Browser Forum
Baseline Requirements, 3.2.2.9). How many must agree is a rule: `rules.validation.corroborated`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

import httpx
import structlog

from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.rules.validation import corroborated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.issuance.enrolment.acme.validation.attempt import Proof

log = structlog.get_logger(__name__)


class Perspective(Protocol):
    """Somebody elsewhere in the network. `name` is for the log."""

    @property
    def name(self) -> str:
        """How it is called in the log."""

    def corroborates(self, proof: Proof) -> bool:
        """Whether control is seen from there. May raise anything, which is a no."""


class HttpPerspective:
    """A perspective behind a URL: ``POST`` of the proof as JSON, answered ``{"corroborates": true}``.

    The members of the question are type, name, token and keyAuthorization.
    """

    def __init__(self, url: str, *, seconds: float) -> None:
        self.name = url
        self._seconds = seconds

    def corroborates(self, proof: Proof) -> bool:
        """Whether it says so, within the time that an attempt may take."""
        question = {
            "type": proof.type,
            "name": proof.name,
            "token": proof.token,
            "keyAuthorization": proof.key_authorization,
        }
        answer = httpx.post(self.name, json=question, timeout=self._seconds, trust_env=False)
        found = answer.raise_for_status().json()
        return isinstance(found, dict) and found.get("corroborates") is True


def check_corroborated(perspectives: Sequence[Perspective], proof: Proof) -> None:
    """`Problem` (unauthorized) unless enough of the perspectives see what the primary one saw."""
    if not perspectives:
        return
    with ThreadPoolExecutor(len(perspectives), thread_name_prefix="acme-perspective") as pool:
        seen = list(pool.map(lambda one: _sees(one, proof), perspectives))
    if not corroborated(seen):
        raise Problem(
            "unauthorized",
            f"Control over {proof.name} was seen from here, and from {sum(seen)} of {len(seen)} other places "
            "in the network. See that the name resolves and answers alike everywhere.",
        )


def _sees(perspective: Perspective, proof: Proof) -> bool:
    try:
        return perspective.corroborates(proof)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong there, it does not corroborate
        log.warning("acme.perspective-failed", perspective=perspective.name, reason=repr(error))
        return False
