"""Certification paths and the verification of signatures. `path.py` says what is processed and what is refused."""
