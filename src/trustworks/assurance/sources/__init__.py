"""Importers of what is published about certificates: pure, from octets to facts with their provenance.

`read_any` finds out which form a document has. Nothing is fetched: a person downloads it, and says when.
"""

from trustworks.assurance.model import stale
from trustworks.assurance.sources.forms import READERS, read_any
from trustworks.assurance.sources.identity import (
    Alias,
    Candidate,
    aliases,
    claims_of,
    match,
    phrases_of,
)
from trustworks.assurance.sources.imported import (
    DEFAULT,
    Download,
    Imported,
    Limits,
    ListedService,
    Problem,
)
from trustworks.assurance.sources.merging import merge

__all__ = [
    "DEFAULT",
    "READERS",
    "Alias",
    "Candidate",
    "Download",
    "Imported",
    "Limits",
    "ListedService",
    "Problem",
    "aliases",
    "claims_of",
    "match",
    "merge",
    "phrases_of",
    "read_any",
    "stale",
]
