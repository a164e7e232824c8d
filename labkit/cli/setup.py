"""`labkit setup`: the environment and nothing else."""

from __future__ import annotations

import argparse
import sys

from labkit.cli.errors import command


def parse(arguments: list[str]) -> argparse.Namespace:
    return argparse.ArgumentParser(prog="labkit setup", description=__doc__).parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    print(f"Everything is set up in {sys.prefix}. '{command('start')}' opens the course.")
    return 0
