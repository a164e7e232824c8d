"""What listens on a lab instance, and on the modelled internet: an SSH server and a small web page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from labkit.network.packet import TCP

#: User data that makes a real Amazon Linux 2023 instance run what the embedded one does. Its standard AMI has
#: traceroute (https://docs.aws.amazon.com/linux/al2023/release-notes/relnotes-2023.3.20231211.html), but not nc,
#: which is of the package nmap-ncat.
USER_DATA = """\
#!/bin/bash
dnf install -y httpd nmap-ncat
echo "<h1>Hello from $(hostname -f)</h1>" > /var/www/html/index.html
systemctl enable --now httpd
"""

_APACHE = "Apache/2.4.65 (Amazon Linux)"
_NOT_FOUND = (
    b'<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n'
    b"<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n</body></html>\n"
)


@dataclass(frozen=True, slots=True)
class Service:
    """A server at one port.

    Parameters: `greeting` is what it says as soon as a client connects; `pages` maps paths to bodies, for a web
    server; `software` is how a web server names itself.
    """

    name: str
    greeting: bytes = b""
    pages: Mapping[str, bytes] = field(default_factory=dict)
    software: str = ""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    status: int
    head: bytes
    body: bytes


def on_instance(hostname: str, protocol: int, port: int) -> Service | None:
    """What a lab instance runs: sshd on TCP port 22, Apache with one page on port 80, nothing else.

    >>> on_instance("ip-10-2-0-126.ec2.internal", 6, 80).pages["/"]
    b'<h1>Hello from ip-10-2-0-126.ec2.internal</h1>\\n'
    >>> on_instance("ip-10-2-0-126.ec2.internal", 6, 8080)
    """
    if protocol != TCP:
        return None
    if port == 22:
        return Service("ssh", greeting=b"SSH-2.0-OpenSSH_8.7\r\n")
    if port == 80:
        return Service("http", pages={"/": f"<h1>Hello from {hostname}</h1>\n".encode()}, software=_APACHE)
    return None


def on_internet(name: str, protocol: int, port: int) -> Service | None:
    """What any host on the modelled internet runs: a web server on TCP ports 80 and 443 with a page that says so.

    Parameters: `name` is the host's name or address, for the page.
    """
    if protocol != TCP or port not in (80, 443):
        return None
    page = f"<h1>{name}</h1>\n<p>A host on labkit's modelled internet. No packet left this machine.</p>\n"
    return Service("http" if port == 80 else "https", pages={"/": page.encode()}, software="labkit")


def http_response(service: Service, method: str, path: str, at: float) -> HttpResponse:
    """A web server's answer to a GET or HEAD request for `path`, with Apache's usual headers.

    Parameters: `at` is the virtual time, for the Date header.
    """
    body = service.pages.get(path.partition("?")[0])
    status, reason, kind = (404, "Not Found", "text/html; charset=iso-8859-1")
    if body is not None:
        status, reason, kind = (200, "OK", "text/html; charset=UTF-8")
    content = _NOT_FOUND if body is None else body
    lines = (
        f"HTTP/1.1 {status} {reason}",
        f"Date: {datetime.fromtimestamp(at, UTC):%a, %d %b %Y %H:%M:%S} GMT",
        f"Server: {service.software}",
        f"Content-Length: {len(content)}",
        f"Content-Type: {kind}",
    )
    head = "".join(f"{line}\r\n" for line in (*lines, "")).encode()
    return HttpResponse(status, head, b"" if method == "HEAD" else content)
