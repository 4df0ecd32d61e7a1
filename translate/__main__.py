"""`python -m translate` is the command line."""

from translate.cli import main

main()
