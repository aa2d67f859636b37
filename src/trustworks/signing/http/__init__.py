"""The service over HTTP: its routes, and their description for programs."""

from trustworks.signing.http.openapi import document
from trustworks.signing.http.rest import PATHS, routes

__all__ = ["PATHS", "document", "routes"]
