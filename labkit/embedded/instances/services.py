"""What listens on a lab instance and on the modeled internet: an SSH server and small web pages.

curl, nc and the internet's noise ask it.
"""

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

    Attributes:
        software: The name that it gives itself.
        page: The page at the root of a web server; empty for other servers.
    """

    software: str
    page: bytes = b""


def on_instance(hostname: str, protocol: int, port: int, *, is_set_up: bool = True) -> Service | None:
    """Return what listens on a lab instance: sshd on TCP port 22, Apache with one page on port 80, nothing else.

    Args:
        hostname: The instance's private DNS name, for the page.
        protocol: IANA's number of the protocol.
        port: The port.
        is_set_up: Whether the instance's user data is through, which installs Apache.

    >>> on_instance("ip-10-2-0-126.ec2.internal", 6, 80).page
    b'<h1>Hello from ip-10-2-0-126.ec2.internal</h1>\\n'
    >>> on_instance("ip-10-2-0-126.ec2.internal", 6, 8080)
    """
    if protocol != TCP:
        return None
    if port == 22:
        return Service("OpenSSH_8.7")
    if port == 80 and is_set_up:
        return Service("Apache/2.4.65 (Amazon Linux)", f"<h1>Hello from {hostname}</h1>\n".encode())
    return None


def on_internet(name: str, protocol: int, port: int) -> Service | None:
    """Return what listens on any host on the modeled internet: a web server on TCP ports 80 and 443.

    Args:
        name: The host's name or address, for the page.
        protocol: IANA's number of the protocol.
        port: The port.
    """
    if protocol != TCP or port not in (80, 443):
        return None
    page = f"<h1>{name}</h1>\n<p>A host on labkit's modeled internet. No packet left this machine.</p>\n"
    return Service("labkit", page.encode())


def http_response(service: Service, method: str, path: str, at: float) -> tuple[bytes, bytes]:
    """Return the head and the body of a web server's response, with Apache's usual headers.

    Args:
        service: The web server.
        method: `GET` or `HEAD`, which has no body.
        path: The path and query of the URL.
        at: The virtual time, for the Date header.
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
    return head, b"" if method == "HEAD" else content
