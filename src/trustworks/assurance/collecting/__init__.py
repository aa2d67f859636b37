"""One look at everything that runs: evidence is collected, kept, and what nobody planned becomes an incident.

Who reads on: `collector.py` (a round, step by step), `recorded.py` (what is recorded here), `sources.py`
(what the application opens), `uses.py` (what a token is used for).
"""

from trustworks.assurance.collecting.collector import Collected, Collector, values_of
from trustworks.assurance.collecting.recorded import acts_of_others
from trustworks.assurance.collecting.sources import Looked, Sources
from trustworks.assurance.collecting.uses import uses_of
from trustworks.assurance.evidence.identity import product_on

__all__ = [
    "Collected",
    "Collector",
    "Looked",
    "Sources",
    "acts_of_others",
    "product_on",
    "uses_of",
    "values_of",
]
