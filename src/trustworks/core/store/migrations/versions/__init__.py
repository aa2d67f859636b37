"""One file for each version, numbered; each names the one before it.

They go forward only: a step back would throw away records of a trust service. The way back is the backup made
before the upgrade (docs/store.md), so no version has a `downgrade`.
"""
