"""Instance types: where each is offered."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import EC2_GUIDE, Moto, around
from labkit.embedded.api.patches.utils import matches


@around(
    "offering-filters-take-wildcards",
    rule="Filter values of DescribeInstanceTypeOfferings may have the wildcards * and ?, and a location is a whole "
    "name.",
    source=f"{EC2_GUIDE}Using_Filtering.html",
    hook="moto.ec2.models.instance_types:InstanceTypeOfferingBackend.matches_filters",
)
def _matches(self: Any, given: dict[str, Any], _: Moto) -> bool:
    values = {"location": given["offering"]["Location"], "instance-type": given["offering"]["InstanceType"]}
    return all(matches(values.get(name), wanted) for name, wanted in given["filters"].items())
