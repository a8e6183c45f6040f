"""Text for the engine: folding, and the matching of terms, patterns and samples."""
