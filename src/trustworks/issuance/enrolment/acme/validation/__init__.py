"""Validation of control over names: attempts outside of requests, with the database as their queue."""
