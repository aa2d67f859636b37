"""Signatures are created in three steps, the same in every format: `prepare`, sign anywhere, `complete`.

    prepared = prepare(request, signer)
    value = key.sign(prepared.dtbs.octets)
    signed = prepared.complete(value, request.documents)

Nothing is kept between the steps but what `Prepared.encode` writes down. What comes of it is level B-B. Where
a signature stands inside of something else (the CMS in a PDF, a signature in a container), `finish` adds what
it gets besides before it is put there.
"""

from trustworks.signing.create.how import Finish, Stamp
from trustworks.signing.create.prepared import Prepared, prepare

__all__ = ["Finish", "Prepared", "Stamp", "prepare"]
