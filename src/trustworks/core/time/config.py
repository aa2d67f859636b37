"""The table ``[time]`` of ``trustworks.toml``."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from trustworks.core.settings import Table

LEASE_NAME = "clock.lease"
NTP_PORT = 123

# Public services that spread a leap second over hours: what they serve on such a day is not UTC, and mixed
# with servers that follow UTC they break the quorum. A domain stands for all names in it; those services give
# their machines new names.
SMEARING_DOMAINS = frozenset(
    {
        "google.com",
        "google",
        "goog",
        "android.com",
        "facebook.com",
        "fb.com",
        "meta.com",
        "aws.com",
        "amazonaws.com",
        "google.internal",  # metadata.google.internal, on Google's virtual machines
    }
)
SMEARING_ADDRESSES = frozenset(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.123",  # Amazon, on its virtual machines
            "fd00:ec2::123",
            "169.254.169.254",  # Google, on its virtual machines
            "216.239.35.0",  # time1.google.com to time4.google.com
            "216.239.35.4",
            "216.239.35.8",
            "216.239.35.12",
            "2001:4860:4806::",
            "2001:4860:4806:4::",
            "2001:4860:4806:8::",
            "2001:4860:4806:c::",
        ),
    )
)


def smears(host: str) -> bool:
    """Whether a server, by name or address, is known to smear leap seconds."""
    name = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        labels = name.split(".")
        return any(".".join(labels[start:]) in SMEARING_DOMAINS for start in range(len(labels)))
    return (getattr(address, "ipv4_mapped", None) or address) in SMEARING_ADDRESSES


def normalised(value: str) -> tuple[str, int]:
    """A server's host and port, the same however it was written: case, final dot, port, form of address."""
    host, port = split_server(value)
    name = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name, port
    return str(getattr(address, "ipv4_mapped", None) or address), port


