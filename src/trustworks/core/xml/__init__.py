"""XML as signatures need it: one safe parser, canonical octets, and XML Signature without a verdict.

`parse` reads a document, `document` keeps what is looked up in it, `dsig` reads its signatures, `references`
finds out what they cover, `values` whether a key made their values. Nothing here knows of XAdES or of trust.
"""
