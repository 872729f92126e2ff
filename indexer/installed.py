"""Where the code of the command line is: inside this package once installed, beside it in a checkout.

`pipelines` and `configs` are names that a user's own packages may have, so nothing is installed under them.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType


def pipelines_module(name: str) -> ModuleType:
    """Import a module of the pipelines by its name in there, such as `build`."""
    where = "indexer.pipelines" if find_spec("indexer.pipelines") else "pipelines"
    return import_module(f"{where}.{name}")
