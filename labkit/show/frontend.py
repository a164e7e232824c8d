"""Whether somebody is looking: a front end that shows widgets, or a run that only keeps what is printed."""

from __future__ import annotations

import sys


def is_live() -> bool:
    """Whether this cell was run from a front end such as JupyterLab, by somebody who can move a widget.

    Such front ends offer to ask the person (`allow_stdin`); nbconvert, nbclient and nbval, which run notebooks without
    one, do not, and a script has no kernel at all.
    https://jupyter-client.readthedocs.io/en/stable/messaging.html#execute

    >>> is_live()
    False
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    kernel = getattr(shell, "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False))
