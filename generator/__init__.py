"""A seeded world of accounts and the events they cause, for trying policies without real users.

``profiles`` says how much of what there is, ``world`` draws the accounts, ``clock`` the times,
``conduct`` what is truly going on behind each event, ``signals`` what a platform would see of it,
``stream`` puts them in order. The same seed gives the same bytes. What is truly going on is written
apart from the events, so that a policy can be held against it.

All texts are invented; no person, company or event in them is real.
"""

from clausal.generator.profiles import PROFILES, Profile
from clausal.generator.stream import generate, write

__all__ = ["PROFILES", "Profile", "generate", "write"]
