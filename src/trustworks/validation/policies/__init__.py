"""Validation policies and cryptographic suites: those shipped, how they are read, each constraint."""
