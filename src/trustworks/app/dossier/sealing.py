"""The key that seals a dossier, opened: a seal of [signing], with time-stamps and evidence for level LTA.

In a laboratory the time-stamps are made, and the status of certificates is told, in this process, so that it
need not be served; elsewhere by the addresses of [signing] and [validation].
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.app.dossier.stamping import OwnStamper
from trustworks.assurance.dossier.sealing import Sealer
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.pki.certificates import load, load_pem_file
from trustworks.signing.create.levels import Means
from trustworks.signing.create.process import Creation, Terms
from trustworks.signing.desk import check_certificate_of_key
from trustworks.signing.model import Signer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.app.wiring import Wiring
    from trustworks.core.audit import Recorder
    from trustworks.core.module import Module
    from trustworks.core.ports import Stamper
    from trustworks.core.store import Database
    from trustworks.signing.config import SealSettings


_TOKEN: Final = "services"  # noqa: S105 - the name of a token: seals are on it


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What seals, and where its time-stamps come from.

    `test_module` names the token of the seal where its module is for tests: it says so of itself.
    """

    sealer: Sealer
    stamper: Stamper | None
    test_module: str | None = None


@contextmanager
def open_sealer(
    wiring: Wiring, *, database: Database, recorder: Recorder, name: str | None = None
) -> Iterator[Opened]:
    """The seal of that name, or the first of [signing].

    Raises:
        Rejected: config.signing, dossier.no-seal: there is none; signing.seal-key: it is for another key.
        Unavailable: its token, key or certificate is not there; the certificate is revoked.
    """
    settings = _named(wiring, name)
    with ExitStack() as stack:
        module = stack.enter_context(wiring.open_module(_TOKEN))
        key = module.key(settings.key)
        try:
            certificates = tuple(
                one.public_bytes(Encoding.DER) for one in load_pem_file(settings.certificate)
            )
        except Malformed as error:
            raise Unavailable("signing.no-seal", str(error)) from None
        certificate = load(certificates[0])
        check_certificate_of_key(settings.name, _public_key_info(certificates[0]), key.spki)
        revoked = wiring.revoked(database, certificate.serial_number)
        if revoked is not None:
            raise Unavailable(
                "dossier.seal",
                f"The certificate of the seal {settings.name} is revoked ({revoked}); nothing is sealed with "
                "it. Name another by --seal, or get a certificate for a new key.",
            )
        creation = _creation(wiring, stack, module, database, recorder, settings)
        yield Opened(
            sealer=Sealer(
                name=settings.name,
                creation=creation,
                signer=Signer(certificates=certificates, scheme=key.scheme.name),
                sign=key.sign,
            ),
            stamper=creation.means.stamper,
            test_module=_TOKEN if module.info().is_test_module else None,
        )


def _named(wiring: Wiring, name: str | None) -> SealSettings:
    seals = wiring.signing_settings.seals
    found = next((one for one in seals if name in {None, one.name}), None)
    if found is None:
        names = ", ".join(one.name for one in seals) or "none"
        raise Rejected(
            "dossier.no-seal",
            f"A dossier is sealed, and [[signing.seals]] has no seal {name or ''!r}; there are: {names}. Add "
            "one (`trustworks config explain signing.seals`).",
        )
    return found


def _creation(  # noqa: PLR0917 - what is open
    wiring: Wiring,
    stack: ExitStack,
    module: Module,
    database: Database,
    recorder: Recorder,
    settings: SealSettings,
) -> Creation:
    if not wiring.lab or wiring.config.timestamping is None:
        return wiring.service_creation()(settings.qualified, settings.device)
    clock = wiring.open_clock()
    authority = wiring.timestamping_authority(
        module=stack.enter_context(wiring.open_module("tsu")),
        recorder=recorder,
        database=database,
        clock=clock,
    )
    status = wiring.status_services(module=module, database=database, clock=clock)
    return Creation(
        means=Means(
            clock=lambda: clock.now().utc,
            stamper=OwnStamper(authority),
            evidence=wiring.evidence_source(status=status),
            anchors=wiring.validation_offer().trusted().trust.anchors,
            fresh=wiring.signing_settings.fresh,
        ),
        terms=Terms(qualified=settings.qualified, device=settings.device, lab=True),
    )


def _public_key_info(certificate: bytes) -> bytes:
    from trustworks.core.der.x509 import public_key_info  # noqa: PLC0415 - the only use

    return public_key_info(certificate)
