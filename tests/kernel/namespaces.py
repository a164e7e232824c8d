"""Network namespaces without names: each is an open file, and gone when that is closed.

The first thing that a judge does is to leave the machine's own namespace for an empty one (`isolated`); every further
namespace is made from there, so nothing built here has a link to the machine's network.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_CLONE_NEWNET = 0x40000000

#: All interfaces have this address and none asks for another's (ARP is off): what goes in at one end of a wire is for
#: the other end. So no packet ever waits for an answer to ARP, or is lost because none comes.
_MAC = "02:00:00:00:00:01"


def obstacle() -> str | None:
    """Why the kernel can't judge on this machine, or None where it can."""
    if sys.platform != "linux":
        return "needs Linux: its network namespaces are the judge"
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    missing = [tool for tool in ("ip", "nft") if shutil.which(tool) is None]
    if missing:
        return f"needs the commands {' and '.join(missing)}: apt-get install iproute2 nftables"
    script = (
        "ip link add name here type veth peer name there && nft add table ip t && "
        "nft add chain ip t c '{ type nat hook postrouting priority 100; }' && nft add rule ip t c ct state new accept"
    )
    tried = subprocess.run(["unshare", "-n", "sh", "-c", script], capture_output=True, text=True)
    return f"this machine's kernel refuses: {tried.stderr.strip()}" if tried.returncode else None


@contextmanager
def isolated() -> Iterator[None]:
    """In an empty namespace, on one processor; afterwards in the old one again.

    On one processor the kernel carries a packet through a whole namespace without a break, so a counter is never read
    while a packet is between two of them.
    """
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors, key=lambda one: (one + os.getpid()) % len(processors))})
    _call("unshare", _CLONE_NEWNET)
    try:
        yield
    finally:
        _call("setns", home, _CLONE_NEWNET)
        os.sched_setaffinity(0, processors)
        os.close(home)


class Namespace:
    """One network namespace, and what it is made from: `commands` for `ip`, one a line, and an nftables script."""

    def __init__(self) -> None:
        _call("unshare", _CLONE_NEWNET)
        self._file = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.commands: list[str] = ["link set lo up"]
        self.script = ""
        for name, value in _SETTINGS.items():
            with open(f"/proc/sys/net/ipv4/{name}", "w") as file:
                file.write(value)

    @property
    def path(self) -> str:
        return f"/proc/{os.getpid()}/fd/{self._file}"

    def enter(self) -> None:
        """From now on, commands run and sockets are made in here."""
        _call("setns", self._file, _CLONE_NEWNET)

    def set_up(self) -> None:
        self.enter()
        run(["ip", "-batch", "-"], "\n".join(self.commands))
        run(["nft", "-f", "-"], self.script)

    def await_links(self, patience: float = 30) -> None:
        """Wait until every interface carries packets: the kernel sees to that after the command that brings it up.

        On a busy machine that takes a while, in which the interface drops what it is given and counts nothing.
        """
        self.enter()
        end = time.monotonic() + patience
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            while not all(_flags(asking, name) & _RUNNING for _, name in socket.if_nameindex()):
                assert time.monotonic() < end, f"an interface does not come up: {socket.if_nameindex()}"
                time.sleep(0.001)
            # The flag is set a moment before the queue is there, under the lock that this waits for.
            fcntl.ioctl(asking, _SET_FLAGS, struct.pack("16sh", b"lo", _flags(asking, "lo")))

    def close(self) -> None:
        os.close(self._file)


#: https://man7.org/linux/man-pages/man7/netdevice.7.html
_GET_FLAGS, _SET_FLAGS, _RUNNING = 0x8913, 0x8914, 0x40


def _flags(asking: socket.socket, name: str) -> int:
    answer = fcntl.ioctl(asking, _GET_FLAGS, struct.pack("16sh", name.encode(), 0))
    return int(struct.unpack("16sh", answer)[1])


#: Routers forward whatever comes from wherever, and say nothing about it; new ones have no settings of the machine's.
_SETTINGS = {
    "ip_forward": "1",
    "conf/all/rp_filter": "0",
    "conf/default/rp_filter": "0",
    "conf/all/send_redirects": "0",
    "conf/default/send_redirects": "0",
    "ip_local_port_range": "61000 61999",
}


def wires(ends: list[tuple[Namespace, str, Namespace, str]]) -> None:
    """Make veth pairs: from an interface of one namespace to one of another."""
    lines = [
        f"link add name {name} address {_MAC} arp off netns {here.path} "
        f"type veth peer name {peer} address {_MAC} arp off netns {there.path}"
        for here, name, there, peer in ends
    ]
    run(["ip", "-batch", "-"], "\n".join(lines))
    for here, name, there, peer in ends:
        here.commands.insert(1, f"link set {name} up")
        there.commands.insert(1, f"link set {peer} up")


def run(command: list[str], text: str = "") -> str:
    """Run a command in the current namespace; what it says, or AssertionError with its complaint and the script."""
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}\n{text}"
    return done.stdout


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
