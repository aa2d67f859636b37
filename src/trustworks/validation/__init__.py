"""Validation of signatures, seals and time-stamps."""
