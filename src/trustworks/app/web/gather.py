"""Gathers what the status page shows: from services, store and files; what cannot be read is left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from sqlalchemy import func, select

from trustworks.app import certificates
from trustworks.app.configuration.settings import url as reached_at
from trustworks.app.health.findings import Finding
from trustworks.app.web.overview import Download, EventRow, KeyRow, ListRow, LogState, Overview, ServiceRow
from trustworks.core.errors import Malformed, TrustworksError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from trustworks.app.web.services import Services

LAST_EVENTS = 12
MOST_AUTHORITIES = 20  # on the page: there may be thousands; `crl list` tells of all
_KINDS = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def overview(services: Services) -> Overview:
    """The whole page's values."""
    config = services.wiring.config
    findings = services.health.findings()
    keys: list[KeyRow] = []
    lists: list[ListRow] = []
    events: list[EventRow] = []
    log: LogState | None = None
    issued = ""
    try:
        with services.log.get().database.read() as connection:
            events = list(_events(connection))
            log = _log(connection)
            if config.issuance is not None:
                keys += _authorities(connection)
                issued = _issued(connection)
                lists = list(_lists(connection))
    except TrustworksError:
        pass  # the finding about the store says why
    keys += _named(services)
    return Overview(
        provider=config.provider.name,
        version=services.version,
        now=datetime.now(UTC),
        banners=services.banners,
        services=tuple(_services(services, {finding.name: finding for finding in findings}, issued)),
        clock=services.clock.status(),
        findings=findings,
        keys=tuple(keys),
        lists=tuple(lists),
        events=tuple(events),
        log=log,
        downloads=tuple(_downloads(services, lists)),
        pages=tuple(_pages(services)),
    )


# Services


def _services(services: Services, findings: dict[str, Finding], issued: str) -> Iterator[ServiceRow]:
    config = services.wiring.config
    # The name in a laboratory's certificates need not lead to this machine.
    url = reached_at("http", config.http.listen) if config.provider.lab else config.http.public_url
    if config.timestamping is not None:
        yield _row(
            "Time-stamping",
            f"POST {url}/tsa",
            "RFC 3161 and 5816, EN 319 421, EN 319 422",
            [findings[name] for name in ("timestamping", "clock", "audit", "module.tsu")],
            "openssl ts -query -data FILE -sha256 -cert -out q.tsq\n"
            "curl -s -H 'Content-Type: application/timestamp-query' --data-binary @q.tsq "
            f"{url}/tsa -o r.tsr",
        )
    if config.issuance is not None:
        yield _row(
            "Certificate status",
            f"POST {url}/ocsp",
            "OCSP: RFC 6960, 5019 and 9654",
            [findings[name] for name in ("ocsp", "module.services", "store")],
            f"openssl ocsp -CAfile trust/root.pem -issuer trust/issuing.pem -cert CERT -url {url}/ocsp",
        )
        yield _row(
            "Revocation lists",
            f"GET {url}/crl/issuing.crl",
            "RFC 5280, clause 5",
            [findings[name] for name in ("crl", "store", "jobs")],
            f"curl -s {url}/crl/issuing.crl | openssl crl -inform DER -noout -text",
        )
        yield _row(
            "Certificates",
            f"GET {url}/certs/issuing.cer",
            "EN 319 411-1, EN 319 412; issued by command",
            [Finding(name="issued", ok=True, sentence=issued), findings["store"], findings["audit"]],
            "trustworks certificate list",
        )
        yield from _enrolment(services, findings, url)
    yield from _signatures(services, findings, url)


def _signatures(services: Services, findings: dict[str, Finding], url: str) -> Iterator[ServiceRow]:
    """What is served of signatures: they are made, and they are judged."""
    config = services.wiring.config
    if config.signing is not None:
        yield _row(
            "Signatures and seals",
            f"POST {url}/{'seals' if config.signing.seals else 'signing/prepare'}",
            "XAdES, CAdES, PAdES, JAdES, ASiC",
            [findings[name] for name in ("signing", "audit", "store")],
            "curl -s -H \"Authorization: Bearer TOKEN\" -H 'Content-Type: application/json' \\\n"
            f"  --data-binary @request.json {url}/seals",
        )
    if config.validation is not None:
        yield _row(
            "Validation of signatures",
            f"POST {url}/validation",
            "EN 319 102-1, TS 119 102-2, TS 119 442, TS 119 615",
            [findings["validation"], *_all(findings, "trusted-lists"), findings["audit"]],
            f"curl -s -F file=@FILE -H 'Accept: application/json' {url}/validation",
        )


