"""Tallies: figures over earlier events in sliding windows, kept for rules that read them.

`Tallies` reads what a bundle counts from events and asks a store: `MemoryTallies`, in the process,
or `RedisTallies`, shared by several.
"""

from clausal.enforcement.tallies.definition import Changed, Choice, Definition, TallyChanged
from clausal.enforcement.tallies.in_memory import MemoryTallies
from clausal.enforcement.tallies.store import StoreError, TallyStore
from clausal.enforcement.tallies.tallies import Tallies

__all__ = [
    "Changed",
    "Choice",
    "Definition",
    "MemoryTallies",
    "StoreError",
    "Tallies",
    "TallyChanged",
    "TallyStore",
]
