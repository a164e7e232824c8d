"""Where everything on the map goes.

The internet lies on top, then the peering connections, then the VPCs side by side. In a VPC a road comes down from the
gateways along its right-hand edge; each subnet has an exit at its route table and an entrance at its network ACL, and a
road to its interfaces. So what leaves travels up and what arrives travels down, by the components in the order in which
they decide.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from labkit.network.model import Network
from labkit.network.parts import Interface, PeeringConnection, Subnet
from labkit.show.contents import Contents, addresses_of, cidrs, groups_of, kind_of, routes_in_short, state_of, title_of
from labkit.show.sheet import Box, Callout, Layout
from labkit.show.text import short, width, wrap

MARGIN, PAD = 20.0, 12.0
ROW = 16.0
GAP = 28.0  # between VPCs
PORT = 34.0  # between two roads that run side by side
LANE = 9.0  # from the middle of a road to the line of a packet
CHIP = 32.0  # beside a road, for the numbers of the steps
MOST_ROUTES = 6

#: The narrowest column, by the number of VPCs: few have more room.
_NARROWEST = {1: 520.0, 2: 380.0}


def lay_out(
    network: Network, contents: Contents, callout: Callout | None = None, used: Collection[tuple[str, str]] = ()
) -> Layout:
    """Place what `contents` names of a network, which must be one VPC at least.

    Parameters: `callout` gets a place near what stopped the packet; `used` are the routes that a path took, as
    (subnet, destination).
    """
    return _Planner(network, contents, callout, used).plan()


class _Planner:
    def __init__(
        self, network: Network, contents: Contents, callout: Callout | None, used: Collection[tuple[str, str]]
    ) -> None:
        self.network = network
        self.contents = contents
        self.callout = callout
        self.used = used
        self.out = Layout()
        self.column = max(self._wanted(vpc) for vpc in contents.vpcs)
        self.left = self._columns()

    def plan(self) -> Layout:
        out, contents = self.out, self.contents
        out.width = self.left[contents.vpcs[-1]] + self.column + MARGIN
        y = self._internet(MARGIN) if contents.internet else MARGIN
        top = self._peerings(y) + (24 if contents.internet else 0)
        top += 20 if any(contents.gateways.values()) else 0
        bottom = max(self._vpc(vpc, top) for vpc in contents.vpcs)
        # All VPCs are as high as the highest.
        out.boxes = [replace(box, height=bottom - box.y) if box.kind == "VPC" else box for box in out.boxes]
        room = out.width - 2 * MARGIN
        for line in [line for note in contents.notes for line in wrap(note, room)]:
            bottom += ROW + 4
            out.say(line, MARGIN, bottom, room, role="quiet")
        out.height = bottom + MARGIN
        return out

    # The columns: one a VPC, all as wide as the widest needs

    def _wanted(self, vpc: str) -> float:
        rows = [short(self.network.vpcs[vpc].name)]
        for subnet in self.contents.subnets[vpc]:
            rows += [text for _, text, _ in routes_in_short(self.network, subnet.id)]
            rows += [_where(subnet), *self._filters(subnet.id)]
            rows += [title_of(self.network, card) for card in self.contents.cards[subnet.id]]
        widths = self._gateway_widths(vpc)
        sides = 2 * (PAD + PORT * max(map(len, self._ends(vpc))))
        gateways = sum(widths) + GAP * (len(widths) - 1) + sides
        # Longer names are cut; gateways and roads never are.
        words = min(142 + max(width(row, 9, True) for row in rows), 420.0)
        return max(_NARROWEST.get(len(self.contents.vpcs), 300.0), words, gateways)

    def _columns(self) -> dict[str, float]:
        left: dict[str, float] = {}
        x = MARGIN
        for i, vpc in enumerate(self.contents.vpcs):
            left[vpc] = x
            labels = [self._label_width(p) for p in self.contents.peerings if self._label_after(p) == i]
            # A rail's label stands in the gap, between the roads that go down a little inside the VPCs' edges.
            x += self.column + max([GAP, *(max(label + 2 * LANE + 16, 120.0) - 2 * (PAD + 14) for label in labels)])
        return left

    def _span(self, peering: PeeringConnection) -> tuple[int, int]:
        """The columns that a peering connection joins, from left to right."""
        first, last = sorted(map(self.contents.vpcs.index, (peering.requester, peering.accepter)))
        return first, last

    def _label_after(self, peering: PeeringConnection) -> int:
        """The column after which the label of a peering connection stands: in a gap no gateway's line is in its way."""
        first, last = self._span(peering)
        return (first + last - 1) // 2

    def _label_width(self, peering: PeeringConnection) -> float:
        return max(min(width(short(peering.name), 9, True), 170.0), width(peering.status))

    def _filters(self, subnet: str) -> list[str]:
        table, acl = self.network.route_table_of(subnet), self.network.network_acl_of(subnet)
        return [f"route table {short(table.name)}", f"network ACL {short(acl.name)}"]

    # Above the VPCs

    def _internet(self, top: float) -> float:
        out = self.out
        host = f": {self.contents.host} is a host here" if self.contents.host else ""
        room = out.width - 2 * (MARGIN + PAD)
        out.say(f"internet{host}", MARGIN + PAD, top + 16, room, 10, True, "internet")
        road = self._call_out("internet", MARGIN + PAD, top + 30, room) + 14
        gates = [(id, x) for vpc in self.contents.vpcs for id, x, _ in self._gateways(vpc) if not id.startswith("pcx-")]
        for id, x in gates:
            out.points[f"internet@{id}"] = (x, road)
        if len(gates) > 1:
            out.join(*(f"internet@{id}" for id, _ in gates))
            out.street("internet", (gates[0][1], road), (gates[-1][1], road))
        if not gates:
            out.points["internet@"] = (out.width / 2, road)
        out.boxes.append(Box("internet", "internet", MARGIN, top, out.width - 2 * MARGIN, road + 20 - top))
        return road + 20

    def _peerings(self, y: float) -> float:
        """The rails above the VPCs, in levels: the longer above the shorter, so that none runs over another's label."""
        levels: list[list[PeeringConnection]] = []
        for peering in sorted(
            self.contents.peerings, key=lambda p: (self._span(p)[1] - self._span(p)[0], self._span(p), p.id)
        ):
            free = (level for level in levels if not any(self._overlap(peering, other) for other in level))
            level = next(free, None)
            if level is None:
                levels.append([peering])
            else:
                level.append(peering)
        for level in reversed(levels):
            for peering in level:
                self._rail(peering, y + 18)
            y += 80
        return y

    def _overlap(self, a: PeeringConnection, b: PeeringConnection) -> bool:
        return self._span(a)[0] < self._span(b)[1] and self._span(b)[0] < self._span(a)[1]

    def _rail(self, peering: PeeringConnection, y: float) -> None:
        out, vpcs = self.out, self.contents.vpcs
        gap = self._label_after(peering)
        middle = (self.left[vpcs[gap]] + self.column + self.left[vpcs[gap + 1]]) / 2
        out.say(short(peering.name), middle, y, 170, bold=True, centered=True)
        role = "plain" if peering.status == "active" else "alarm"
        out.say(peering.status, middle, y + ROW, 170, role=role, centered=True)
        rail = y + ROW + 28
        corners = []
        for vpc in (vpcs[i] for i in self._span(peering)):
            corners.append(f"rail:{peering.id}@{vpc}")
            out.points[corners[-1]] = (self._ports(vpc)[peering.id], rail)
            out.join(corners[-1], f"port:{peering.id}@{vpc}")
        out.points[f"peering:{peering.id}"] = (middle, rail)
        out.join(corners[0], f"peering:{peering.id}", corners[1])

    def _spine(self, vpc: str) -> float:
        return self.left[vpc] + self.column - PAD - 14

    def _ends(self, vpc: str) -> tuple[list[str], list[str]]:
        """The peering connections to VPCs on the left and on the right, the nearest first."""
        here = self.contents.vpcs.index(vpc)
        ends = [
            (self.contents.vpcs.index(peering.other_end(vpc)) - here, peering.id)
            for peering in self.contents.peerings
            if vpc in (peering.requester, peering.accepter)
        ]
        left = [id for _, id in sorted((-away, id) for away, id in ends if away < 0)]
        right = [id for _, id in sorted((away, id) for away, id in ends if away > 0)]
        return left, right

    def _ports(self, vpc: str) -> dict[str, float]:
        """Where peering connections' roads enter a VPC: on the peer's side, the farther the more inward."""
        left, right = self._ends(vpc)
        start = self.left[vpc] + PAD + 14
        return {id: start + PORT * i for i, id in enumerate(left)} | {
            id: self._spine(vpc) - PORT * i for i, id in enumerate(right)
        }

    def _gateway_widths(self, vpc: str) -> list[float]:
        return [
            max(min(width(name, 9, True), 150.0), width(kind)) + 24 for _, name, kind in self.contents.gateways[vpc]
        ]

    def _gateways(self, vpc: str) -> list[tuple[str, float, float]]:
        """The gateways at a VPC's edge: id, the middle, the width."""
        widths = self._gateway_widths(vpc)
        x = self.left[vpc] + (self.column - sum(widths) - GAP * (len(widths) - 1)) / 2
        found = []
        for (id, _, _), wide in zip(self.contents.gateways[vpc], widths, strict=True):
            found.append((id, x + wide / 2, wide))
            x += wide + GAP
        return found

    # A VPC

    def _vpc(self, vpc: str, top: float) -> float:
        out, part = self.out, self.network.vpcs[vpc]
        x, spine = self.left[vpc], self._spine(vpc)
        out.boxes.append(Box(vpc, "VPC", x, top, self.column, 0))
        y = self._edge(vpc, top)
        room = self.column - 2 * PAD - CHIP
        out.say(short(part.name), x + PAD, y + 10, room, 12, True)
        out.say(cidrs(part.cidrs), x + PAD, y + 30, room)
        out.points[f"vpc:{vpc}"] = (spine, y + 20)
        spine_points = [f"vpc:{vpc}"]
        y = self._call_out_for_vpc(vpc, x + PAD, y + 46, spine - LANE - 20 - x - PAD)
        subnets = self.contents.subnets[vpc]
        if not subnets:
            out.say("no subnet yet", x + PAD, y + 8, room, role="quiet")
            y += 2 * ROW
        for subnet in subnets:
            y = self._subnet(subnet, x + PAD, y, spine, spine_points) + PAD
        out.join(f"corner:{vpc}", *spine_points)
        if subnets:
            last = subnets[-1].id
            end = f"in:{last}" if self.contents.cards[last] else f"out:{last}"
            out.street("street", out.points[f"corner:{vpc}"], out.points[end])
        return y

    def _edge(self, vpc: str, top: float) -> float:
        """The gateways on a VPC's upper edge, and the road that joins them and the peering connections with the
        subnets.
        """
        out, spine = self.out, self._spine(vpc)
        gateways, ports = self._gateways(vpc), self._ports(vpc)
        road = top + (60 if gateways else 24)
        out.points[f"corner:{vpc}"] = (spine, road)
        if not gateways and not ports:
            return top + PAD
        stops = [(spine, f"corner:{vpc}")]
        for (id, middle, wide), (_, name, kind) in zip(gateways, self.contents.gateways[vpc], strict=True):
            out.boxes.append(Box(id, "gateway", middle - wide / 2, top - 20, wide, 40))
            out.say(name, middle, top - 8, 150, bold=True, centered=True)
            out.say(kind, middle, top + 9, wide, centered=True)
            place = f"peering:{id}" if id.startswith("pcx-") else f"gateway:{id}"
            out.points |= {place: (middle, top + 32), f"gate:{id}": (middle, road)}
            out.join(f"gate:{id}", place)
            out.street("street", (middle, top + 20), (middle, road))
            stops.append((middle, f"gate:{id}"))
            if f"internet@{id}" in out.points:
                out.join(place, f"internet@{id}")
                out.street("gateway", out.points[f"internet@{id}"], (middle, top - 20))
        for id, x in ports.items():
            out.points[f"port:{id}@{vpc}"] = (x, road)
            stops.append((x, f"port:{id}@{vpc}"))
            rail = out.points[f"rail:{id}@{vpc}"]
            out.street("street", (x, top), (x, road))
            out.street(
                "peering",
                out.points[f"peering:{id}"],
                rail,
                (x, top),
                is_open=self.network.peering_connections[id].status == "active",
            )
        stops.sort()
        out.join(*(name for _, name in stops))
        out.street("street", (stops[0][0], road), (stops[-1][0], road))
        return road + 22

    def _call_out_for_vpc(self, vpc: str, x: float, y: float, room: float) -> float:
        """Under the VPC's name is said what stopped at its edge: a gateway, a peering connection, the VPC itself."""
        if (
            self.callout
            and self.callout.vpc == vpc
            and self.callout.place.split(":")[0] in ("gateway", "peering", "vpc")
        ):
            return self._call_out(self.callout.place, x, y, room)
        return y

    def _call_out(self, place: str, x: float, y: float, room: float) -> float:
        """Say why the packet stopped, if it stopped at this place; returns where the next thing may go."""
        if self.callout is None or self.callout.place != place:
            return y
        lines = [(line, True) for line in wrap(self.callout.headline, room - 20, bold=True)]
        lines += [
            (line, False) for text in (self.callout.sentence, self.callout.code or "") for line in wrap(text, room - 20)
        ]
        self.out.boxes.append(Box(place, "callout", x, y, room, len(lines) * ROW + 12))
        for i, (line, bold) in enumerate(lines):
            self.out.say(line, x + 10, y + 6 + ROW * (i + 0.5), room, bold=bold, role="alarm" if bold else "plain")
        return y + len(lines) * ROW + 12 + 10

    # A subnet

    def _subnet(self, subnet: Subnet, x: float, top: float, spine: float, spine_points: list[str]) -> float:
        out, id = self.out, subnet.id
        right = spine - 24
        lane = right - CHIP
        table, acl = self._filters(id)
        inner = x + 10
        room = lane - LANE - 8 - inner
        out.say(short(subnet.name), inner, top + 16, right - inner - 8, 10, True)
        out.say(_where(subnet), inner, top + 34, right - inner - 8)
        y = top + 62
        out.say(table, inner, y, lane - CHIP - inner, bold=True)
        out.points |= {f"routes:{id}": (lane, y), f"out:{id}": (spine, y)}
        y = self._routes(id, inner + 8, y + ROW, room - 8)
        y = self._call_out(f"routes:{id}", inner, y, room)
        y += 10
        out.say(acl, inner, y, lane - CHIP - inner, bold=True)
        out.points |= {f"acl:{id}": (lane, y), f"in:{id}": (spine, y)}
        out.lead(f"routes:{id}", f"out:{id}")
        out.lead(f"in:{id}", f"acl:{id}")
        spine_points += [f"out:{id}", f"in:{id}"]
        y = self._call_out(f"acl:{id}", inner, y + 16, room)
        stops = [f"routes:{id}", f"acl:{id}"]
        for card in self.contents.cards[id]:
            y = self._card(card, inner, y + 4, lane, stops)
        out.join(*stops)
        exit_x, exit_y = out.points[f"routes:{id}"]
        if self.contents.cards[id]:
            out.street("street", (exit_x, exit_y), out.points[f"out:{id}"])
            out.street("street", out.points[f"acl:{id}"], out.points[f"in:{id}"])
            out.street("street", (exit_x, exit_y), out.points[stops[-1]])
        else:  # nothing in it sends or receives: only a stub
            out.street("street", (right, exit_y), out.points[f"out:{id}"])
        bottom = y + 6
        out.boxes.append(Box(id, "subnet", x, top, right - x, bottom - top))
        return bottom

    def _routes(self, subnet: str, x: float, y: float, room: float) -> float:
        rows = routes_in_short(self.network, subnet)
        for destination, text, lost in rows[:MOST_ROUTES]:
            self.out.say(text, x, y, room, bold=(subnet, destination) in self.used, role="alarm" if lost else "plain")
            y += ROW
        if len(rows) > MOST_ROUTES:
            self.out.say(f"… and {len(rows) - MOST_ROUTES} more", x, y, room, role="quiet")
            y += ROW
        return y

    def _card(self, card: Interface, x: float, top: float, lane: float, stops: list[str]) -> float:
        out, network = self.out, self.network
        wide = lane - CHIP + 4 - x
        kind, state = kind_of(network, card), state_of(network, card)
        rows = [(title_of(network, card), True, "plain")]
        if kind != "instance":
            rows.append((kind, False, "plain"))
        rows += [(state, True, "alarm")] if state else []
        rows += [(row, False, "plain") for address in addresses_of(card) for row in wrap(address, wide - 38)]
        rows += [(groups_of(network, card), False, "quiet")] if card.groups else []
        high = max(len(rows) * ROW, 2 * ROW) + 12
        middle = top + high / 2
        for i, (text, bold, role) in enumerate(rows):
            y = top + 6 + ROW * (i + 0.5)
            beside_chip = abs(y - middle) < ROW + LANE - 2
            out.say(text, x + 10, y, wide - 16 - (20 if beside_chip else 0), bold=bold, role=role)
        out.boxes.append(Box(card.instance or card.id, "card", x, top, wide, high))
        out.points |= {f"card:{card.id}": (x + wide, middle), f"lane:{card.id}": (lane, middle)}
        out.join(f"card:{card.id}", f"lane:{card.id}")
        out.street("street", (x + wide, middle), (lane, middle))
        stops.append(f"lane:{card.id}")
        return self._call_out(f"card:{card.id}", x, top + high + 6, lane - LANE - 8 - x)


def _where(subnet: Subnet) -> str:
    return f"{cidrs(subnet.cidrs)} · {subnet.availability_zone}"
