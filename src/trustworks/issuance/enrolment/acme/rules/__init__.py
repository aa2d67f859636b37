"""What ACME allows, as pure functions: a file for messages, accounts, orders, validation, certificates."""
