"""Security groups: the default group's own rule, the ports that a rule must have, and how a stale rule is revoked."""

from __future__ import annotations

import inspect
from typing import Any

from labkit.embedded.api.patches import patch
from labkit.embedded.api.refusals import AwsError

_BACKEND = "moto.ec2.models.security_groups:SecurityGroupBackend"


@patch(
    "default-group-lets-itself-in",
    rule="A VPC's default security group allows all traffic from the interfaces that have it.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
    hook=f"{_BACKEND}.create_security_group",
    parameters="self name description vpc_id tags force is_default",
)
def _default(original: Any) -> Any:
    signature = inspect.signature(original)

    def create_security_group(self: Any, *args: Any, **kwargs: Any) -> Any:
        from moto.ec2.models.security_groups import SecurityGroupRule

        call = signature.bind(self, *args, **kwargs)
        group = original(*call.args, **call.kwargs)
        if call.arguments.get("is_default"):
            itself = {"GroupId": group.id, "UserId": self.account_id, "OwnerId": self.account_id}
            group.add_ingress_rule(SecurityGroupRule(self, "-1", group.id, None, None, None, itself, is_egress=False))
        return group

    return create_security_group


@patch(
    "rules-need-ports",
    rule="A rule for ICMP, TCP or UDP must say from and to which port, or which ICMP type and code; for ICMPv6 neither "
    "means all of them.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html",
    hook=f"{_BACKEND}._iterate_security_rules",
    parameters="self ip_protocol group_id from_port to_port ip_ranges source_groups prefix_list_ids is_egress tags",
)
def _ports(original: Any) -> Any:
    signature = inspect.signature(original)

    def _iterate_security_rules(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = signature.bind(self, *args, **kwargs)
        given = call.arguments
        protocol = str(given["ip_protocol"]).lower()
        if given["ip_protocol"] is None:
            message = "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly."
            raise AwsError("InvalidParameterValue", message)
        if protocol in {"tcp", "udp", "6", "17"} and None in (given["from_port"], given["to_port"]):
            message = "Invalid value for portRange. Must specify both from and to ports with TCP/UDP."
            raise AwsError("InvalidParameterValue", message)
        if protocol in {"icmpv6", "58"} and given["from_port"] is None and given["to_port"] is None:
            given["from_port"] = given["to_port"] = "-1"
        if protocol in {"icmp", "1", "icmpv6", "58"} and None in (given["from_port"], given["to_port"]):
            message = (
                "Invalid value for portRange. Must specify both from and to ports with ICMP (its type and code; "
                "-1 is all)."
            )
            raise AwsError("InvalidParameterValue", message)
        if not given["ip_ranges"] and not given["source_groups"] and not given["prefix_list_ids"]:
            message = (
                "The request must contain a source or destination: a CIDR block, a security group or a prefix list."
            )
            raise AwsError("MissingParameter", message)
        return original(*call.args, **call.kwargs)

    return _iterate_security_rules


def _stale(backend: Any, pair: dict[str, str]) -> bool:
    """Whether a rule's source or destination is a group that has been deleted."""
    return "GroupId" in pair and backend.get_security_group_from_id(pair["GroupId"]) is None


def _named(backend: Any, group: Any, direction: str, given: dict[str, Any], pairs: list[dict[str, str]]) -> list[str]:
    """The ids of those of the group's rules that a call to revoke names by these pairs."""
    ours = {"OwnerId": backend.account_id, "UserId": backend.account_id}
    wanted = backend._iterate_security_rules(
        given["ip_protocol"], group.id, given["from_port"], given["to_port"], [], [ours | pair for pair in pairs], []
    )
    rules = list(getattr(group, f"{direction}_rules"))
    return [rules[rules.index(rule)].id for rule in wanted if rule in rules]


def _revoking(direction: str) -> None:
    """Patch RevokeSecurityGroupIngress or -Egress: moto looks for the group that a rule names, and it may be gone."""

    @patch(
        f"stale-{direction}-rules-are-revoked",
        rule=f"RevokeSecurityGroup{direction.capitalize()} takes away a stale rule, which names a deleted group of a "
        "peered VPC, as any other.",
        source="https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-security-groups.html",
        hook=f"{_BACKEND}.revoke_security_group_{direction}",
        parameters="self group_name_or_id ip_protocol from_port to_port ip_ranges source_groups prefix_list_ids "
        "security_rule_ids vpc_id",
    )
    def make(original: Any) -> Any:
        signature = inspect.signature(original)

        def revoke(self: Any, *args: Any, **kwargs: Any) -> None:
            call = signature.bind(self, *args, **kwargs)
            given = call.arguments
            pairs = given.get("source_groups") or []
            stale = [pair for pair in pairs if _stale(self, pair)]
            group = self.get_security_group_by_name_or_id(given["group_name_or_id"], given.get("vpc_id"))
            if group is not None and stale:
                named = _named(self, group, direction, given, stale)
                if len(named) == len(stale):
                    original(self, group.id, None, None, None, [], security_rule_ids=named)
                    given["source_groups"] = [pair for pair in pairs if pair not in stale]
                    if not (given["source_groups"] or given["ip_ranges"] or given.get("prefix_list_ids")):
                        return
            original(*call.args, **call.kwargs)

        return revoke


for _direction in ("ingress", "egress"):
    _revoking(_direction)
