"""The compiler: syntax trees to a typed IR, through the passes, to a decision program in a bundle."""
