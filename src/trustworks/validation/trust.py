"""Who is trusted: the anchors that paths must lead to, for signers, time-stamps and revocation data.

Source: EN 319 102-1, 5.1.4.2.2 (X.509 validation constraints: trust anchors).
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.tokens import Certificate
from trustworks.core.values import dataclass
from trustworks.validation.policies.constraints import Context

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from trustworks.core.pki.tokens import DistinguishedName


@dataclass(frozen=True, slots=True)
class Trust:
    """Trust anchors. Each may have a label, such as a service of a trusted list, and a sunset date.

    `for_signers`: those that paths of signers may lead to, where that are not all: a time-stamping authority
    on a trusted list is trusted for its time-stamps.
    """

    anchors: TrustAnchors = field(default_factory=TrustAnchors)
    for_signers: TrustAnchors | None = None

    def anchors_in(self, context: Context) -> TrustAnchors:
        """The anchors for certificates of a context of the policy."""
        if context in _OF_SIGNERS and self.for_signers is not None:
            return self.for_signers
        return self.anchors

    def without(self, left_out: Collection[TrustAnchor]) -> Trust:
        """The same but for some names with their keys, as if these had never been trusted."""
        signers = None if self.for_signers is None else _Remaining(self.for_signers, left_out)
        return Trust(_Remaining(self.anchors, left_out), signers)

    @classmethod
    def of(cls, certificates: Iterable[bytes]) -> Trust:
        """Certificates in DER that are trusted as they are. Raises `Malformed`."""
        return cls(TrustAnchors(TrustAnchor.of(Certificate.read(der)) for der in certificates))


_OF_SIGNERS: Final = frozenset({Context.SIGNATURE, Context.COUNTER_SIGNATURE})


class JoinedAnchors(TrustAnchors):
    """The anchors of several sources, each asked in its order."""

    def __init__(self, sources: Sequence[TrustAnchors]) -> None:
        self._sources = tuple(sources)

    @property
    def anchors(self) -> tuple[TrustAnchor, ...]:  # type: ignore[override]  # an attribute that is made late
        """All of them, which takes a while where there are trusted lists."""
        return tuple(anchor for source in self._sources for anchor in source.anchors)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return any(self._sources)

    def named(self, subject: DistinguishedName) -> Sequence[TrustAnchor]:
        """The anchors of that name."""
        return tuple(anchor for source in self._sources for anchor in source.named(subject))

    def being(self, certificate: Certificate) -> Sequence[TrustAnchor]:
        """The anchors that the certificate itself is."""
        return tuple(anchor for source in self._sources for anchor in source.being(certificate))


class _Remaining(TrustAnchors):
    """The anchors of a source without some, by name and key; those of lists are still read when asked for."""

    def __init__(self, source: TrustAnchors, left_out: Collection[TrustAnchor]) -> None:
        self._source = source
        self._left_out = frozenset((one.subject, one.key.der) for one in left_out)

    def _of(self, anchors: Iterable[TrustAnchor]) -> tuple[TrustAnchor, ...]:
        return tuple(one for one in anchors if (one.subject, one.key.der) not in self._left_out)

    @property
    def anchors(self) -> tuple[TrustAnchor, ...]:  # type: ignore[override]  # as above
        """All that remain."""
        return self._of(self._source.anchors)

    def __bool__(self) -> bool:
        """Whether any remains."""
        return bool(self.anchors)

    def named(self, subject: DistinguishedName) -> Sequence[TrustAnchor]:
        """The anchors of that name."""
        return self._of(self._source.named(subject))

    def being(self, certificate: Certificate) -> Sequence[TrustAnchor]:
        """The anchors that the certificate itself is."""
        return self._of(self._source.being(certificate))


NOBODY: Final = Trust()
"""No trust anchors: cryptography and structure are judged, and no chain is found."""
