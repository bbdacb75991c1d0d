"""``python -m gocodemod``."""

from gocodemod.cli.main import entry

if __name__ == "__main__":
    entry()
