"""A signed file that is to be augmented, and each signature in it as a target.

Nothing is changed in place: an operation answers the target in the new file. Which signature gets what, and
where tokens and validation data come from, is decided elsewhere (`signing.create`).
Source: EN 319 122-1, EN 319 132-1, EN 319 142-1, TS 119 182-1, each 6.3; EN 319 162-1, 4.3, 4.4 and A.7.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.ports import NOTHING
from trustworks.formats.adding import Reading, State
from trustworks.formats.augmenting.writer import Given, Kind, writer_of
from trustworks.formats.collector import Collector
from trustworks.formats.data import Octets, apart
from trustworks.formats.evidence import Container
from trustworks.formats.limits import DEFAULT
from trustworks.formats.read import read_into
from trustworks.formats.time_stamp import parse_token, token_octets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trustworks.core.pki.building import TrustAnchors
    from trustworks.core.ports import ValidationData
    from trustworks.formats.augmenting.writer import Stamping, Writer
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence, Format, Signature, TimeStamp
    from trustworks.formats.limits import Limits

HASH: Final = "sha256"


class Opened:
    """A signed file with its detached data. It is read when something of it is first asked for."""

    def __init__(
        self,
        data: Data,
        *,
        detached: Sequence[Data] = (),
        limits: Limits = DEFAULT,
        anchors: TrustAnchors | None = None,
        keep: Callable[[Data], Data] | None = None,
    ) -> None:
        """`keep` puts what a file became where it is read in portions; None: it stays as it was made."""
        self.keep = keep
        self.data = data
        self.detached = tuple(apart(detached))
        self.limits = limits
        self.anchors = anchors
        self._next: Opened | None = None

    @cached_property
    def _read(self) -> tuple[Evidence, Mapping[str, tuple[int, ...]]]:
        collector = Collector(self.anchors)
        evidence = read_into(collector, self.data, detached=self.detached, limits=self.limits)
        return evidence, collector.places

    @property
    def evidence(self) -> Evidence:
        """What is in the file. Raises `Malformed` where it cannot be read."""
        return self._read[0]

    @property
    def targets(self) -> tuple[Target, ...]:
        """All signatures, counter-signatures too, in the order of the file. Raises `Malformed`."""
        return tuple(Target(self, one.id) for one in self.evidence.signatures)

    def target(self, named: str) -> Target:
        """The signature with that id. Raises `Rejected` (``augmenting.signature``) where there is none."""
        if all(one.id != named for one in self.evidence.signatures):
            raise Rejected("augmenting.signature", f"The file has no signature with the id {named:.80}.")
        return Target(self, named)

    def given(self, named: str) -> Given:
        """One signature with all that writers look at."""
        evidence, places = self._read
        signature = next(one for one in evidence.signatures if one.id == named)
        reading = Reading(before=lambda: State.of_evidence(self.evidence), after=self._after)
        return Given(
            reading=reading,
            data=self.data,
            detached=self.detached,
            limits=self.limits,
            evidence=evidence,
            signature=signature,
            place=places.get(named),
        )

    def changed(self, data: Data) -> Opened:
        """The file as it became."""
        if data is self.data:
            return self
        if self._next is not None and isinstance(data, Octets) and self._next.data == data:
            return self._next
        return self._anew(data if self.keep is None else self.keep(data))

    def _anew(self, data: Data) -> Opened:
        return Opened(data, detached=self.detached, limits=self.limits, anchors=self.anchors, keep=self.keep)

    def _after(self, octets: bytes) -> State:
        """What holds in the file as it became; who then takes it on, need not read it again."""
        self._next = self._anew(Octets(octets, self.data.name))
        return State.of_evidence(self._next.evidence)


class Target:
    """One signature that something is added to. `id` is that of its evidence, and stays the same."""

    def __init__(self, opened: Opened, named: str) -> None:
        self.opened = opened
        self.id = named
        self._begun: dict[tuple[Kind, str], Stamping] = {}

    @property
    def data(self) -> Data:
        """The whole file as it is with all that was added. Large files are made when it is read."""
        return self.opened.data

    @property
    def evidence(self) -> Evidence:
        """What is in the whole file."""
        return self.opened.evidence

    @cached_property
    def signature(self) -> Signature:
        """The signature as evidence, with its level, certificates and revocation data."""
        return next(one for one in self.evidence.signatures if one.id == self.id)

    @property
    def level(self) -> str:
        """Its level now, such as ``XAdES-BASELINE-T``."""
        return self.signature.level

    @property
    def format(self) -> Format:
        """The format of the signature itself, also where it is in a container."""
        return self.signature.format

    @property
    def time_stamps(self) -> tuple[TimeStamp, ...]:
        """Its time-stamps, content time-stamps too, and those of the document or the container over it."""
        wanted = self.signature.time_stamps
        return tuple(one for one in self.evidence.time_stamps if one.id in wanted)

    def octets_to_stamp(self, kind: Kind, hash_name: str = HASH) -> Data:
        """What the token of a time-stamp has to be over that is added next; the token's hash is that one.

        Raises:
            Malformed: the file cannot be read.
            Rejected: nothing can be added to this signature; the sentence says why, and what to do.
        """
        return self._begin(kind, hash_name, check=True).over

    def digest(self, kind: Kind, hash_name: str = HASH) -> bytes:
        """The digest of `octets_to_stamp`, which is what a time-stamping authority is asked for."""
        return self.octets_to_stamp(kind, hash_name).digest(hash_name)

    def with_time_stamp(self, token: bytes) -> Target:
        """With a time-stamp of the signature (level T); the token is over that of `Kind.SIGNATURE`.

        Raises:
            Malformed: the file or the token cannot be read.
            Rejected: as `octets_to_stamp`; ``adding.time-stamp``, ``signature.content``: the token is over
                something else; ``signature.own``: it does not verify.
        """
        return self._stamped(Kind.SIGNATURE, token)

    def with_archive_time_stamp(self, token: bytes) -> Target:
        """With an archive time-stamp (level LTA, or renewed); the token is over that of `Kind.ARCHIVE`.

        Raises as `with_time_stamp`.
        """
        return self._stamped(Kind.ARCHIVE, token)

    def with_values(self, data: ValidationData, of_time_stamps: ValidationData = NOTHING) -> Target:
        """With validation data of the signature and of the time-stamps that it has (level LT).

        What stands in the signature already is not put in again; nor is what is `of_time_stamps` alone, and
        in one of their tokens. What is for the signature is put in also where a token holds it: others do not
        look there. Raises `Malformed` and `Rejected` as `octets_to_stamp`.
        """
        return self._changed(self._writer.with_values(data, of_time_stamps))

    def _begin(self, kind: Kind, hash_name: str, *, check: bool) -> Stamping:
        """A time-stamp, begun once: who asked for what it is over, has its place kept for the token."""
        if (kind, hash_name) not in self._begun:
            self._begun[kind, hash_name] = self._writer.begin(kind, hash_name, check=check)
        return self._begun[kind, hash_name]

    def _stamped(self, kind: Kind, token: bytes) -> Target:
        hash_name = parse_token(token).info.imprint_algorithm
        return self._changed(self._begin(kind, hash_name, check=False).complete(token_octets(token)))

    def _changed(self, data: Data) -> Target:
        return self if data is self.data else Target(self.opened.changed(data), self.id)

    @cached_property
    def _writer(self) -> Writer:
        return _writer(self.opened.given(self.id))


def _writer(given: Given) -> Writer:
    """The writer of a format. Each brings libraries that the others do not need: loaded when first used."""
    if given.evidence.container is not Container.NONE:
        from trustworks.formats.augmenting.asic import writer  # noqa: PLC0415 - as in writer_of

        return writer(given)
    return writer_of(given)
