"""The command line: one module for each command, put together in `clausal.cli.app`."""

from clausal.cli.app import main

__all__ = ["main"]
