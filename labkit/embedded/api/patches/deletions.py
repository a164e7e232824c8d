"""The order of tearing down: AWS refuses to delete what something else still needs."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import patch
from labkit.embedded.api.refusals import AwsError

_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
_MODELS = "moto.ec2.models."


def _needed(what: str, resource_id: str) -> AwsError:
    return AwsError("DependencyViolation", f"The {what} '{resource_id}' has dependencies and cannot be deleted.")


@patch(
    "vpc-is-deleted-last",
    rule="DeleteVpc needs a VPC without subnets, gateways, interfaces, and without groups, ACLs and route tables other "
    "than its own default ones, which go with it; that a peering connection keeps it too is modelled.",
    source=f"{_API}API_DeleteVpc.html",
    hook=f"{_MODELS}vpcs:VPCBackend.delete_vpc",
    parameters="self vpc_id",
)
def _vpc(_: Any) -> Any:
    def delete_vpc(self: Any, vpc_id: str) -> Any:
        vpc = self.get_vpc(vpc_id)
        tables = [table for table in self.route_tables.values() if table.vpc_id == vpc_id]
        acls = [acl for acl in self.network_acls.values() if acl.vpc_id == vpc_id]
        if (
            any(subnet.vpc_id == vpc_id for subnet in self.describe_subnets())
            or any(gateway.vpc is vpc for gateway in self.internet_gateways.values())
            or any(gateway.vpc_id == vpc_id for gateway in self.egress_only_internet_gateways.values())
            or any(interface.vpc_id == vpc_id for interface in self.enis.values())
            or any(not group.is_default for group in self.groups[vpc_id].values())
            or any(not acl.default for acl in acls)
            or any(table.main_association_id is None for table in tables)
            or any(
                peering.status["Code"] in {"active", "pending-acceptance"} and vpc in (peering.vpc, peering.peer_vpc)
                for peering in self.vpc_pcxs.values()
            )
        ):
            raise _needed("vpc", vpc_id)
        for table in tables:
            del self.route_tables[table.id]
        for acl in acls:
            del self.network_acls[acl.id]
        del self.groups[vpc_id]
        return self.vpcs.pop(vpc_id)

    return delete_vpc


@patch(
    "subnet-is-deleted-empty",
    rule="DeleteSubnet needs a subnet without interfaces; its associations with a route table and an ACL go with it.",
    source=f"{_API}API_DeleteSubnet.html",
    hook=f"{_MODELS}subnets:SubnetBackend.delete_subnet",
    parameters="self subnet_id",
)
def _subnet(original: Any) -> Any:
    def delete_subnet(self: Any, subnet_id: str) -> Any:
        if any(interface.subnet.id == subnet_id for interface in self.enis.values()):
            raise _needed("subnet", subnet_id)
        deleted = original(self, subnet_id)
        for table in self.route_tables.values():
            table._associations = {key: value for key, value in table._associations.items() if value != subnet_id}
        for acl in self.network_acls.values():
            acl._associations = {k: each for k, each in acl._associations.items() if each.subnet_id != subnet_id}
        return deleted

    return delete_subnet


@patch(
    "security-group-is-deleted-unused",
    rule="DeleteSecurityGroup needs a group that no interface has and that no other group's rule in its VPC names (one "
    "in a peered VPC goes stale); a default group stays.",
    source=f"{_API}API_DeleteSecurityGroup.html",
    hook=f"{_MODELS}security_groups:SecurityGroupBackend.delete_security_group",
    parameters="self name group_id",
)
def _group(original: Any) -> Any:
    def delete_security_group(self: Any, name: str | None = None, group_id: str | None = None) -> None:
        group = self.get_security_group_by_name_or_id(group_id or name)
        if group is not None and group.is_default:
            message = f'the specified group: "{group.id}" name: "{group.name}" cannot be deleted by a user'
            raise AwsError("CannotDelete", message)
        if group is not None and (
            any(group in interface.group_set for interface in self.enis.values())
            or any(
                rule.source_group.get("GroupId") == group.id
                for other in self.groups[group.vpc_id].values()
                if other is not group
                for rule in other.ingress_rules + other.egress_rules
            )
        ):
            raise AwsError("DependencyViolation", f"resource {group.id} has a dependent object")
        original(self, name, group_id)

    return delete_security_group


@patch(
    "internet-gateway-is-deleted-detached",
    rule="DeleteInternetGateway needs a gateway that is attached to no VPC.",
    source=f"{_API}API_DeleteInternetGateway.html",
    hook=f"{_MODELS}internet_gateways:InternetGatewayBackend.delete_internet_gateway",
    parameters="self internet_gateway_id",
)
def _gateway(original: Any) -> Any:
    def delete_internet_gateway(self: Any, internet_gateway_id: str) -> None:
        if self.get_internet_gateway(internet_gateway_id).vpc is not None:
            raise _needed("internetGateway", internet_gateway_id)
        original(self, internet_gateway_id)

    return delete_internet_gateway


@patch(
    "internet-gateway-is-detached-without-public-addresses",
    rule="DetachInternetGateway needs a VPC in which no public address is in use.",
    source=f"{_API}API_DetachInternetGateway.html",
    hook=f"{_MODELS}internet_gateways:InternetGatewayBackend.detach_internet_gateway",
    parameters="self internet_gateway_id vpc_id",
)
def _detach(original: Any) -> Any:
    def detach_internet_gateway(self: Any, internet_gateway_id: str, vpc_id: str) -> None:
        gateway = self.get_internet_gateway(internet_gateway_id)
        attached = gateway.vpc is not None and gateway.vpc.id == vpc_id
        if attached and any(each.public_ip and each.vpc_id == vpc_id for each in self.enis.values()):
            raise AwsError(
                "DependencyViolation",
                f"Network {vpc_id} has some mapped public address(es). "
                "Please unmap those public address(es) before detaching the gateway.",
            )
        original(self, internet_gateway_id, vpc_id)

    return detach_internet_gateway


@patch(
    "network-acl-is-deleted-unused",
    rule="DeleteNetworkAcl needs an ACL that no subnet has; a default ACL stays.",
    source=f"{_API}API_DeleteNetworkAcl.html",
    hook=f"{_MODELS}network_acls:NetworkAclBackend.delete_network_acl",
    parameters="self network_acl_id",
)
def _acl(original: Any) -> Any:
    def delete_network_acl(self: Any, network_acl_id: str) -> Any:
        acl = self.get_network_acl(network_acl_id)
        if acl.default:
            raise AwsError("InvalidParameterValue", f"cannot delete default network ACL {network_acl_id}")
        if acl.associations:
            raise _needed("networkAcl", network_acl_id)
        return original(self, network_acl_id)

    return delete_network_acl


@patch(
    "main-route-table-stays",
    rule="DeleteRouteTable needs a table without subnets that isn't the VPC's main one.",
    source=f"{_API}API_DeleteRouteTable.html",
    hook=f"{_MODELS}route_tables:RouteBackend.delete_route_table",
    parameters="self route_table_id",
)
def _table(original: Any) -> Any:
    def delete_route_table(self: Any, route_table_id: str) -> None:
        if self.get_route_table(route_table_id).main_association_id is not None:
            raise _needed("routeTable", route_table_id)
        original(self, route_table_id)

    return delete_route_table


@patch(
    "interface-in-use-stays",
    rule="DeleteNetworkInterface needs an interface that is attached to nothing.",
    source=f"{_API}API_DeleteNetworkInterface.html",
    hook="moto.ec2.responses.elastic_network_interfaces:ElasticNetworkInterfaces.delete_network_interface",
    parameters="self",
)
def _interface(original: Any) -> Any:
    def delete_network_interface(self: Any) -> Any:
        interface = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
        if interface.status == "in-use":
            message = f"Network interface '{interface.id}' is currently in use."
            raise AwsError("InvalidParameterValue", message)
        return original(self)

    return delete_network_interface
