"""A trusted list of what runs here, and a list of lists that points to it: for laboratories and tests.

Life of a list: `running` says what runs; `contents` makes the next list of that and of the one before;
`rules` look at it; `sealing` has the list signer's key sign it, and looks at it again; `records` keep it with
its event; `issuing` has these steps in their order. `differences` tells two lists apart, in words.
Source: TS 119 612 V2.4.1.
"""
