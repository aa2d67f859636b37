"""The seal of a validation report: an enveloped XAdES baseline signature over all of it, its last element.

Level B, or T where there is a source of time-stamps. The key stays where it is: whoever seals gives `sign`.
Sources: TS 119 102-2 V1.4.1, 4.2 (by its schema); TS 119 441, 8.4.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.formats.evidence import ScopeKind
from trustworks.formats.read import read
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating.signature import Options, prepare
from trustworks.formats.xades.creating.unsigned import Target, octets_to_stamp, with_time_stamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from trustworks.core.ports import Stamper

_LEVELS: Final = ("XAdES-BASELINE-B", "XAdES-BASELINE-T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Who seals reports, and with what.

    `certificates` are in DER, that of the key first. `scheme` is a name of `core.module`'s, and `sign`
    answers its value over octets, as a key of the module does. `clock` is the time that the seal claims.
    """

    certificates: tuple[bytes, ...]
    scheme: str
    sign: Callable[[bytes], bytes]
    clock: Callable[[], datetime]
    stamper: Stamper | None = None


def sealed(report: bytes, seal: Seal) -> bytes:
    """The report with its seal, which was verified.

    Raises:
        Rejected: (signature.own, report.seal) the seal does not hold: the key is not the certificate's; and
            what `sign` and the source of time-stamps raise.
        Unavailable: the key or the source of time-stamps cannot be used now.
    """
    prepared = prepare(
        packaging.enveloped(report),
        seal.certificates,
        Claims(signing_time=seal.clock()),
        Options(scheme=seal.scheme),
    )
    document = prepared.complete(seal.sign(prepared.dtbs.octets))
    if seal.stamper is not None:
        target = Target(document=document, signature=prepared.id)
        token = seal.stamper.stamp(hashlib.sha256(octets_to_stamp(target)).digest(), "sha256")
        document = with_time_stamp(target, token)
    faults = faults_of_seal(document, prepared.id)
    if faults:
        raise Rejected("report.seal", f"The report is not given out. {' '.join(faults)}")
    return document


@implements("TS119441:SVR-8.4-17", disabled=())
def faults_of_seal(document: bytes, identifier: str) -> tuple[str, ...]:
    """What is wrong with the seal of that Id: it is XAdES of the baseline, and over the whole report."""
    evidence = read(Octets(document))
    found = next((one for one in evidence.signatures if one.name == identifier), None)
    if found is None:
        return ("It has no seal.",)
    faults = []
    if found.level not in _LEVELS:
        faults.append(f"Its seal is of the level {found.level}, not of the baseline.")
    if not all(one.intact for one in found.references):
        faults.append("Its seal is over something else.")
    if not any(one.kind is ScopeKind.FULL for one in found.scopes):
        faults.append("Its seal is not over the whole of it.")
    return tuple(faults)
