"""What is added to signed files, and that nothing is lost by it.

Source: EN 319 132-1 and EN 319 122-1, 5.4 and 5.5: validation data and time-stamps come after the signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.der.encode import ENUMERATED
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.ports import ValidationData
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.collector import identified
from trustworks.formats.verification import candidates_among, is_of_any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence, TimeStamp, Token


_OVER_ALL: Final = frozenset({"archive-time-stamp-v2"})
"""Forms of time-stamps that are over all that is in a structure when they are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A time-stamp that was begun in a file that was read for it: in between, a token is asked for.

    `over` is what the token has to be over. `check_place` refuses a time-stamp that would break something,
    before anybody is asked: it raises as `complete`. `complete` answers the file with the token in its place,
    once it is sure that nothing was lost by it. It is told how what holds in a file is found out, and what
    held before, where somebody knows that already: `Reading`.
    """

    over: Data
    check_place: Callable[[], None]
    complete: Callable[[bytes, Reading | None], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a file that came of another is read: `before` is what held in the other, `after` reads the file."""

    before: Callable[[], State]
    after: Callable[[bytes], State]


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """What a file has to have, by its structure alone, when something was added.

    Never fewer signatures and time-stamps than were read in it before, and what was added.

    `records`: there may be evidence records in it.
    """

    signatures: int
    time_stamps: int
    records: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """What holds in a file: references of each signature, by its value, and of each time-stamp, by its id.

    `signatures` is how many were read, `records` are evidence records by their ids, `tokens` the time-stamps
    themselves, by their ids, and `certificates` those that are in the file.
    """

    signatures: int
    references: Mapping[tuple[bytes, int], bool]
    time_stamps: Mapping[str, bool]
    records: Mapping[str, bool]
    tokens: Mapping[str, TimeStamp]
    certificates: Mapping[str, Token]

    @classmethod
    def of(cls, collector: Collector) -> State:
        """The state of what was read."""
        return cls(
            len(collector.signatures),
            {
                (signature.value, number): one.intact
                for signature in collector.signatures
                for number, one in enumerate(signature.references)
            },
            {stamp.id: all(one.intact for one in stamp.references) for stamp in collector.time_stamps},
            {one.id: all(part.intact for part in one.references) for one in collector.evidence_records},
            {stamp.id: stamp for stamp in collector.time_stamps},
            collector.certificates(),
        )

    @classmethod
    def of_evidence(cls, evidence: Evidence) -> State:
        """The state of a file that was read to its end."""
        return cls(
            len(evidence.signatures),
            {
                (signature.value, number): one.intact
                for signature in evidence.signatures
                for number, one in enumerate(signature.references)
            },
            {stamp.id: all(one.intact for one in stamp.references) for stamp in evidence.time_stamps},
            {one.id: all(part.intact for part in one.references) for one in evidence.evidence_records},
            {stamp.id: stamp for stamp in evidence.time_stamps},
            evidence.certificates,
        )

    def is_whole(self, most: Most) -> bool:
        """Whether all that the file has was read, and is intact; of evidence records that is not known."""
        return (
            not most.records
            and (self.signatures, len(self.time_stamps)) == (most.signatures, most.time_stamps)
            and all(self.references.values())
            and all(self.time_stamps.values())
        )


def check_added(before: Callable[[], State], after: State, most: Most, *, stamp: bool = False) -> None:
    """Refuses what was added to a file where something is lost by it.

    If as much as `most` was read after it and is intact, nothing was lost, and the file before is not read
    for it. `stamp`: a time-stamp was added, which is one of `most`. Raises as `check_unbroken` and
    `check_stamped`.
    """
    if after.is_whole(most) and not (
        stamp and any(_is_of_another(one, after.certificates) for one in after.tokens.values())
    ):
        return
    was = before()
    check_unbroken(was, after)
    if stamp:
        check_stamped(was, after)


