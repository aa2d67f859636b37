"""How much of a signed file is looked at, so that none costs more than it may; the configuration sets it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds for readers of formats: what is beyond them is `Malformed`, or a finding in the evidence.

    `parsed` octets of a file that must be held in memory to be read (XML, CMS, PDF, JSON; detached data and
    members of containers that are only digested have no bound). `depth` of nesting. `elements` of XML, ASN.1
    or JSON, objects of a PDF. `unpacked` octets of all members of a container that are unpacked, `ratio` of
    unpacked to packed octets of one.
    """

    parsed: int = 256 * 1024 * 1024
    depth: int = 256
    elements: int = 2_000_000
    attributes: int = 1_000
    references: int = 1_000
    signatures: int = 200
    time_stamps: int = 2_000
    members: int = 10_000
    unpacked: int = 8 * 1024 * 1024 * 1024
    ratio: int = 1_000
    work: int = 50_000_000
    """Steps of what may grow faster than its input, such as XPath expressions and PDF object graphs."""


DEFAULT = Limits()
