"""From facts, a rule set and a day to verdicts: pure, and the same octets for the same input."""

from trustworks.assurance.engine.evaluation import evaluate
from trustworks.assurance.engine.forecast import Change, Forecast, forecast
from trustworks.assurance.engine.subject import Index

__all__ = ["Change", "Forecast", "Index", "evaluate", "forecast"]
