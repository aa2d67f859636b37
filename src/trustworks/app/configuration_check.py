"""What a well-formed configuration names and is not there: files, tokens, addresses."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from trustworks.app.configuration.config import is_file
from trustworks.app.wiring import TOKENS
from trustworks.core.errors import TrustworksError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from trustworks.app.configuration.config import Config
    from trustworks.app.wiring import Wiring
    from trustworks.issuance.config import PerspectiveSettings


def problems(wiring: Wiring) -> list[str]:
    """Sentences, each about one thing that is not in order. Opens no token: that would take a PIN try."""
    config = wiring.config
    return [
        *_missing_files(config),
        *_unsuited(config),
        *_profiles(config),
        *_exposed(config),
        *_perspectives(wiring),
        *_listeners(config),
        *refusals(config),
        *_tokens(wiring),
        *_tries(wiring),
        *_operators(wiring),
        *_validation(wiring),
        *_devices(wiring),
    ]


def _named_files(config: Config) -> Iterator[tuple[str, Path | None]]:
    yield "http.tls-certificate", config.http.tls_certificate
    yield "http.tls-key", config.http.tls_key
    yield "http.proxy.secret-source", config.http.proxy.secret_source
    yield "store.password-source", config.store.password_source
    yield "audit.certificate", config.audit.certificate
    yield "module.library", config.module.library
    yield "module.softhsm2-conf", config.module.softhsm2_conf
    yield "module.approval", config.module.approval
    yield "integrity.manifest", config.integrity.manifest
    yield "integrity.key", config.integrity.key
    if config.timestamping is not None:
        for unit in config.timestamping.units:
            yield f"timestamping.units ({unit.name}) certificate", unit.certificate
            yield f"timestamping.units ({unit.name}) chain", unit.chain
    if config.issuance is not None:
        yield "issuance.ocsp.certificate", config.issuance.ocsp.certificate
        yield "issuance.ct.log-list", None if config.issuance.ct is None else config.issuance.ct.log_list
        mail = config.issuance.registration.mail
        if mail is not None:
            yield "issuance.registration.mail.ca-file", mail.ca_file
            yield "issuance.registration.mail.password-source", mail.password_source
        if config.issuance.cmp is not None:
            yield "issuance.cmp.certificate", config.issuance.cmp.certificate
        if config.issuance.trusted_list is not None:
            yield "issuance.trusted-list.certificate", config.issuance.trusted_list.certificate
    if config.validation is not None and config.validation.seal is not None:
        yield "validation.seal.certificate", config.validation.seal.certificate
    for one in () if config.signing is None else config.signing.seals:
        yield f"signing.seals ({one.name}) certificate", one.certificate


def _missing_files(config: Config) -> Iterator[str]:
    for key, path in _named_files(config):
        objection = _objection(path)
        if objection is not None:
            yield f"{key}: {objection}"


def _objection(path: Path | None) -> str | None:
    """Why there is no file for us, as a sentence; None where there is one, or none is named."""
    try:
        return None if path is None or is_file(path) else f"there is no file {path}."
    except OSError as error:
        return _unseen(error)


def _unseen(error: OSError) -> str:
    return f"{error.filename} cannot be seen: {error.strerror}. Let the services' account enter its folder."


def _unsuited(config: Config) -> Iterator[str]:
    """What a time-stamping unit would refuse to issue for, as far as its certificate alone shows it."""
    from trustworks.timestamping.rules import units as rules  # noqa: PLC0415 - where it is configured
    from trustworks.timestamping.unit import key_usage_period, read_files  # noqa: PLC0415

    for unit in () if config.timestamping is None else config.timestamping.units:
        if any(map(_objection, (unit.certificate, unit.chain))):
            continue  # it was told already
        key = f"timestamping.units ({unit.name}) certificate"
        try:
            certificate, chain = read_files(unit)
        except TrustworksError as error:
            yield f"{key}: {error}"
            continue
        if certificate is not None:
            _, key_ends = key_usage_period(certificate, unit.key_expires)
            for finding in (
                *rules.purpose_findings(certificate),
                *rules.expiry_findings(key_ends, certificate.not_valid_after_utc),
                *rules.chain_findings(certificate, chain),
            ):
                yield f"{key}: {unit.certificate}: {finding}"


def _validation(wiring: Wiring) -> Iterator[str]:
    """Policies and trust anchors of validation that cannot be read, and nobody who is trusted."""
    settings = wiring.config.validation
    if settings is None:
        return
    for file in () if settings.lists is None else settings.lists.anchors:
        if (objection := _objection(file)) is not None:
            yield f"validation.lists.anchors: {objection}"
    try:
        offer = wiring.validation_offer()
    except TrustworksError as error:
        yield f"validation: {error}"
        return
    if settings.lists is None and not offer.trusted().trust.anchors:
        yield "validation: nobody is trusted, and no signature can pass; set trust or [validation.lists]."


def _key_generation(profiles: Iterable[str]) -> Iterator[str]:
    from trustworks.issuance.enrolment.key_generation import check_may_generate  # noqa: PLC0415 - as below

    for name in profiles:
        try:
            check_may_generate(name)
        except TrustworksError as error:
            yield f"issuance.est.serverkeygen: {error}"


def _profiles(config: Config) -> Iterator[str]:
    """Versions of certificate profiles that there are not."""
    if config.issuance is not None and config.issuance.est is not None:
        yield from _key_generation(config.issuance.est.serverkeygen)
    if config.issuance is None or not config.issuance.profile_versions:
        return
    from trustworks.issuance.profiles import profile_named  # noqa: PLC0415 - where it is configured

    for name, version in config.issuance.profile_versions.items():
        try:
            profile_named(f"{name}/{version}")
        except TrustworksError as error:
            yield f"issuance.profile-versions: {error}"


def _exposed(config: Config) -> Iterator[str]:
    mail = None if config.issuance is None else config.issuance.registration.mail
    for key, path in (
        ("store.password-source", config.store.password_source),
        ("issuance.registration.mail.password-source", None if mail is None else mail.password_source),
    ):
        if path is not None and _objection(path) is None and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield f"{key}: others can read {path}. Run chmod 600 {path}."


def _perspectives(wiring: Wiring) -> Iterator[str]:
    """Of each remote perspective its files and its answer, and whether they are enough."""
    if wiring.config.issuance is None or not wiring.config.issuance.perspectives:
        return
    from datetime import UTC, datetime  # noqa: PLC0415

    from trustworks.issuance.enrolment.perspectives.client import corroboration_of  # noqa: PLC0415

    now, settings = datetime.now(UTC), wiring.config.issuance.perspectives
    wrong = [f"issuance.perspectives ({one.name}): {it}" for one in settings for it in _perspective(one, now)]
    yield from wrong
    asked = corroboration_of(settings, lab=wiring.lab)
    try:
        asked.check_ready(now.date())
    except TrustworksError as error:
        yield f"issuance.perspectives: {error}"
    for sight in () if wrong else asked.answering():
        if sight.objection is not None:
            yield f"issuance.perspectives ({sight.name}): {sight.objection}"


def _perspective(settings: PerspectiveSettings, now: datetime) -> Iterator[str]:
    """What is wrong with the files of a perspective."""
    from trustworks.core.pki.certificates import readable_pem_file  # noqa: PLC0415 - where they are configured
    from trustworks.issuance.enrolment.perspectives.client import prepared  # noqa: PLC0415

    certificates = settings.certificate, settings.client_certificate
    missing = [one for one in map(_objection, (*certificates, settings.client_key)) if one is not None]
    yield from missing
    if missing:
        return
    try:
        prepared(settings)
        read = [(file, one) for file in certificates for one in readable_pem_file(file)]
    except TrustworksError as error:
        yield str(error)
        return
    for file, one in read:
        if not one.not_valid_before_utc <= now <= one.not_valid_after_utc:
            yield f"{file} is not valid now; it ends {one.not_valid_after_utc:%Y-%m-%d %H:%M} UTC. Renew it."


def refusals(config: Config) -> Iterator[str]:
    """What the time-stamping authority would refuse to start for, as far as no token is needed to see it."""
    from trustworks.core.time.rules import check_traceability  # noqa: PLC0415 - where it is configured
    from trustworks.timestamping.undertaking import check_authority  # noqa: PLC0415

    settings = config.timestamping
    if settings is None:
        return
    tries: list[tuple[str, Callable[[], object]]] = [
        ("timestamping", lambda: check_authority(settings, config.time))
    ]
    if config.time.mode == "enforce":
        tries.append(("time.traceable-to", lambda: check_traceability(config.time.traceable_to)))
    for key, one in tries:
        try:
            one()
        except TrustworksError as error:
            yield f"{key}: {error}"


def _listeners(config: Config) -> Iterator[str]:
    from trustworks.app.processes import listeners  # noqa: PLC0415 - loads what reads keys

    files = (config.http.tls_certificate, config.http.tls_key, config.http.proxy.secret_source)
    if not any(map(_objection, files)):  # else it was told already
        try:
            listeners.check(config.http)
        except TrustworksError as error:
            yield f"http: {error}"


def _tokens(wiring: Wiring) -> Iterator[str]:
    from trustworks.core.module.pin import check_pin, read_pin  # noqa: PLC0415 - loads the binding

    validation, signing = wiring.config.validation, wiring.config.signing
    seal = (None if validation is None else validation.seal) or (signing is not None and signing.seals)
    needed = {"tsu": wiring.config.timestamping, "services": wiring.config.issuance or seal or None}
    for name in TOKENS:
        if getattr(wiring.config.tokens, name) is None:
            if needed.get(name) is not None:
                yield f"tokens.{name}: it is not set, and the services that are configured need it."
            continue
        try:
            pin = read_pin(wiring.token_uri(name), base=wiring.base)
            check_pin(pin, whose=f"the token {name}", lab=wiring.lab)
        except TrustworksError as error:
            yield f"tokens.{name}: {error}"


def _operators(wiring: Wiring) -> Iterator[str]:
    """Outside a laboratory: that nobody is enrolled, so that no command changes anything."""
    from trustworks.app.acting import NOT_BEFORE_ANY, is_nobody_enrolled  # noqa: PLC0415 - loads signatures

    try:
        if not wiring.lab and is_nobody_enrolled(wiring):
            yield f"roles: {NOT_BEFORE_ANY.strip()}"
    except TrustworksError:
        return  # that the database does not answer is told by its own key


def _devices(wiring: Wiring) -> Iterator[str]:
    """Devices whose certification is over, lost or ends soon, while certificates stand on it."""
    if wiring.config.issuance is None:
        return
    from datetime import UTC, datetime  # noqa: PLC0415 - where it is configured

    from trustworks.issuance.registration.products import watched  # noqa: PLC0415 - as above

    try:
        with wiring.open_database() as database, database.read() as connection:
            found = watched(connection, wiring.issuance_settings.registration, datetime.now(UTC))
    except TrustworksError:
        return  # as above
    for one in (*found.ended, *found.soon):
        yield f"issuance.registration.devices: {one}"


def _tries(wiring: Wiring) -> Iterator[str]:
    from trustworks.core.module import find_library  # noqa: PLC0415 - as above

    def database() -> None:
        with wiring.open_database() as opened:
            opened.check_durable()

    tries: list[tuple[str, Callable[[], object]]] = [("store.url", database)]
    library = wiring.config.module.library
    if _objection(library) is None:  # else it was told already
        tries.append(("module.library", lambda: find_library(library)))
    for key, one in tries:
        try:
            one()
        except TrustworksError as error:
            yield f"{key}: {error}"
        except OSError as error:
            yield f"{key}: {_unseen(error)}"
