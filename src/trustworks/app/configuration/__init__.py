"""The one TOML file: its settings, what is wrong with a value in it, and what each key means."""
