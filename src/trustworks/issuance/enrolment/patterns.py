"""What is registered for a credential: names, in which ``*`` stands for any characters."""

from __future__ import annotations

import re


def matches(registered: str, value: str) -> bool:
    """Whether a value is one that was registered by a pattern."""
    return re.fullmatch(".*".join(map(re.escape, registered.split("*"))), value, re.DOTALL) is not None
