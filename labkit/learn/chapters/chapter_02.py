"""Chapter 02, flow logs and permissions: a log group, a policy, a role, a flow log on each VPC, and its delivery."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from labkit.flowlogs import FIELDS, Format
from labkit.learn.chapter import Chapter, Check, Facts
from labkit.learn.judging import RIGHT, Judgment, number, plain, wrong
from labkit.learn.plan import HERE, Side
from labkit.learn.result import Line
from labkit.learn.roles import document, missing_actions, policies_of, policy, principals_of, statements, trusted
from labkit.learn.view import Stop, View, absent, needed
from labkit.names import DELIVERY_ROLE, LOG_GROUP, POLICY

_SERVICE = "vpc-flow-logs.amazonaws.com"
_ECHO = 84  # bytes of one echo request or reply of ping, headers included

#: What the flow logs service asks for: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
_ACTIONS = (
    "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
)  # fmt: skip


# The checks


def log_group(view: View) -> Iterator[Line]:
    pages = view.client("logs").get_paginator("describe_log_groups").paginate()
    groups = {group["logGroupName"]: group for page in pages for group in page["logGroups"]}
    if LOG_GROUP not in groups:
        lower = {name.lower(): name for name in groups}
        near = difflib.get_close_matches(LOG_GROUP.lower(), lower, n=1, cutoff=0.8)
        create = f"logs.create_log_group(logGroupName='{LOG_GROUP}')."
        if near:
            yield Line(False, "log group", f"one called {lower[near[0]]!r}", f"{LOG_GROUP!r}, to the letter", create)
        else:
            yield absent(LOG_GROUP, create)
        return
    yield Line(True, f"{LOG_GROUP} is there")
    days = groups[LOG_GROUP].get("retentionInDays")
    right, subject = f"{LOG_GROUP} keeps its records for {days} days", f"{LOG_GROUP}, retention"
    call = f"logs.put_retention_policy(logGroupName='{LOG_GROUP}', retentionInDays=7)."
    found = "none: records are kept, and paid for, for ever"
    yield Line.of(bool(days), right, subject, found, "some days", call)


def permissions_policy(view: View) -> Iterator[Line]:
    arn = view.lab.find(POLICY, "policy")
    if arn is None:
        yield absent(POLICY, "in notebook 02, run the cell with iam.create_policy.")
        return
    missing = missing_actions([policy(view, arn)], _ACTIONS)
    right = f"{POLICY} permits all five actions that the service needs"
    found = f"no permission for {', '.join(missing)}"
    fix = f"iam.create_policy_version(PolicyArn='{arn}', PolicyDocument=…, SetAsDefault=True) with all five."
    yield Line.of(not missing, right, POLICY, found, "all of " + ", ".join(_ACTIONS), fix)


def delivery_role(view: View) -> Iterator[Line]:
    if view.lab.find(DELIVERY_ROLE, "role") is None:
        yield absent(DELIVERY_ROLE, "in notebook 02, run the cell with iam.create_role.")
        return
    yield trusted(view, DELIVERY_ROLE, _SERVICE)
    policies = dict(policies_of(view, DELIVERY_ROLE))
    subject = f"{DELIVERY_ROLE}, permissions"
    if not policies:
        attach = f"iam.attach_role_policy(RoleName='{DELIVERY_ROLE}', PolicyArn=policy)."
        yield Line(False, subject, "no policy attached", POLICY, attach)
        return
    missing = missing_actions(policies.values(), _ACTIONS)
    right = f"{DELIVERY_ROLE} may write logs, by {', '.join(policies)}"
    found, wanted = f"{', '.join(policies)} without {', '.join(missing)}", "all five actions"
    yield Line.of(not missing, right, subject, found, wanted, "lab.check('policy') says more.")


def flow_logs(view: View, side: Side) -> Iterator[Line]:
    vpc = view.part(view.network.vpcs, side.vpc, "make the VPC first: lab.check('vpcs').")
    subject = f"flow log on {side.vpc}"
    here = _flow_logs_on(view, vpc.id)
    if not here:
        subnets = {subnet.id for subnet in view.network.subnets.values() if subnet.vpc == vpc.id}
        if part := _flow_logs_on(view, *subnets):
            found = f"one on {view.network.name(part[0]['ResourceId'])} only"
            create = f"ec2.create_flow_logs(ResourceType='VPC', ResourceIds=['{vpc.id}'], …)."
            yield Line(False, subject, found, "one on the whole VPC", create)
        else:
            how = "in notebook 02, run the cell with ec2.create_flow_logs, which names both VPCs."
            yield absent(subject, how, "none")
        return
    id, faults = min(((each["FlowLogId"], list(_faults(each))) for each in here), key=lambda each: len(each[1]))
    for found, wanted in faults:
        fix = f"a flow log can't be changed: ec2.delete_flow_logs(FlowLogIds=['{id}']), then create it so."
        yield Line(False, subject, found, wanted, fix)
    if not faults:
        yield Line(True, f"{side.vpc} has a flow log: all traffic, every minute, to {LOG_GROUP}")


def _flow_logs_on(view: View, *resources: str) -> list[dict[str, Any]]:
    pages = view.client("ec2").get_paginator("describe_flow_logs").paginate()
    return [flow_log for page in pages for flow_log in page["FlowLogs"] if flow_log["ResourceId"] in resources]


def _faults(flow_log: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what of a flow log is not as the course needs it, and what is needed."""
    traffic = str(flow_log.get("TrafficType"))
    if traffic != "ALL":
        left_out = {"ACCEPT": "which leaves out what was refused", "REJECT": "which leaves out what was let through"}
        yield f"the traffic type {traffic}, {left_out.get(traffic, 'which is not all')}", "ALL"
    interval = flow_log.get("MaxAggregationInterval", 600)
    if interval != 60:
        yield f"an interval of {interval} seconds", "60 (MaxAggregationInterval=60)"
    destination = flow_log.get("LogDestinationType", "cloud-watch-logs")
    if destination != "cloud-watch-logs":
        yield f"the destination {destination}", "cloud-watch-logs"
        return
    if flow_log.get("LogGroupName") != LOG_GROUP:
        yield f"the log group {flow_log.get('LogGroupName')!r}", repr(LOG_GROUP)
    role = str(flow_log.get("DeliverLogsPermissionArn", "")).rpartition("/")[2]
    if role != DELIVERY_ROLE:
        yield f"the role {role or 'none'}", DELIVERY_ROLE


