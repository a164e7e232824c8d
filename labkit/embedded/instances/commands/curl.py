"""`curl` 8.11.1, the curl-minimal of Amazon Linux 2023, for plain HTTP.

Source of the texts: lib/connect.c, lib/multi.c and src/tool_operate.c, https://github.com/curl/curl/tree/curl-8_11_1.

Modeled: nothing speaks TLS, and there are no files to write to but /dev/null. Simplified: without -s, the real
program also shows a progress meter on stderr, because the output of a Run Command script is not a terminal.
"""

from __future__ import annotations

import math
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from labkit.embedded.dataplane import timing
from labkit.embedded.instances.process import Exit, Process
from labkit.embedded.instances.services import http_response
from labkit.embedded.instances.tcp import Failure, NotConnected, connect

_LONG = {
    "head": "-I",
    "max-time=": "-m",
    "output=": "-o",
    "silent": "-s",
    "show-error": "-S",
    "connect-timeout=": "--connect-timeout",
}


class _TransferFailed(Exception):
    """A transfer failed; `code` is curl's exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def curl(process: Process, arguments: list[str]) -> int:
    """Run `curl [-IsS] [-m SECONDS] [--connect-timeout SECONDS] [-o /dev/null] URL`.

    The exit code is curl's own: 3 bad URL, 6 unknown host, 7 refused, 28 time-out.
    """
    given, operands = process.options("curl", arguments, "Im:o:sS", _LONG)
    limit = min(_seconds(process, given, "-m"), _seconds(process, given, "--connect-timeout"))
    if given.get("-o", "/dev/null") != "/dev/null":
        process.fail("labkit: the embedded instance has no disk to write to; use -o /dev/null, or leave -o out.", 23)
    if not operands:
        _misused(process, "(2) no URL specified")
    if len(operands) > 1:
        process.fail("labkit: the embedded curl fetches one URL at a time.", 2)
    method = "HEAD" if "-I" in given else "GET"
    try:
        head, body = _fetch(process, _url(process, operands[0]), method, limit)
    except _TransferFailed as error:
        if "-s" not in given or "-S" in given:
            process.err(f"curl: ({error.code}) {error}")
        return error.code
    if "-o" not in given:
        process.out((head if method == "HEAD" else body).decode(), end="")
    return 0


def _url(process: Process, text: str) -> SplitResult:
    url = urlsplit(text if "://" in text else f"http://{text}")
    if url.scheme != "http":
        process.fail(f"labkit: the embedded curl does not speak {url.scheme}; use http://.", 1)
    return url


def _fetch(process: Process, url: SplitResult, method: str, limit: float) -> tuple[bytes, bytes]:
    """Send one request and return the head and the body of the response."""
    try:
        port = url.port or 80
    except ValueError:
        raise _TransferFailed(3, "URL rejected: Port number was not a decimal number between 0 and 65535") from None
    if not url.hostname:
        raise _TransferFailed(3, "URL rejected: No host part in the URL")
    destination = process.resolve(url.hostname)
    if destination is None:
        raise _TransferFailed(6, f"Could not resolve host: {url.hostname}")
    started = process.now()
    # curl's clock counts whole milliseconds, and its loop wakes one to three late.
    late = 0.001 + 0.002 * timing.uniform("curl", process.instance_id, started, url.hostname)
    try:
        connection = connect(process, destination, port, limit + late)
    except NotConnected as error:
        elapsed = int((process.now() - started) * 1000)
        if error.failure is Failure.GIVEN_UP:
            raise _TransferFailed(28, f"Connection timed out after {elapsed} milliseconds") from None
        code = 28 if error.failure is Failure.TIMED_OUT else 7
        where = f"{url.hostname} port {port} after {elapsed} ms"
        raise _TransferFailed(code, f"Failed to connect to {where}: Could not connect to server") from None
    if not connection.service.page:
        connection.close()
        raise _TransferFailed(1, "Received HTTP/0.9 when not allowed")
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    request = f"{method} {path} HTTP/1.1\r\nHost: {url.netloc}\r\nUser-Agent: curl/8.11.1\r\nAccept: */*\r\n\r\n"
    head, body = http_response(connection.service, method, path, process.now())
    connection.request(len(request), len(head) + len(body))
    connection.close()
    return head, body


def _seconds(process: Process, given: dict[str, str], option: str) -> float:
    """A time-out; 0, as without the option, is none."""
    try:
        value = float(given.get(option, "0"))
    except ValueError:
        _misused(process, f"option {option}: expected a proper numerical parameter")
    if value < 0:
        _misused(process, f"option {option}: expected a positive numerical parameter")
    return value or math.inf


def _misused(process: Process, message: str) -> NoReturn:
    process.err(f"curl: {message}")
    process.err("curl: try 'curl --help' for more information")
    raise Exit(2)