@implements("EN319132-1:5.1.4-UNBROKEN", "EN319122-1:5-UNBROKEN", disabled=None)
def check_unbroken(before: State, after: State, replaced: Collection[str] = ()) -> None:
    """Whatever was intact before something was added, is intact after. Raises `Rejected` (adding.broken).

    `replaced` are time-stamps whose tokens became others, for they got validation data: as many are intact.
    """
    if any(held and not after.records.get(key) for key, held in before.records.items()):
        raise Rejected(
            "adding.broken",
            "An evidence record is over what would be changed, and would not hold any more. Renew the record "
            "instead.",
        )
    kept = {named: held for named, held in before.time_stamps.items() if named not in replaced}
    lost = [named for named, held in kept.items() if held and not after.time_stamps.get(named)]
    if lost and {before.tokens[named].form for named in lost} <= _OVER_ALL:
        raise Rejected(
            "adding.broken",
            "An archive time-stamp of an older kind is over all of the structure, and would not hold any "
            "more. Only another archive time-stamp can be added.",
        )
    fewer = sum(after.time_stamps.values()) < sum(before.time_stamps.values())
    if (
        lost
        or fewer
        or any(held and not after.references.get(key) for key, held in before.references.items())
    ):
        raise Rejected(
            "adding.broken",
            "What is to be added is inside of what another signature or time-stamp of the file is over, "
            "which would not hold any more. Add to the outermost signature.",
        )


def basic_response(answer: bytes) -> bytes:
    """The BasicOCSPResponse in an OCSPResponse (RFC 6960, 4.2.1); one by itself is given back.

    Raises `Malformed` for what is neither.
    """
    try:
        parts = ber.read(answer).children()
        if parts[0].tag != ENUMERATED:
            return answer
        return parts[1].children()[0].children()[1].string()
    except IndexError as error:
        raise Malformed("An OCSP answer has no basic response in it.") from error


def not_yet_there(data: ValidationData, there: Collection[str]) -> ValidationData:
    """What of some validation data a signature does not bring already, each once; `there` are ids of tokens.

    Raises `Malformed` for an OCSP answer that cannot be read.
    """

    def lacks(letter: str, *encodings: bytes) -> bool:
        return not any(identified(letter, one) in there for one in encodings)

    return ValidationData(
        certificates=[one for one in dict.fromkeys(data.certificates) if lacks("C", one)],
        lists=[one for one in dict.fromkeys(data.lists) if lacks("R", one)],
        answers=[one for one in dict.fromkeys(data.answers) if lacks("O", one, basic_response(one))],
    )


@implements("EN319132-1:5.1.4-STAMPED", "EN319122-1:5-STAMPED", "TS119182-1:5.3-STAMPED")
def check_stamped(before: State, after: State) -> None:
    """One time-stamp more is intact after one was added, and its own value is as in `check_token`.

    Raises `Rejected` (adding.time-stamp, signature.own).
    """
    if sum(after.time_stamps.values()) != sum(before.time_stamps.values()) + 1:
        raise Rejected(
            "adding.time-stamp",
            "The token is not one over what the time-stamp has to be over. Stamp the octets that are told.",
        )
    for named, token in after.tokens.items():
        if named not in before.tokens:
            check_token(token, after.certificates)


def check_token(stamp: TimeStamp, certificates: Mapping[str, Token]) -> None:
    """The token's own value verifies with a certificate in it, or with one at hand that it names.

    Of a token that has no certificates, and whose certificate is not at hand either, nothing is asked here:
    RFC 3161, 2.4.1 lets a unit leave its certificates out, and then what is given out is known to be over
    the right octets alone. Raises `Rejected` (signature.own).
    """
    if _is_of_another(stamp, certificates):
        raise Rejected(
            "signature.own",
            "The time-stamp token does not verify with a certificate that is at hand. It is not given out: "
            "ask the time-stamping unit for another.",
        )


def _is_of_another(stamp: TimeStamp, certificates: Mapping[str, Token]) -> bool:
    there = candidates_among(stamp.signature, certificates)
    return bool(there) and not is_of_any(stamp.signature, certificates)
