"""Joins the register of requirements with the rules in the code and with the tests that carry their ids."""

from __future__ import annotations

from trustworks.assurance.traceability.join import Line, State, Trace, trace
from trustworks.assurance.traceability.places import Places, find_places
from trustworks.assurance.traceability.register import Register, Requirement, load_register

__all__ = [
    "Line",
    "Places",
    "Register",
    "Requirement",
    "State",
    "Trace",
    "find_places",
    "load_register",
    "trace",
]
