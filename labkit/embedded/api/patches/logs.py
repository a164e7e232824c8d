"""CloudWatch Logs: the retention and the tags of log groups."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import Moto, around, check
from labkit.embedded.api.refusals import AwsError

_BACKEND = "moto.logs.models:LogsBackend"
_API = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/"
_RETENTIONS = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]  # fmt: skip


@check(
    "retention-is-one-of-aws-s",
    rule="PutRetentionPolicy takes 22 numbers of days, 1 to 3653, and refuses others; the message is as reported.",
    source=f"{_API}API_PutRetentionPolicy.html",
    hook=f"{_BACKEND}.put_retention_policy",
)
def _retention(self: Any, given: dict[str, Any]) -> None:
    """Refuse other days, in the words that https://github.com/aws/aws-cdk/issues/1343 reports."""
    if given["retention_in_days"] not in _RETENTIONS:
        raise AwsError("InvalidParameterException", f"Invalid retention value. Valid values are: {_RETENTIONS}")


@around(
    "tags-go-with-their-log-group",
    rule="DeleteLogGroup deletes the group's tags with it; another group of that name has none of them.",
    source=f"{_API}API_DeleteLogGroup.html",
    hook=f"{_BACKEND}.delete_log_group",
)
def _delete(self: Any, given: dict[str, Any], moto: Moto) -> None:
    group = self.groups.get(given["log_group_name"])
    moto()
    self.tagger.delete_all_tags_for_resource(group.arn)


@check(
    "tags-are-listed-of-what-exists",
    rule="ListTagsForResource refuses the ARN of a log group that doesn't exist.",
    source=f"{_API}API_ListTagsForResource.html",
    hook=f"{_BACKEND}.list_tags_for_resource",
)
@check(
    "tags-are-given-to-what-exists",
    rule="TagResource refuses the ARN of a log group that doesn't exist.",
    source=f"{_API}API_TagResource.html",
    hook=f"{_BACKEND}.tag_resource",
)
def _exists(self: Any, given: dict[str, Any]) -> None:
    _, arn, *_ = given.values()
    _, is_group, name = arn.partition(":log-group:")
    if is_group and name not in self.groups:
        raise AwsError("ResourceNotFoundException", "The specified resource does not exist.")
