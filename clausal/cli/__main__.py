"""`python -m clausal.cli`: the command line without the executable."""

from clausal.cli.app import main

main()
