"""Where on the map a path's hops are, and the line that a packet takes along the map's roads.

Places are named by what stands there: `card:<interface>`, `acl:<subnet>`, `routes:<subnet>`, `gateway:<id>`,
`peering:<id>`, `vpc:<id>` and `internet`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from labkit.network.model import Network
from labkit.network.path import Leg
from labkit.show.map.sheet import Point


def places(network: Network, leg: Leg) -> list[str]:
    """The place of each hop of a leg, in order."""
    found: list[str] = []
    subnet = ""  # where the packet is, or was last
    for hop in leg.hops:
        if hop.interface:
            subnet = network.interfaces[hop.interface].subnet
        if hop.kind == "network ACL":
            found.append(f"acl:{subnet}")
        elif hop.kind == "route table":
            found.append(f"routes:{subnet}")
        elif hop.interface or hop.component in network.interfaces:
            found.append(f"card:{hop.interface or hop.component}")
        elif hop.component in network.internet_gateways and network.internet_gateways[hop.component].vpc:
            found.append(f"gateway:{hop.component}")
        elif hop.component in network.peering_connections:
            found.append(f"peering:{hop.component}")
        elif hop.component == "internet":
            found.append("internet")
        else:  # a VPC, or what its route table names and the map does not draw
            found.append(f"vpc:{hop.vpc or network.subnets[subnet].vpc}")
    return found


@dataclass(frozen=True, slots=True)
class Roads:
    """The map's roads: points by name, and from each point those that it leads to."""

    points: Mapping[str, Point]
    leads_to: Mapping[str, Sequence[str]]

    def way(self, starts: Iterable[str], end: str) -> list[str] | None:
        """The points on the shortest way to `end` from the nearest of `starts`, or None where there is none."""
        queue: list[tuple[float, list[str]]] = [(0.0, [start]) for start in starts if start in self.points]
        seen: set[str] = set()
        while queue:
            length, way = heapq.heappop(queue)
            here = way[-1]
            if here == end or (end == "internet" and here.startswith("internet@")):
                return way
            if here in seen:
                continue
            seen.add(here)
            if here.startswith("peering:") and len(way) > 1:  # no short cut: a packet is there only where a hop says so
                continue
            (x, y) = self.points[here]
            for there in self.leads_to.get(here, ()):
                (to_x, to_y) = self.points[there]
                heapq.heappush(queue, (length + abs(to_x - x) + abs(to_y - y), [*way, there]))
        return None

    def travel(self, stops: Sequence[str]) -> tuple[list[list[str]], list[tuple[int, int]]]:
        """The way by all of `stops`, and where on it each of them is.

        The way comes in pieces where no road leads to the next stop; a stop is the `(piece, point)` it stands at.
        """
        on_internet = [name for name in self.points if name.startswith("internet@")]
        pieces: list[list[str]] = []
        found: list[tuple[int, int]] = []
        for stop in stops:
            last = pieces[-1] if pieces else []
            # From the internet, a packet may come in anywhere.
            starts = on_internet if len(last) == 1 and last[0] in on_internet else last[-1:]
            way = self.way(starts, stop)
            if way:
                pieces[-1] = [*last[:-1], *way]
            else:
                pieces.append(on_internet[:1] if stop == "internet" else [stop])
            found.append((len(pieces) - 1, len(pieces[-1]) - 1))
        return pieces, found


def keep_left(points: Sequence[Point], distance: float) -> tuple[list[Point], list[Point]]:
    """A way along streets with right angles, moved to the left of the travel, so that there and back don't meet.

    Returns the line's corners, and for each point of `points` where it lies on the line.
    """
    steps = [_direction(a, b) for a, b in pairwise(points)] or [(1, 0)]
    line: list[Point] = []
    on_line: list[Point] = []
    for (x, y), into, out in zip(points, [steps[0], *steps], [*steps, steps[-1]], strict=False):
        left_in, left_out = (into[1], -into[0]), (out[1], -out[0])
        if left_in == left_out:
            sides = [left_in]
        elif into == (-out[0], -out[1]):  # it turns round
            sides = [left_in, left_out]
        else:
            sides = [(left_in[0] + left_out[0], left_in[1] + left_out[1])]
        corners = [(x + distance * side[0], y + distance * side[1]) for side in sides]
        line += corners
        on_line.append(corners[0])
    return line, on_line


def _direction(a: Point, b: Point) -> tuple[int, int]:
    def sign(value: float) -> int:
        return (value > 0) - (value < 0)

    return sign(b[0] - a[0]), sign(b[1] - a[1])
