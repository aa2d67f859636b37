"""ACME (RFC 8555): accounts, orders, validation of control over names, certificates for servers.

`service.py` and what it leans on (`accounts.py`, `orders.py`, `certificates.py`) hold the order of effects,
`rules/` what may be asked, `validation/` the attempts that run outside of requests.
"""
