"""Importing this declares every table of the product, whichever tests are run beside it."""

from __future__ import annotations

import importlib
import pkgutil

import trustworks

for _module in pkgutil.walk_packages(trustworks.__path__, "trustworks."):
    if ".records" in _module.name:
        importlib.import_module(_module.name)
