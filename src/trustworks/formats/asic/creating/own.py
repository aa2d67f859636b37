"""A container that is to be given out, read by our own reader before it is.

Its members are read where they are, so that nothing is written twice, and none is held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.formats.adding import check_token
from trustworks.formats.asic.archive import Archive, member_of
from trustworks.formats.asic.container import Reader
from trustworks.formats.collector import Collector
from trustworks.formats.evidence import Weight
from trustworks.formats.limits import DEFAULT
from trustworks.formats.verification import is_of_any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.evidence import Finding, Reference, Signature
    from trustworks.formats.zip_writer import NewMember

_LEFT_OUT: Final = "asic.unsigned-member"
"""What is added to a container need not be over all of it: who adds it says what it is over."""


def check_own(new: Sequence[NewMember], signature: str, before: Archive | None = None) -> None:
    """Refuses what was put into the member `signature`, where it does not hold in the container.

    `new` are the members to be written, `before` those that are there already.

    Raises:
        Rejected: ``signature.content``: it is not over what it has to be over; ``signature.own``: it does not
            verify (of time-stamps see `adding.check_token`); ``asic.own``: our reader finds something in the
            container that was not there before.
    """
    members = {} if before is None else dict(before.members)
    members |= {one.name: member_of(one) for one in new}
    archive = Archive(
        members=members,
        comment=b"" if before is None else before.comment,
        first=next(iter(members)) if before is None else before.first,
        findings=() if before is None else before.findings,
    )
    known = () if before is None else _read(before).evidence().findings
    collector = _read(archive)
    found = collector.evidence()
    _objection(found.findings, known, () if before is None else (_LEFT_OUT,))
    signatures = [one for one in found.signatures if one.file == signature]
    made: list[tuple[Reference, ...]] = [one.references for one in signatures]
    stamps = [one for one in found.time_stamps if one.file == signature and one.owner is None]
    made += [one.references for one in stamps]
    made += [one.references for one in found.evidence_records if one.file == signature]
    if not made or not all(one.intact for references in made for one in references if one.mandatory):
        raise Rejected(
            "signature.content",
            "What is to be put into the container is not over what was prepared. Sign what is covered.",
        )
    for one in signatures:
        _objection(one.findings, known, (_LEFT_OUT,))
        _check_value(one, collector)
    for stamp in stamps:
        check_token(stamp, found.certificates)


def _check_value(signature: Signature, found: Collector) -> None:
    if not is_of_any(signature, found.certificates()):
        raise Rejected(
            "signature.own",
            "The signature that is to be put into the container does not verify with a certificate in it. "
            "It is not given out: look at the key.",
        )


def _objection(findings: Sequence[Finding], known: Sequence[Finding], ignored: Sequence[str]) -> None:
    for one in findings:
        if one.weight is not Weight.NOTE and one not in known and one.code not in ignored:
            raise Rejected("asic.own", f"The container is not given out. {one.text}")


def _read(archive: Archive) -> Collector:
    collector = Collector()
    Reader(archive, collector, DEFAULT).read()
    return collector
