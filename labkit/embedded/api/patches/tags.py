"""Tags: those of a deleted resource are gone."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import EC2_GUIDE, Moto, around

#: How the ids of the resources begin that the embedded AWS can delete.
_PREFIXES = ("vpc-", "subnet-", "igw-", "rtb-", "sg-", "acl-", "i-", "eni-", "pcx-", "fl-", "nat-", "eipalloc-", "key-")


@around(
    "tags-go-with-their-resource",
    rule="When a resource is deleted, so are its tags.",
    source=f"{EC2_GUIDE}Using_Tags.html",
    hook="moto.ec2.models.tags:TagBackend.describe_tags",
)
def _of_what_exists(self: Any, _: dict[str, Any], moto: Moto) -> list[dict[str, str]]:
    there = {resource.arn.rpartition("/")[2] for resource in self.iter_tagged_resources()}
    there |= self.network_acls.keys() | {pair.id for pair in self.key_pairs.values()}
    there |= {address.allocation_id for address in self.addresses}
    return [tag for tag in moto() if tag["resource_id"] in there or not tag["resource_id"].startswith(_PREFIXES)]
