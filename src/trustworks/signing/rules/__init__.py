"""What has to hold before a key signs and before a signature leaves, as pure functions with requirement ids.

`certificates`: may this certificate sign this, now. `request` (with `forms`, `claims`, `content`,
`identifiers` and `times`): is what is asked for consistent. `level`: is the level reached that was asked for.
"""
