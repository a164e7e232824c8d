"""`python3 -m labkit VERB`, or `labkit VERB`: checks the version of Python, then calls `labkit.cli`.

Python 3.6 must be able to parse this file, which says that a Python is too old.
"""

import sys


def main() -> int:
    """Run the verb of the command line; return the exit code."""
    if sys.version_info < (3, 11):
        sys.stderr.write(
            f"labkit: This is Python {sys.version_info[0]}.{sys.version_info[1]} ({sys.executable}), and labkit needs "
            "3.11 or newer: install a newer Python, then run this command with it, for example "
            "'python3.13 -m labkit start' ('py -3.13 -m labkit start' on Windows).\n"
        )
        return 1
    from labkit import interruption

    interruption.watch()  # before the other imports, which take a moment in which somebody may press Ctrl-C

    from labkit import cli
    from labkit.cli import streams

    streams.prepare()
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
