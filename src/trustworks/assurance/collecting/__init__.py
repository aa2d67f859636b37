"""One look at everything that runs: evidence is collected, kept, and what nobody planned becomes an incident.

Who reads on: `collector.py` (a round, step by step), `recorded.py` (what is recorded here), `sources.py`
(what the application opens).
"""

from trustworks.assurance.collecting.collector import Collected, Collector, product_on, values_of
from trustworks.assurance.collecting.recorded import acts_of_others
from trustworks.assurance.collecting.sources import Looked, Sources

__all__ = ["Collected", "Collector", "Looked", "Sources", "acts_of_others", "product_on", "values_of"]
