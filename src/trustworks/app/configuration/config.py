"""Loads ``trustworks.toml``: unknown keys are errors, every complaint names file, key and what is allowed."""

from __future__ import annotations

import difflib
import stat
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, ValidationError

from trustworks.app.configuration.laboratory import check_approval, check_tokens
from trustworks.app.configuration.objections import first_causes, given, objection
from trustworks.app.configuration.settings import (
    AlarmsSettings,
    AuditSettings,
    HttpSettings,
    LogSettings,
    ProviderSettings,
    RolloverSettings,
    TokensSettings,
)
from trustworks.app.configuration.statements import StatementsSettings
from trustworks.assurance.config import AssuranceSettings
from trustworks.assurance.integrity.config import IntegritySettings
from trustworks.core.errors import Malformed
from trustworks.core.module.config import ModuleSettings
from trustworks.core.roles.config import RolesSettings
from trustworks.core.settings import Table
from trustworks.core.store.config import StoreSettings
from trustworks.core.time.config import TimeSettings
from trustworks.issuance.config import IssuanceSettings  # noqa: TC001 - Pydantic reads it at run time
from trustworks.signing.config import SigningSettings  # noqa: TC001 - as above
from trustworks.timestamping.config import TimestampingSettings  # noqa: TC001 - as above
from trustworks.validation.config import ValidationSettings  # noqa: TC001 - as above

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

DEFAULT_PLACES = (Path("trustworks.toml"), Path("lab/trustworks.toml"))


