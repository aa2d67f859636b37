"""[validation]: what the service offers, whom it trusts, and what one validation may cost."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from trustworks.core.pki.trusted_lists.uris import LIST_OF_LISTS, OFFICIAL_JOURNAL
from trustworks.core.settings import Oid, Table, WebAddress
from trustworks.formats.limits import MOST

MEBI: Final = 1024 * 1024
SHIPPED: Final = ("ades", "qualified", "preservation")
"""The policies of this package by name; a test compares them with those that are there."""


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise ValueError("write a network as 10.0.0.0/8") from None
    return value


def _host(value: str) -> str:
    name, _, address = value.partition("=")
    try:
        ip_address(address)
    except ValueError:
        name = ""
    if not name:
        raise ValueError("write NAME=ADDRESS, for example status.example.com=10.0.0.5")
    return value


class FetchSettings(Table):
    """[validation.fetch]: evidence that is fetched from where certificates say that it is."""

    online: bool = Field(
        default=True, description="Whether anything is fetched; false: files are judged by what they hold."
    )
    networks: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        default=(), description="Networks that are asked although they are not public, such as 10.0.0.0/8."
    )
    closed_networks: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        default=(),
        description="Networks that are not asked although they are public, such as 168.63.129.16/32 of a "
        "cloud; they go before networks.",
    )
    ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = Field(
        default=(80, 443),
        description="Ports that are asked of hosts that are in neither networks nor hosts.",
    )
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field(
        default=(),
        description="Hosts whose address is said here and not by DNS, as NAME=ADDRESS; they are asked "
        "although the address is not public.",
    )
    seconds: float = Field(default=5.0, gt=0, le=120, description="Seconds for one answer as a whole.")
    all_seconds: float = Field(
        default=10.0,
        gt=0,
        le=120,
        description="Seconds for all answers of one validation, which holds one of the places of at-once "
        "meanwhile; never more than 0.7 of the seconds of a validation.",
    )
    octets: int = Field(
        default=16 * MEBI, ge=1024, le=256 * MEBI, description="Octets of the longest answer that is read."
    )
    answers: int = Field(
        default=40, ge=1, le=400, description="Answers that are asked for in one validation, at most."
    )
    all_octets: int = Field(
        default=64 * MEBI, ge=1024, le=4096 * MEBI, description="Octets of all answers of one validation."
    )
    cache: Path | None = Field(
        default=Path("run/validation-cache"), description="The folder that keeps answers while they count."
    )
    cache_octets: int = Field(
        default=512 * MEBI,
        ge=MEBI,
        description="Octets that folder holds at most; what was not used for longest makes room.",
    )


class LimitSettings(Table):
    """[validation.limits]: what one validation may cost; what needs more is refused."""

    upload: int = Field(
        default=100 * MEBI,
        ge=1024,
        le=16 * 1024 * MEBI,
        description="Octets of all files that come with one request.",
    )
    upload_seconds: float = Field(
        default=300.0, gt=0, le=3600, description="Seconds within which the files must have arrived."
    )
    uploads: int = Field(
        default=32,
        ge=1,
        le=1000,
        description="Requests that one worker takes in at the same time, until they are answered; others are "
        "refused before anything of them is read.",
    )
    uploads_octets: int = Field(
        default=1024 * MEBI,
        ge=1024,
        le=64 * 1024 * MEBI,
        description="Octets of all files that one worker holds of them; not less than upload.",
    )
    message: int = Field(
        default=16 * MEBI,
        ge=1024,
        le=512 * MEBI,
        description="Octets of a message of the validation protocol (TS 119 442), which is held in memory; "
        "all that one worker takes in at the same time have four times as many.",
    )
    files: int = Field(default=100, ge=1, le=200, description="Files that come with one request.")
    parsed: int = Field(
        default=32 * MEBI,
        ge=1024,
        le=1024 * MEBI,
        description="Octets of a signed file that is read as a whole (XML, CMS, PDF, JSON), which takes "
        "about four times as much memory; detached data and members of containers have no such limit.",
    )
    unpacked: int = Field(
        default=1024 * MEBI,
        ge=1024,
        le=64 * 1024 * MEBI,
        description="Octets of all members of a container when they are unpacked.",
    )
    ratio: int = Field(
        default=1_000,
        ge=1,
        le=100_000,
        description="How many times its size a member of a container may have when it is unpacked.",
    )
    members: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Members of a container, sections of a PDF, objects of an evidence record.",
    )
    depth: int = Field(
        default=MOST["depth"],
        ge=1,
        le=MOST["depth"],
        description="Levels of nesting of XML, ASN.1, JSON and objects of a PDF.",
    )
    elements: int = Field(
        default=2_000_000,
        ge=1,
        le=100_000_000,
        description="Elements of XML, ASN.1 or JSON in a file, objects of a PDF.",
    )
    attributes: int = Field(
        default=2_000,
        ge=1,
        le=100_000,
        description="Attributes of an XML element and of a signer in CMS, components of a JAdES signature.",
    )
    references: int = Field(
        default=1_000, ge=1, le=100_000, description="References of one signature, or objects that it names."
    )
    signatures: int = Field(default=200, ge=1, le=10_000, description="Signatures in a file.")
    time_stamps: int = Field(default=1_000, ge=1, le=100_000, description="Time-stamps in a file.")
    canonical: int = Field(
        default=64 * MEBI,
        ge=0,
        le=16 * 1024 * MEBI,
        description="Octets of canonical forms that are made of one XML document, beside four times its own.",
    )
    digested: int = Field(
        default=512 * MEBI,
        ge=0,
        le=64 * 1024 * MEBI,
        description="Octets of a file that are digested again, for references and time-stamps over the same, "
        "beside several times its own.",
    )
    work: int = Field(
        default=50_000_000,
        ge=1,
        le=10_000_000_000,
        description="Steps of what grows faster than the file does, such as XPath and objects of a PDF; "
        "simple XPath that reads no text has 50 for each octet of the document beside, at most 500 million.",
    )
    memory: int = Field(
        default=1024 * MEBI,
        ge=256 * MEBI,
        le=64 * 1024 * MEBI,
        description="Octets of memory of a process that validates.",
    )
    cpu_seconds: int = Field(
        default=10, ge=1, le=600, description="Seconds of processor time for one validation."
    )
    seconds: float = Field(
        default=60.0, gt=0, le=600, description="Seconds for one validation, with what is fetched."
    )
    at_once: int = Field(
        default=2, ge=1, le=64, description="Validations that one worker process runs at the same time."
    )
    waiting: int = Field(
        default=16,
        ge=0,
        le=1000,
        description="Validations that wait in one worker before others are refused.",
    )

    @model_validator(mode="after")
    def _one_upload_has_room(self) -> LimitSettings:
        if self.uploads_octets < self.upload:
            raise ValueError("uploads-octets is less than upload, so the longest upload could never come")
        return self


class ListsSettings(Table):
    """[validation.lists]: the trusted lists of the member states, kept and renewed by the jobs process."""

    store: Path = Field(
        default=Path("state/trusted-lists"),
        description="The folder of the lists; whoever writes there decides who is trusted.",
    )
    url: WebAddress = Field(default=LIST_OF_LISTS, description="The address of the list of lists.")
    anchors: tuple[Path, ...] = Field(
        default=(),
        description="The certificates that the Official Journal publishes for the list of lists (PEM).",
    )
    publication: WebAddress = Field(
        default=OFFICIAL_JOURNAL,
        description="The address of that publication, as the list of lists names it.",
    )
    source: Path | None = Field(
        default=None, description="A folder of files that the lists are taken from, without a network."
    )
    every_hours: float = Field(
        default=6.0, gt=0, le=168, description="Hours between two refreshes of the lists."
    )
    stale_hours: float = Field(
        default=48.0,
        gt=0,
        le=8760,
        description="Hours since the last good refresh after which /healthz says that the lists are stale.",
    )


class SealSettings(Table):
    """[validation.seal]: the provider's seal on every report of ETSI TS 119 102-2 that leaves the service."""

    key: str = Field(
        default="report-seal", description="Label of the key on the token `services` that seals reports."
    )
    certificate: Path = Field(
        description="Its certificate (PEM, profile seal-validation-report); those of its authorities may "
        "follow, and go into the seal with it."
    )
    time_stamp_url: WebAddress | None = Field(
        default=None,
        description="The time-stamping authority that stamps each seal, such as the provider's own "
        "(http://127.0.0.1:8080/tsa); without it seals have no time-stamp.",
    )


