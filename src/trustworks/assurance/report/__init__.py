"""What the engine answers, for people and for machines."""

from trustworks.assurance.report.plain import as_values, forecast_values, values
from trustworks.assurance.report.text import NOT_A_DECISION, fact_words, forecast_lines, report_lines

__all__ = [
    "NOT_A_DECISION",
    "as_values",
    "fact_words",
    "forecast_lines",
    "forecast_values",
    "report_lines",
    "values",
]
