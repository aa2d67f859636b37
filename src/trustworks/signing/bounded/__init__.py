"""Processes that make signatures, bounded in time and memory: they read documents and have no key."""
