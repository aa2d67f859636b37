"""What is to be put into a PDF, looked at before it is: that it is over the PDF, and verifies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.formats.adding import check_token
from trustworks.formats.cades.reading import read_cms
from trustworks.formats.collector import Collector
from trustworks.formats.evidence import TimeStampKind, Where
from trustworks.formats.time_stamp import read_time_stamp
from trustworks.formats.verification import is_of_any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.formats.data import Data


def check_contents(
    contents: bytes, covered: Data, *, time_stamp: bool, at_hand: Iterable[bytes] = ()
) -> None:
    """Refuses CMS, or a time-stamp token, that is not over the covered octets of a PDF.

    `at_hand` are certificates of which a token may be that does not bring its own.

    Raises:
        Malformed: it is no CMS, or no token.
        Rejected: ``signature.content``: it is over something else, or of several signers; ``signature.own``:
            its value does not verify with a certificate in it. A token whose certificate is neither in it
            nor at hand is asked for what it is over alone.
    """
    collector = Collector()
    if time_stamp:
        stamp = read_time_stamp(
            contents, collector, kind=TimeStampKind.DOCUMENT, over=covered, covers=frozenset()
        )
        if not stamp.references[0].intact:
            raise Rejected(
                "signature.content",
                "The time-stamp token is not over the octets of the PDF that were prepared.",
            )
        for certificate in at_hand:
            collector.certificate(certificate, Where.OUTSIDE)
        check_token(stamp, collector.certificates())
        return
    signatures = [one for one in read_cms(contents, collector, content=[covered]) if one.parent is None]
    if len(signatures) != 1 or not all(one.intact for one in signatures[0].references):
        raise Rejected(
            "signature.content",
            "The CMS is not one signature over the octets of the PDF that were prepared. Sign what is "
            "covered.",
        )
    if not is_of_any(signatures[0], collector.certificates()):
        raise Rejected(
            "signature.own",
            "The signature does not verify with a certificate in it. It is not given out: look at the key.",
        )
