"""How diagnostics look: for people (`terminal`), for programs (`json`), for code hosts (`sarif`)."""
