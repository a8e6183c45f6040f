"""The policy language: text to syntax tree with spans, back to text, and diagnostics."""
