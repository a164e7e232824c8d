"""Points boto3, the AWS CLI and every process started from here at an AWS, by way of the environment, and back.

What the student sets in between counts: on leaving, only what is still as it was set here is put back.
"""

from __future__ import annotations

import importlib
import os
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

#: What each variable was before, and what it was set to here; None where it is not set.
_changed: dict[str, tuple[str | None, str | None]] = {}


def enter(values: Mapping[str, str], without: Iterable[str] = ()) -> None:
    """Set variables, and remember what they were.

    Args:
        values: The variables.
        without: The names of others, which are removed.
    """
    for name in [*values, *without]:
        _changed[name] = os.environ.get(name), values.get(name)
        _set(name, values.get(name))


def leave() -> None:
    """Put back what `enter` has changed and nobody else has changed since."""
    for name, (before, ours) in _changed.items():
        if os.environ.get(name) == ours:
            _set(name, before)
    _changed.clear()


@contextmanager
def kept() -> Iterator[None]:
    """Restore the environment if the block fails."""
    environment, changed = dict(os.environ), dict(_changed)
    try:
        yield
    except BaseException:
        for name in {*os.environ, *environment}:
            _set(name, environment.get(name))
        _changed.clear()
        _changed.update(changed)
        raise


def _set(name: str, value: str | None) -> None:
    if value is not None:
        os.environ[name] = value
    else:
        os.environ.pop(name, None)


def without_proxy(host: str) -> dict[str, str]:
    """Return the variables with which no proxy is between this computer and `host`, and all else goes as it went.

    Where the environment names no proxy, Python takes the system's (macOS, Windows); but a NO_PROXY alone would make it
    take none. So the system's go into the environment, too.
    https://docs.python.org/3/library/urllib.request.html#urllib.request.getproxies
    """
    if not urllib.request.getproxies_environment() and (system := urllib.request.getproxies()):
        proxies, hosts = {f"{scheme}_proxy": url for scheme, url in system.items()}, _direct_by_system()
    else:
        proxies, hosts = {}, (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",")
    hosts = [each.strip() for each in hosts if each.strip() not in ("", host)]
    direct = "*" if hosts == ["*"] else ",".join([*hosts, host])  # beside others, Python takes * for a name
    # Python reads both; if they differ, the second counts.
    return {**proxies, "NO_PROXY": direct, "no_proxy": direct}


def _direct_by_system() -> list[str]:
    """Return the names for which the system's own settings want no proxy, as NO_PROXY has them: without a leading *."""
    try:  # as urllib.request reads them
        if os.name == "nt":
            registry = importlib.import_module("winreg")
            place = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings"
            with registry.OpenKey(registry.HKEY_CURRENT_USER, place) as settings:
                names = str(registry.QueryValueEx(settings, "ProxyOverride")[0]).split(";")
        else:
            names = list(importlib.import_module("_scproxy")._get_proxy_settings().get("exceptions", ()))
    except (ImportError, OSError):  # there are none
        return []
    return [name.lstrip("*") for name in names if name.strip() != "<local>"]