def delivery(view: View, side: Side) -> Iterator[Line]:
    vpc = view.part(view.network.vpcs, side.vpc, "make the VPC first: lab.check('vpcs').")
    subject = f"delivery from {side.vpc}"
    how = "create the flow log first: lab.check('flow-logs')."
    here = needed(_flow_logs_on(view, vpc.id), subject, how, "no flow log")
    failed = [each for each in here if each.get("DeliverLogsStatus") == "FAILED"]
    if len(failed) == len(here):
        found = f"ACTIVE, yet FAILED, {failed[0].get('DeliverLogsErrorMessage')!r}"
        fix = "lab.check('delivery-role') says what is wrong; mend it, make some traffic, lab.wait_for_flow_logs()."
        yield Line(False, subject, found, "SUCCESS", fix)
        return
    interface = view.interface(side)
    if view.lab.find(LOG_GROUP, "log-group") is None:
        yield absent(subject, "create the log group first: lab.check('log-group').", "no log group")
    elif view.lab.records(interface.id):
        yield Line(True, f"records of {side.instance} arrive in {LOG_GROUP}")
    else:
        wait = "make some traffic, lab.shell('instance-1', 'ping -c 3 8.8.8.8'), then lab.wait_for_flow_logs()."
        yield Line(False, subject, f"no record of {side.instance} yet", "some", wait, absent=True)


# The judges of the exercises


def custom_format(view: View, answer: object) -> Judgment:
    wanted = ("interface-id", "srcaddr", "dstaddr", "tcp-flags", "flow-direction")
    if isinstance(answer, dict):  # the flow log as described
        answer = answer.get("LogFormat", answer)
    found = plain(answer)
    text = " ".join(map(str, found)) if isinstance(found, list) else str(found)
    if text.startswith("fl-"):
        return wrong("That is the flow log's id; its LogFormat is in what describe_flow_logs says of it.")
    try:
        names = Format.parse(text).names
    except ValueError as error:
        has_bare_names = any(part in FIELDS for part in text.split())
        return wrong("Write each field as ${field-id}." if has_bare_names else str(error))
    missing = [name for name in wanted if name not in names]
    extra = [name for name in names if name not in wanted]
    if missing or extra:
        details = [f"without {', '.join(missing)}"] if missing else []
        details += [f"with {', '.join(extra)} too many"] if extra else []
        return wrong(f"Not these fields: it is {' and '.join(details)}.")
    if names != wanted:
        return wrong("These are the fields, in another order: a record's values come in the order of its format.")
    return RIGHT


def bytes_of_pings(view: View, answer: object) -> Judgment:
    how = "ping, then lab.wait_for_flow_logs()."
    records = needed(view.records("8.8.8.8"), "the records of the pings to 8.8.8.8", how)
    total = sum(record.bytes for record in records)
    near = {
        "That is one direction; requests and replies are records of their own.": sum(
            record.bytes for record in records if record.dstaddr == "8.8.8.8"
        ),
        "That is the packets; the bytes stand one word further.": sum(record.packets for record in records),
        "That is one packet; add up the records.": _ECHO,
        "That is in kilobytes; give bytes.": total / 1000,
        "That is in kibibytes; give bytes.": total / 1024,
        "That is the number of records; add up their bytes.": len(records),
    }
    return number(answer, total, "bytes", near=near)


# The facts of the quiz


def quiz_facts(view: View) -> Facts:
    vpc = view.part(view.network.vpcs, HERE.vpc, "lab.check('vpcs').")
    if view.lab.find(DELIVERY_ROLE, "role") is None:
        raise Stop(absent(DELIVERY_ROLE, "lab.check('delivery-role')."))
    trust = document(view.client("iam").get_role(RoleName=DELIVERY_ROLE)["Role"]["AssumeRolePolicyDocument"])
    principals = [name for each in statements(trust) for name in principals_of(each)]
    covered = _flow_logs_on(view, vpc.id)
    who = principals[0] if principals else "nobody"
    return {"role": DELIVERY_ROLE, "who": who, "new": "nothing" if covered else "create"}


CHAPTER = Chapter(
    "02",
    checks=(
        Check("log-group", "where the records go", log_group),
        Check("policy", "what is permitted", permissions_policy),
        Check("delivery-role", "who may use it, and what they may do", delivery_role),
        Check("flow-logs", "a flow log on each VPC", flow_logs, sided=True),
        Check("delivery", "records arrive", delivery, sided=True),
    ),
    judges={"2.1": custom_format, "2.2": bytes_of_pings},
    quiz_facts=quiz_facts,
)
