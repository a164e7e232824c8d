"""Lay out the parts of a network on a sheet. `drawing` calls it, and then draws a packet's path over it.

The internet is on top, then come the peering connections, then the VPCs side by side. In a VPC, a road comes down from
the gateways along its right-hand edge. Each subnet has an exit at its route table, an entrance at its network ACL, and
a road to its interfaces. So a packet that leaves travels up, one that arrives travels down, and both pass the
components in the order in which these decide.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from labkit.network import ComponentKind
from labkit.network.parts import PeeringConnection, Subnet
from labkit.show.map.lettering import width, wrap
from labkit.show.map.map_contents import Card, Gateway, MapContents, cidrs, short
from labkit.show.map.sheet import Sheet

MARGIN, PAD = 20.0, 12.0
ROW = 16.0
LANE = 9.0  # from the middle of a road to the line of a packet
_GAP = 28.0  # between VPCs
_PORT = 34.0  # between two roads that run side by side
_CHIP = 32.0  # beside a road, for the numbers of the steps
_MOST_ROUTES = 6

#: The narrowest column, by the number of VPCs: few have more room.
_NARROWEST = {1: 520.0, 2: 380.0}


@dataclass(frozen=True, slots=True)
class Callout:
    """Why a packet stopped, to be written beside the place where it stopped.

    Attributes:
        place: The name of the place, as `routing` gives it.
        vpc: The id of the VPC of the place, if any.
        headline: The step's number and the component.
        code: VPC Reachability Analyzer's explanation code, if any.
        sentence: The reason.
    """

    place: str
    vpc: str | None
    headline: str
    code: str | None
    sentence: str


class Layout:
    """A map that is laid out.

    Attributes:
        sheet: Where it is drawn.
        width: In pixels.
        height: In pixels.
    """

    def __init__(
        self, contents: MapContents, callout: Callout | None = None, used: Collection[tuple[str, str]] = ()
    ) -> None:
        """Lay out a map.

        Args:
            contents: What to draw.
            callout: What to write near the place that stopped the packet.
            used: The routes that a path took, as (subnet id, destination).
        """
        self.sheet = Sheet()
        self._contents, self._network = contents, contents.network
        self._callout, self._used = callout, used
        self._column = max(map(self._wanted, contents.vpcs), default=600.0)
        step = self._column + self._gap()
        self._left = {vpc: MARGIN + step * i for i, vpc in enumerate(contents.vpcs)}
        self.width = max(self._left.values(), default=MARGIN) + self._column + MARGIN
        self.height = self._draw()

    def _draw(self) -> float:
        contents, sheet = self._contents, self.sheet
        y = self._internet(MARGIN) if contents.internet else MARGIN
        top = self._cables(y) + (24 if contents.internet else 0)
        top += 20 if any(map(contents.gateways, contents.vpcs)) else 0
        bottom = max((self._vpc(vpc, top) for vpc in contents.vpcs), default=top)
        for left in self._left.values():
            sheet.box("VPC", left, top, self._column, bottom - top)
        room = self.width - 2 * MARGIN
        for line in [line for note in contents.notes() for line in wrap(note, room)]:
            bottom += ROW + 4
            sheet.say(line, MARGIN, bottom, room, role="quiet")
        if not contents.vpcs:  # the notes are all there is
            sheet.box("VPC", MARGIN / 2, top, self.width - MARGIN, bottom + MARGIN - top)
            bottom += MARGIN / 2
        return bottom + MARGIN

    # The columns: one for each VPC, all as wide as the widest needs

    def _wanted(self, vpc: str) -> float:
        contents = self._contents
        rows = [contents.name(vpc)]
        for subnet in contents.subnets(vpc):
            rows += [text for _, text, _ in contents.routes(subnet.id)]
            rows += [_where(subnet), *self._filters(subnet.id)]
            rows += [card.title for card in contents.cards(subnet.id)]
        ends = sum(vpc in (peering.requester, peering.accepter) for peering in contents.peerings)
        sides = 2 * (PAD + _PORT * ends)
        gateways = sum(wide + _GAP for _, _, wide in self._gateways(vpc)) - _GAP + sides
        # Longer names are cut; gateways and roads never are.
        words = min(142 + max(width(row, 9, True) for row in rows), 420.0)
        return max(_NARROWEST.get(len(contents.vpcs), 300.0), words, gateways)

    def _gap(self) -> float:
        """Return the room between two VPCs: enough for a cable's label, between the roads just inside their edges."""
        names = [width(short(peering.name), 9, True) for peering in self._contents.peerings]
        labels = [min(name, 170.0) for name in names] + [width(peering.status) for peering in self._contents.peerings]
        return max(max(labels) + 2 * LANE + 16, 120.0) - 2 * (PAD + 14) if labels else _GAP

    def _span(self, peering: PeeringConnection) -> tuple[int, int]:
        """Return the columns that a peering connection joins, from left to right."""
        first, last = sorted(map(self._contents.vpcs.index, (peering.requester, peering.accepter)))
        return first, last

    def _filters(self, subnet: str) -> list[str]:
        table, acl = self._network.route_table_of(subnet), self._network.network_acl_of(subnet)
        return [f"route table {short(table.name)}", f"network ACL {short(acl.name)}"]

    def _middle(self, vpc: str) -> float:
        return self._left[vpc] + self._column / 2

    def _spine(self, vpc: str) -> float:
        return self._left[vpc] + self._column - PAD - 14

    def _ports(self, vpc: str) -> dict[str, float]:
        """Return the x where each peering connection's road enters a VPC: on the peer's side, the longest innermost."""
        here = self._contents.vpcs.index(vpc)
        peerings = [peering for peering in self._contents.peerings if vpc in (peering.requester, peering.accepter)]
        aways = sorted((self._contents.vpcs.index(peering.other_end(vpc)) - here, peering.id) for peering in peerings)
        start, end = self._left[vpc] + PAD + 14, self._spine(vpc)
        left = [id for away, id in reversed(aways) if away < 0]
        right = [id for away, id in aways if away > 0]
        ports = {id: start + _PORT * i for i, id in enumerate(left)}
        return ports | {id: end - _PORT * i for i, id in enumerate(right)}

    def _gateways(self, vpc: str) -> list[tuple[Gateway, float, float]]:
        """Return the gateways at a VPC's edge, each with its middle, from the column's middle, and its width."""
        gateways = self._contents.gateways(vpc)
        widths = [max(min(width(one.name, 9, True), 150.0), width(one.label)) + 24 for one in gateways]
        x = -(sum(widths) + _GAP * (len(widths) - 1)) / 2
        found = []
        for gateway, wide in zip(gateways, widths, strict=True):
            found.append((gateway, x + wide / 2, wide))
            x += wide + _GAP
        return found

    # Above the VPCs

    def _internet(self, top: float) -> float:
        sheet, room = self.sheet, self.width - 2 * (MARGIN + PAD)
        host = f": {self._contents.host} is a host here" if self._contents.host else ""
        sheet.say(f"internet{host}", MARGIN + PAD, top + 16, room, 10, True, "internet")
        road = self._call_out("internet", MARGIN + PAD, top + 30, room) + 14
        ends = {
            f"internet@{gateway.id}": (self._middle(vpc) + x, road)
            for vpc in self._contents.vpcs
            for gateway, x, _ in self._gateways(vpc)
            if gateway.id in self._network.internet_gateways
        }
        sheet.points |= ends or {"internet@": (self.width / 2, road)}
        if len(ends) > 1:
            sheet.road("internet road", *ends)
        sheet.box("internet", MARGIN, top, self.width - 2 * MARGIN, road + 20 - top)
        return road + 20

    def _cables(self, y: float) -> float:
        """Draw the peering connections in levels, the longer above the shorter: none crosses another's label."""
        levels: dict[str, int] = {}
        spans = {peering.id: self._span(peering) for peering in self._contents.peerings}
        for id, (first, last) in sorted(spans.items(), key=lambda item: (item[1][1] - item[1][0], item[1], item[0])):
            below = [levels[other] for other in levels if spans[other][0] < last and first < spans[other][1]]
            levels[id] = max(below, default=-1) + 1
        height = max(levels.values(), default=-1) + 1
        for peering in self._contents.peerings:
            self._cable(peering, y + 80 * (height - 1 - levels[peering.id]) + 18)
        return y + 80 * height

    def _cable(self, peering: PeeringConnection, y: float) -> None:
        """Write a peering connection's label, and place the points of its cable, which is drawn with the VPCs."""
        sheet, vpcs = self.sheet, self._contents.vpcs
        # In a gap between VPCs, no gateway's line crosses the label.
        first, last = self._span(peering)
        gap = (first + last - 1) // 2
        middle = (self._left[vpcs[gap]] + self._column + self._left[vpcs[gap + 1]]) / 2
        sheet.say(short(peering.name), middle, y, 170, bold=True, centered=True)
        role = "plain" if peering.status == "active" else "alarm"
        sheet.say(peering.status, middle, y + ROW, 170, role=role, centered=True)
        sheet.points[f"peering:{peering.id}"] = (middle, y + ROW + 28)
        for vpc in (peering.requester, peering.accepter):
            sheet.points[f"corner:{peering.id}@{vpc}"] = (self._ports(vpc)[peering.id], y + ROW + 28)

    # A VPC

    def _vpc(self, vpc: str, top: float) -> float:
        sheet, part = self.sheet, self._network.vpcs[vpc]
        x, spine = self._left[vpc] + PAD, self._spine(vpc)
        y = self._edge(vpc, top)
        room = self._column - 2 * PAD - _CHIP
        sheet.say(short(part.name), x, y + 10, room, 12, True)
        sheet.say(cidrs(part.cidrs), x, y + 30, room)
        sheet.points[f"vpc:{vpc}"] = (spine, y + 20)
        stops = [f"edge:{vpc}", f"vpc:{vpc}"]
        y += 46
        # What stopped a packet at the VPC's edge is written under the VPC's name.
        callout = self._callout
        if callout and callout.vpc == vpc and callout.place.startswith(("gateway:", "peering:", "vpc:")):
            y = self._call_out(callout.place, x, y, spine - LANE - 20 - x)
        subnets = self._contents.subnets(vpc)
        for subnet in subnets:
            y = self._subnet(subnet, x, y, spine, stops) + PAD
        if not subnets:
            sheet.say("no subnet yet", x, y + 8, room, role="quiet")
            y += 2 * ROW
        if subnets or f"edge:{vpc}" in sheet.leads_to:
            sheet.road("street", *stops)
        return y

    def _edge(self, vpc: str, top: float) -> float:
        """Draw what joins a VPC with others, gateways and peering connections, and a road from them to the subnets."""
        sheet, spine = self.sheet, self._spine(vpc)
        gateways, ports = self._gateways(vpc), self._ports(vpc)
        road = top + (60 if gateways else 24)
        sheet.points[f"edge:{vpc}"] = (spine, road)
        if not gateways and not ports:
            return top + PAD
        stops = [(spine, f"edge:{vpc}")]
        for gateway, x, wide in gateways:
            id, middle = gateway.id, self._middle(vpc) + x
            sheet.box("gateway", middle - wide / 2, top - 20, wide, 40)
            sheet.say(gateway.name, middle, top - 8, 150, bold=True, centered=True)
            sheet.say(gateway.label, middle, top + 9, wide, centered=True)
            place = f"gateway:{id}" if id in self._network.internet_gateways else f"peering:{id}"
            sheet.points |= {f"under:{id}": (middle, top), place: (middle, top + 32), f"gate:{id}": (middle, road)}
            sheet.road("street", f"under:{id}", place, f"gate:{id}")
            if place.startswith("gateway:"):
                sheet.road("cable", f"internet@{id}", f"under:{id}")
            stops.append((middle, f"gate:{id}"))
        for id, x in ports.items():
            sheet.points |= {f"door:{id}@{vpc}": (x, top), f"port:{id}@{vpc}": (x, road)}
            kind = "cable" if self._network.peering_connections[id].status == "active" else "dead cable"
            sheet.road(kind, f"peering:{id}", f"corner:{id}@{vpc}", f"door:{id}@{vpc}")
            sheet.road("street", f"door:{id}@{vpc}", f"port:{id}@{vpc}")
            stops.append((x, f"port:{id}@{vpc}"))
        sheet.road("street", *(name for _, name in sorted(stops)))
        return road + 22

    def _call_out(self, place: str, x: float, y: float, room: float) -> float:
        """Write why the packet stopped, if it stopped at this place; return the y where the next thing may go."""
        if self._callout is None or self._callout.place != place:
            return y
        bold = wrap(self._callout.headline, room - 20, bold=True)
        plain = wrap(self._callout.sentence, room - 20) + wrap(self._callout.code or "", room - 20)
        high = (len(bold) + len(plain)) * ROW + 12
        self.sheet.box("callout", x, y, room, high)
        for i, line in enumerate(bold + plain):
            role = "alarm" if i < len(bold) else "plain"
            self.sheet.say(line, x + 10, y + 6 + ROW * (i + 0.5), room, bold=i < len(bold), role=role)
        return y + high + 10

    # A subnet

    def _subnet(self, subnet: Subnet, x: float, top: float, spine: float, spine_stops: list[str]) -> float:
        sheet, id = self.sheet, subnet.id
        right = spine - 24
        lane, inner = right - _CHIP, x + 10
        room = lane - LANE - 8 - inner
        table, acl = self._filters(id)
        sheet.say(short(subnet.name), inner, top + 16, right - inner - 8, 10, True)
        sheet.say(_where(subnet), inner, top + 34, right - inner - 8)
        y = top + 62
        sheet.say(table, inner, y, lane - _CHIP - inner, bold=True)
        sheet.points |= {f"routes:{id}": (lane, y), f"exit:{id}": (right, y), f"out:{id}": (spine, y)}
        y = self._routes(id, inner + 8, y + ROW, room - 8)
        y = self._call_out(f"routes:{id}", inner, y, room) + 10
        sheet.say(acl, inner, y, lane - _CHIP - inner, bold=True)
        sheet.points |= {f"acl:{id}": (lane, y), f"in:{id}": (spine, y)}
        y = self._call_out(f"acl:{id}", inner, y + 16, room)
        stops = [f"routes:{id}", f"acl:{id}"]
        for card in self._contents.cards(id):
            y = self._card(card, inner, y + 4, lane)
            stops.append(f"lane:{card.interface.id}")
        spine_stops.append(f"out:{id}")
        if self._contents.cards(id):
            spine_stops.append(f"in:{id}")
            sheet.road("street", *stops)
            sheet.road("street", f"routes:{id}", f"out:{id}", one_way=True)
            sheet.road("street", f"in:{id}", f"acl:{id}", one_way=True)
        else:  # nothing in it sends or receives: draw a stub only
            sheet.road("street", f"exit:{id}", f"out:{id}")
        sheet.box("subnet", x, top, right - x, y + 6 - top)
        return y + 6

    def _routes(self, subnet: str, x: float, y: float, room: float) -> float:
        rows = self._contents.routes(subnet)
        for destination, text, lost in rows[:_MOST_ROUTES]:
            used = (subnet, destination) in self._used
            self.sheet.say(text, x, y, room, bold=used, role="alarm" if lost else "plain")
            y += ROW
        if len(rows) > _MOST_ROUTES:
            self.sheet.say(f"… and {len(rows) - _MOST_ROUTES} more", x, y, room, role="quiet")
            y += ROW
        return y

    def _card(self, card: Card, x: float, top: float, lane: float) -> float:
        sheet, id = self.sheet, card.interface.id
        wide = lane - _CHIP + 4 - x
        rows: list[tuple[str, bool, str]] = [(card.title, True, "plain")]
        rows += [(card.kind, False, "plain")] if card.kind is not ComponentKind.INSTANCE else []
        rows += [(card.state, True, "alarm")] if card.state else []
        rows += [(row, False, "plain") for address in card.addresses for row in wrap(address, wide - 38)]
        rows += [(card.groups, False, "quiet")] if card.groups else []
        high = max(len(rows), 2) * ROW + 12
        middle = top + high / 2
        for i, (text, bold, role) in enumerate(rows):
            y = top + 6 + ROW * (i + 0.5)
            beside_chip = abs(y - middle) < ROW + LANE - 2
            sheet.say(text, x + 10, y, wide - 16 - (20 if beside_chip else 0), bold=bold, role=role)
        sheet.box("card", x, top, wide, high)
        sheet.points |= {f"card:{id}": (x + wide, middle), f"lane:{id}": (lane, middle)}
        sheet.road("street", f"card:{id}", f"lane:{id}")
        return self._call_out(f"card:{id}", x, top + high + 6, lane - LANE - 8 - x)


def _where(subnet: Subnet) -> str:
    return f"{cidrs(subnet.cidrs)} · {subnet.availability_zone}"
