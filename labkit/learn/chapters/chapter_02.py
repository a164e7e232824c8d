"""Chapter 02, flow logs and permissions: a log group, a policy, a role, a flow log on each VPC, and its delivery."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from labkit import iam
from labkit.flowlogs import DEFAULT_FORMAT, FIELDS, Format
from labkit.iam.services import LOG_ACTIONS
from labkit.learn.chapter import Chapter, Check, Facts, Finding, Findings, finding
from labkit.learn.judging import RIGHT, Judgment, number, plain, wrong
from labkit.learn.plan import HERE, Side
from labkit.learn.roles import policies_at_fault, refused_actions, trust_line
from labkit.learn.view import NOTHING, View, needed, step
from labkit.names import GIVEN, LOG_GROUP

#: Stands for any flow log in aws:SourceArn, while none uses the role yet.
_ANY_FLOW_LOG = "fl-0123456789abcdef0"
_DAYS = 7  # the retention that step 2.a asks for
_ECHO = 84  # bytes of one echo request or reply of ping, headers included


# The checks


def log_group(view: View) -> Findings:
    """The log group is there, and deletes its records after some days."""
    pages = view.lab.client("logs").get_paginator("describe_log_groups").paginate()
    groups = {group["logGroupName"]: group for page in pages for group in page["logGroups"]}
    name = view.names.log_group
    if view.lab.find(name, "log-group"):
        days = groups[name].get("retentionInDays")
        yield finding("there", True)
        if not days and not _flow_logs(view):  # flow logs come later
            yield finding("no-retention-yet", absent=True, asked=_DAYS, how=step("2.a"))
            return
        key = "retention" if not days or days == _DAYS else "longer" if days > _DAYS else "shorter"
        yield finding(key, bool(days), days=days, asked=_DAYS)
        return
    delivering = [each["FlowLogId"] for each in _flow_logs(view) if each.get("LogGroupName") == name]
    if delivering:
        yield finding("gone", flow_logs=delivering)
        return
    # A group with the course's own name is somebody else's, or it would have been found.
    lower = {each.lower(): each for each in groups if not each.startswith(LOG_GROUP)}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.8)
    needed(near, name, "in notebook 02, run the cell with logs.create_log_group.", NOTHING)
    yield finding("another-name", near=lower[near[0]])


def permissions_policy(view: View) -> Findings:
    """The policy permits what AWS asks for."""
    how = "in notebook 02, run the cell with iam.create_policy."
    given = view.names.delivery_role
    found = iam.read_role(view.lab.client("iam"), given) if view.lab.find(given, "role") else None
    if given in GIVEN.values():
        role = needed(found, given, "ask whoever owns the account.", NOTHING)
        decisions = _permissions(view, role.policies)
        yield finding("given", all(decisions), role=given, refused=refused_actions(decisions), actions=LOG_ACTIONS)
        return
    name = view.names.policy
    arn = view.lab.find(name, "policy")
    using = _using(view, given)
    if arn is None and found is not None and not found.policies and using:
        yield finding("gone", role=given, flow_logs=using)
        return
    arn = needed(arn, name, how, NOTHING)
    decisions = _permissions(view, {name: iam.read_policy(view.lab.client("iam"), arn)})
    key = "resource" if any(each.outcome is iam.Outcome.SUBJECT for each in decisions) else "actions"
    yield finding(key, all(decisions), arn=arn, refused=refused_actions(decisions), actions=LOG_ACTIONS)


def _permissions(view: View, policies: Mapping[str, iam.Document]) -> tuple[iam.Decision, ...]:
    lab, group = view.lab, view.names.log_group
    return iam.log_permissions(policies, LOG_ACTIONS, account=lab.account, region=lab.region, log_group=group)


def delivery_role(view: View) -> Findings:
    """The role trusts the flow logs service, and its policies permit what the service can't do without."""
    how = f"{step('2.b').removesuffix('.')}. Then run the cell with iam.create_role."
    name, policy, log_group = view.names.delivery_role, view.names.policy, view.names.log_group
    found = iam.read_role(view.lab.client("iam"), name) if view.lab.find(name, "role") else None
    using = _using(view, name)
    if found is None and using:
        yield finding("gone", flow_logs=using)
        return
    role = needed(found, name, how, NOTHING)
    decided = [_decided(view, role, flow_log, log_group) for flow_log in using or [_ANY_FLOW_LOG]]
    trust = next((each.trust for each in decided if not each.trust), decided[0].trust)
    # AWS recommends both: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    asked = () if name in GIVEN.values() else ("aws:SourceAccount", "aws:SourceArn")
    yield trust_line(name, trust, view.lab.account, "trust_flow_logs", asked)
    if not role.policies:
        yield finding("no-policy")
        return
    policies = list(role.policies)
    if all(decided[0].permissions):
        yield finding("permissions", True, policies=policies)
        return
    decisions = _permissions(view, role.policies)
    denied = any(each.outcome is iam.Outcome.EXPLICIT_DENY for each in decisions)
    other = next((each for each in policies_at_fault(decisions) if each != policy), None)
    arn = view.lab.find(policy, "policy")
    key = "permissions"
    if other is not None and (denied or policy in role.policies):
        key = "other-policy"
    elif policy not in role.policies or arn is None:
        key = "without-the-policy"
    yield finding(key, policies=policies, refused=refused_actions(decisions), other=other, arn=arn)


