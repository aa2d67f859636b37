"""Signature formats as data: signed files in, one graph of evidence out, and no verdicts."""
