"""Chapter 02, flow logs and permissions: a log group, a policy, a role, a flow log on each VPC, and its delivery."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from labkit import iam
from labkit.flowlogs import FIELDS, Format
from labkit.iam.services import CREATE_LOG_GROUP, LOG_ACTIONS
from labkit.learn.chapter import Chapter, Check, Facts
from labkit.learn.judging import RIGHT, Judgment, number, plain, wrong
from labkit.learn.plan import HERE, Side
from labkit.learn.result import Line
from labkit.learn.roles import policies_at_fault, refused_actions, trust_line
from labkit.learn.view import Stop, View, absent, needed
from labkit.names import DELIVERY_ROLE, LOG_GROUP, POLICY

#: Stands for any flow log in aws:SourceArn, while none uses the role yet.
_ANY_FLOW_LOG = "fl-0123456789abcdef0"
_ECHO = 84  # bytes of one echo request or reply of ping, headers included

#: All that the flow logs service asks for, whether the log group exists or not.
_ACTIONS = (CREATE_LOG_GROUP, *LOG_ACTIONS)


# The checks


def log_group(view: View) -> Iterator[Line]:
    """The log group is there, and deletes its records after some days."""
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
    found = "none: records are kept, and paid for, forever"
    yield Line.of(bool(days), right, subject, found, "some days", call)


def permissions_policy(view: View) -> Iterator[Line]:
    """The policy permits what the flow logs service needs."""
    arn = view.lab.find(POLICY, "policy")
    if arn is None:
        yield absent(POLICY, "in notebook 02, run the cell with iam.create_policy.")
        return
    decisions = _permissions(view, {POLICY: iam.read_policy(view.client("iam"), arn)})
    right, found = f"{POLICY} permits all five actions that the service needs", refused_actions(decisions)
    wanted = "all of " + ", ".join(_ACTIONS)
    if any(each.outcome is iam.Outcome.SUBJECT for each in decisions):
        group = f"arn:aws:logs:{view.lab.region}:{view.lab.account}:log-group:{LOG_GROUP}:*"
        wanted += f', each on "*" or on {group}'
    yield Line.of(all(decisions), right, POLICY, f"no permission for {found}", wanted, _new_version(arn))


def _permissions(view: View, policies: Mapping[str, iam.Document]) -> tuple[iam.Decision, ...]:
    lab = view.lab
    return iam.log_permissions(policies, _ACTIONS, account=lab.account, region=lab.region, log_group=LOG_GROUP)


def _new_version(arn: str) -> str:
    return f"iam.create_policy_version(PolicyArn='{arn}', PolicyDocument=…, SetAsDefault=True) with all five."


def delivery_role(view: View) -> Iterator[Line]:
    """The role trusts the flow logs service, and its policies permit what the service needs."""
    role = iam.read_role(view.client("iam"), DELIVERY_ROLE)
    if role is None:
        yield absent(DELIVERY_ROLE, "in notebook 02, run the cell with iam.create_role.")
        return
    using = [each["FlowLogId"] for each in _flow_logs(view) if _role_of(each) == DELIVERY_ROLE]
    decided = [_decided(view, role, flow_log) for flow_log in using or [_ANY_FLOW_LOG]]
    trust = next((each.trust for each in decided if not each.trust), decided[0].trust)
    yield trust_line(DELIVERY_ROLE, trust, view.lab.account)

    subject = f"{DELIVERY_ROLE}, permissions"
    attach = f"iam.attach_role_policy(RoleName='{DELIVERY_ROLE}', PolicyArn=policy)."
    if not role.policies:
        yield Line(False, subject, "no policy attached", POLICY, attach)
        return
    decisions, names = _permissions(view, role.policies), ", ".join(role.policies)
    found, wanted = f"{names} without {refused_actions(decisions)}", f"all five actions on {LOG_GROUP}"
    fix = _permissions_fix(view, role, decisions, attach)
    yield Line.of(all(decisions), f"{DELIVERY_ROLE} may write logs, by {names}", subject, found, wanted, fix)


def _permissions_fix(view: View, role: iam.Role, decisions: tuple[iam.Decision, ...], attach: str) -> str:
    """Return the call that gives a role the permissions that it lacks."""
    arn = view.lab.find(POLICY, "policy")
    denied = any(each.outcome is iam.Outcome.EXPLICIT_DENY for each in decisions)
    other = next((name for name in policies_at_fault(decisions) if name != POLICY), None)
    if other is not None and (denied or POLICY in role.policies):
        off = f"iam.detach_role_policy where {other} is attached, iam.delete_role_policy where it is inline"
        return f"change that statement of {other}, or take {other} off the role: {off}."
    return attach if POLICY not in role.policies or arn is None else _new_version(arn)


def _decided(view: View, role: iam.Role, flow_log: str, log_group: str = LOG_GROUP) -> iam.RoleDecision:
    lab = view.lab
    exists = lab.find(log_group, "log-group") is not None
    return iam.flow_log_delivery(
        role, account=lab.account, region=lab.region, flow_log_id=flow_log, log_group=log_group, log_group_exists=exists
    )


def flow_logs(view: View, side: Side) -> Iterator[Line]:
    """A flow log on the VPC records all traffic, every minute, to the log group with the role."""
    vpc = view.part(view.network.vpcs, side.vpc, "make the VPC first: lab.check('vpcs').")
    subject = f"flow log on {side.vpc}"
    all_logs = _flow_logs(view)
    here = [each for each in all_logs if each["ResourceId"] == vpc.id]
    if not here:
        subnets = {subnet.id: subnet.name for subnet in view.network.subnets.values() if subnet.vpc == vpc.id}
        if part := next((each["ResourceId"] for each in all_logs if each["ResourceId"] in subnets), None):
            found = f"one on {subnets[part]} only"
            create = f"ec2.create_flow_logs(ResourceType='VPC', ResourceIds=['{vpc.id}'], …)."
            yield Line(False, subject, found, "one on the whole VPC", create)
        else:
            how = "in notebook 02, run the cell with ec2.create_flow_logs, which names both VPCs."
            yield absent(subject, how, "none")
        return
    id, faults = min(((each["FlowLogId"], list(_faults(each))) for each in here), key=lambda each: len(each[1]))
    for found, wanted in faults:
        fix = f"a flow log can't be changed: ec2.delete_flow_logs(FlowLogIds=['{id}']), then create it again."
        yield Line(False, subject, found, wanted, fix)
    if not faults:
        yield Line(True, f"{side.vpc} has a flow log: all traffic, every minute, to {LOG_GROUP}")


def _flow_logs(view: View) -> list[dict[str, Any]]:
    pages = view.client("ec2").get_paginator("describe_flow_logs").paginate()
    return [flow_log for page in pages for flow_log in page["FlowLogs"]]


def _role_of(flow_log: dict[str, Any]) -> str:
    return str(flow_log.get("DeliverLogsPermissionArn", "")).rpartition("/")[2]


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
    if _role_of(flow_log) != DELIVERY_ROLE:
        yield f"the role {_role_of(flow_log) or 'none'}", DELIVERY_ROLE


def delivery(view: View, side: Side) -> Iterator[Line]:
    """Records of the VPC's instance arrive, or the line says what IAM has against it."""
    vpc = view.part(view.network.vpcs, side.vpc, "make the VPC first: lab.check('vpcs').")
    subject = f"delivery from {side.vpc}"
    how = "create the flow log first: lab.check('flow-logs')."
    logs = [each for each in _flow_logs(view) if each["ResourceId"] == vpc.id]
    here = needed(logs, subject, how, "no flow log")
    failed = [each for each in here if each.get("DeliverLogsStatus") == "FAILED"]
    if len(failed) == len(here):
        found = f"ACTIVE, yet FAILED, {failed[0].get('DeliverLogsErrorMessage')!r}"
        yield Line(False, subject, found, "SUCCESS", _delivery_fix(view, failed[0]))
        return
    interface = view.interface(side)
    if view.lab.find(LOG_GROUP, "log-group") is None:
        yield absent(subject, "create the log group first: lab.check('log-group').", "no log group")
    elif view.lab.records(interface.id):
        yield Line(True, f"records of {side.instance} arrive in {LOG_GROUP}")
    else:
        wait = "make some traffic, lab.shell('instance-1', 'ping -c 3 8.8.8.8'), then lab.wait_for_flow_logs()."
        yield Line(False, subject, f"no record of {side.instance} yet", "some", wait, absent=True)


