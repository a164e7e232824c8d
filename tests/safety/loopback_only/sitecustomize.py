"""With this folder in PYTHONPATH, Python and every Python that it starts reach nothing but the loopback.

Each other attempt is refused, and written to the file that LOOPBACK_ONLY names, in case the error is swallowed. Names
are refused before they are looked up.
"""

import ipaddress
import os
import sys

#: By audit event, which of its arguments holds the host.
#: https://docs.python.org/3/library/audit_events.html
_EVENTS = {
    "socket.connect": 1,
    "socket.bind": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
    "socket.getnameinfo": 0,
}


def _is_loopback(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        return False


def _refuse(event: str, arguments: tuple) -> None:
    if event not in _EVENTS:
        return
    address = arguments[_EVENTS[event]]
    if event.split(".")[1] in ("connect", "bind", "sendto", "sendmsg", "getnameinfo"):
        if not isinstance(address, tuple):  # a socket of this machine's own file system, or one that is connected
            return
        address = address[0]
    if not _is_loopback(address):
        with open(os.environ["LOOPBACK_ONLY"], "a", encoding="utf-8") as log:
            log.write(f"{event} {address}\n")
        raise PermissionError(f"Only the loopback may be reached, not {address}.")


if "LOOPBACK_ONLY" in os.environ:
    sys.addaudithook(_refuse)
