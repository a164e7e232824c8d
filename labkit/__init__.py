"""Two VPCs, a ping that fails, and the flow logs that tell why: the package behind the notebooks.

`import labkit` uses only the standard library; `labkit.connect` and the rooms load on first use (PEP 562), so that
`python3 -m labkit` can set up a machine on which nothing is installed yet. Keep this file readable for Python 3.6.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

    from labkit.lab import connect as connect

__version__ = "0.2.0"

_ROOMS = ("flowlogs", "iam", "insights", "learn", "network", "show")
_HOMES = {"connect": "labkit.lab"}

__all__ = ["__version__", "connect"]


def __getattr__(name: str) -> "Any":
    if name not in _ROOMS and name not in _HOMES:
        raise AttributeError(f"labkit has no '{name}'; it has {', '.join([*_HOMES, *_ROOMS])}.")
    import importlib

    home = _HOMES.get(name, "labkit." + name)
    try:
        module = importlib.import_module(home)
    except ModuleNotFoundError as missing:
        if missing.name == home:
            raise AttributeError(f"This version of labkit has no '{name}'.") from missing
        if (missing.name or "").startswith("labkit"):
            raise
        raise ImportError(
            f"labkit.{name} needs the package {missing.name}, which this Python does not have: run "
            "'python3 -m labkit start' in the project's folder, which installs everything, or use the environment "
            "that has labkit."
        ) from missing
    return getattr(module, name) if name in _HOMES else module


def __dir__() -> "List[str]":
    return sorted(set(globals()) | set(_ROOMS) | set(_HOMES))
