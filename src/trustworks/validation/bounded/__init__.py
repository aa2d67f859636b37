"""Validations in processes of their own, bounded in time and memory, whatever the files are."""
