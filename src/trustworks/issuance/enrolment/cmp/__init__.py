"""The certificate management protocol: RFC 4210 by the profile of RFC 9483.

`exchange` takes a message and answers one; `protection` verifies and makes what protects messages; `rules`
are the checks on header and body; `requests`, `revocations`, `confirmations` and `general` are the bodies.
"""
