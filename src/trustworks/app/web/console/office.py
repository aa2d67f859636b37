"""The officers' pages: all that stand on the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.web.console.applications import Applications
from trustworks.app.web.console.certificates import Certificates
from trustworks.app.web.console.control import ControlPages
from trustworks.app.web.console.enrolments import Enrolments
from trustworks.app.web.console.queue import Queue
from trustworks.app.web.console.requests import Requests
from trustworks.app.web.console.searching import Search

if TYPE_CHECKING:
    from trustworks.app.web.console.desk import Desk
    from trustworks.app.web.console.edge import Edge, Page


def pages(edge: Edge, desk: Desk) -> list[Page]:
    """Every page of the desk."""
    return [
        page
        for room in (Queue, Applications, ControlPages, Certificates, Enrolments, Requests, Search)
        for page in room(edge, desk).pages()
    ]
