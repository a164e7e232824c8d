"""What is so in a student's own lab and data: the answers that quizzes and exercises are held against.

Where a question is "what would happen if", the network as it stands is changed in that one point, and traced.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from labkit.iam import PolicyKind, read_role, statements
from labkit.learn.chapters import chapters
from labkit.learn.checks.recording import all_flow_logs
from labkit.learn.plan import PEERING, SIDES, Side, Stop, View, absent
from labkit.names import DELIVERY_ROLE
from labkit.network import Network, echo_request
from labkit.network.packet import Address
from labkit.network.parts import Route

_HERE, _THERE = SIDES

Facts = dict[str, str]


def records(view: View, *containing: str) -> list[list[str]]:
    """The records in the lab's log group that hold addresses, as words."""
    lines = (line.split() for line in view.lab.records(*containing))
    return [line for line in lines if len(line) == 14 and line[-1] == "OK"]  # a custom format has other words


# The network, changed in one point


def without_route(network: Network, side: Side, is_meant: Callable[[Route], bool]) -> Network:
    """The network without some routes of the table that a side's subnet uses."""
    return _with_routes(network, side, lambda routes: [route for route in routes if not is_meant(route)])


def _with_routes(network: Network, side: Side, change: Callable[[tuple[Route, ...]], list[Route]]) -> Network:
    subnet = next((each.id for each in network.subnets.values() if each.name == side.subnet), None)
    if subnet is None:
        raise Stop(absent(side.subnet, "lab.check('subnets')."))
    table = network.route_table_of(subnet)
    changed = replace(table, routes=tuple(change(table.routes)))
    return replace(network, route_tables={**network.route_tables, table.id: changed})


def _is_peering(route: Route) -> bool:
    return route.target.startswith("pcx-")


def replied_with_narrow_route(view: View, address: Address) -> bool:
    """Whether vpc-2's table would send a reply for an address to the peering, had it a route to 10.1.15.80/32 only."""
    peering = next((e.id for e in view.network.peering_connections.values() if e.name == PEERING), None)
    if peering is None:
        raise Stop(absent(PEERING, "lab.check('peering')."))
    narrow = f"{_HERE.address}/32"
    route = Route((ip_network(narrow),), peering, "active", False, narrow)
    network = _with_routes(view.network, _THERE, lambda routes: [*(r for r in routes if not _is_peering(r)), route])
    subnet = view.part(network.subnets, _THERE.subnet, "lab.check('subnets').")
    applied = network.route_table_of(subnet.id).lookup(address)
    return applied is not None and applied.target == peering


# The day of notebook 06


@cache
def _day() -> dict[str, Any]:
    from labkit import flowlogs

    folder = chapters()[0].path.resolve().parent.parent / "data" / "nimbus-day"
    network = Network.from_answers(json.loads((folder / "network.json").read_text(encoding="utf-8")))
    names = {
        str(address): network.instances[each.instance].name if each.instance else each.name
        for each in network.interfaces.values() for address in each.addresses
    }  # fmt: skip
    own = ", ".join(f"'{address}'" for address in names)
    backup = next(address for address, name in names.items() if name == "backup-1")
    once = f"(flow_direction = 'egress' OR srcaddr NOT IN ({own}))"
    found = flowlogs.ask(
        flowlogs.scan(folder / "parquet", columns=["srcaddr", "dstaddr", "flow_direction", "start", "bytes"]),
        f"""SELECT hour(start) AS hour, srcaddr, dstaddr = '{backup}' AS backup,
                   sum(bytes)::BIGINT AS twice, (sum(bytes) FILTER ({once}))::BIGINT AS once
            FROM records WHERE srcaddr IS NOT NULL GROUP BY ALL""",
    )
    return {"all": found, "backup": found[found["backup"]]}


def backup_by_hour() -> dict[int, int]:
    """The bytes that backup-1 was sent in each hour, each packet counted once."""
    sums = _day()["backup"].groupby("hour")["once"].sum()
    return {int(hour): int(total) for hour, total in sums.items()}


def backup_as_recorded() -> int:
    return int(_day()["backup"]["twice"].sum())


def largest_backup() -> int:
    """The bytes of the one that sent the most to backup-1."""
    return int(_day()["backup"].groupby("srcaddr")["once"].sum().max())


# The facts of each quiz


