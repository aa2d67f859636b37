"""What must hold before a process is started: the programs are what was signed, and no PIN is a default."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from trustworks.app.wiring.installed import examine, has_keys
from trustworks.core.errors import Refused, TrustworksError
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.app.wiring import Wiring
    from trustworks.assurance.integrity.standing import Standing

log = structlog.get_logger(__name__)

BYTECODE = "bytecode"  # the folder of compiled Python, among what lives as long as the processes do


def check(wiring: Wiring) -> dict[str, str]:
    """Look at programs and PINs; answers what the environment of all processes has beside this one's.

    The supervisor looks once for all of them: they import from folders that this look was about, and compiled
    Python from a folder that begins empty. Raises `Refused`, and `Unavailable` (integrity.bytecode).
    """
    from trustworks.assurance.integrity import standing as module  # noqa: PLC0415 - few commands serve
    from trustworks.assurance.integrity.bytecode import own_bytecode  # noqa: PLC0415 - as above

    check_pins(pins(wiring), lab=wiring.lab)
    found = examine(wiring)
    module.write(wiring.run_dir, found)
    try:
        module.check_may_start(found, lab=wiring.lab, keys=has_keys(wiring.config))
    except Refused:
        if found is not None:
            _record(wiring, found)
        raise
    if found is not None and not found.ok:
        log.error("integrity.differs", reason=found.sentence)
    if wiring.lab and found is None:
        return {}  # a laboratory of an hour keeps the compiled files that its installation has
    return own_bytecode(wiring.run_dir / BYTECODE)


def _record(wiring: Wiring, found: Standing) -> None:
    """Tell the audit log why nothing was started; where it cannot be written, the log alone knows."""
    from trustworks.assurance.integrity.standing import event_of  # noqa: PLC0415 - as above

    try:
        with wiring.open_recorder("start") as recorder:
            recorder.record(event_of(found, actor="serve", refused=True))
    except TrustworksError as error:
        log.error("integrity.not-recorded", reason=str(error))  # noqa: TRY400 - the sentence says it all


def pins(wiring: Wiring) -> dict[str, bytes]:
    """The PINs of the tokens that processes open, as far as they lie in files; none is tried."""
    from trustworks.app.wiring import TOKENS  # noqa: PLC0415 - as above
    from trustworks.core.module.pin import read_pin  # noqa: PLC0415 - loads the binding

    found = {}
    for name in TOKENS:
        if getattr(wiring.config.tokens, name) is None:
            continue
        try:
            found[name] = read_pin(wiring.token_uri(name), base=wiring.base)
        except TrustworksError:
            continue  # who opens the token says what is wrong, and an operator may bring the PIN later
    return found


@implements("TRUSTWORKS:ASSURANCE-DEFAULT-CREDENTIALS", disabled=None)
def check_pins(found: Mapping[str, bytes], *, lab: bool) -> None:
    """Refuse to start with a PIN that is a vendor's default, or easy to guess, outside of a laboratory.

    The configured value is looked at where it is read: a wrong try at the token would bring it nearer to
    locking itself. Raises `Refused`.
    """
    from trustworks.core.module.pin import check_pin  # noqa: PLC0415 - loads the binding

    for name, pin in found.items():
        check_pin(pin, whose=f"the token {name}", lab=lab)
