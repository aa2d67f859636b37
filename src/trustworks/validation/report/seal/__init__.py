"""The seal on a report of TS 119 102-2: XAdES over all of it, by a key that is given or the service's."""
