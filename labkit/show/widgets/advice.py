"""Say what to do next about a packet that was stopped; the texts are in advice.toml. The steps of a path show it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from labkit.network import Hop

_NEXT = tomllib.loads(Path(__file__).with_name("advice.toml").read_text(encoding="utf-8"))


def next_step(hop: Hop) -> str | None:
    """Say what to do about the packet that a hop stopped.

    Returns:
        The advice for the hop's code, or where AWS explains the code if there is none; None if the packet went on.
    """
    if hop.passes:
        return None
    elsewhere = "AWS explains the code on the page of Reachability Analyzer's explanation codes."
    return str(_NEXT.get(hop.code or "", elsewhere))
