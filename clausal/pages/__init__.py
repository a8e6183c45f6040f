"""Pages for people: what policies, their tests and their decisions come to, as HTML and Markdown."""
