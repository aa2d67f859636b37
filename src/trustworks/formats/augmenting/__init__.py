"""Augmentation of signatures, ours or of others: what a file is given for the levels T, LT and LTA.

`Opened` is a file, `Opened.targets` its signatures; a `Target` says what its next time-stamp has to be over
(`octets_to_stamp`), and takes tokens and validation data.
"""

from trustworks.formats.augmenting.opened import Opened, Target
from trustworks.formats.augmenting.writer import Kind

__all__ = ["Kind", "Opened", "Target"]
