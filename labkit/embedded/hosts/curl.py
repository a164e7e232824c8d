"""`curl` 8.11.1, the curl-minimal of Amazon Linux 2023, for plain HTTP.

Source of the texts: lib/connect.c, lib/multi.c, lib/progress.c and src/tool_operate.c, https://github.com/curl/curl/tree/curl-8_11_1.
The output of a Run Command script is not a terminal, so curl shows its progress meter on stderr unless told -s.

Modelled: nothing speaks TLS, and there are no files to write to but /dev/null.
"""

from __future__ import annotations

import getopt
import math
import re
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import urlsplit

from labkit.embedded.hosts import timing
from labkit.embedded.hosts.process import Exit, Process
from labkit.embedded.hosts.services import HttpResponse, http_response
from labkit.embedded.hosts.tcp import Connection, Outcome, connect

_SHORT = "46fIm:o:sSw:"
_LONG = (
    *("ipv4", "ipv6", "fail", "head", "silent", "show-error"),
    *("max-time=", "output=", "write-out=", "connect-timeout="),
)
_HAS = "-4 -6 -f -I -m -o -s -S -w --connect-timeout"
#: Of the options that the real program has, those that students try; almost every single letter is one, too.
_LACKING = (
    *("verbose", "location", "insecure", "request", "header", "data", "include", "user", "user-agent", "retry", "get"),
    *("proxy", "remote-name", "progress-bar", "no-progress-meter", "http1.1", "version", "help", "cacert"),
)
_METER_HEAD = (
    "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
    "                                 Dload  Upload   Total   Spent    Left  Speed\n"
)
#: The largest time that curl's own event loop is late, in seconds.
_LATE = 0.003


@dataclass
class _Settings:
    url: str = ""
    head: bool = False
    fail: bool = False
    silent: bool = False
    show_error: bool = False
    output: str = "-"
    write_out: str = ""
    version: int = 0
    max_time: float = math.inf
    connect_timeout: float = math.inf


@dataclass
class _Transfer:
    started: float
    connected: float = 0.0
    peer: str = ""
    status: int = 0
    size: int = 0


