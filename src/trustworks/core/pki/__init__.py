"""Certification paths and the verification of signatures."""
