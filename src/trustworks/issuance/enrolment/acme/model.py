"""What ACME speaks of beyond its records: problems, signed messages, the moves of an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from trustworks.core import problems
from trustworks.core.errors import Rejected
from trustworks.issuance.enrolment.acme.identifiers import identifier

if TYPE_CHECKING:
    from collections.abc import Sequence

URN: Final = "urn:ietf:params:acme:error:"

# The types of problems (RFC 8555, 6.7; RFC 9773, 5 and 7.4; draft-ietf-acme-profiles, 5) and the HTTP status
# of each, where nothing better is said.
PROBLEMS: Final[dict[str, int]] = {
    "accountDoesNotExist": 400,
    "alreadyReplaced": 409,
    "alreadyRevoked": 400,
    "badCSR": 400,
    "badNonce": 400,
    "badPublicKey": 400,
    "badRevocationReason": 400,
    "badSignatureAlgorithm": 400,
    "caa": 403,
    "compound": 400,
    "connection": 400,
    "dns": 400,
    "externalAccountRequired": 403,
    "incorrectResponse": 403,
    "invalidContact": 400,
    "invalidProfile": 400,
    "malformed": 400,
    "orderNotReady": 403,
    "rateLimited": 429,
    "rejectedIdentifier": 400,
    "serverInternal": 500,
    "tls": 400,
    "unauthorized": 403,
    "unsupportedContact": 400,
    "unsupportedIdentifier": 400,
    "userActionRequired": 403,
}


class Problem(Rejected):
    """ACME's own refusal: `code` is the problem's type without its prefix, see `PROBLEMS`.

    `status` is the HTTP status; `more` are further members of the document (``algorithms``), `headers` of the
    answer; `name` is the identifier that it is about, `parts` are the problems that it is made of (6.7.1).
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int | None = None,
        name: str | None = None,
        parts: Sequence[Problem] = (),
        more: dict[str, Any] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(code, message)
        self.status = PROBLEMS[code] if status is None else status
        self.name = name
        self.parts = tuple(parts)
        self.more = more or {}
        self.headers = headers

    def document(self) -> dict[str, Any]:
        """The problem document (RFC 8555, 6.7; RFC 9457) as JSON values."""
        more = dict(self.more)
        if self.name is not None:
            more["identifier"] = identifier(self.name)
        if self.parts:
            more["subproblems"] = [one.document() for one in self.parts]
        return problems.document(URN + self.code, status=self.status, detail=str(self), more=more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A request's JWS (RFC 8555, 6.2), taken apart and not verified yet.

    Exactly one of `jwk` and `kid` is given. `payload` is what was signed, empty in a POST-as-GET.
    """

    algorithm: str
    url: str
    nonce: str | None
    jwk: dict[str, Any] | None
    kid: str | None
    payload: bytes
    document: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A public key of a JWK that may verify: its members that count, and its thumbprint (RFC 7638)."""

    jwk: dict[str, str]
    thumbprint: str
    spki: bytes


# The states of an order and what moves it (RFC 8555, 7.1.6): nothing else does.
MOVES: Final[dict[tuple[str, str], str]] = {
    ("pending", "authorized"): "ready",
    ("pending", "failed"): "invalid",
    ("pending", "expired"): "invalid",
    ("ready", "failed"): "invalid",
    ("ready", "expired"): "invalid",
    ("ready", "finalized"): "processing",
    ("processing", "issued"): "valid",
    ("processing", "failed"): "invalid",
    # Nothing was signed, and the client may try again: the module, the clock or the database could not serve,
    # or the request named a key that cannot be certified.
    ("processing", "withdrawn"): "ready",
}
