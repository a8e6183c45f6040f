"""The version of this release, kept in the leftmost room so that every room may read it."""

from typing import Final

__version__: Final = "0.1.0"
