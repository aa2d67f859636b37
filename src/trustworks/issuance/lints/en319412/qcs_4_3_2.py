"""EN 319 412-5, 4.3.2: a limit on transactions is an amount in a currency of ISO 4217."""

from __future__ import annotations

from trustworks.core.der.iso4217 import CURRENCIES
from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_qualified


@implements("EN319412-5:QCS-4.3.2-01")
def check(candidate: Candidate) -> str | None:
    """A limit on transactions is an amount in a currency of ISO 4217."""
    for currency, amount, exponent in candidate.qc.limits:
        if currency not in CURRENCIES or amount < 0 or exponent < 0:
            return f"The limit of {amount} * 10^{exponent} {currency} is no amount in a currency of ISO 4217."
    return None


LINT = Lint(
    id="EN319412-5:QCS-4.3.2-01",
    clause="EN 319 412-5, 4.3.2",
    words="A limit on transactions is an amount in a currency of ISO 4217.",
    applies=is_qualified,
    check=check,
)