def _decided(view: View, role: iam.Role, flow_log: str, log_group: str) -> iam.RoleDecision:
    lab = view.lab
    groups = lab.client("logs").describe_log_groups(logGroupNamePrefix=log_group)["logGroups"]
    exists = any(group["logGroupName"] == log_group for group in groups)
    return iam.flow_log_delivery(
        role, account=lab.account, region=lab.region, flow_log_id=flow_log, log_group=log_group, log_group_exists=exists
    )


def flow_logs(view: View, side: Side) -> Findings:
    """A flow log on the VPC records all traffic, every minute, to the log group with the role."""
    vpc = view.part(view.network.vpcs, side.vpc, "make the VPC first: lab.check('vpcs').")
    all_logs = _flow_logs(view)
    here = [each for each in all_logs if each["ResourceId"] == vpc.id]
    if not here:
        subnets = {subnet.id: subnet.name for subnet in view.network.subnets.values() if subnet.vpc == vpc.id}
        part = next((each["ResourceId"] for each in all_logs if each["ResourceId"] in subnets), None)
        how = f"in notebook 02, run the cell with {_record(side)}."
        if part is None and _has_records(view, side):
            yield finding("gone", again=how)
            return
        yield finding("subnet-only", subnet=subnets[needed(part, f"flow log on {side.vpc}", how)], again=how)
        return
    id, faults = min(((each["FlowLogId"], list(_faults(view, each))) for each in here), key=lambda each: len(each[1]))
    for key, value in faults:
        yield finding(key, id=id, value=value, again=_record(side))
    if not faults:
        yield finding("there", True)


def _record(side: Side) -> str:
    """Return the call of notebook 02 that creates the side's flow log."""
    return f"record({side.vpc.replace('-', '_')})"


def _has_records(view: View, side: Side) -> bool:
    """Return whether there are records of the side's instance."""
    instances = [each for each in view.instances.values() if each.name == side.instance]
    has_group = view.lab.find(view.names.log_group, "log-group") is not None
    return has_group and bool(instances) and bool(view.lab.records(view.interface(side).id))


def _using(view: View, role: str) -> list[str]:
    """Return the ids of the flow logs that use a role."""
    return [each["FlowLogId"] for each in _flow_logs(view) if _role_of(each) == role]


def _flow_logs(view: View) -> list[dict[str, Any]]:
    pages = view.lab.client("ec2").get_paginator("describe_flow_logs").paginate()
    return [flow_log for page in pages for flow_log in page["FlowLogs"]]


def _role_of(flow_log: dict[str, Any]) -> str:
    return str(flow_log.get("DeliverLogsPermissionArn", "")).rpartition("/")[2]


