"""Time-stamps of one request: so many are set aside before it begins, and those not used are given back."""

from __future__ import annotations


class Meter:
    """Time-stamps that are set aside for a request, and how many of them were used."""

    def __init__(self, set_aside: int) -> None:
        self.set_aside = set_aside
        self._used = 0
        self._told = True

    @property
    def left(self) -> int:
        """How many may be used yet."""
        return self.set_aside - self._used

    @property
    def unused(self) -> int:
        """How many are given back: none where a process ended that did not say what it used."""
        return self.left if self._told else 0

    def begin(self) -> int:
        """A process is asked, which may use so many."""
        self._told = False
        return self.left

    def spend(self, used: int) -> None:
        """The process says what it used, and is believed as far as it may be true."""
        self._told = True
        self._used += min(max(used, 0), self.left)
