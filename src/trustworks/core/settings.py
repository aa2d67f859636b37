"""The base of every table of ``trustworks.toml``."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from cryptography.x509 import ObjectIdentifier
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo, field_validator

_NO_OID: Final = "write an object identifier in dotted form, for example 1.3.6.1.4.1.32473.1"

LONGEST_OID: Final = 255
"""Characters: so many does the record of time-stamps hold."""


def check_oid(value: str) -> str:
    """The object identifier, as it was given. Raises ValueError with what to write in its place."""
    arcs = value.split(".")
    if (
        len(arcs) < 2
        or not all(arc.isascii() and arc.isdigit() and (arc == "0" or arc[0] != "0") for arc in arcs)
        or int(arcs[0]) > 2
        or (int(arcs[0]) < 2 and int(arcs[1]) > 39)
        or any(int(arc).bit_length() > 128 for arc in arcs)
        or len(value) > LONGEST_OID
    ):
        raise ValueError(_NO_OID)
    try:
        ObjectIdentifier(value)
    except ValueError:  # in form, and longer than the library's DER takes
        raise ValueError(_NO_OID) from None
    return value


Oid = Annotated[str, AfterValidator(check_oid)]
"""An object identifier in dotted form."""


def _web_address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(?:/\S*)?", value):
        raise ValueError("write an address that begins with https:// or http://")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]
"""An address that is asked by HTTP, or that people are told."""


def hyphens(name: str) -> str:
    """A name as TOML writes it."""
    return name.replace("_", "-")


class Table(BaseModel):
    """A table of the configuration: unknown keys are errors, values are fixed, keys have hyphens.

    A value has the type of its key: "yes" is not true, and "1000" is no number. What TOML has no type for is
    written as text (paths) or as a list (tuples), and a whole number is a number.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=hyphens,
        validate_by_alias=True,
        validate_by_name=False,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _from_toml(cls, value: Any, info: ValidationInfo) -> Any:
        annotation = cls.model_fields[info.field_name or ""].annotation
        kinds = (annotation, *get_args(annotation))
        if isinstance(value, list):
            return tuple(Path(one) if isinstance(one, str) and Path in kinds else one for one in value)
        if isinstance(value, str) and Path in kinds:
            return Path(value)
        if isinstance(value, str) and datetime in kinds:
            return _moment(value)
        if get_origin(annotation) is Literal and not isinstance(value, str):
            # Python holds False for 0 and 3.0 for 3.
            allowed = [one for one in get_args(annotation) if one == value]
            if allowed and type(allowed[0]) is not type(value):
                raise ValueError(f"write {' or '.join(repr(one) for one in get_args(annotation))}")
        return value


def _moment(value: str) -> Any:
    """The moment that text says, or the text, which is then told to be none."""
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return value
