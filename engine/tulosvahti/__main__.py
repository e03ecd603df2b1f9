"""``python -m tulosvahti``: the command line."""

from tulosvahti.cli import main

if __name__ == "__main__":
    main()
