"""Rule sets as dated data: what a source says about evidence, as decision tables that a program can check.

A rule set is a TOML file. Its tables ask questions (`domains`) of the facts and decide every combination of
answers exactly once: `checking` refuses a set that leaves one open or decides it twice.
"""

from trustworks.assurance.rulesets.checking import check
from trustworks.assurance.rulesets.model import (
    Act,
    Case,
    Obligation,
    Option,
    Process,
    RuleSet,
    Sunset,
    Table,
    Way,
)
from trustworks.assurance.rulesets.reading import SHIPPED, load, read

__all__ = [
    "SHIPPED",
    "Act",
    "Case",
    "Obligation",
    "Option",
    "Process",
    "RuleSet",
    "Sunset",
    "Table",
    "Way",
    "check",
    "load",
    "read",
]