class _Failure(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def curl(process: Process, arguments: list[str]) -> int:
    """Run `curl` with these arguments; the exit code is curl's: 6 unknown host, 7 refused, 22 with -f, 28 time-out."""
    settings = _parse(process, arguments)
    transfer = _Transfer(process.now())
    try:
        response = _fetch(process, settings, transfer)
        code = 0
    except _Failure as failure:
        response, code = None, failure.code
        _meter(process, settings, transfer)
        if not settings.silent or settings.show_error:
            process.err(f"curl: ({code}) {failure}")
    if response is not None:
        _meter(process, settings, transfer)
        if settings.output != "/dev/null":
            shown = response.head if settings.head else response.body
            process.out(shown.decode(), end="")
    if settings.write_out:
        process.out(_written(process, settings, transfer), end="")
    return code


def _fetch(process: Process, settings: _Settings, transfer: _Transfer) -> HttpResponse:
    scheme, host, port, path = _url(process, settings.url)
    destination = process.resolve(host)
    if destination is None or (settings.version and destination.version != settings.version):
        raise _Failure(6, f"Could not resolve host: {host}")
    limit = min(settings.max_time, settings.connect_timeout)
    # curl's clock counts whole milliseconds, and its loop wakes one or two late.
    late = 0.001 + (_LATE - 0.001) * timing.uniform("curl", process.host.instance_id, transfer.started, host)
    connection = connect(process, destination, port, limit + late)
    elapsed = int((process.now() - transfer.started) * 1000)
    match connection.outcome:
        case Outcome.GIVEN_UP:
            raise _Failure(28, f"Connection timed out after {elapsed} milliseconds")
        case Outcome.TIMED_OUT | Outcome.REFUSED | Outcome.NO_ROUTE:
            code = 28 if connection.outcome is Outcome.TIMED_OUT else 7
            raise _Failure(
                code, f"Failed to connect to {host} port {port} after {elapsed} ms: Could not connect to server"
            )
    transfer.connected, transfer.peer = process.now(), str(connection.peer)
    if scheme == "https":
        connection.close()
        process.fail("labkit: the embedded curl connected, but does not speak TLS; use http://.", 35)
    return _request(process, settings, transfer, connection, path)


def _request(
    process: Process, settings: _Settings, transfer: _Transfer, connection: Connection, path: str
) -> HttpResponse:
    assert connection.service is not None
    if not connection.service.pages:
        connection.listen(len(connection.service.greeting))
        connection.close()
        raise _Failure(1, "Received HTTP/0.9 when not allowed")
    method = "HEAD" if settings.head else "GET"
    where = (settings.url.partition("://")[2] or settings.url).partition("/")[0]
    request = f"{method} {path} HTTP/1.1\r\nHost: {where}\r\nUser-Agent: curl/8.11.1\r\nAccept: */*\r\n\r\n"
    response = http_response(connection.service, method, path, process.now())
    connection.request(len(request), len(response.head) + len(response.body))
    connection.close()
    transfer.status, transfer.size = response.status, len(response.body)
    if settings.fail and response.status >= 400:
        raise _Failure(22, f"The requested URL returned error: {response.status}")
    return response


def _meter(process: Process, settings: _Settings, transfer: _Transfer) -> None:
    """The progress meter as it stands on stderr in the end: a row at the start, one each second, one at the end."""
    if settings.silent:
        return
    elapsed = max(process.now() - transfer.started, 1e-6)
    rows = [_row(0, 0, second) for second in range(int(elapsed) + 1)]
    if transfer.peer:
        rows.append(_row(transfer.size, int(transfer.size / elapsed), int(elapsed)))
    process.err(_METER_HEAD + "".join(f"\r{row}" for row in rows))


def _row(size: int, speed: int, seconds: int) -> str:
    percent = 100 if size else 0
    spent = f"{seconds // 3600:2}:{seconds // 60 % 60:02}:{seconds % 60:02}" if seconds else "--:--:--"
    shown = f"{speed:5}" if speed < 100_000 else f"{speed // 1024:4}k"
    return f"{percent:3} {size:5}  {percent:3} {size:5}    0     0  {shown}      0 --:--:-- {spent} --:--:-- {shown}"


def _written(process: Process, settings: _Settings, transfer: _Transfer) -> str:
    values = {
        "http_code": f"{transfer.status:03}",
        "response_code": f"{transfer.status:03}",
        "remote_ip": transfer.peer,
        "size_download": str(transfer.size),
        "time_connect": f"{max(transfer.connected - transfer.started, 0.0):.6f}",
        "time_total": f"{process.now() - transfer.started:.6f}",
    }

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            process.err(f"curl: unknown --write-out variable: '{match[1]}'")
        return values.get(match[1], "")

    text = settings.write_out.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r")
    return re.sub(r"%\{(\w+)\}", value, text).replace("%%", "%")


def _url(process: Process, text: str) -> tuple[str, str, int, str]:
    parts = urlsplit(text if "://" in text else f"http://{text}")
    if parts.scheme not in ("http", "https"):
        process.fail(f"labkit: the embedded curl does not speak {parts.scheme}; use http://.", 1)
    try:
        port = parts.port
    except ValueError:
        raise _Failure(3, "URL rejected: Port number was not a decimal number between 0 and 65535") from None
    if not parts.hostname:
        raise _Failure(3, "URL rejected: No host part in the URL")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path


def _parse(process: Process, arguments: list[str]) -> _Settings:
    settings = _Settings()
    try:
        given, operands = getopt.gnu_getopt(arguments, _SHORT, _LONG)
    except getopt.GetoptError as error:
        option = f"--{error.opt}" if len(error.opt) > 1 else f"-{error.opt}"
        if "requires" in error.msg:
            _help(process, f"option {option}: requires parameter")
        if len(error.opt) == 1 or error.opt in _LACKING:
            process.fail(f"labkit: the embedded curl lacks the option {option}; it has {_HAS}.", 2)
        _help(process, f"option {option}: is unknown")
    for option, value in given:
        match option:
            case "-4" | "--ipv4":
                settings.version = 4
            case "-6" | "--ipv6":
                settings.version = 6
            case "-f" | "--fail":
                settings.fail = True
            case "-I" | "--head":
                settings.head = True
            case "-s" | "--silent":
                settings.silent = True
            case "-S" | "--show-error":
                settings.show_error = True
            case "-o" | "--output":
                settings.output = value
            case "-w" | "--write-out":
                settings.write_out = value
            case "-m" | "--max-time":
                settings.max_time = _seconds(process, option, value)
            case "--connect-timeout":
                settings.connect_timeout = _seconds(process, option, value)
    if settings.output not in ("-", "/dev/null"):
        process.fail("labkit: the embedded instance has no disk to write to; use -o /dev/null, or leave -o out.", 23)
    if not operands:
        _help(process, "(2) no URL specified")
    if len(operands) > 1:
        process.fail("labkit: the embedded curl fetches one URL at a time.", 2)
    settings.url = operands[0]
    return settings


def _seconds(process: Process, option: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        _help(process, f"option {option}: expected a proper numerical parameter")
    if value < 0:
        _help(process, f"option {option}: expected a positive numerical parameter")
    return value or math.inf


def _help(process: Process, message: str) -> NoReturn:
    process.err(f"curl: {message}")
    process.err("curl: try 'curl --help' for more information")
    raise Exit(2)
