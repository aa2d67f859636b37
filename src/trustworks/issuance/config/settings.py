"""The tables ``[issuance]`` and ``[issuance.*]`` of ``trustworks.toml``."""

from __future__ import annotations

import re
from pathlib import Path  # noqa: TC003 - Pydantic reads it at run time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from trustworks.core.settings import Oid, Table
from trustworks.issuance.config.acme import AcmeSettings  # noqa: TC001 - as above
from trustworks.issuance.config.api import ApiSettings  # noqa: TC001 - Pydantic reads it at run time
from trustworks.issuance.config.cmp import CmpSettings  # noqa: TC001 - Pydantic reads it at run time
from trustworks.issuance.config.est import EstSettings  # noqa: TC001 - as above
from trustworks.issuance.config.perspectives import PerspectiveSettings  # noqa: TC001 - as above
from trustworks.issuance.config.registration import RegistrationSettings
from trustworks.issuance.config.trusted_list import TrustedListSettings  # noqa: TC001 - as above


def _country(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", value):
        raise ValueError("write an ISO 3166 code of two capital letters; XX is assigned to nobody, for a lab")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2}", value):
        raise ValueError("write an ISO 639-1 code of two small letters, for example en")
    return value


def _url(value: str) -> str:
    if not re.fullmatch(r"https?://[!-~]+", value):
        raise ValueError("write an http or https URL without spaces")
    return value


def _https_url(value: str) -> str:
    if not value.startswith("https://"):
        raise ValueError("a PKI disclosure statement is reached over https (EN 319 412-5, 4.3.4)")
    return _url(value)


# The enrolment protocols: [issuance.acme] and so on. One that has no table is not spoken.
ENROLMENT = ("acme", "api", "cmp", "est")

Country = Annotated[str, AfterValidator(_country)]


class AuthoritySettings(Table):
    """[issuance.root], [issuance.issuing]: one certification authority."""

    name: str = Field(min_length=2, max_length=64, description="The authority's commonName.")
    key: str = Field(description="Label of its key on the token of the same name.")
    algorithm: str = Field(default="P-384", description="The kind of key that is made for it.")
    years: int = Field(ge=1, le=30, description="Years that its certificate is valid.")
    crl_validity_hours: int = Field(
        ge=1, le=8784, description="Hours from thisUpdate to nextUpdate of its revocation list."
    )
    crl_every_hours: float = Field(
        gt=0, le=8784, description="Hours between two publications of its revocation list."
    )

    @model_validator(mode="after")
    def _published_in_time(self) -> AuthoritySettings:
        if self.crl_every_hours >= self.crl_validity_hours:
            raise ValueError(
                "crl-every-hours must be less than crl-validity-hours, or lists run out unrenewed"
            )
        return self


class RootSettings(AuthoritySettings):
    """[issuance.root]: the root; its token is opened by ceremonies alone."""

    name: str = Field(
        default="Trustworks TEST Root CA", min_length=2, max_length=64, description="The root's commonName."
    )
    key: str = Field(default="root", description="Label of the root's key on the token `root`.")
    years: int = Field(default=20, ge=1, le=30, description="Years that the root's certificate is valid.")
    crl_validity_hours: int = Field(
        default=4320,
        ge=1,
        le=8760,
        description="Hours from thisUpdate to nextUpdate of its list; at most a year (CSS-6.3.9-12).",
    )
    crl_every_hours: float = Field(
        default=2160,
        gt=0,
        le=8760,
        description="Hours between two publications; each opens the root's token.",
    )


class IssuingSettings(AuthoritySettings):
    """[issuance.issuing]: the authority that issues to subjects and services."""

    name: str = Field(
        default="Trustworks TEST Issuing CA",
        min_length=2,
        max_length=64,
        description="The issuing authority's commonName.",
    )
    key: str = Field(default="issuing", description="Label of the issuing key on the token `issuing`.")
    algorithm: str = Field(default="P-256", description="The kind of key that is made for it.")
    years: int = Field(default=10, ge=1, le=20, description="Years that its certificate is valid.")
    crl_validity_hours: int = Field(
        default=24,
        ge=1,
        le=240,
        description="Hours from thisUpdate to nextUpdate of its list.",
    )
    crl_every_hours: float = Field(
        default=1.0,
        gt=0,
        le=24,
        description="Hours between two publications; at most 24 (EN 319 411-1, CSS-6.3.9-05).",
    )
    crl_shards: int = Field(
        default=1,
        ge=1,
        le=1024,
        description="Lists that new certificates are spread over; each certificate names its list.",
    )
    crl_delta: bool = Field(
        default=False,
        description="Tell changes in delta lists; complete lists come by the clock alone then.",
    )


