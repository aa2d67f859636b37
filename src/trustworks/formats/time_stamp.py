"""Time-stamp tokens inside signatures (RFC 3161, RFC 5816), the same for every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Reference, Scope, TimeStamp, TimeStampKind


def read_time_stamp(
    der: bytes,
    collector: Collector,
    *,
    kind: TimeStampKind,
    over: Data | None,
    covers: frozenset[str],
    owner: str | None = None,
    form: str | None = None,
    references: tuple[Reference, ...] = (),
    scopes: tuple[Scope, ...] = (),
    file: str | None = None,
) -> TimeStamp:
    """Reads a token into `collector`. `over` is what its imprint is the digest of, None where that is absent.

    Its certificates and revocation data are taken by the collector, and are not added to `covers`: they came
    after it. Raises `Malformed` for what is no token.
    """
    del collector, kind, over, covers, owner, form, references, scopes, file
    raise Malformed(f"A time-stamp of {len(der)} octets cannot be read yet by this version.")
