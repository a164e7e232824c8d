"""What is in an account, thing by thing: to see that nothing of others changed, and that nothing of the lab is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

#: EC2's kinds of things: the operation that describes them, its key of the list, and the key of the id.
_KINDS = {
    "describe_vpcs": ("Vpcs", "VpcId"),
    "describe_subnets": ("Subnets", "SubnetId"),
    "describe_internet_gateways": ("InternetGateways", "InternetGatewayId"),
    "describe_egress_only_internet_gateways": ("EgressOnlyInternetGateways", "EgressOnlyInternetGatewayId"),
    "describe_nat_gateways": ("NatGateways", "NatGatewayId"),
    "describe_route_tables": ("RouteTables", "RouteTableId"),
    "describe_security_groups": ("SecurityGroups", "GroupId"),
    "describe_security_group_rules": ("SecurityGroupRules", "SecurityGroupRuleId"),
    "describe_network_acls": ("NetworkAcls", "NetworkAclId"),
    "describe_network_interfaces": ("NetworkInterfaces", "NetworkInterfaceId"),
    "describe_addresses": ("Addresses", "AllocationId"),
    "describe_volumes": ("Volumes", "VolumeId"),
    "describe_key_pairs": ("KeyPairs", "KeyPairId"),
    "describe_flow_logs": ("FlowLogs", "FlowLogId"),
    "describe_vpc_peering_connections": ("VpcPeeringConnections", "VpcPeeringConnectionId"),
    "describe_iam_instance_profile_associations": ("IamInstanceProfileAssociations", "AssociationId"),
}

#: What changes by itself, as records are delivered and roles are used.
_BY_ITSELF = {"DeliverLogsStatus", "DeliverLogsErrorMessage", "RoleLastUsed", "storedBytes"}

#: The states of what is gone, and described for a while longer.
_GONE = {"terminated", "deleted", "failed", "rejected", "expired"}


def everything(client: Callable[[str], Any]) -> dict[str, Any]:
    """Return the description of each thing in an account by its id, without what changes by itself.

    Args:
        client: Makes clients of the account that no behavior watches, such as `EmbeddedAws.client`.
    """
    things = {id: each for part in (_in_ec2, _in_iam, _in_logs) for id, each in part(client)}
    return {id: {key: value for key, value in each.items() if key not in _BY_ITSELF} for id, each in things.items()}


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return, of the things that there were, those that are not as they were: as they were, and as they are."""
    return {id: (each, after.get(id)) for id, each in before.items() if after.get(id) != each}


def additions(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return the things that there were not."""
    return {id: each for id, each in after.items() if id not in before}


def _in_ec2(client: Callable[[str], Any]) -> Iterator[tuple[str, Any]]:
    ec2 = client("ec2")
    found = [(each[key], each) for operation, (kind, key) in _KINDS.items() for each in getattr(ec2, operation)()[kind]]
    reservations = ec2.describe_instances()["Reservations"]
    found += [(each["InstanceId"], each) for reservation in reservations for each in reservation["Instances"]]
    for id, each in found:
        state = each.get("State") or each.get("Status") or ""
        if (state if isinstance(state, str) else state.get("Name") or state.get("Code")) not in _GONE:
            yield id, each


def _in_iam(client: Callable[[str], Any]) -> Iterator[tuple[str, Any]]:
    iam = client("iam")
    for role in iam.list_roles()["Roles"]:
        name = {"RoleName": role["RoleName"]}
        inline = iam.list_role_policies(**name)["PolicyNames"]
        yield (
            role["Arn"],
            {
                **iam.get_role(**name)["Role"],
                "Attached": iam.list_attached_role_policies(**name)["AttachedPolicies"],
                "Inline": {each: iam.get_role_policy(**name, PolicyName=each)["PolicyDocument"] for each in inline},
            },
        )
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        arn = {"PolicyArn": policy["Arn"]}
        versions = iam.list_policy_versions(**arn)["Versions"]
        documents = [iam.get_policy_version(**arn, VersionId=each["VersionId"])["PolicyVersion"] for each in versions]
        yield policy["Arn"], {**iam.get_policy(**arn)["Policy"], "Versions": documents}
    for profile in iam.list_instance_profiles()["InstanceProfiles"]:
        name = {"InstanceProfileName": profile["InstanceProfileName"]}
        yield profile["Arn"], iam.get_instance_profile(**name)["InstanceProfile"]


def _in_logs(client: Callable[[str], Any]) -> Iterator[tuple[str, Any]]:
    logs = client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        yield group["arn"], {**group, "tags": logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"]}
    for query in logs.describe_query_definitions()["queryDefinitions"]:
        yield query["queryDefinitionId"], query
