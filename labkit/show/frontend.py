"""Whether somebody is looking: a front end that shows widgets, or a run that only keeps what is printed."""

from labkit.status import is_live

__all__ = ["is_live"]
