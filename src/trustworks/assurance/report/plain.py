"""Reports as JSON values, the same for the same report."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trustworks.assurance.engine import Forecast
    from trustworks.assurance.model import Report


def as_values(report: Report) -> dict[str, Any]:
    """A report with every rule, fact and missing piece."""
    found: dict[str, Any] = values(report)
    return found


def forecast_values(forecast: Forecast) -> dict[str, Any]:
    """A forecast: the first report, and the changes after it."""
    found: dict[str, Any] = values(forecast)
    return found


def values(value: Any) -> Any:
    """A dataclass of this package, or several, as JSON values."""
    if is_dataclass(value):
        return {one.name: values(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple):
        return [values(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return value
