"""Network ACLs: a new one denies all, entries keep their ICMP type, and what isn't there is refused by name."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import patch
from labkit.embedded.api.refusals import AwsError

_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
_BACKEND = "moto.ec2.models.network_acls:NetworkAclBackend"
_RESPONSES = "moto.ec2.responses.network_acls:NetworkACLs"


@patch(
    "acl-entry-keeps-its-icmp-type",
    rule="CreateNetworkAclEntry keeps the ICMP type and code of an entry.",
    source=f"{_API}API_CreateNetworkAclEntry.html",
    hook=f"{_RESPONSES}.create_network_acl_entry",
    parameters="self",
)
@patch(
    "replaced-acl-entry-keeps-its-icmp-type",
    rule="ReplaceNetworkAclEntry keeps the ICMP type and code of an entry.",
    source=f"{_API}API_ReplaceNetworkAclEntry.html",
    hook=f"{_RESPONSES}.replace_network_acl_entry",
    parameters="self",
)
def _icmp(original: Any) -> Any:
    def with_icmp(self: Any) -> Any:
        # moto looks for them where they are in the query, and has parsed that into the API's own names before.
        self.params["Icmp"] = self._get_param("IcmpTypeCode", {})
        return original(self)

    return with_icmp


@patch(
    "new-network-acl-denies-all",
    rule="A network ACL that CreateNetworkAcl makes has the rule that denies what no other matches, for each way.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html",
    hook=f"{_BACKEND}.create_network_acl",
    parameters="self vpc_id tags default",
)
def _new(original: Any) -> Any:
    def create_network_acl(
        self: Any, vpc_id: str, tags: list[dict[str, str]] | None = None, default: bool = False
    ) -> Any:
        made = original(self, vpc_id, tags, default)
        if not default:
            for egress in (True, False):
                self.create_network_acl_entry(
                    network_acl_id=made.id, rule_number=32767, protocol="-1", rule_action="deny", egress=egress,
                    cidr_block="0.0.0.0/0", icmp_code=None, icmp_type=None, port_range_from=None, port_range_to=None,
                    ipv6_cidr_block=None,
                )  # fmt: skip
        return made

    return create_network_acl


@patch(
    "unknown-acl-entry-is-refused",
    rule="DeleteNetworkAclEntry and ReplaceNetworkAclEntry need an entry of that number and direction.",
    source=f"{_API}API_DeleteNetworkAclEntry.html",
    hook=f"{_BACKEND}.delete_network_acl_entry",
    parameters="self network_acl_id rule_number egress",
)
def _entry(original: Any) -> Any:
    def delete_network_acl_entry(self: Any, network_acl_id: str, rule_number: int, egress: bool) -> Any:
        entries = self.get_network_acl(network_acl_id).entries
        if not any(entry.rule_number == rule_number and entry.egress == egress for entry in entries):
            way = "egress" if egress else "ingress"
            message = f"The {way} entry with rule number {rule_number} does not exist in network ACL '{network_acl_id}'"
            raise AwsError("InvalidNetworkAclEntry.NotFound", message)
        return original(self, network_acl_id, rule_number, egress)

    return delete_network_acl_entry


@patch(
    "acl-association-is-checked",
    rule="ReplaceNetworkAclAssociation needs an association that exists and an ACL of the same VPC.",
    source=f"{_API}API_ReplaceNetworkAclAssociation.html",
    hook=f"{_BACKEND}.replace_network_acl_association",
    parameters="self association_id network_acl_id",
)
def _association(original: Any) -> Any:
    def replace_network_acl_association(self: Any, association_id: str, network_acl_id: str) -> Any:
        acl = self.get_network_acl(network_acl_id)
        held = [each for each in self.network_acls.values() if association_id in each._associations]
        if not held:
            message = f"The association ID '{association_id}' does not exist"
            raise AwsError("InvalidAssociationID.NotFound", message)
        if held[0].vpc_id != acl.vpc_id:
            subnet_id = held[0]._associations[association_id].subnet_id
            message = f"network acl {acl.id} and subnet {subnet_id} belong to different networks"
            raise AwsError("InvalidParameterValue", message)
        return original(self, association_id, network_acl_id)

    return replace_network_acl_association
