"""Termination plans: written, checked, rehearsed, approved, carried out; and what a third party gets."""