def _delivery_fix(view: View, flow_log: dict[str, Any]) -> str:
    """Return what stops a delivery that failed, and how to go on."""
    name, log_group = _role_of(flow_log), str(flow_log.get("LogGroupName"))
    role = iam.read_role(view.client("iam"), name)
    decided = _decided(view, role, flow_log["FlowLogId"], log_group) if role else None
    again = "make some traffic, lab.wait_for_flow_logs()."
    if decided:
        return f"the role {name} may write to {log_group} now: {again}"
    why = decided.reason if decided is not None else f"There is no role {name}."
    check = "delivery-role" if (name, log_group) == (DELIVERY_ROLE, LOG_GROUP) else "flow-logs"
    return f"{why} lab.check('{check}') says what to change; then {again}"


# The judges of the exercises


def custom_format(view: View, answer: object) -> Judgment:
    """The format of a flow log with five fields."""
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
    """How many bytes the pings to 8.8.8.8 and their replies had."""
    how = "ping, then lab.wait_for_flow_logs()."
    records = needed(view.records("8.8.8.8"), "the records of the pings to 8.8.8.8", how)
    total = sum(record.bytes for record in records)
    near = {
        "That is one direction; requests and replies are records of their own.": sum(
            record.bytes for record in records if record.dstaddr == "8.8.8.8"
        ),
        "That is the packets; the bytes are one word further on.": sum(record.packets for record in records),
        "That is one packet; add up the records.": _ECHO,
        "That is in kilobytes; give bytes.": total / 1000,
        "That is in kibibytes; give bytes.": total / 1024,
        "That is the number of records; add up their bytes.": len(records),
    }
    return number(answer, total, "bytes", near=near)


# The facts of the quiz


def quiz_facts(view: View) -> Facts:
    """Who may use the role, and whether vpc-1 has a flow log."""
    vpc = view.part(view.network.vpcs, HERE.vpc, "lab.check('vpcs').")
    role = iam.read_role(view.client("iam"), DELIVERY_ROLE)
    if role is None:
        raise Stop(absent(DELIVERY_ROLE, "lab.check('delivery-role')."))
    who = iam.statements(role.trust, iam.PolicyKind.TRUST, "the trust policy")[0].principals[0]
    covered = any(each["ResourceId"] == vpc.id for each in _flow_logs(view))
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
