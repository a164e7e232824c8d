"""VPCs: their CIDR blocks, the default VPC's route to the internet, and what keeps a VPC from being deleted."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import EC2_API, VPC_GUIDE, Moto, around, check
from labkit.embedded.api.patches._checks import check_block, check_ids, still_needed
from labkit.embedded.api.patches.vpc_peering_connections import ENDED

_BACKEND = "moto.ec2.models.vpcs:VPCBackend"


@around(
    "default-vpc-reaches-the-internet",
    rule="The default VPC has an internet gateway, and its main route table a route to it.",
    source=f"{VPC_GUIDE}default-vpc-components.html",
    hook=f"{_BACKEND}.create_default_vpc",
)
def _default_vpc(self: Any, _: dict[str, Any], moto: Moto) -> Any:
    vpc = moto()
    gateway = self.create_internet_gateway()
    self.attach_internet_gateway(gateway.id, vpc.id)
    main = next(table for table in self.route_tables.values() if table.vpc_id == vpc.id)
    self.create_route(main.id, "0.0.0.0/0", gateway_id=gateway.id)
    return vpc


@check(
    "vpc-cidr-is-canonical",
    rule="CreateVpc refuses what is not a CIDR block of /16 to /28, with InvalidVpc.Range (widely reported; AWS's page "
    "lists InvalidVpcRange), and clears the block's host bits.",
    source=f"{EC2_API}API_CreateVpc.html",
    hook=f"{_BACKEND}.create_vpc",
)
@check(
    "secondary-cidr-is-canonical",
    rule="AssociateVpcCidrBlock checks its CIDR block as CreateVpc does.",
    source=f"{EC2_API}API_AssociateVpcCidrBlock.html",
    hook=f"{_BACKEND}.associate_vpc_cidr_block",
)
def _block(self: Any, given: dict[str, Any]) -> None:
    check_block(given, "InvalidVpc.Range")


check_ids("vpc", f"{_BACKEND}.describe_vpcs", lambda backend: backend.vpcs)
check_ids("vpc", f"{_BACKEND}.get_vpc", lambda backend: backend.vpcs, name="vpc-of-another-resource")


@around(
    "vpc-is-deleted-last",
    rule="DeleteVpc refuses a VPC that has subnets, gateways, interfaces, or groups, ACLs and route tables other than "
    "its own default ones, which are deleted with it; that a peering connection keeps it too is modeled.",
    source=f"{EC2_API}API_DeleteVpc.html",
    hook=f"{_BACKEND}.delete_vpc",
)
def _delete(self: Any, given: dict[str, Any], moto: Moto) -> Any:
    vpc_id, vpc = given["vpc_id"], self.get_vpc(given["vpc_id"])
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
            peering.status["Code"] not in ENDED and vpc in (peering.vpc, peering.peer_vpc)
            for peering in self.vpc_pcxs.values()
        )
    ):
        raise still_needed("vpc", vpc_id)
    for table in tables:
        del self.route_tables[table.id]
    for acl in acls:
        del self.network_acls[acl.id]
    del self.groups[vpc_id]
    return self.vpcs.pop(vpc_id)
