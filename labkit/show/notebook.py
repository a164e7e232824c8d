"""What connecting a lab adds to a notebook: the cell magic `%%shell`, and short errors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from labkit.errors import LabError
from labkit.show.tracebacks import shorten

if TYPE_CHECKING:
    from labkit.lab import Lab


def register(lab: Lab) -> None:
    """Add them to the running notebook, bound to `lab`; outside IPython there is nothing to do."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        return

    def run_on_instance(line: str, cell: str) -> None:
        """%%shell INSTANCE: run the lines below on an instance, through SSM Run Command."""
        if not line.strip():
            raise LabError("Say on which instance: %%shell instance-1")
        lab.shell(line.strip(), cell)

    shorten(shell)
    shell.register_magic_function(run_on_instance, magic_kind="cell", magic_name="shell")
