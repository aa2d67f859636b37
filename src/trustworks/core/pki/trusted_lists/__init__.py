"""Trusted lists (TS 119 612): read, authenticated, kept, and asked for trust anchors and for services."""
