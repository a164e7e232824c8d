"""Security groups: the default group's own rule, and the ports that a rule must have."""

from __future__ import annotations

import inspect
from typing import Any

from labkit.embedded.errors import AwsError
from labkit.embedded.mends import mend

_BACKEND = "moto.ec2.models.security_groups:SecurityGroupBackend"


@mend(
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


@mend(
    "rules-need-ports",
    rule="A rule for ICMP, TCP or UDP must say from and to which port, or which ICMP type and code.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html",
    hook=f"{_BACKEND}._iterate_security_rules",
    parameters="self ip_protocol group_id from_port to_port ip_ranges source_groups prefix_list_ids is_egress tags",
)
def _ports(original: Any) -> Any:
    signature = inspect.signature(original)

    def _iterate_security_rules(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = signature.bind(self, *args, **kwargs).arguments
        protocol = str(given["ip_protocol"]).lower()
        if given["ip_protocol"] is None:
            message = "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly."
            raise AwsError("InvalidParameterValue", message)
        if protocol in {"tcp", "udp", "6", "17"} and None in (given["from_port"], given["to_port"]):
            message = "Invalid value for portRange. Must specify both from and to ports with TCP/UDP."
            raise AwsError("InvalidParameterValue", message)
        if protocol in {"icmp", "1", "icmpv6", "58"} and None in (given["from_port"], given["to_port"]):
            message = "Invalid value for portRange. Must specify both from and to ports with ICMP (its type and "
            "code; -1 is all)."
            raise AwsError("InvalidParameterValue", message)
        if not given["ip_ranges"] and not given["source_groups"] and not given["prefix_list_ids"]:
            message = (
                "The request must contain a source or destination: a CIDR block, a security group or a prefix list."
            )
            raise AwsError("MissingParameter", message)
        return original(self, *args, **kwargs)

    return _iterate_security_rules
