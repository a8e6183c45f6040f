"""The policies and libraries that ship with Clausal, as package data (`*.policy`, terms, samples)."""
