"""Flow logs: what AWS checks when one is made, and how it describes them."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

from labkit.embedded.api.paging import page
from labkit.embedded.api.patches import EC2_API, Moto, around
from labkit.embedded.api.patches._checks import not_found
from labkit.embedded.api.refusals import AwsError, NotInEmbeddedAwsError
from labkit.flowlogs.format import Format

_BACKEND = "moto.ec2.models.flow_logs:FlowLogsBackend"
_RESOURCES: dict[str, tuple[str, Callable[[Any], Container[str]]]] = {
    "VPC": ("vpc", lambda backend: backend.vpcs),
    "Subnet": ("subnet", lambda backend: {subnet.id for subnet in backend.describe_subnets()}),
    "NetworkInterface": ("networkInterface", lambda backend: backend.enis),
}


def _check(given: dict[str, Any]) -> None:
    """Raise AWS's refusal of a whole request to make flow logs."""
    if given["log_destination_type"] not in (None, "cloud-watch-logs"):
        raise NotInEmbeddedAwsError(f"deliver flow logs to {given['log_destination_type']}, only to CloudWatch Logs")
    if given["resource_type"] not in _RESOURCES:
        raise NotInEmbeddedAwsError(f"record the traffic of a {given['resource_type']}")
    if given["traffic_type"] is None:
        raise AwsError("MissingParameter", "The request must contain the parameter trafficType")
    if given["traffic_type"] not in ("ACCEPT", "REJECT", "ALL"):
        raise AwsError(
            "InvalidParameterValue", f"Value ({given['traffic_type']}) for parameter trafficType is invalid."
        )
    if given["log_group_name"] and given["log_destination"]:
        raise AwsError("InvalidParameter", "Please only provide LogGroupName or only provide LogDestination.")
    if not given["deliver_logs_permission_arn"]:
        message = "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs."
        raise AwsError("InvalidParameter", message)
    if given["log_format"] is not None:
        try:
            Format.parse(given["log_format"])
        except ValueError as error:
            raise AwsError("InvalidParameter", f"LogFormat is invalid. {error}") from None


@around(
    "flow-logs-are-checked",
    rule="CreateFlowLogs refuses an unknown field, traffic type or destination, and answers with the resources for "
    "which it couldn't make a flow log; a log group that doesn't exist yet is made at the first delivery; that none is "
    "made where one resource has that flow log is modeled.",
    source=f"{EC2_API}API_CreateFlowLogs.html",
    hook=f"{_BACKEND}.create_flow_logs",
)
def _create(self: Any, given: dict[str, Any], moto: Moto) -> tuple[list[Any], list[Any]]:
    from moto.ec2.exceptions import FlowLogAlreadyExists

    _check(given)
    arn = f"arn:aws:logs:{self.region_name}:{self.account_id}:log-group:"
    if given["log_destination"]:
        # One name for one destination, so that the same flow log is recognized however it was asked for.
        given["log_group_name"] = given["log_destination"].removeprefix(arn).removesuffix(":*")
    if given["log_group_name"]:
        given["log_destination"] = arn + given["log_group_name"]
    word, existing = _RESOURCES[given["resource_type"]]
    known = existing(self)
    missing = [each for each in given["resource_ids"] if each not in known]
    given["resource_ids"] = [each for each in given["resource_ids"] if each in known]
    same = (given["log_group_name"], given["log_destination"])
    if any(
        each.resource_id in given["resource_ids"] and (each.log_group_name, each.log_destination) == same
        for each in self.flow_logs.values()
    ):
        raise FlowLogAlreadyExists
    made, errors = moto()
    for flow_log in made:
        flow_log.deliver_logs_status, flow_log.deliver_logs_error_message = "SUCCESS", None
    return made, [*errors, *((each, "400", not_found(word, each).message) for each in missing)]


@around(
    "flow-logs-are-described-in-pages",
    rule="DescribeFlowLogs returns at most MaxResults flow logs, and a NextToken for the rest.",
    source=f"{EC2_API}API_DescribeFlowLogs.html",
    hook="moto.ec2.responses.flow_logs:FlowLogs.describe_flow_logs",
)
def _pages(self: Any, _: dict[str, Any], moto: Moto) -> Any:
    answer = moto()
    token, size = self._get_param("NextToken"), min(int(self._get_param("MaxResults") or 1000), 1000)
    answer.result["FlowLogs"], following = page(answer.result["FlowLogs"], token, size, code="InvalidNextToken")
    if following:
        answer.result["NextToken"] = following
    return answer


@around(
    "flow-logs-are-found-by-their-delivery",
    rule="The filter deliver-log-status finds the flow logs whose delivery has that status.",
    source=f"{EC2_API}API_DescribeFlowLogs.html",
    hook="moto.ec2.models.flow_logs:FlowLogs.get_filter_value",
)
def _filter(self: Any, given: dict[str, Any], moto: Moto) -> Any:
    return self.deliver_logs_status if given["filter_name"] == "deliver-log-status" else moto()
