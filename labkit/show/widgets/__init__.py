"""The widgets of a lab, `lab.widgets`: each shows what a plain function returns, and says in code how to get it.

ipywidgets loads when the first widget is made.
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
    """The widgets of a lab, one method for each."""

    def __init__(self, lab: LabLike) -> None:
        """Offer the widgets for a connected lab, or for anything that has its methods."""
        self._lab = lab

    def packet_lab(
        self, source: str | None = None, destination: str | None = None, protocol: str = "icmp", port: int | None = None
    ) -> PacketLab:
        """Return the interactive map: trace any packet from anywhere to anywhere, and see each step.

        The plain functions are `lab.trace(source, destination, protocol, port)`, which has the same arguments, and
        `lab.map(path)`.

        Raises:
            LabError: An end that is given is not there.
        """
        from labkit.show.widgets.packet_lab import PacketLab

        return PacketLab(self._lab, source, destination, protocol, port)

    def route_editor(self, route_table: str) -> RouteEditor:
        """Return an editor of a route table's routes: create, replace and delete them.

        The plain functions are `ec2.create_route`, `ec2.replace_route` and `ec2.delete_route`: each call is shown as
        code, and made by a click.

        Args:
            route_table: Its name or id.

        Raises:
            LabError: There is no such route table.
        """
        from labkit.show.widgets.route_editor import RouteEditor

        return RouteEditor(self._lab, route_table)

    def rule_editor(self, security_group: str) -> RuleEditor:
        """Return an editor of a security group's rules: add and remove them.

        The plain functions are `ec2.authorize_security_group_ingress`, `ec2.revoke_security_group_ingress` and the same
        for `egress`: each call is shown as code, and made by a click.

        Args:
            security_group: Its name or id.

        Raises:
            LabError: There is no such group.
        """
        from labkit.show.widgets.rule_editor import RuleEditor

        return RuleEditor(self._lab, security_group)

    def acl_editor(self, network_acl: str) -> AclEditor:
        """Return an editor of a network ACL's entries: create, replace and delete them.

        The plain functions are `ec2.create_network_acl_entry`, `ec2.replace_network_acl_entry` and
        `ec2.delete_network_acl_entry`: each call is shown as code, and made by a click.

        Args:
            network_acl: Its name or id, or those of a subnet that it guards.

        Raises:
            LabError: There is no such ACL.
        """
        from labkit.show.widgets.acl_editor import AclEditor

        return AclEditor(self._lab, network_acl)

    def replay(
        self, source: str, destination: str, protocol: str = "icmp", port: int | None = None, count: int = 3,
        since: datetime | None = None,
    ) -> Replay:  # fmt: skip
        """Return a replay of a ping: where each packet is, which interface sees it, and which flow log record tells it.

        The plain functions are `lab.trace(source, destination, protocol, port)`, whose legs have `sightings`, and
        `lab.records(interface, address, since=since)`.

        Args:
            source: As for `lab.trace`.
            destination: As for `lab.trace`.
            protocol: As for `lab.trace`.
            port: As for `lab.trace`.
            count: How many packets are replayed.
            since: Leave out records of traffic before this moment.

        Raises:
            LabError: An end is not there.
        """
        from labkit.show.widgets.replay import Replay

        return Replay(self._lab, source, destination, protocol, port, count, since)

    def flow_explorer(self, table: DataFrame) -> FlowExplorer:
        """Return a search of a table of records by time, verdict, protocol, address and port.

        It shows the same search as pandas code, with `flowlogs.top_talkers`.

        Args:
            table: Records as `flowlogs.read` returns them.

        Raises:
            LabError: It is no such table.
        """
        from labkit.show.widgets.flow_explorer import FlowExplorer

        return FlowExplorer(table)

    def insights(self, query: str | None = None, log_group: str | None = None) -> InsightsBox:
        """Return a box for Logs Insights queries, with samples, and the query as boto3 calls and as SQL.

        The plain function is `lab.insights(query)`.

        Args:
            query: The query to begin with, which is asked at once.
            log_group: Where to ask; the lab's log group unless given.

        Raises:
            LabError: The query is not a text.
        """
        from labkit.show.widgets.insights import InsightsBox

        return InsightsBox(self._lab, query, log_group or self._lab.name(LOG_GROUP))

    def record_decoder(self, line: str, format: Any = None) -> RecordDecoder:
        """Return one flow log record taken apart: each field is explained when it is chosen, with a quiz about it.

        Args:
            line: A record, such as `lab.records()[0]`.
            format: The format of its flow log if it is not the default one, as `flowlogs.read` takes it.

        Raises:
            LabError: The line is no record of the format.
        """
        from labkit.show.widgets.record_decoder import RecordDecoder

        return RecordDecoder(line, format)

    def __dir__(self) -> list[str]:
        return [name for name in vars(type(self)) if not name.startswith("_")]

    def __repr__(self) -> str:
        return "The widgets of this lab: " + ", ".join(f"lab.widgets.{name}(…)" for name in dir(self))
