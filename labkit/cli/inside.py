"""What `labkit doctor` asks an environment about itself; run there as `python -m labkit.cli.inside`, it prints JSON."""

from __future__ import annotations

import json
import re
import time
from importlib import metadata

from labkit.cli import project


def versions(constraints: str) -> tuple[list[str], list[str]]:
    """Compares what is installed with what labkit requires and what constraints.txt says.

    Returns the requirements that are not met, and the packages of another version than constrained, each as text.
    """
    from packaging.requirements import Requirement

    unmet = []
    for text in metadata.requires("labkit") or []:
        needed = Requirement(text)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            here = _installed(needed.name)
            if here is None:
                unmet.append(f"{needed.name} is missing")
            elif not needed.specifier.contains(here, prereleases=True):
                unmet.append(f"{needed.name} is {here}, labkit needs {needed.specifier}")
    other = []
    for line in constraints.splitlines():
        if re.match(r"\s*(#|$)", line):
            continue
        pinned = Requirement(line)
        here = _installed(pinned.name)
        applies = pinned.marker is None or pinned.marker.evaluate()
        if here and applies and not pinned.specifier.contains(here, prereleases=True):
            other.append(f"{pinned.name} {here} ({str(pinned.specifier).removeprefix('==')})")
    return unmet, other


def kernel() -> tuple[float, str]:
    """Starts a notebook's kernel and lets it import labkit; returns the seconds it took, and what went wrong or ''."""
    from jupyter_client.manager import start_new_kernel

    started = time.monotonic()
    try:
        manager, client = start_new_kernel(60, "python3", extra_arguments=["--log-level=ERROR"])
    except Exception as error:  # whatever it is, it is what the person must be told
        return time.monotonic() - started, f"{type(error).__name__}: {error}"
    try:
        reply = client.execute_interactive("from labkit import connect", store_history=False, timeout=60)
        content = reply["content"]
        wrong = "" if content["status"] == "ok" else f"{content['ename']}: {content['evalue']}"
    except Exception as failure:
        wrong = f"{type(failure).__name__}: {failure}"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return time.monotonic() - started, wrong


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    _unmet, _other = versions((project.root() / "constraints.txt").read_text(encoding="utf-8"))
    _seconds, _error = kernel() if not _unmet else (0.0, "not tried, because packages are missing")
    print(json.dumps({"unmet": _unmet, "other": _other, "kernel_seconds": _seconds, "kernel_error": _error}))
