"""What listens on a lab instance, and on the modelled internet: an SSH server and a small web page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from labkit.network.packet import TCP

_NOT_FOUND = (
    b'<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n'
    b"<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n</body></html>\n"
)


@dataclass(frozen=True, slots=True)
class Service:
    """A server at one port.

    Parameters: `software` is how it names itself; `page` is what a web server has at its root.
    """

    software: str
    page: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    head: bytes
    body: bytes


def on_instance(hostname: str, protocol: int, port: int) -> Service | None:
    """What a lab instance runs: sshd on TCP port 22, Apache with one page on port 80, nothing else.

    >>> on_instance("ip-10-2-0-126.ec2.internal", 6, 80).page
    b'<h1>Hello from ip-10-2-0-126.ec2.internal</h1>\\n'
    >>> on_instance("ip-10-2-0-126.ec2.internal", 6, 8080)
    """
    if protocol != TCP:
        return None
    if port == 22:
        return Service("OpenSSH_8.7")
    if port == 80:
        return Service("Apache/2.4.65 (Amazon Linux)", f"<h1>Hello from {hostname}</h1>\n".encode())
    return None


def on_internet(name: str, protocol: int, port: int) -> Service | None:
    """What any host on the modelled internet runs: a web server on TCP ports 80 and 443 with a page that says so.

    Parameters: `name` is the host's name or address, for the page.
    """
    if protocol != TCP or port not in (80, 443):
        return None
    page = f"<h1>{name}</h1>\n<p>A host on labkit's modelled internet. No packet left this machine.</p>\n"
    return Service("labkit", page.encode())


def http_response(service: Service, method: str, path: str, at: float) -> HttpResponse:
    """A web server's answer to a GET or HEAD request for `path`, with Apache's usual headers.

    Parameters: `at` is the virtual time, for the Date header.
    """
    if path.partition("?")[0] == "/":
        status, charset, content = "200 OK", "UTF-8", service.page
    else:
        status, charset, content = "404 Not Found", "iso-8859-1", _NOT_FOUND
    lines = (
        f"HTTP/1.1 {status}",
        f"Date: {datetime.fromtimestamp(at, UTC):%a, %d %b %Y %H:%M:%S} GMT",
        f"Server: {service.software}",
        f"Content-Length: {len(content)}",
        f"Content-Type: text/html; charset={charset}",
    )
    head = "".join(f"{line}\r\n" for line in (*lines, "")).encode()
    return HttpResponse(head, b"" if method == "HEAD" else content)