class PdsSettings(Table):
    """[[issuance.pds]]: where a PKI disclosure statement is, in one language."""

    language: Annotated[str, AfterValidator(_language)] = Field(
        description="ISO 639-1 code of the statement's language."
    )
    url: Annotated[str, AfterValidator(_https_url)] = Field(description="https URL of the statement (PDF).")


class OcspSettings(Table):
    """[issuance.ocsp]: the responder that answers from the issuance database."""

    key: str = Field(default="ocsp", description="Label of the responder's key on the token `services`.")
    certificate: Path | None = Field(default=None, description="The responder's certificate (PEM).")
    never_issued: Literal["revoked", "unknown"] = Field(
        default="revoked",
        description="The answer for a serial never issued: extended revoked (RFC 6960, 2.2), or unknown.",
    )
    validity_minutes: int = Field(
        default=60, ge=1, le=10080, description="Minutes from thisUpdate to nextUpdate of an answer."
    )
    reuse_seconds: int = Field(
        default=10,
        ge=0,
        le=60,
        description="Seconds that a signed answer without nonce is given again, unless its status changed.",
    )
    cert_hash: bool = Field(
        default=True,
        description="Put the certificate's hash into answers (CertHash): it is the one that was issued.",
    )
    max_age_seconds: int = Field(
        default=60,
        ge=0,
        le=86400,
        description="Seconds that HTTP caches keep an answer by GET; they show a revocation that much later.",
    )


class CaaSettings(Table):
    """[issuance.caa]: whom domains must let issue, and who looks their records up (RFC 8659)."""

    domains: tuple[str, ...] = Field(
        min_length=1,
        description="Our issuer domain names, as owners of domains write them into CAA records.",
    )
    resolver: str | None = Field(
        default=None,
        description="IP address of the DNS server that is asked; the system's without it. Name one that "
        "validates DNSSEC.",
    )
    port: int = Field(default=53, ge=1, le=65535, description="Port of that DNS server.")
    seconds: float = Field(default=5.0, gt=0, le=60, description="Seconds to wait for an answer.")


class CtSettings(Table):
    """[issuance.ct]: the logs that web sites' certificates are shown to before they are signed (RFC 6962)."""

    log_list: Path = Field(description="The logs, as browsers publish them: JSON, version 3.")
    seconds: float = Field(default=10.0, gt=0, le=60, description="Seconds to wait for the logs' answers.")


class NoticeSettings(Table):
    """[issuance.notices]: how subjects are told that their certificate was revoked, held or released."""

    command: tuple[str, ...] = Field(
        default=(),
        description="Program and arguments that get each notice as a line of JSON; it finds the address.",
    )


class ProblemReportSettings(Table):
    """[issuance.problem-reports]: the public page on which anybody reports a problem with a certificate."""

    per_hour: int = Field(
        default=300,
        ge=0,
        le=10_000,
        description="How many reports are taken in an hour, from all together; 0: there is no page.",
    )
    per_address: int = Field(
        default=5,
        ge=1,
        le=10_000,
        description="How many of them from one IPv4 address or IPv6 network (/64), in each worker process.",
    )


