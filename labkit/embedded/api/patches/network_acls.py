"""Network ACLs: the rule that ends a new one, the ICMP types of its entries, and what AWS refuses."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import EC2_API, VPC_GUIDE, Moto, around, check
from labkit.embedded.api.patches._checks import canonical, check_ids, not_found, still_needed
from labkit.embedded.api.refusals import AwsError

_BACKEND = "moto.ec2.models.network_acls:NetworkAclBackend"
_RESPONSES = "moto.ec2.responses.network_acls:NetworkACLs"


@check(
    "acl-entry-keeps-its-icmp-type",
    rule="CreateNetworkAclEntry keeps the ICMP type and code of an entry.",
    source=f"{EC2_API}API_CreateNetworkAclEntry.html",
    hook=f"{_RESPONSES}.create_network_acl_entry",
)
@check(
    "replaced-acl-entry-keeps-its-icmp-type",
    rule="ReplaceNetworkAclEntry keeps the ICMP type and code of an entry.",
    source=f"{EC2_API}API_ReplaceNetworkAclEntry.html",
    hook=f"{_RESPONSES}.replace_network_acl_entry",
)
def _icmp(self: Any, _: dict[str, Any]) -> None:
    # moto looks for them under the name that they have in the query; its parser has given them the API's own name.
    self.params["Icmp"] = self._get_param("IcmpTypeCode", {})


@check(
    "network-acl-cidr-is-canonical",
    rule="CreateNetworkAclEntry refuses what is not a CIDR block, and clears the block's host bits.",
    source=f"{EC2_API}API_CreateNetworkAclEntry.html",
    hook=f"{_BACKEND}.create_network_acl_entry",
)
def _blocks(self: Any, given: dict[str, Any]) -> None:
    if given["cidr_block"]:
        given["cidr_block"] = canonical(given["cidr_block"], "cidrBlock")
    if given["ipv6_cidr_block"]:
        given["ipv6_cidr_block"] = canonical(given["ipv6_cidr_block"], "ipv6CidrBlock", ipv6=True)


@around(
    "new-network-acl-denies-all",
    rule="A network ACL that CreateNetworkAcl makes ends, in each direction, with the rule that denies what no other "
    "rule matches.",
    source=f"{VPC_GUIDE}custom-network-acl.html",
    hook=f"{_BACKEND}.create_network_acl",
)
def _new(self: Any, given: dict[str, Any], moto: Moto) -> Any:
    made = moto()
    if not given["default"]:
        for egress in (True, False):
            self.create_network_acl_entry(
                network_acl_id=made.id, rule_number=32767, protocol="-1", rule_action="deny", egress=egress,
                cidr_block="0.0.0.0/0", icmp_code=None, icmp_type=None, port_range_from=None, port_range_to=None,
                ipv6_cidr_block=None,
            )  # fmt: skip
    return made


check_ids("networkAcl", f"{_BACKEND}.describe_network_acls", lambda backend: backend.network_acls)


@check(
    "unknown-acl-entry-is-refused",
    rule="DeleteNetworkAclEntry and ReplaceNetworkAclEntry need an entry of that number and direction.",
    source=f"{EC2_API}API_DeleteNetworkAclEntry.html",
    hook=f"{_BACKEND}.delete_network_acl_entry",
)
def _entry(self: Any, given: dict[str, Any]) -> None:
    acl_id, number, egress = given["network_acl_id"], given["rule_number"], given["egress"]
    entries = self.get_network_acl(acl_id).entries
    if not any(entry.rule_number == number and entry.egress == egress for entry in entries):
        direction = "egress" if egress else "ingress"
        message = f"The {direction} entry with rule number {number} does not exist in network ACL '{acl_id}'"
        raise AwsError("InvalidNetworkAclEntry.NotFound", message)


@check(
    "acl-association-is-checked",
    rule="ReplaceNetworkAclAssociation needs an association that exists and an ACL of the same VPC.",
    source=f"{EC2_API}API_ReplaceNetworkAclAssociation.html",
    hook=f"{_BACKEND}.replace_network_acl_association",
)
def _association(self: Any, given: dict[str, Any]) -> None:
    association_id, acl = given["association_id"], self.get_network_acl(given["network_acl_id"])
    holder = next((each for each in self.network_acls.values() if association_id in each._associations), None)
    if holder is None:
        raise not_found("association", association_id)
    if holder.vpc_id != acl.vpc_id:
        subnet_id = holder._associations[association_id].subnet_id
        message = f"network acl {acl.id} and subnet {subnet_id} belong to different networks"
        raise AwsError("InvalidParameterValue", message)


@check(
    "network-acl-is-deleted-unused",
    rule="DeleteNetworkAcl refuses a default ACL, and one that a subnet has.",
    source=f"{EC2_API}API_DeleteNetworkAcl.html",
    hook=f"{_BACKEND}.delete_network_acl",
)
def _delete(self: Any, given: dict[str, Any]) -> None:
    acl = self.get_network_acl(given["network_acl_id"])
    if acl.default:
        raise AwsError("InvalidParameterValue", f"cannot delete default network ACL {acl.id}")
    if acl.associations:
        raise still_needed("networkAcl", acl.id)
