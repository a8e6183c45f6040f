"""The command line: one module for each command, put together in `clausal.cli.app`."""

from clausal.cli.app import app, main

__all__ = ["app", "main"]
