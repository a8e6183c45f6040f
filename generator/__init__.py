"""A seeded world of accounts and the events they cause, for trying policies without real users.

``profiles`` says how much of what there is, ``conduct`` what may be going on behind an event, ``draws``
is where randomness comes from, ``world`` draws the accounts, ``clock`` the times, ``plan`` which events
there are, ``signals`` what a platform would see of them, ``tables`` and ``lines`` write that down, and
``stream`` puts it together. The same seed gives the same bytes. What is truly going on is written apart
from the events, so that a policy can be held against it.

All texts are invented; no person, company or event in them is real.
"""

from clausal.generator.conduct import CAMPAIGNS
from clausal.generator.profiles import PROFILES, Profile, stressed
from clausal.generator.stream import Batch, Output, Stream, batches, write

__all__ = [
    "CAMPAIGNS",
    "PROFILES",
    "Batch",
    "Output",
    "Profile",
    "Stream",
    "batches",
    "stressed",
    "write",
]
