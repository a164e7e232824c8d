"""Measure how long the map and the widgets take to answer in the kernel: python -m tests.benchmarks.map_and_widgets

The lab is that of notebook 04 with both routes, on the embedded AWS. Each figure is the best of several rounds; the
browser's own time is not in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.benchmarks.timing import ROOT, least, spent

ROUNDS = 7


def best(what: str, action: Callable[[], object], before: Callable[[], object] = lambda: None) -> None:
    """Print the best time of an action, its best processor time, and the time of the first round, which also loads.

    Args:
        what: What the action is.
        action: What is measured.
        before: Done before each round, and not measured.
    """
    runs = []
    for _ in range(ROUNDS):
        before()
        runs.append(spent(action))
    times = (least(runs).seconds, least(runs).cpu, runs[0].seconds)
    print(f"{what:48}", *(f"{1000 * seconds:6.2f}" for seconds in times))


def main() -> None:
    os.chdir(ROOT / "notebooks")
    import boto3

    import labkit

    lab = labkit.connect()
    lab.catch_up("05")
    before = lab.clock
    lab.shell("instance-1", "ping -c 3 10.2.0.126")
    lab.wait_for_flow_logs()
    path = lab.trace("instance-1", "instance-2")
    network = lab.network

    from labkit.show.map.drawing import draw
    from labkit.show.map.svg import svg

    print(f"\n{'milliseconds':48} {'best':>6} {'CPU':>6} {'first':>6}")
    best("reading the network", lambda: lab.network)
    best("map: laid out", lambda: draw(network, path))
    best("map: laid out, as SVG", lambda: svg((one := draw(network, path)).sheet, "Map", one.description))
    best("map without a path: laid out, as PNG", lambda: draw(network).png())
    best("map with a path: laid out, as PNG", lambda: draw(network, path).png())
    best("lab.map(), with reading the network, as PNG", lambda: lab.map().png())

    shown = lab.widgets.packet_lab("instance-1", "instance-2")
    ports = iter(range(1, 1000))

    def another_port() -> None:
        shown.protocol.value = "tcp"
        shown.port.value = str(next(ports))

    def another_step() -> None:
        shown.hops.index = next(ports) % len(shown.hops.options)

    def another_route() -> None:
        table = lab.find("route-table-1")
        boto3.client("ec2").create_route(RouteTableId=table, DestinationCidrBlock=f"9.{next(ports)}.0.0/16", **target)

    best("packet lab: another port (two changes)", another_port)
    shown.protocol.value = "icmp"
    best("packet lab: another step", another_step)
    target = {"VpcPeeringConnectionId": lab.find("peering-1-2")}
    best("packet lab: after a cell made a route", shown.catch_up, before=another_route)
    editor = lab.widgets.route_editor("route-table-1")

    def another_destination() -> None:
        editor.destination.value = f"8.{next(ports)}.0.0/16"

    best("route editor: another destination", another_destination)

    def click() -> None:
        editor.destination.value = f"7.{next(ports)}.0.0/16"
        editor.button.click()

    best("route editor: a click, with the call to EC2", click)
    replay = lab.widgets.replay("instance-1", "instance-2", since=before)

    def another_moment() -> None:
        replay.slider.value = 1 + next(ports) % (replay.slider.max - 1)

    best("replay: another step", another_moment)

    def records() -> None:
        replay.slider.value = 0
        replay.slider.value = replay.slider.max

    best("replay: the records", records)


if __name__ == "__main__":
    main()
