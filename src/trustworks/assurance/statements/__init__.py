"""What this software itself can say about the standards for trustworthy systems, clause by clause.

The guidance asks of the software, and not only of the module, that it meets CEN/TS 419261, EN 419231,
EN 419241-1 and TS 119 101. Each line has what stands behind it: rules with tests that passed, a duty of who
operates it, a gap with its reason; and whether the wording of the standard was read or is second-hand.
"""

from trustworks.assurance.statements.stating import (
    NOT_AN_EVALUATION,
    STANDARDS,
    Line,
    State,
    Statement,
    proof_words,
    statements,
)

__all__ = [
    "NOT_AN_EVALUATION",
    "STANDARDS",
    "Line",
    "State",
    "Statement",
    "proof_words",
    "statements",
]