class IssuanceSettings(Table):
    """[issuance]: who the provider is in its certificates, its two authorities, and where statements lie."""

    organization: str = Field(
        default="Trustworks TEST Provider",
        min_length=2,
        max_length=64,
        description="organizationName of every authority and service, the provider's registered name.",
    )
    organization_identifier: str | None = Field(
        default=None,
        description="The provider's registration number (EN 319 412-1, 5.1.4), for example NTRXX-TEST-0001.",
    )
    country: Country = Field(default="XX", description="countryName of every authority and service.")
    policy_arc: Oid = Field(
        default="1.3.6.1.4.1.32473.1943",
        description="Arc of the provider's certificate policies; the default is IANA's for documentation.",
    )
    cps_url: Annotated[str, AfterValidator(_url)] | None = Field(
        default=None, description="Where the certification practice statement is; goes into certificates."
    )
    pds: tuple[PdsSettings, ...] = Field(
        default=(), description="The PKI disclosure statements; qualified profiles need an English one."
    )
    retention_years: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Years for which records of a certificate are kept after its end; qualified ones say so.",
    )
    name_registration_authorities: tuple[Annotated[str, AfterValidator(_url)], ...] = Field(
        default=(),
        description="URLs of who registers identifiers of local schemes (`EI:SE-...`); EN 319 412-1, 5.1.",
    )
    registration_key: str | None = Field(
        default=None,
        min_length=1,
        description="Label of an RSA key on the token `services`; the secrets of enrolment come of it: what "
        "CMP's, EST's and webhooks' secrets are encrypted with, keys of external account bindings. Not set: "
        "files hold them.",
    )
    profile_versions: dict[str, int] = Field(
        default={},
        description="Which version a profile's plain name means, for example natural-qcp-n-qscd = 2.",
    )
    root: RootSettings = Field(default_factory=RootSettings, description="The root.")
    issuing: IssuingSettings = Field(default_factory=IssuingSettings, description="The issuing authority.")
    ocsp: OcspSettings = Field(default_factory=OcspSettings, description="The OCSP responder.")
    ct: CtSettings | None = Field(
        default=None, description="Logs of certificates; web sites' certificates carry their timestamps then."
    )
    notices: NoticeSettings = Field(
        default_factory=NoticeSettings, description="Notices to subjects about changes of status."
    )
    problem_reports: ProblemReportSettings = Field(
        default_factory=ProblemReportSettings, description="Reports of problems, from anybody (/report)."
    )
    caa: CaaSettings | None = Field(
        default=None, description="How CAA records are asked for; certificates of web sites and mail need it."
    )
    api: ApiSettings | None = Field(
        default=None, description="The JSON API; without this table there is none."
    )
    registration: RegistrationSettings = Field(
        default_factory=RegistrationSettings, description="How subjects are identified."
    )
    cmp: CmpSettings | None = Field(
        default=None, description="The certificate management protocol; absent: not spoken."
    )
    est: EstSettings | None = Field(
        default=None, description="Enrolment over secure transport; absent: not spoken."
    )
    acme: AcmeSettings | None = Field(default=None, description="The ACME server.")
    trusted_list: TrustedListSettings | None = Field(
        default=None,
        description="A trusted list of our own services, for laboratories and tests; absent: there is none.",
    )
    dnssec: Literal["validating-resolver", "none"] | None = Field(
        default=None,
        description="validating-resolver: domains are looked at through a DNS resolver at this machine that "
        "shows that it validates; none: for a closed network that the Internet's root does not know. Not "
        "set: validating-resolver, and none in a laboratory.",
    )
    dnssec_bogus_name: str | None = Field(
        default=None,
        max_length=253,
        pattern=r"^(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z0-9-]{2,63}$",
        description="A name whose records are known not to validate by DNSSEC: a resolver that answers it "
        "does not validate all, and domains are not looked at through it. Not set: none is asked for.",
    )
    perspectives: tuple[PerspectiveSettings, ...] = Field(
        default=(),
        max_length=32,
        description="Other places in the network that look at web sites' domains too, for ACME and for CAA.",
    )

    @model_validator(mode="after")
    def _perspectives_are_different(self) -> IssuanceSettings:
        for what in ("name", "address", "certificate"):
            given = [getattr(one, what) for one in self.perspectives]
            if len(set(given)) != len(given):
                raise ValueError(
                    f"two [[issuance.perspectives]] have the same {what}: one place counts once; remove one"
                )
        return self

    @property
    def protocols(self) -> tuple[str, ...]:
        """The enrolment protocols in use: those that have a table of their own."""
        return tuple(name for name in ENROLMENT if getattr(self, name, None) is not None)
