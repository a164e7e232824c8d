"""Where on the map a path's hops are, and the line that a packet takes along the map's roads: for `drawing`.

A place is named by what is there: `card:<interface>`, `acl:<subnet>`, `routes:<subnet>`, `gateway:<id>`,
`peering:<id>`, `vpc:<id>` and `internet`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from labkit.network import ComponentKind, Leg, Network
from labkit.show.map.sheet import Point


def places(network: Network, leg: Leg) -> list[str]:
    """Return the place of each hop of a leg, in order."""
    found: list[str] = []
    subnet = ""  # where the packet is, or was last
    for hop in leg.hops:
        if hop.interface:
            subnet = network.interfaces[hop.interface].subnet
        gateway = network.internet_gateways.get(hop.component)
        if hop.kind is ComponentKind.NETWORK_ACL:
            found.append(f"acl:{subnet}")
        elif hop.kind is ComponentKind.ROUTE_TABLE:
            found.append(f"routes:{subnet}")
        elif hop.interface:
            found.append(f"card:{hop.interface}")
        elif gateway and gateway.vpc:
            found.append(f"gateway:{hop.component}")
        elif hop.component in network.peering_connections:
            found.append(f"peering:{hop.component}")
        elif hop.kind is ComponentKind.INTERNET:
            found.append("internet")
        else:  # a VPC, or a route's target that the map does not draw
            found.append(f"vpc:{hop.vpc or network.subnets[subnet].vpc}")
    return found


@dataclass(frozen=True, slots=True)
class Roads:
    """The roads of the map.

    Attributes:
        points: Where each point is, by its name.
        leads_to: The names of the points that each point leads to.
    """

    points: Mapping[str, Point]
    leads_to: Mapping[str, Sequence[str]]

    def shortest(self, starts: Iterable[str], end: str) -> list[str] | None:
        """Return the points on the shortest road to an end from the nearest of some starts, or None."""
        queue: list[tuple[float, list[str]]] = [(0.0, [start]) for start in starts if start in self.points]
        seen: set[str] = set()
        while queue:
            length, road = heapq.heappop(queue)
            here = road[-1]
            if here == end or (end == "internet" and here.startswith("internet@")):
                return road
            if here in seen:
                continue
            seen.add(here)
            if here.startswith("peering:") and len(road) > 1:  # no short cut: a packet is there only where a hop is
                continue
            x, y = self.points[here]
            for there in self.leads_to.get(here, ()):
                if there not in seen:
                    to_x, to_y = self.points[there]
                    heapq.heappush(queue, (length + abs(to_x - x) + abs(to_y - y), [*road, there]))
        return None

    def travel(self, stops: Sequence[str]) -> tuple[list[list[str]], list[tuple[int, int]]]:
        """Return the line by all of some stops, and where on it each of them is.

        Returns:
            The line in pieces of points: a new one begins where no road leads to the next stop. And for each stop, the
            number of the piece and of the point in it.
        """
        on_internet = [name for name in self.points if name.startswith("internet@")]
        pieces: list[list[str]] = []
        found: list[tuple[int, int]] = []
        for stop in stops:
            last = pieces[-1] if pieces else []
            # From the internet, a packet may come in anywhere.
            starts = on_internet if len(last) == 1 and last[0] in on_internet else last[-1:]
            road = self.shortest(starts, stop)
            if road:
                pieces[-1] = [*last[:-1], *road]
            else:
                pieces.append(on_internet[:1] if stop == "internet" else [stop])
            found.append((len(pieces) - 1, len(pieces[-1]) - 1))
        return pieces, found


def keep_left(points: Sequence[Point], distance: float) -> tuple[list[Point], list[Point]]:
    """Move a line along roads with right angles to the left of the travel, so that there and back don't meet.

    Args:
        points: The line's points, in order.
        distance: How far to move it, in points of the map.

    Returns:
        The corners of the moved line, and where on it each of the points is.
    """
    steps = [_direction(a, b) for a, b in pairwise(points)] or [(1, 0)]
    line: list[Point] = []
    on_line: list[Point] = []
    for (x, y), into, out in zip(points, [steps[0], *steps], [*steps, steps[-1]], strict=False):
        left_in, left_out = (into[1], -into[0]), (out[1], -out[0])
        if left_in == left_out:
            sides = [left_in]
        elif into == (-out[0], -out[1]):  # it turns back
            sides = [left_in, left_out]
        else:
            sides = [(left_in[0] + left_out[0], left_in[1] + left_out[1])]
        corners = [(x + distance * side[0], y + distance * side[1]) for side in sides]
        line += corners
        on_line.append(corners[0])
    return line, on_line


def _direction(a: Point, b: Point) -> tuple[int, int]:
    return (b[0] > a[0]) - (b[0] < a[0]), (b[1] > a[1]) - (b[1] < a[1])
