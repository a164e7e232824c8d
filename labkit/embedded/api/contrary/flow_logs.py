"""CreateFlowLogs: a role that the service can't assume, and a flow log that isn't made."""

from __future__ import annotations

from xml.sax.saxutils import escape

from labkit.embedded.api.contrary import Account, Behavior, Call, CarryOut
from labkit.embedded.api.determinism import new_id, request_id
from labkit.embedded.api.refusals import AwsError, HttpResponse
from labkit.embedded.api.scope import ACCOUNT_ID
from labkit.iam import read_role, trusts
from labkit.iam.services import FLOW_LOGS_SERVICE


class RoleIsChecked(Behavior):
    """CreateFlowLogs refuses a role that is not there, or doesn't trust VPC Flow Logs.

    Both are widely reported: this, and that the flow log is made and its delivery then fails.
    """

    name = "role-is-checked"
    rule = "CreateFlowLogs refuses a role that VPC Flow Logs can't assume, with InvalidParameter."
    source = "https://github.com/hashicorp/terraform-provider-aws/issues/29323"

    def around(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        """Refuse a role that can't be assumed."""
        role = call.parameters.get("DeliverLogsPermissionArn") if call.action == "CreateFlowLogs" else None
        if role and not call.is_dry_run and not self._is_assumable(role):
            raise AwsError("InvalidParameter", "Unable to assume given IAM role")
        return carry_out()

    def _is_assumable(self, arn: str) -> bool:
        role = read_role(self.account.client("iam"), arn.rpartition("/")[2])
        region = self.account.client("ec2").meta.region_name
        source = {
            "aws:SourceAccount": ACCOUNT_ID,
            "aws:SourceArn": f"arn:aws:ec2:{region}:{ACCOUNT_ID}:vpc-flow-log/fl-0123456789abcdef0",
        }
        return role is not None and trusts(role.trust, FLOW_LOGS_SERVICE, source).allowed


class OneFlowLogIsUnsuccessful(Behavior):
    """The first CreateFlowLogs makes no flow log for the last of its resources; the same call again makes it."""

    name = "one-flow-log-is-unsuccessful"
    rule = "CreateFlowLogs can succeed for some resources, and name the others in Unsuccessful."
    source = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html"

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._is_over = False

    def around(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        """Leave out the last resource of the first request that is not refused."""
        resources = sorted(name for name in call.parameters if name.startswith("ResourceId."))
        if self._is_over or call.action != "CreateFlowLogs" or call.is_dry_run or not resources:
            return carry_out()
        left_out = call.parameters[resources[-1]]
        if len(resources) == 1:
            answer = _nothing_made(call)
        else:
            del call.parameters[resources[-1]]
            call.parameters.pop("ClientToken", None)  # it stands for the request as it came
            answer = carry_out()
        self._is_over = answer[0] < 400
        return (*answer[:2], _with_unsuccessful(answer[2], left_out)) if self._is_over else answer


def _nothing_made(call: Call) -> HttpResponse:
    token = call.parameters.get("ClientToken") or new_id()
    body = (
        '<CreateFlowLogsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        f"<clientToken>{escape(token)}</clientToken><flowLogIdSet/><requestId>{request_id()}</requestId><unsuccessful/>"
        "</CreateFlowLogsResponse>"
    )
    return 200, {"content-type": "text/xml"}, body


def _with_unsuccessful(body: str, resource: str) -> str:
    """Add a resource to those for which no flow log could be made."""
    error = "<code>InternalError</code><message>An internal error has occurred. Retry your request.</message>"
    item = f"<item><error>{error}</error><resourceId>{escape(resource)}</resourceId></item>"
    body = body.replace("<unsuccessful/>", "<unsuccessful></unsuccessful>")
    return body.replace("</unsuccessful>", f"{item}</unsuccessful>")
