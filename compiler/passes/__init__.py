"""The compiler's passes, one in each file, each a pure function from tree to tree."""
