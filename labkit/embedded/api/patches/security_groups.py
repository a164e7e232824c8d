"""Security groups: the default group's own rule, what a rule must have, stale rules, and which groups stay."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import EC2_API, VPC_GUIDE, Moto, around, check
from labkit.embedded.api.patches._checks import canonical, check_ids
from labkit.embedded.api.refusals import AwsError

_MODELS = "moto.ec2.models.security_groups"
_BACKEND = f"{_MODELS}:SecurityGroupBackend"


@around(
    "default-group-lets-itself-in",
    rule="A VPC's default security group allows all traffic from the interfaces that have it.",
    source=f"{VPC_GUIDE}default-security-group.html",
    hook=f"{_BACKEND}.create_security_group",
)
def _create(self: Any, given: dict[str, Any], moto: Moto) -> Any:
    from moto.ec2.models.security_groups import SecurityGroupRule

    group = moto()
    if given["is_default"]:
        itself = {"GroupId": group.id, "UserId": self.account_id, "OwnerId": self.account_id}
        group.add_ingress_rule(SecurityGroupRule(self, "-1", group.id, None, None, None, itself, is_egress=False))
    return group


@check(
    "rules-need-ports",
    rule="A rule for ICMP, TCP or UDP must name its first and last port, or its ICMP type and code; for ICMPv6 neither "
    "means all of them.",
    source=f"{EC2_API}API_IpPermission.html",
    hook=f"{_BACKEND}._iterate_security_rules",
)
def _ports(self: Any, given: dict[str, Any]) -> None:
    if given["ip_protocol"] is None:
        message = "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly."
        raise AwsError("InvalidParameterValue", message)
    protocol = str(given["ip_protocol"]).lower()
    ports = given["from_port"], given["to_port"]
    if protocol in {"icmpv6", "58"} and ports == (None, None):
        ports = given["from_port"], given["to_port"] = "-1", "-1"
    if None in ports and protocol in {"tcp", "udp", "6", "17"}:
        message = "Invalid value for portRange. Must specify both from and to ports with TCP/UDP."
        raise AwsError("InvalidParameterValue", message)
    if None in ports and protocol in {"icmp", "1", "icmpv6", "58"}:
        message = (
            "Invalid value for portRange. Must specify both from and to ports with ICMP (its type and code; -1 is all)."
        )
        raise AwsError("InvalidParameterValue", message)
    if not given["ip_ranges"] and not given["source_groups"] and not given["prefix_list_ids"]:
        message = "The request must contain a source or destination: a CIDR block, a security group or a prefix list."
        raise AwsError("MissingParameter", message)


@check(
    "security-group-cidr-is-canonical",
    rule="EC2 clears the host bits of a security group rule's CIDR block.",
    source=f"{EC2_API}API_IpRange.html",
    hook=f"{_MODELS}:SecurityGroupRule.__init__",
)
def _block(self: Any, given: dict[str, Any]) -> None:
    block = given["ip_range"] or {}
    if block.get("CidrIp"):
        given["ip_range"] = {**block, "CidrIp": canonical(block["CidrIp"], "cidrIp")}
    elif block.get("CidrIpv6"):
        given["ip_range"] = {**block, "CidrIpv6": canonical(block["CidrIpv6"], "cidrIpv6", ipv6=True)}


def _stale_ids(backend: Any, group: Any, direction: str, given: dict[str, Any], pairs: list[Any]) -> list[str]:
    """Return the ids of the group's rules that a call to revoke names by these pairs."""
    ours = {"OwnerId": backend.account_id, "UserId": backend.account_id}
    wanted = backend._iterate_security_rules(
        given["ip_protocol"], group.id, given["from_port"], given["to_port"], [], [ours | pair for pair in pairs], []
    )
    rules = list(getattr(group, f"{direction}_rules"))
    return [rules[rules.index(rule)].id for rule in wanted if rule in rules]


def _revoking(direction: str) -> None:
    """Patch RevokeSecurityGroupIngress or -Egress: moto looks up the group that a rule names, which may be deleted."""

    @around(
        f"stale-{direction}-rules-are-revoked",
        rule=f"RevokeSecurityGroup{direction.capitalize()} revokes a stale rule, which names a deleted group of a "
        "peered VPC, like any other.",
        source="https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-security-groups.html",
        hook=f"{_BACKEND}.revoke_security_group_{direction}",
    )
    def revoke(self: Any, given: dict[str, Any], moto: Moto) -> None:
        pairs = given["source_groups"] or []
        stale = [p for p in pairs if "GroupId" in p and self.get_security_group_from_id(p["GroupId"]) is None]
        group = self.get_security_group_by_name_or_id(given["group_name_or_id"], given["vpc_id"])
        if group is not None and stale:
            ids = _stale_ids(self, group, direction, given, stale)
            if len(ids) == len(stale):
                getattr(self, f"revoke_security_group_{direction}")(
                    group.id, None, None, None, [], security_rule_ids=ids
                )
                given["source_groups"] = [pair for pair in pairs if pair not in stale]
                if not (given["source_groups"] or given["ip_ranges"] or given["prefix_list_ids"]):
                    return
        moto()


for _direction in ("ingress", "egress"):
    _revoking(_direction)

check_ids(
    "securityGroup",
    f"{_BACKEND}.describe_security_groups",
    lambda backend: [group_id for groups in backend.groups.values() for group_id in groups],
)


@check(
    "security-group-is-deleted-unused",
    rule="DeleteSecurityGroup refuses a default group, one that an interface has, and one that a rule of another group "
    "in its VPC names; a rule in a peered VPC that names it goes stale.",
    source=f"{EC2_API}API_DeleteSecurityGroup.html",
    hook=f"{_BACKEND}.delete_security_group",
)
def _delete(self: Any, given: dict[str, Any]) -> None:
    group = self.get_security_group_by_name_or_id(given["group_id"] or given["name"])
    if group is None:
        return
    if group.is_default:
        message = f'the specified group: "{group.id}" name: "{group.name}" cannot be deleted by a user'
        raise AwsError("CannotDelete", message)
    others = [other for other in self.groups[group.vpc_id].values() if other is not group]
    if any(group in interface.group_set for interface in self.enis.values()) or any(
        rule.source_group.get("GroupId") == group.id
        for other in others
        for rule in other.ingress_rules + other.egress_rules
    ):
        raise AwsError("DependencyViolation", f"resource {group.id} has a dependent object")
