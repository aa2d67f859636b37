"""What goes wrong, as the API tells it (RFC 9457)."""

from __future__ import annotations

from typing import Any, Final

from trustworks.core import problems
from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError, Unavailable
from trustworks.core.trace import rule_of
from trustworks.issuance.enrolment.attempts import TOO_MANY

CONFLICTING_REQUEST: Final = "api.idempotency-key"
_NOT_FOUND: Final = frozenset(
    {"api.not-found", "registration.unknown", "registration.erased", "webhook.unknown", "webhook.delivery"}
)
_CONFLICT: Final = frozenset({"registration.state", CONFLICTING_REQUEST, "api.twice", "webhook.state"})
_TITLES: Final = {
    400: "The request cannot be read",
    401: "Not signed in",
    403: "A requirement is against it",
    404: "Not found",
    405: "Not done here",
    408: "Too slow",
    409: "It was changed meanwhile",
    413: "Too much",
    415: "Another media type is needed",
    429: "Too many attempts",
    422: "It cannot be done as asked for",
    500: "A fault",
    503: "Not now",
}


def problem(status: int, kind: str, detail: str, rule: str | None = None) -> dict[str, Any]:
    """A problem: `kind` is a code or a requirement's id, `rule` the requirement behind it."""
    return problems.document(
        f"urn:trustworks:{kind}",
        status=status,
        title=_TITLES.get(status, "Refused"),
        detail=detail,
        more=None if rule is None else {"rule": rule},
    )


def fault() -> dict[str, Any]:
    """What is told of a fault of the program: nothing."""
    return problem(500, "bug", "The service failed to answer; its operator finds why in the log.")


def problem_of(error: Exception) -> dict[str, Any]:
    """An error as a problem; what is inside of the service stays there."""
    match error:
        case Malformed():
            return problem(400, "malformed", str(error), rule_of(error))
        case Refused(requirement=requirement):
            return problem(403, requirement, str(error), requirement)
        case Rejected(code=code):
            status = 404 if code in _NOT_FOUND else 409 if code in _CONFLICT else 422
            status = 429 if code == TOO_MANY else status
            return problem(status, code, str(error), rule_of(error))
        case Unavailable(code=code):
            return problem(503, code, "The service cannot do that now. Try again later.")
        case TrustworksError() | _:
            return fault()
