"""Opens what a command or a process needs out of a configuration; imports nothing before it is asked for."""

from __future__ import annotations

from trustworks.app.wiring.assuring import Assuring
from trustworks.app.wiring.creating import Creating
from trustworks.app.wiring.enrolling import Enrolling
from trustworks.app.wiring.listing import Listing
from trustworks.app.wiring.modules import TOKENS
from trustworks.app.wiring.offices import Offices

__all__ = ["TOKENS", "Wiring"]


class Wiring(Assuring, Creating, Enrolling, Offices, Listing):
    """The resources of one configuration.

    Made by `lazy`: the file is looked for and read when the first attribute is used, so that `trustworks
    --help` and `trustworks lab` work where there is none. What the ``open_...`` methods give is closed by the
    with statement.
    """
