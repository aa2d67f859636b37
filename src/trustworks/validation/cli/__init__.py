"""The commands of validation, a file per noun."""
