"""The versions, one module each."""