class ValidationSettings(Table):
    """[validation]: signatures, seals and time-stamps are validated for whoever sends them."""

    policies: tuple[str, ...] = Field(
        default=SHIPPED, description="The policies of this package that are offered, by name."
    )
    policy_files: tuple[Path, ...] = Field(
        default=(),
        description="Policies of the provider's own (TOML, or XML of EU DSS); each is offered by the name of "
        "its file without the ending.",
    )
    default_policy: str = Field(default="ades", description="The policy where a request names none.")
    service_policy: Oid | None = Field(
        default=None,
        description="The object identifier of the policy under which the service is provided; every answer "
        "bears it.",
    )
    practice_statement: WebAddress | None = Field(
        default=None,
        description="The address at which the service's practice statement is published; reports of ETSI "
        "TS 119 102-2 name it.",
    )
    trust: tuple[Path, ...] = Field(
        default=(), description="Trust anchors: certificates (PEM or DER) or folders of them."
    )
    lists: ListsSettings | None = Field(default=None, description="The trusted lists of the member states.")
    seal: SealSettings | None = Field(
        default=None, description="The seal on reports; without it they have none."
    )
    fetch: FetchSettings = Field(default_factory=FetchSettings, description="What is fetched.")
    limits: LimitSettings = Field(default_factory=LimitSettings, description="What one validation may cost.")

    @model_validator(mode="after")
    def _policies_are_offered(self) -> ValidationSettings:
        for name in self.policies:
            if name not in SHIPPED:
                raise ValueError(
                    f"policies names {name}; there are {', '.join(SHIPPED)}. Name a file of your own in "
                    "policy-files"
                )
        names = self.offered
        if len(set(names)) != len(names):
            raise ValueError(
                "two policies have the same name; a file is offered by its name without the ending"
            )
        if self.default_policy not in names:
            raise ValueError(
                f"default-policy is {self.default_policy}, which is not offered; offered are "
                f"{', '.join(names) or 'none'}"
            )
        return self

    @property
    def service_policy_urn(self) -> str | None:
        """The policy of the service as a URN (RFC 3061)."""
        return None if self.service_policy is None else f"urn:oid:{self.service_policy}"

    @property
    def offered(self) -> tuple[str, ...]:
        """The names of all policies that requests may name."""
        return (*self.policies, *(file.stem for file in self.policy_files))