class Config(Table):
    """The whole configuration: one attribute for each table."""

    provider: ProviderSettings
    module: ModuleSettings = Field(default_factory=ModuleSettings)
    tokens: TokensSettings = Field(default_factory=TokensSettings)
    time: TimeSettings = Field(default_factory=TimeSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    roles: RolesSettings = Field(default_factory=RolesSettings)
    rollover: RolloverSettings = Field(default_factory=RolloverSettings)
    timestamping: TimestampingSettings | None = None
    issuance: IssuanceSettings | None = None
    validation: ValidationSettings | None = None
    signing: SigningSettings | None = None
    http: HttpSettings = Field(default_factory=HttpSettings)
    statements: StatementsSettings = Field(default_factory=StatementsSettings)
    integrity: IntegritySettings = Field(default_factory=IntegritySettings)
    assurance: AssuranceSettings = Field(default_factory=AssuranceSettings)
    alarms: AlarmsSettings = Field(default_factory=AlarmsSettings)
    log: LogSettings = Field(default_factory=LogSettings)


class Loaded(BaseModel):
    """A configuration and its file; relative paths in it were resolved against the file's folder."""

    file: Path
    config: Config

    @property
    def base(self) -> Path:
        """The folder of the configuration file."""
        return self.file.parent

    @property
    def state(self) -> Path:
        """The folder for what must survive restarts."""
        return self.base / "state"

    @property
    def run(self) -> Path:
        """The folder for what lives as long as the processes do: locks, heartbeats, shared counters."""
        return self.base / "run"


def find(given: Path | None) -> Path:
    """The configuration file to use. Raises `Malformed` when there is none."""
    if given is not None:
        if not _is_there(given):
            raise Malformed(f"There is no configuration file {given}. `trustworks lab` makes one.")
        return given
    for place in DEFAULT_PLACES:
        if _is_there(place):
            return place
    raise Malformed(
        "No configuration found: give --config FILE, or start a lab with `trustworks lab --dir lab`."
    )


def _is_there(file: Path) -> bool:
    """Whether there is a file; also where that cannot be seen: why not is told when it is read."""
    try:
        return is_file(file)
    except OSError:
        return True


def is_file(path: Path) -> bool:
    """Whether there is a file. Raises OSError where that cannot be seen: versions of Python's own differ."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last: a null character
        return False


def load(file: Path) -> Loaded:
    """Read and check a configuration file.

    Raises:
        Malformed: not readable, not TOML, an unknown key, a value out of range; all complaints in one
        message. Also for a laboratory that would work on the tokens of another folder.
    """
    file = file.absolute()
    found = parse(read_text(file), file)
    check_tokens(found.config.provider, found.config.module, found.base)
    return found


def read_text(file: Path) -> str:
    """The text of a configuration file. Raises `Malformed` where it cannot be read, or is no text."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Malformed(f"{file} is not UTF-8 text (byte {error.start}).") from error


def parse(text: str, file: Path, *, named: str | None = None) -> Loaded:
    """The configuration that `text` is in `file` (absolute), or would be; `named`: what complaints call it.

    Raises `Malformed` as `load` does for what a file says.
    """
    named = named or str(file)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Malformed(f"{named} is not TOML: {error}.") from error
    try:
        config = Config.model_validate(document)
    except ValidationError as error:
        complaints = [f"  {_complaint(detail)}" for detail in first_causes(error.errors())]
        raise Malformed("\n".join([f"{named} has {len(complaints)} problem(s):", *complaints])) from error
    # Said, and not overruled in silence: who wrote it believes that commands ask for nobody.
    if not config.provider.lab and "required" in config.roles.model_fields_set and not config.roles.required:
        raise Malformed(
            f"{named}: roles.required = false holds in a laboratory alone. Outside one every command that "
            "changes something asks for an operator: remove the line."
        )
    check_approval(config.provider, config.module, config.tokens, named=named)
    return Loaded(file=file, config=_resolved(config, file.parent))


def _resolved(model: Any, base: Path) -> Any:  # noqa: PLR0911 - one line for each kind of value
    """Make relative paths in `model` absolute; a configuration means the same from any folder."""
    if isinstance(model, BaseModel):
        changes = {name: _resolved(getattr(model, name), base) for name in type(model).model_fields}
        return model.model_copy(update=changes)
    if isinstance(model, Path):
        return model if model.is_absolute() else base / model
    if isinstance(model, tuple):
        return tuple(_resolved(item, base) for item in model)
    if isinstance(model, list):
        return [_resolved(item, base) for item in model]
    if isinstance(model, dict):
        return {key: _resolved(value, base) for key, value in model.items()}
    if isinstance(model, str) and model.startswith("sqlite:///") and not model.startswith("sqlite:////"):
        return f"sqlite:///{base / model.removeprefix('sqlite:///')}"
    return model


def _complaint(detail: ErrorDetails) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    match detail["type"]:
        case "extra_forbidden":
            allowed = sorted(_keys_at(detail["loc"][:-1]))
            close = difflib.get_close_matches(str(detail["loc"][-1]), allowed, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            return f"{key}: this key is unknown.{hint} Allowed here: {', '.join(allowed) or 'nothing'}."
        case "missing":
            return f"{key}: this key is missing."
        case _:
            return f"{key}: {objection(detail, _number_at(detail['loc']))}{given(detail)}."


def _number_at(location: tuple[int | str, ...]) -> str:
    """What the number at `location` may be, as `config explain` says it; empty when none is there."""
    from trustworks.app.configuration.explain import settings  # noqa: PLC0415 - it reads the models that are made here

    parts: list[str] = []
    for part, following in zip(location, (*location[1:], None), strict=True):
        if isinstance(part, str):
            parts.append(f"{part}[]" if isinstance(following, int) else part)
    path = ".".join(parts)
    return next((one.allowed for one in settings() if one.path == path and "number" in one.allowed), "")


def _keys_at(location: tuple[int | str, ...]) -> Iterator[str]:
    """The keys that the table at `location` may have."""
    model: Any = Config
    for part in location:
        if isinstance(part, int) or model is None:
            continue
        field = next(
            (f for name, f in model.model_fields.items() if part in (name, f.alias)),
            None,
        )
        model = _table_in(field.annotation) if field is not None else model
    if model is not None:
        for name, field in model.model_fields.items():
            yield field.alias or name


def _table_in(annotation: Any) -> Any:
    """The Pydantic model inside an annotation such as ``tuple[Unit, ...]`` or ``Unit | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _table_in(inner)
        if found is not None:
            return found
    return None