def _start_here(view: View) -> Facts:
    host = str(urlsplit(view.client("ec2").meta.endpoint_url).hostname)
    return {"host": host, "endpoint": "here" if host == "127.0.0.1" else "aws"}


def _two_vpcs(view: View) -> Facts:
    interface = view.interface(_HERE)
    table = view.network.route_table_of(interface.subnet)
    public = next(iter(interface.public.values()), None)
    if public is None:
        raise Stop(absent(f"a public address of {_HERE.instance}", "lab.check('instances').", "none"))

    def applied(address: Address) -> str:
        route = table.lookup(address)
        return "none" if route is None else "peering" if _is_peering(route) else route.destination

    return {
        "near": applied(_HERE.cidr[200 * 256 + 7]), "far": applied(_THERE.address), "public": str(public),
        "igw": _HERE.gateway, "table": table.name, "group": _HERE.group,
    }  # fmt: skip


def _recording(view: View) -> Facts:
    vpc = view.part(view.network.vpcs, _HERE.vpc, "lab.check('vpcs').").id
    role = read_role(view.client("iam"), DELIVERY_ROLE)
    if role is None:
        raise Stop(absent(DELIVERY_ROLE, "lab.check('delivery-role')."))
    covered = any(each["ResourceId"] == vpc for each in all_flow_logs(view))
    who = statements(role.trust, PolicyKind.TRUST, "the trust policy")[0].principals[0]
    return {"role": DELIVERY_ROLE, "who": who, "new": "nothing" if covered else "create"}


def _failed_ping(view: View) -> Facts:
    here, there = view.interface(_HERE), view.interface(_THERE)
    way = [str(_HERE.address), str(_THERE.address)]
    seen = {side: {line[12] for line in records(view, id, *way) if line[3:5] == way and line[7] == "1"}
            for side, id in (("here", here.id), ("there", there.id))}  # fmt: skip
    if not seen["here"]:
        raise Stop(absent("the records of the ping", "ping, then lab.wait_for_flow_logs().", "none"))
    dark = without_route(view.network, _HERE, lambda route: route.target != "local")
    code = dark.trace(echo_request(here.primary, there.primary), here.id).code
    sides = "both" if seen["there"] else "here"
    return {
        "interface_1": here.id, "interface_2": there.id, "without_default": str(code), "igw": _HERE.gateway,
        "table": view.network.route_table_of(here.subnet).name, "seen": f"{sides} {'/'.join(sorted(seen['here']))}",
        "group_2": _THERE.group,
    }  # fmt: skip


def _connecting(view: View) -> Facts:
    here, there = view.interface(_HERE), view.interface(_THERE)
    path = without_route(view.network, _THERE, _is_peering).trace(echo_request(there.primary, here.primary), there.id)
    legs = [leg for leg in (path.forward, path.back) if leg]
    seen = [("2" if s.interface == there.id else "1") + s.action for leg in legs for s in leg.sightings]
    tables = [view.network.route_table_of(each.subnet).name for each in (here, there)]
    return {"seen": " ".join(seen), "interface_1": here.id, "interface_2": there.id, "igw": _THERE.gateway,
            "table_1": tables[0], "table_2": tables[1], "peering": PEERING}  # fmt: skip


def _insights(view: View) -> Facts:
    knocks = [line for line in records(view, "REJECT") if line[7] == "6"]
    if not knocks:
        raise Stop(absent("REJECT records of TCP", "lab.wait_for_flow_logs().", "none"))
    line = knocks[-1]
    plural = "" if line[8] == "1" else "s"
    return {"middle": " ".join(line[7:10]), "packets": f"{line[8]} packet{plural}", "bytes": line[9],
            "port": line[6], "line": " ".join(line)}  # fmt: skip


def _pandas(view: View) -> Facts:
    day = _day()["all"]
    return {"total": f"{day['twice'].sum() / 1e9:.0f}", "once": f"{day['once'].sum() / 1e9:.0f}",
            "doubled": f"{2 * day['twice'].sum() / 1e9:.0f}"}  # fmt: skip


FACTS: dict[str, Callable[[View], Facts]] = {
    "00": _start_here, "01": _two_vpcs, "02": _recording, "03": _failed_ping, "04": _connecting, "05": _insights,
    "06": _pandas,
}  # fmt: skip