def _faults(view: View, flow_log: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield which settings of a flow log are not as the course needs them, and how they are."""
    traffic = flow_log["TrafficType"]
    if traffic != "ALL":
        yield "only-accept" if traffic == "ACCEPT" else "only-reject", traffic
    interval = flow_log.get("MaxAggregationInterval", 600)
    if interval != 60:
        yield "interval", interval
    destination = flow_log.get("LogDestinationType", "cloud-watch-logs")
    if destination != "cloud-watch-logs":
        yield "destination", destination
        return
    if flow_log.get("LogGroupName") != view.names.log_group:
        yield "log-group", flow_log.get("LogGroupName")
    if _role_of(flow_log) != view.names.delivery_role:
        yield "role", _role_of(flow_log) or "none"


def delivery(view: View, side: Side) -> Findings:
    """Records of the VPC's instance arrive, and the next ones will: the flow log's role may write them."""
    vpc = view.part(view.network.vpcs, side.vpc, "make the VPC first: lab.check('vpcs').")
    here = [each for each in _flow_logs(view) if each["ResourceId"] == vpc.id]
    interface = view.interface(side).id
    has_group = view.lab.find(view.names.log_group, "log-group") is not None
    has_records = has_group and bool(view.lab.records(interface))
    if not here:
        yield finding("no-flow-log", absent=not has_records)
        return
    if not has_group:
        yield finding("no-log-group")
        return
    found = [_delivery_of(view, each, interface, absent=not has_records) for each in here]
    yield next((each for each in found if each.ok), found[0])


def _delivery_of(view: View, flow_log: dict[str, Any], interface: str, absent: bool) -> Finding:
    """Find whether a flow log delivers, and what stops it."""
    name, log_group = _role_of(flow_log), view.names.log_group
    if flow_log.get("LogGroupName") != log_group:
        return finding("elsewhere", destination=flow_log.get("LogGroupName") or flow_log.get("LogDestination"))
    failed = flow_log.get("DeliverLogsStatus") == "FAILED"
    role = iam.read_role(view.lab.client("iam"), name)
    decided = _decided(view, role, flow_log["FlowLogId"], log_group) if role else None
    message = flow_log.get("DeliverLogsErrorMessage")
    if not decided:
        why = decided.reason if decided is not None else f"There is no role {name}."
        check = "delivery-role" if name == view.names.delivery_role else "flow-logs"
        return finding("failed" if failed else "refused", message=message, why=why, check=check)
    if failed:
        return finding("fixed", message=message, role=name, log_group=log_group)
    arrived = bool(view.lab.records(interface, since=flow_log["CreationTime"]))
    return finding("arrived", arrived, absent=absent)


# The judges of the exercises


def custom_format(view: View, answer: object) -> Judgment:
    """The format of a flow log with five fields, and that the flow log is gone again."""
    judgment = _five_fields(answer)
    subnet = view.part(view.network.subnets, HERE.subnet, "notebook 01 makes it.")
    here = [each for each in _flow_logs(view) if each["ResourceId"] == subnet.id]
    left = [each["FlowLogId"] for each in here if each.get("LogFormat", DEFAULT_FORMAT) != DEFAULT_FORMAT]
    if not left:
        return judgment
    return wrong(
        f"{'The format is right.' if judgment.passed else judgment.text} Now delete what is left on {HERE.subnet}: "
        f"ec2.delete_flow_logs(FlowLogIds={left}). While it is there, AWS refuses another one like it "
        "(FlowLogAlreadyExists), and lab.records() shows lines of both formats."
    )


def _five_fields(answer: object) -> Judgment:
    wanted = ("interface-id", "srcaddr", "dstaddr", "tcp-flags", "flow-direction")
    if isinstance(answer, dict):  # what describe_flow_logs answers, or one flow log of it
        answer = answer.get("FlowLogs", [answer])
    if isinstance(answer, list) and answer and isinstance(answer[0], dict):
        if len(answer) > 1:
            return wrong("Those are several flow logs; give the LogFormat of the one that you made.")
        answer = answer[0].get("LogFormat")
    if isinstance(answer, set | frozenset):
        return wrong("A set has no order; give the LogFormat as text.")
    found = plain(answer)
    text = " ".join(map(str, found)) if isinstance(found, list) else str(found)
    if text.startswith("fl-"):
        return wrong("That is the flow log's id; its LogFormat is in what describe_flow_logs says of it.")
    text = " ".join(re.split(r"[\s,]+", text.strip(" \n'\"`")))
    try:
        names = Format.parse(text).names
    except ValueError as error:
        has_bare_names = any(part in FIELDS for part in text.split())
        return wrong("Write each field as ${field-id}." if has_bare_names else str(error))
    missing = [name for name in wanted if name not in names]
    extra = [name for name in names if name not in wanted]
    if missing or extra:
        details = [f"it lacks {', '.join(missing)}"] if missing else []
        details += [f"it has {', '.join(extra)}, which nobody asked for"] if extra else []
        return wrong(f"Not these fields: {', and '.join(details)}.")
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
    name = view.names.delivery_role
    found = iam.read_role(view.lab.client("iam"), name) if view.lab.find(name, "role") else None
    role = needed(found, name, "lab.check('delivery-role').", NOTHING)
    who = iam.statements(role.trust, iam.PolicyKind.TRUST, "the trust policy")[0].principals[0]
    covered = any(each["ResourceId"] == vpc.id for each in _flow_logs(view))
    return {"role": name, "who": who, "new": "nothing" if covered else "create"}


CHAPTER = Chapter(
    "02",
    checks=(
        Check("log-group", log_group),
        Check("policy", permissions_policy),
        Check("delivery-role", delivery_role),
        Check("flow-logs", flow_logs, sided=True),
        Check("delivery", delivery, sided=True),
    ),
    judges={"2.1": custom_format, "2.2": bytes_of_pings},
    quiz_facts=quiz_facts,
)
