"""What a student can move: each widget shows what a plain function gives, and says in code how to get it.

Import from the modules, or use `lab.widgets`. Nothing here loads ipywidgets before the first widget is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.names import LOG_GROUP

if TYPE_CHECKING:
    from datetime import datetime

    from pandas import DataFrame

    from labkit.show.widgets.acl_editor import AclEditor
    from labkit.show.widgets.flow_explorer import FlowExplorer
    from labkit.show.widgets.insights import InsightsBox
    from labkit.show.widgets.live import LabLike
    from labkit.show.widgets.packet_lab import PacketLab
    from labkit.show.widgets.record_decoder import RecordDecoder
    from labkit.show.widgets.replay import Replay
    from labkit.show.widgets.route_editor import RouteEditor
    from labkit.show.widgets.rule_editor import RuleEditor


class Widgets:
    """The widgets of a lab, one method each: `lab.widgets`.

    Parameters: `lab` is what they ask: a connected lab, or anything with its `network`, `client` and `records`.
    """

    def __init__(self, lab: LabLike) -> None:
        self._lab = lab

    def packet_lab(
        self, source: str | None = None, destination: str | None = None, protocol: str = "icmp", port: int | None = None
    ) -> PacketLab:
        """The interactive map: send any packet from anywhere to anywhere, and see step by step what becomes of it.

        The plain functions are `lab.trace(source, destination, protocol, port)` and `lab.map(path)`, which say what the
        parameters are. Raises LabError for an end that is given and not there.
        """
        from labkit.show.widgets.packet_lab import PacketLab

        return PacketLab(self._lab, source, destination, protocol, port)

    def route_editor(self, route_table: str) -> RouteEditor:
        """The routes of a route table, given by name or id, and controls to create, replace and delete one.

        The plain functions are `ec2.create_route`, `ec2.replace_route` and `ec2.delete_route`: each call is shown as
        code, and made by a click. Raises LabError where there is no such route table.
        """
        from labkit.show.widgets.route_editor import RouteEditor

        return RouteEditor(self._lab, route_table)

    def rule_editor(self, security_group: str) -> RuleEditor:
        """The rules of a security group, given by name or id, and controls to add and remove one.

        The plain functions are `ec2.authorize_security_group_ingress`, `ec2.revoke_security_group_ingress` and the same
        for `egress`: each call is shown as code, and made by a click. Raises LabError where there is no such group.
        """
        from labkit.show.widgets.rule_editor import RuleEditor

        return RuleEditor(self._lab, security_group)

    def acl_editor(self, network_acl: str) -> AclEditor:
        """The entries of a network ACL, given by name, id or the subnet that it guards, and controls to change them.

        The plain functions are `ec2.create_network_acl_entry`, `ec2.replace_network_acl_entry` and
        `ec2.delete_network_acl_entry`. Raises LabError where there is no such ACL.
        """
        from labkit.show.widgets.acl_editor import AclEditor

        return AclEditor(self._lab, network_acl)

    def replay(
        self, source: str, destination: str, protocol: str = "icmp", port: int | None = None, count: int = 3,
        since: datetime | None = None,
    ) -> Replay:  # fmt: skip
        """A ping step by step: where each packet is, which interface sees it, and which flow log record tells of it.

        The plain functions are `lab.trace(source, destination, protocol, port)`, whose legs have `sightings`, and
        `lab.records(interface, address, since=since)`. Parameters: as for `lab.trace`; `count` packets are replayed;
        records of traffic before `since` are left out. Raises LabError for an end that is not there.
        """
        from labkit.show.widgets.replay import Replay

        return Replay(self._lab, source, destination, protocol, port, count, since)

    def flow_explorer(self, table: DataFrame) -> FlowExplorer:
        """A table of records, searched by time, verdict, protocol, address and port.

        Parameters: `table`, as `flowlogs.read` gives it. The plain functions are `flowlogs.select(table, port=443, …)`
        and `flowlogs.top_talkers`.
        """
        from labkit.show.widgets.flow_explorer import FlowExplorer

        return FlowExplorer(table)

    def insights(self, query: str | None = None, log_group: str = LOG_GROUP) -> InsightsBox:
        """A box for Logs Insights queries, with samples, and the same query as boto3 calls and SQL.

        Parameters: `query` to begin with, which is asked at once; `log_group` to ask. The plain function is
        `lab.insights(query)`.
        """
        from labkit.show.widgets.insights import InsightsBox

        return InsightsBox(self._lab, query, log_group)

    def record_decoder(self, line: str, format: Any = None) -> RecordDecoder:
        """One flow log record, each field explained when it is chosen, with a quiz about it.

        Parameters: `line`, such as `lab.records()[0]`; `format` of its flow log, if it is not the default one.
        """
        from labkit.show.widgets.record_decoder import RecordDecoder

        return RecordDecoder(line, format)

    def __dir__(self) -> list[str]:
        return [name for name in vars(type(self)) if not name.startswith("_")]

    def __repr__(self) -> str:
        return "The widgets of this lab: " + ", ".join(f"lab.widgets.{name}(…)" for name in dir(self))