def _all(findings: dict[str, Finding], *names: str) -> list[Finding]:
    return [findings[name] for name in names if name in findings]


def _enrolment(services: Services, findings: dict[str, Finding], url: str) -> Iterator[ServiceRow]:
    """The protocols by which certificates are asked for, as far as the configuration has them."""
    config = services.wiring.config
    issuance = services.wiring.issuance_settings
    https = reached_at("https", config.http.tls_listen) if config.http.tls_listen else ""
    https = https if config.provider.lab or not url.startswith("https://") else url
    clock = findings["clock"]
    told = clock if clock.ok else Finding(name="clock", ok=False, sentence="No time is given: see the clock.")
    well = [findings["store"], findings["audit"], told]
    if issuance.acme is not None and https:
        yield _row(
            "ACME",
            f"GET {https}/acme/directory",
            "RFC 8555, 8737, 8738 and 9773",
            [Finding(name="acme", ok=True, sentence="Takes orders for web sites' certificates."), *well],
            f"certbot certonly --standalone --server {https}/acme/directory -d HOST",
        )
    if issuance.cmp is not None:
        yield _row(
            "CMP",
            f"POST {url}/cmp",
            "RFC 4210, 9480 and 9483",
            [Finding(name="cmp", ok=True, sentence="Takes requests of devices and authorities."), *well],
            f"openssl cmp -cmd ir -server {url.partition('://')[2]}/cmp -ref REF -secret pass:SECRET \\\n"
            "  -subject /CN=NAME -newkey KEY -certout CERT -trusted trust/root.pem",
        )
    if issuance.est is not None and https:
        yield _row(
            "EST",
            f"GET {https}/.well-known/est/cacerts",
            "RFC 7030 and 8951",
            [Finding(name="est", ok=True, sentence="Takes requests over HTTPS."), *well],
            f"curl -s --cacert trust/root.pem {https}/.well-known/est/cacerts",
        )
    if issuance.api is not None:
        yield _row(
            "JSON API",
            f"GET {url}/api/v1/openapi.json",
            "OpenAPI 3.1",
            [Finding(name="api", ok=True, sentence="Takes the requests of registered clients."), *well],
            f"curl -s {url}/api/v1/openapi.json",
        )


def _issued(connection: Connection) -> str:
    from trustworks.issuance import records  # noqa: PLC0415 - where it is configured

    counts = records.counts(connection)
    return f"{counts.get('issued', 0)} issued, {counts.get('revoked', 0)} of them revoked."


def _row(title: str, address: str, speaks: str, findings: list[Finding], command: str) -> ServiceRow:
    wrong = [finding for finding in findings if not finding.ok]
    return ServiceRow(
        title=title,
        state="refusing" if wrong else "serving",
        sentence=wrong[0].sentence if wrong else findings[0].sentence,
        address=address,
        speaks=speaks,
        command=command,
    )


# Keys


def _authorities(connection: Connection) -> Iterator[KeyRow]:
    from trustworks.issuance import records  # noqa: PLC0415 - where it is configured

    found = records.list_authorities(connection, limit=MOST_AUTHORITIES)
    for one in sorted(found, key=lambda one: one.parent is not None):
        certificate = x509.load_der_x509_certificate(one.certificate)
        use = "Root CA" if one.parent is None else "Issuing CA"
        yield _key(use, one.token, one.key_label, certificate)


def _named(services: Services) -> Iterator[KeyRow]:
    for one in certificates.named(services.wiring.config):
        try:
            yield _key(one.use, one.token, one.label, certificates.read(one.file), one.key_expires)
        except TrustworksError:
            yield KeyRow(
                use=one.use, token=one.token, label=one.label, algorithm="", subject="", not_after=None
            )


