"""Live evidence: what the running systems show of themselves, collected by the clock.

Each collector is a pure function over what a public face of `core` or of a service answers, and gives
`Item`s. What an item says was so at its moment, and whether that is as it has to be.
"""

from trustworks.assurance.evidence.model import Item, Kind, Outcome

__all__ = ["Item", "Kind", "Outcome"]
