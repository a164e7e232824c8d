"""`nc`, which on Amazon Linux 2023 is Ncat 7.93 of the package nmap-ncat, as a tester of ports.

The standard AMI does not have it; the lab's user data installs it (`services.USER_DATA`). Source of the texts:
ncat/ncat_main.c and ncat/ncat_connect.c, https://github.com/nmap/nmap. The standard input of a Run Command script is
empty, so a connection without -z ends as soon as the server has said what it says unasked.
"""

from __future__ import annotations

import re
from typing import NoReturn

from labkit.embedded.hosts.process import OptionError, Process, options
from labkit.embedded.hosts.tcp import Connection, Outcome, connect

_VERSION = "7.93"
_DEFAULT_PORT = "31337"
_DEFAULT_WAIT = 10.0
#: What Ncat needs to start, in seconds.
_STARTUP = 0.01
_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_OPTIONS = "46nvw:z"
_LACKING = "UCcegGikmhpqdloxtsu"


def nc(process: Process, arguments: list[str]) -> int:
    """Run `nc [-46nvz] [-w TIME] HOST PORT`; the exit code is 0 if it connected, else 1, or 2 if misused."""
    try:
        given, operands = options(arguments, _OPTIONS)
    except OptionError as error:
        if error.option in _LACKING:
            process.fail(f"labkit: the embedded nc lacks the option -{error.option}; it has -4 -6 -n -v -w -z.", 2)
        process.err(f"nc: {error}")
        _quit(process, "Try `--help' or man(1) ncat for more information, usage options and help.")
    flags = dict(given)
    wait = _wait(process, flags["-w"]) if "-w" in flags else _DEFAULT_WAIT
    verbose, started = "-v" in flags, process.now()
    if verbose:
        _say(process, f"Version {_VERSION} ( https://nmap.org/ncat )")
    if not operands:
        _quit(process, "You must specify a host to connect to.")
    name, *ports = operands
    port = _port(process, ports[0] if ports else _DEFAULT_PORT)
    destination = process.resolve(name)
    if destination is None:
        _quit(process, f'Could not resolve hostname "{name}": Name or service not known.')
    if len(ports) > 1:
        _quit(process, f"Got more than one port specification: {' '.join(ports)}.")
    process.sleep(_STARTUP)
    connection = connect(process, destination, port, wait)
    if connection.outcome is not Outcome.OPEN:
        if verbose or "-z" not in flags:
            _say(process, _FAILURES[connection.outcome])
        return 1
    if verbose:
        where = f"[{connection.peer}]" if destination.version == 6 else f"{connection.peer}"
        _say(process, f"Connected to {where}:{port}.")
    received = 0 if "-z" in flags else _listen(process, connection)
    connection.close()
    if verbose:
        _say(process, f"0 bytes sent, {received} bytes received in {process.now() - started:.2f} seconds.")
    return 0


_FAILURES = {
    Outcome.REFUSED: "Connection refused.",
    Outcome.GIVEN_UP: "TIMEOUT.",
    Outcome.TIMED_OUT: "Connection timed out.",
    Outcome.NO_ROUTE: "Network is unreachable.",
}


def _listen(process: Process, connection: Connection) -> int:
    greeting = connection.service.greeting if connection.service else b""
    if greeting:
        connection.listen(len(greeting))
        process.out(greeting.decode(), end="")
    return len(greeting)


def _wait(process: Process, text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|)", text)
    if not match or not float(match[1]):
        _quit(process, f'Invalid -w timeout "{text}" (must be greater than 0 and less than 2147483s).')
    return float(match[1]) * _UNITS[match[2]]


def _port(process: Process, text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        _quit(process, f'Invalid port number "{text}".')
    return int(text)


def _say(process: Process, message: str) -> None:
    process.err(f"Ncat: {message}")


def _quit(process: Process, message: str) -> NoReturn:
    process.fail(f"Ncat: {message} QUITTING.", 2)
