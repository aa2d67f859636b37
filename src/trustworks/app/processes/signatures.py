"""One process that makes signatures: `python -m trustworks.app.processes.signatures --channel N`.

It reads documents of clients within limits that the kernel keeps, gets time-stamps and validation data as the
configuration says, and has no key: what is to be signed goes back to who asked.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trustworks.app.wiring import Wiring
from trustworks.app.wiring.creating import PROCESS
from trustworks.core.bounded import inside
from trustworks.core.bounded.channel import receive
from trustworks.core.errors import Malformed, Unavailable
from trustworks.signing.bounded.work import answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.signing.create.process import Creation

_WRITTEN: Final = 1024 * 1024 * 1024
"""Octets of a file that is put aside: evidence that was fetched, large documents on their way."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what comes over the channel until its other end is closed."""
    channel = inside.channel_of(PROCESS, "A process that makes signatures.", arguments)
    words, _, _ = receive(channel)
    wiring = Wiring.lazy(Path(words["config"]))
    limits = wiring.signing_settings.limits
    inside.restrict(memory=limits.memory, written=_WRITTEN)
    creations = cache(wiring.service_creation)

    def creation_of(qualified: bool, device: bool) -> Creation:  # noqa: FBT001 - what seals differ in
        try:
            return creations()(qualified, device)
        except Malformed as error:  # of ours, and not of who asks
            raise Unavailable("signing.trust", f"Whom to trust cannot be read now: {error}") from error

    def done(
        words: dict[str, Any], octets: bytes, descriptors: Sequence[int]
    ) -> tuple[dict[str, Any], bytes]:
        del descriptors
        return answer(creation_of, words, octets)

    inside.serve(channel, done, cpu_seconds=limits.cpu_seconds, seconds=limits.seconds)


if __name__ == "__main__":
    main()
