"""What a signer is shown of a document before he signs it: exactly what he gets, and what he has to know.

`viewer.Viewer` is what is called; it has the reading done in bounded processes (`process`), which `look` at
the octets by their kind. `model` says what comes of it.
"""
