"""`nc`, which on Amazon Linux 2023 is Ncat 7.93 of the package nmap-ncat, as a tester of ports: `nc -vz HOST PORT`.

The standard AMI does not have it; `dnf install nmap-ncat` installs it on a real instance. Source of the texts:
ncat/ncat_main.c and ncat/ncat_connect.c, https://github.com/nmap/nmap.
"""

from __future__ import annotations

from typing import NoReturn

from labkit.embedded.instances.process import Process
from labkit.embedded.instances.tcp import Failure, NotConnected, connect

#: What Ncat needs to start, in seconds.
_STARTUP = 0.01
_FAILURES = {
    Failure.REFUSED: "Connection refused.",
    Failure.GIVEN_UP: "TIMEOUT.",
    Failure.TIMED_OUT: "Connection timed out.",
    Failure.NO_ROUTE: "Network is unreachable.",
}


def nc(process: Process, arguments: list[str]) -> int:
    """Run `nc -z [-v] [-w SECONDS] HOST PORT`; the exit code is 0 if it connected, else 1, or 2 if misused."""
    given, operands = process.options("nc", arguments, "vw:z")

    def say(message: str) -> None:
        if "-v" in given:
            process.err(f"Ncat: {message}")

    started = process.now()
    say("Version 7.93 ( https://nmap.org/ncat )")
    if not operands:
        _quit(process, "You must specify a host to connect to.")
    if "-z" not in given or len(operands) == 1:
        process.fail("labkit: the embedded nc only tests ports: nc -vz HOST PORT.", 2)
    name, port, *more = operands
    if not port.isdecimal() or int(port) > 65535:
        _quit(process, f'Invalid port number "{port}".')
    destination = process.resolve(name)
    if destination is None:
        _quit(process, f'Could not resolve hostname "{name}": Name or service not known.')
    if more:
        _quit(process, f"Got more than one port specification: {' '.join([port, *more])}.")
    wait = _wait(process, given.get("-w", "10"))
    process.sleep(_STARTUP)
    try:
        connection = connect(process, destination, int(port), wait)
    except NotConnected as error:
        say(_FAILURES[error.failure])
        return 1
    say(f"Connected to {destination if destination.version == 4 else f'[{destination}]'}:{port}.")
    connection.close()
    say(f"0 bytes sent, 0 bytes received in {process.now() - started:.2f} seconds.")
    return 0


def _wait(process: Process, text: str) -> float:
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        process.fail("labkit: the embedded nc takes -w as a number of seconds.", 2)
    if not seconds > 0:
        _quit(process, f'Invalid -w timeout "{text}" (must be greater than 0 and less than 2147483s).')
    return seconds


def _quit(process: Process, message: str) -> NoReturn:
    process.fail(f"Ncat: {message} QUITTING.", 2)
