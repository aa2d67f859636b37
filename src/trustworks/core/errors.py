"""The four families of errors that every service raises, and every protocol maps to its own answers.

* `Malformed`: the input cannot be decoded; `BeyondLimit` where it is more than is read here.
* `Rejected`: the input was decoded, and the standard says no. Carries the protocol's own code.
* `Unavailable`: the module, the clock or the store cannot serve now. The caller may try again.
* `Refused`: granting would break a requirement. Carries the requirement's id, and is audited.

Anything else that is raised is a bug: it is logged in full and the client sees a generic answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class TrustworksError(Exception):
    """The base of the four families; its text is a sentence that says what to do."""


class Malformed(TrustworksError):  # noqa: N818 - the family names are words of the field
    """The input cannot be decoded as what the protocol or the file format expects."""


class BeyondLimit(Malformed):
    """The input is more than is read here: a bound of ours, which says nothing about the input itself.

    `limit` is the bound by the name that the reader's own limits have for it; None: nothing changes it. Who
    reads a part of a file leaves the part out where it is `Malformed`, and lets this one pass: what is beyond
    it is not known, so that the file as a whole is not read.
    """

    def __init__(self, message: str, limit: str | None = None) -> None:
        super().__init__(message)
        self.limit = limit


class Rejected(TrustworksError):  # noqa: N818
    """The input is well formed and the standard forbids granting it.

    `code` is the protocol's own failure code, such as ``badAlg`` (RFC 3161, 2.4.2).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Unavailable(TrustworksError):  # noqa: N818
    """A resource (module, clock, store, log) cannot serve now; the same request may succeed later.

    `code` names the resource and the condition, such as ``clock.unsynchronised`` or ``module.token-absent``.
    `again` is when it is worth asking again, where that is known.
    """

    def __init__(self, code: str, message: str, *, again: datetime | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.again = again


class Refused(TrustworksError):  # noqa: N818
    """Granting would break a requirement; the refusal is audited with the requirement's id.

    `requirement` is an id of the register, such as ``EN319421:TIS-7.7.1-07``.
    """

    def __init__(self, requirement: str, message: str) -> None:
        super().__init__(message)
        self.requirement = requirement
