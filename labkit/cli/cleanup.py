"""`labkit cleanup`: deletes the lab from a real account, as `lab.clean_up()` does, where no kernel is left to do it."""

from __future__ import annotations

import argparse
import os

from labkit.cli import worlds
from labkit.cli.messages import command


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="labkit cleanup",
        description="Deletes what has the lab's tag (Lab: nimbus) from a real account, after you have confirmed the "
        "account's number, and shows what is left.",
    )
    parser.add_argument("--dry-run", action="store_true", help="only show what would be deleted")
    parser.add_argument(
        "--aws", type=worlds.world, metavar="AWS", help="aws (default); the embedded AWS keeps nothing to delete"
    )
    worlds.add_account(parser)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Delete the lab, or show what would be deleted; return the exit code.

    Raises:
        LabError: If the credentials do not work, or the account is not confirmed.
    """
    where = options.aws or os.environ.get("LABKIT_AWS") or "aws"
    if where != "aws":
        print(
            "There is nothing to delete: the embedded AWS is in the notebook's kernel, and what was in it is gone with "
            f"the kernel. For a real account: {command('cleanup --aws aws')}."
        )
        return 0
    from labkit.lab import Lab
    from labkit.session.accounts import RealAccount, confirm, connecting

    with connecting():
        account = RealAccount(
            options.profile or os.environ.get("LABKIT_PROFILE"), options.region or os.environ.get("LABKIT_REGION")
        )
        deletes = "shows what would be deleted" if options.dry_run else "deletes what has the lab's tag"
        confirm(account, f"This {deletes} there.")
    account.enter()
    Lab(account).clean_up(dry_run=options.dry_run)
    return 0
