"""Clausal: write platform policies clause by clause, compile them, and decide events.

This package is the facade: the public Python API and, in `clausal.cli`, the command line.
"""

from clausal.dsl.version import __version__

__all__ = ["__version__"]