def _key(
    use: str, token: str, label: str, certificate: x509.Certificate, key_expires: datetime | None = None
) -> KeyRow:
    return KeyRow(
        use=use,
        token=token,
        label=label,
        algorithm=_kind(certificate.public_key()),
        subject=certificates.common_name(certificate),
        not_after=certificate.not_valid_after_utc,
        key_ends=certificates.key_end(certificate, key_expires),
    )


def _kind(key: Any) -> str:
    match key:
        case ec.EllipticCurvePublicKey():
            return _KINDS.get(key.curve.name, key.curve.name)
        case rsa.RSAPublicKey():
            return f"RSA-{key.key_size}"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case _:
            return type(key).__name__


# Lists, events, log


def _lists(connection: Connection) -> Iterator[ListRow]:
    from trustworks.issuance import records  # noqa: PLC0415 - where it is configured

    for authority in records.list_authorities(connection, limit=MOST_AUTHORITIES):
        for head in records.crl_heads(connection, authority.name):  # the complete lists; shards may be many
            yield ListRow(
                authority=head.authority,
                number=head.number,
                this_update=head.this_update,
                next_update=head.next_update,
                entries=head.entries,
                path=f"/crl/{head.authority}.crl",
            )


def _events(connection: Connection) -> Iterator[EventRow]:
    from trustworks.core.audit.search import newest  # noqa: PLC0415 - loaded already, named here

    for event in newest(connection, limit=LAST_EVENTS):
        try:
            body = event.value
        except Malformed:
            continue  # `audit verify` tells of it; the page shows what can be shown
        about = ", ".join(f"{key} {_short(value)}" for key, value in body["subject"].items())
        yield EventRow(
            time=event.time, type=event.type, outcome=body["outcome"], actor=body["actor"], about=about
        )


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 44 else f"{text[:40]}…"


def _log(connection: Connection) -> LogState:
    from trustworks.core.audit import records, stored  # noqa: PLC0415 - as above

    last = connection.execute(select(func.max(records.log.c.position))).scalar_one()
    size = last + 1 if type(last) is int else 0
    newest = stored.newest_checkpoint(connection)
    if newest is None or newest.checkpoint is None:  # `audit verify` tells of one that cannot be read
        return LogState(size=size, root="")
    return LogState(
        size=size,
        root=newest.checkpoint.root.hex(),
        checkpoint_size=newest.checkpoint.size,
        checkpoint_time=newest.checkpoint.moment,
        time_stamped=stored.newest_checkpoint(connection, stamped=True) is not None,
    )


def _pages(services: Services) -> Iterator[Download]:
    """The other pages for people."""
    config = services.wiring.config
    if config.signing is not None and config.signing.seals:
        yield Download(
            title="Sign a document",
            path="/sign",
            note="You see what is signed before it is",
        )
    if config.validation is not None:
        yield Download(title="Validate a signature", path="/validation", note="Whether it holds, and why")
    if config.issuance is not None and config.issuance.trusted_list is not None:
        yield Download(title="Trusted list", path="/tl/", note="What runs here, for validators")
    if config.issuance is not None:
        yield Download(
            title="Statements",
            path="/statements/",
            note="Practice and disclosure statements, terms; with PDF",
        )
        yield Download(title="Report a problem", path="/report", note="About a certificate, by anybody")
    if services.has_console:
        yield Download(title="Console", path="/console", note="For the officers; it asks who they are")


def _downloads(services: Services, lists: list[ListRow]) -> Iterator[Download]:
    for name, title, note in (
        ("root.pem", "Root certificate", "The trust anchor, PEM. Compare its fingerprint by another way."),
        ("chain.pem", "Chain", "Issuing CA and root, PEM"),
    ):
        if services.trust_file(name) is not None:
            yield Download(title=title, path=f"/trust/{name}", note=note)
    for one in lists:
        yield Download(
            title=f"{one.authority}.crl", path=one.path, note=f"List {one.number}, {one.entries} revoked, DER"
        )
        yield Download(
            title=f"{one.authority}.cer", path=f"/certs/{one.authority}.cer", note="CA certificate, DER"
        )
    yield Download(title="Health", path="/healthz", note="Every resource with its reason, JSON")
    yield Download(title="Metrics", path="/metrics", note="For Prometheus")
