"""Which AWS the notebooks of `labkit start` and `labkit run` talk to: `--aws`, `--profile` and `--region`.

The kernels learn it from environment variables, which `labkit.connect` reads.
"""

from __future__ import annotations

import argparse

WORLDS = ("embedded", "contrary", "aws")

#: The variables by the names of the options.
_VARIABLES = {"aws": "LABKIT_AWS", "profile": "LABKIT_PROFILE", "region": "LABKIT_REGION"}


def world(text: str) -> str:
    """Return the AWS that an argument names, as `labkit.connect` takes it.

    >>> world("contrary:throttling")
    'contrary:throttling'

    Raises:
        argparse.ArgumentTypeError: It names none.
    """
    name, _, behaviors = text.partition(":")
    if name not in WORLDS or (behaviors and name != "contrary"):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not an AWS; choose embedded, contrary, contrary:BEHAVIOR,BEHAVIOR or aws"
        )
    return text


def add_account(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how to reach a real account."""
    parser.add_argument("--profile", metavar="NAME", help="the profile with the credentials for a real account")
    parser.add_argument("--region", metavar="NAME", help="the region of a real account (default: the profile's)")


def variables(options: argparse.Namespace) -> dict[str, str]:
    """Return the environment variables that say to a kernel what the options say."""
    given = ((variable, getattr(options, option, None)) for option, variable in _VARIABLES.items())
    return {variable: value for variable, value in given if value}
