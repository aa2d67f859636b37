"""What is asked of a remote perspective and what it answers: JSON over TLS that both sides authenticate.

Only what the validation of a domain needs can be asked, so that a perspective is no proxy: a challenge of
ACME or of the registration desk at its own place, and CAA records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from trustworks.core.errors import Malformed
from trustworks.issuance.enrolment.acme.identifiers import address_of
from trustworks.issuance.lints.rfc5280.dns_names import is_dns_name

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTROL: Final = "/control"
CAA: Final = "/caa"
MAX_MESSAGE: Final = 262_144
MAX_NAMES: Final = 100
_BASE64URL: Final = r"^[A-Za-z0-9_-]+$"


def _host(value: str) -> str:
    if address_of(value) is None and (not is_dns_name(value) or value.startswith("*.")):
        raise ValueError("is neither a DNS name nor an address")
    return value


def _domain(value: str) -> str:
    if not is_dns_name(value.removeprefix("*.")):
        raise ValueError("is no DNS name")
    return value


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ControlQuestion(_Message):
    """A challenge to look at (RFC 8555, 8), or what the registration desk drew (BR 3.2.2.4.7 and .18)."""

    type: Literal["http-01", "dns-01", "tls-alpn-01", "dns-change", "website-change"]
    name: Annotated[str, AfterValidator(_host)]
    token: str = Field(pattern=_BASE64URL, min_length=16, max_length=128)
    thumbprint: str = Field(pattern=_BASE64URL, max_length=128)


class ControlAnswer(_Message):
    """Whether control was seen; where not, why."""

    seen: bool
    objection: str | None = Field(default=None, max_length=2000)


class CaaQuestion(_Message):
    """Domains whose CAA records count (RFC 8659, 3)."""

    names: tuple[Annotated[str, AfterValidator(_domain)], ...] = Field(
        min_length=1, max_length=MAX_NAMES, strict=False
    )


class CaaAnswer(_Message):
    """The records of each domain that was looked up: flags, tag, value. What is absent could not be."""

    records: dict[str, list[Annotated[tuple[int, str, str], Field(strict=False)]]]


M = TypeVar("M", bound=BaseModel)


def read(model: type[M], octets: bytes) -> M:
    """A message. Raises `Malformed`."""
    try:
        return model.model_validate_json(octets)
    except ValidationError as error:
        first: Mapping[str, object] = {**error.errors(include_input=False, include_url=False)[0]}
        where = ".".join(map(str, first["loc"])) if isinstance(first["loc"], tuple) else ""
        raise Malformed(f"This is no message between perspectives ({where}: {first['msg']}).") from None