def split_server(value: str) -> tuple[str, int]:
    """Host and port of ``host``, ``host:port``, ``[v6]:port`` or a bare IPv6 address.

    Raises:
        ValueError: the port is not a number from 1 to 65535, or the host is empty.
    """
    host, port = value, str(NTP_PORT)
    if value.startswith("["):
        host, _, rest = value[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif value.count(":") == 1:
        host, _, port = value.partition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("write an NTP server as HOST, HOST:PORT or [IPV6]:PORT")
    return host, int(port)


def _server(value: str) -> str:
    host, _ = split_server(value)
    if smears(host):
        raise ValueError(f"{host} smears leap seconds, so it does not serve UTC; name another server")
    return value


Server = Annotated[str, AfterValidator(_server)]


class TimeSettings(Table):
    """[time]: where trusted time comes from, how far it may be off, and what stops it."""

    mode: Literal["enforce", "lab"] = Field(
        default="enforce",
        description="enforce: time only under a lease with a proven error bound. lab: an unchecked clock.",
    )
    sources: tuple[Literal["kernel", "chrony", "ntp"], ...] = Field(
        default=("kernel", "chrony"),
        min_length=1,
        description="All must agree before a lease is written: kernel (a gate), chrony, ntp (own queries).",
    )
    traceable_to: tuple[str, ...] = Field(
        default=(),
        description="The UTC(k) laboratories that the sources trace to, such as UTC(PTB); enforce needs it.",
    )
    lease_file: Path | None = Field(
        default=None, description="The memory-mapped lease. None: clock.lease in the state folder."
    )
    lease_seconds: float = Field(default=5.0, ge=2, le=60, description="How long a lease holds.")
    max_bound_us: int = Field(
        default=100_000,
        ge=1,
        le=1_000_000,
        description="The largest proven error, in microseconds, under which a lease is written.",
    )
    oscillator_ppm: float = Field(
        default=100.0,
        gt=0,
        le=1000,
        description="How far the free-running oscillator may drift, in parts per million.",
    )
    slew_ppm: float = Field(
        default=1000.0,
        gt=0,
        le=100_000,
        description="How fast the clock may be steered; faster counts as a jump (see chrony's maxslewrate).",
    )
    jump_tolerance_us: int = Field(
        default=5_000,
        ge=100,
        le=500_000,
        description="A step larger than this is a jump and stops the clock.",
    )
    kernel_max_error_us: int = Field(
        default=1_000_000,
        ge=1,
        le=16_000_000,
        description="The kernel's largest maxerror, in microseconds; it grows by 500 ppm between updates.",
    )
    max_stratum: int = Field(
        default=4,
        ge=1,
        le=15,
        description="The highest stratum of this machine (chrony) or of a server (ntp).",
    )
    max_reference_age: float = Field(
        default=2200.0,
        gt=0,
        le=86_400,
        description="Seconds since chrony's last update after which it counts as stale.",
    )
    chronyc: str = Field(default="chronyc", min_length=1, description="The chronyc program.")
    chrony_address: str | None = Field(
        default=None, min_length=1, description="What `chronyc -h` is given. None: chronyc's own default."
    )
    ntp_servers: tuple[Server, ...] = Field(
        default=(),
        max_length=32,
        description="Servers for own queries, HOST or HOST:PORT; at least ntp-quorum.",
    )
    ntp_quorum: int = Field(
        default=3, ge=3, le=32, description="How many servers must agree, and always more than half of them."
    )
    ntp_poll: float = Field(
        default=64.0, ge=16, le=1024, description="Seconds between two rounds of queries."
    )
    ntp_timeout: float = Field(
        default=1.0,
        gt=0,
        le=5,
        description="Seconds to wait for the answers of a round, and before that for servers' names.",
    )
    leap_file: Path = Field(
        default=Path("/usr/share/zoneinfo/leap-seconds.list"),
        description="The IERS/NIST list of leap seconds; it must not have expired.",
    )
    leap_authority: Literal["file", "announcements"] = Field(
        default="file",
        description="file: a valid leap file is required. announcements: kernel and NTP may stand in for it.",
    )
    leap_window_ms: int = Field(
        default=1_100,
        ge=1_000,
        le=60_000,
        description="No time is given this long before and after the midnight of an announced leap second.",
    )
    leap_agreement_minutes: int = Field(
        default=60,
        ge=1,
        le=1_440,
        description="From this long before an announced leap second all sources must announce it.",
    )
    report_every: float = Field(
        default=3600.0,
        ge=1,
        le=86_400,
        description="Seconds between two summaries of the synchronisation in the audit log.",
    )

    @model_validator(mode="after")
    def _sources_are_enough(self) -> TimeSettings:
        if len(set(self.sources)) != len(self.sources):
            raise ValueError("sources names a source twice")
        if set(self.sources) == {"kernel"}:
            raise ValueError("sources: the kernel alone proves no error bound; add chrony or ntp")
        servers = [normalised(server) for server in self.ntp_servers]
        if len(set(servers)) < len(servers):
            twice = next(server for server in self.ntp_servers if servers.count(normalised(server)) > 1)
            raise ValueError(f"ntp-servers: {twice} is named twice, and counts as one server")
        if "ntp" in self.sources and len(servers) < self.ntp_quorum:
            raise ValueError(
                f"ntp-servers: the source ntp needs at least {self.ntp_quorum} different servers"
            )
        return self

    @property
    def max_bound_ns(self) -> int:
        """The largest bound of a new lease, in nanoseconds."""
        return self.max_bound_us * 1000

    @property
    def holdover_ns(self) -> int:
        """What a lease's age can add to its bound, in nanoseconds: the oscillator, steering, one step."""
        steered = self.lease_seconds * (self.oscillator_ppm + self.slew_ppm) * 1000
        return round(steered) + self.jump_tolerance_us * 1000

    def lease_path(self, state_dir: Path) -> Path:
        """Where the lease lies."""
        return self.lease_file or state_dir / LEASE_NAME
