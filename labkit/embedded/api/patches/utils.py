"""How a filter of a Describe action matches a resource."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from labkit.embedded.api.patches import EC2_API, EC2_GUIDE, patch

#: Filters for which moto has no value of its own, and the attribute of the resource or of its routes that has it.
_ATTRIBUTES = {"network-acl-id": "id", "private-dns-name": "private_dns_name"}
_ROUTE_ATTRIBUTES = {"route.state": "state", "route.origin": "origin", "route.instance-id": "instance_id"}


def matches(value: Any, wanted: Iterable[str]) -> bool:
    """Whether a resource matches a filter: case matters, and `*` and `?` are wildcards.

    Args:
        value: The resource's value, or several: one that matches is enough. None matches nothing.
        wanted: The filter's values: one that matches is enough.

    >>> matches(["10.1.0.4", "10.1.0.5"], ["10.1.0.?"])
    True
    """
    if isinstance(value, bool):
        value = str(value).lower()
    if value is None:
        return False
    values = [value] if isinstance(value, (str, int)) else list(value)
    patterns = [wanted] if isinstance(wanted, str) else wanted
    return any(_pattern(pattern).fullmatch(str(each)) for each in values for pattern in patterns)


@lru_cache(maxsize=256)
def _pattern(wildcards: str) -> re.Pattern[str]:
    parts = re.split(r"(\\.|[*?])", wildcards)
    special = {"*": ".*", "?": "."}
    return re.compile("".join(special.get(part) or re.escape(part.removeprefix("\\")) for part in parts), re.DOTALL)


@patch(
    "any-of-many-values-matches",
    rule="A filter matches where any of a resource's values is any of the filter's.",
    source=f"{EC2_API}API_Filter.html",
    hook="moto.ec2.utils:is_filter_matching",
)
def _any(_: Any) -> Any:
    def is_filter_matching(obj: Any, _filter: str, filter_value: Any) -> bool:
        if filter_value is None:
            return False
        if _filter in _ROUTE_ATTRIBUTES:
            found = [getattr(route, _ROUTE_ATTRIBUTES[_filter]) for route in obj.routes]
            return matches([value for value in found if value], filter_value)
        if _filter in _ATTRIBUTES:
            return matches(getattr(obj, _ATTRIBUTES[_filter], None), filter_value)
        return matches(obj.get_filter_value(_filter), filter_value)

    return is_filter_matching


@patch(
    "instance-filters-take-wildcards",
    rule="Filter values of DescribeInstances may have the wildcards * and ?.",
    source=f"{EC2_GUIDE}Using_Filtering.html",
    hook="moto.ec2.utils:instance_value_in_filter_values",
)
def _instance_value(_: Any) -> Any:
    return matches
