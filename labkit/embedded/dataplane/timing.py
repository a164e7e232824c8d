"""Round-trip times, hop counts and kernel timers that look like AWS's and are the same on every machine.

All of it is modeled on public captures from Amazon Linux 2023 instances: 0.16–1.2 ms over a peering connection with
ttl=127, and ttl=126 to another instance's public address. Each value follows from a hash of what it is about, so that
nothing here has a state. The data plane and the instances' programs use it.
"""

from __future__ import annotations

import hashlib
import math
from enum import Enum

from labkit.embedded.dataplane.transmission import DEFAULT_TTL
from labkit.network.packet import ICMP, Address


class Distance(Enum):
    """Where the far end is, seen from the sender."""

    SAME_VPC = "vpc"
    PEERED_VPC = "peering"
    #: An instance, reached at its public address.
    PUBLIC_ADDRESS = "public"
    INTERNET = "internet"


#: The 23 times in milliseconds that the original lab measured between these two addresses over its peering connection.
_MEASURED_ENDS = ("10.1.15.80", "10.2.0.126")
_MEASURED = (
    *(0.747, 0.475, 1.17, 0.557, 0.438, 0.532, 0.459, 0.501, 0.504, 0.499, 0.502, 0.531),
    *(0.470, 0.459, 0.512, 0.567, 0.506, 0.469, 0.518, 0.486, 0.499, 0.576, 0.540),
)

#: For each distance: the floor in ms, the width of the usual range, and the width of the range of the few slow ones.
_RANGES = {
    Distance.SAME_VPC: (0.20, 0.20, 0.30),
    Distance.PEERED_VPC: (0.44, 0.14, 0.73),
    Distance.PUBLIC_ADDRESS: (0.62, 0.25, 0.58),
}
_SLOW_SHARE = 0.06
_FIRST_PACKET_EXTRA = (0.15, 0.35)

#: The kernel's tick, and the layout of its timer wheel (kernel/time/timer.c): 64 slots a level, each level 8 times
#: coarser. That a timer of one second fires after 1.024 s is why five unanswered echoes "take" about 4094 ms.
_TICKS_PER_SECOND = 250
_WHEEL_SLOTS = 64
_WHEEL_STEP = 8


def uniform(*about: object) -> float:
    """Return a number from 0 up to 1 that depends on `about` and on nothing else.

    >>> uniform("a", 1) == uniform("a", 1), 0 <= uniform("a", 2) < 1
    (True, True)
    """
    digest = hashlib.blake2b("\x1f".join(map(str, about)).encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56


def round_trip(distance: Distance, source: Address, destination: Address, protocol: int, sequence: int) -> float:
    """Return the time from a packet to its reply, in seconds, to the microsecond.

    Args:
        distance: Where the far end is.
        source: The sender's address, as the sender knows it.
        destination: The far end's address, as the sender knows it.
        protocol: IANA's number of the protocol.
        sequence: How many packets of this protocol were answered between the two before. The first one is slower:
            something on the path must look the destination up.

    >>> from ipaddress import ip_address
    >>> round_trip(Distance.PEERED_VPC, ip_address("10.1.15.80"), ip_address("10.2.0.126"), 1, 0)
    0.000747
    """
    ends = (str(source), str(destination))
    if protocol == ICMP and distance is Distance.PEERED_VPC and ends == _MEASURED_ENDS and sequence < len(_MEASURED):
        return round(_MEASURED[sequence] / 1000, 6)
    about = (distance.value, *ends, protocol, sequence)
    if distance is Distance.INTERNET:
        milliseconds = math.pow(80, uniform("distance", ends[1])) * (1 + 0.03 * uniform(*about))
    else:
        floor, usual, slow = _RANGES[distance]
        width = slow if uniform("slow", *about) < _SLOW_SHARE else usual
        # The mean of two: most near the middle of the range.
        milliseconds = floor + width * (uniform("a", *about) + uniform("b", *about)) / 2
    if sequence == 0:
        low, high = _FIRST_PACKET_EXTRA
        milliseconds += low + (high - low) * uniform("first", *about)
    return round(milliseconds / 1000, 6)


def hops(distance: Distance, destination: Address) -> int:
    """Return the number of routers that lower the time to live: none inside AWS's private network.

    >>> from ipaddress import ip_address
    >>> hops(Distance.PEERED_VPC, ip_address("10.2.0.126")), hops(Distance.PUBLIC_ADDRESS, ip_address("52.90.1.2"))
    (0, 1)
    """
    if distance is Distance.INTERNET:
        return 5 + int(uniform("hops", destination) * 15)
    return 1 if distance is Distance.PUBLIC_ADDRESS else 0


def reply_ttl(distance: Distance, destination: Address) -> int:
    """Return the time to live of a reply as it arrives: Amazon Linux starts at 127, most hosts on the internet at 64.

    >>> from ipaddress import ip_address
    >>> reply_ttl(Distance.PUBLIC_ADDRESS, ip_address("52.90.1.2"))
    126
    """
    return (64 if distance is Distance.INTERNET else DEFAULT_TTL) - hops(distance, destination)


def kernel_timer(now: float, seconds: float) -> float:
    """Return how long a kernel timer of `seconds` takes when set at `now`: at least that, up to the wheel's next slot.

    The kernel uses such coarse timers for socket time-outs and TCP retransmissions. The tick of 250 Hz is modeled.

    >>> round(kernel_timer(1764772860.0, 1.0), 3)
    1.024
    """
    start, delta = math.floor(now * _TICKS_PER_SECOND), math.ceil(seconds * _TICKS_PER_SECOND)
    slot, limit = 1, _WHEEL_SLOTS - 1
    while delta >= limit:
        slot, limit = slot * _WHEEL_STEP, limit * _WHEEL_STEP
    return ((start + delta) // slot + 1) * slot / _TICKS_PER_SECOND - now
