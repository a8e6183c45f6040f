"""What a text means to a policy: folding, terms and patterns, as the checker and the engine see it."""
