"""The JSON API under ``/api/v1/``: sessions, certificates, revocations, applications.

`operations.py` is the one table of what there is: routes, permissions and the OpenAPI document come of it.
Clients sign in (`enrolment.clients`) and send their token with every request. What goes wrong is told as a
problem (RFC 9457).
"""

from __future__ import annotations

from trustworks.issuance.http.api.edge import Edge, routes
from trustworks.issuance.http.api.service import ROOT, Api

__all__ = ["ROOT", "Api", "Edge", "routes"]
