"""The checks of notebook 02: a log group, a policy, a role, a flow log on each VPC, and that records arrive."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from labkit.iam import (
    Decision,
    Document,
    Outcome,
    Role,
    RoleDecision,
    flow_log_delivery,
    log_permissions,
    read_policy,
    read_role,
)
from labkit.learn.checks.roles import policies_at_fault, refused_actions, trust_line
from labkit.learn.plan import ACTIONS, Side, View, absent
from labkit.learn.result import Line
from labkit.names import DELIVERY_ROLE, LOG_GROUP, POLICY

#: Stands for any flow log in aws:SourceArn, while none uses the role yet.
_ANY_FLOW_LOG = "fl-0123456789abcdef0"


def log_group(view: View) -> Iterator[Line]:
    logs = view.client("logs")
    groups = [group for page in logs.get_paginator("describe_log_groups").paginate() for group in page["logGroups"]]
    named = next((group for group in groups if group["logGroupName"] == LOG_GROUP), None)
    if named is None:
        lower = {group["logGroupName"].lower(): group["logGroupName"] for group in groups}
        near = difflib.get_close_matches(LOG_GROUP.lower(), lower, n=1, cutoff=0.8)
        create = f"logs.create_log_group(logGroupName='{LOG_GROUP}')."
        if near:
            yield Line(False, "log group", f"one called {lower[near[0]]!r}", f"{LOG_GROUP!r}, to the letter", create)
        else:
            yield absent(LOG_GROUP, create)
        return
    yield Line(True, f"{LOG_GROUP} is there")
    days = named.get("retentionInDays")
    if days:
        yield Line(True, f"{LOG_GROUP} keeps its records for {days} days")
    else:
        call = f"logs.put_retention_policy(logGroupName='{LOG_GROUP}', retentionInDays=7)."
        found = "none: records are kept, and paid for, for ever"
        yield Line(False, f"{LOG_GROUP}, retention", found, "some days", call)


def permissions_policy(view: View) -> Iterator[Line]:
    arn = view.lab.find(POLICY, "policy")
    if arn is None:
        yield absent(POLICY, "in notebook 02, run the cell with iam.create_policy.")
        return
    decisions = _permissions(view, {POLICY: read_policy(view.client("iam"), arn)})
    if all(decisions):
        yield Line(True, f"{POLICY} permits all five actions that the service needs")
        return
    wanted = "all of " + ", ".join(ACTIONS)
    if any(each.outcome is Outcome.SUBJECT for each in decisions):
        wanted += f', each on "*" or on {_group_arn(view)}'
    yield Line(False, POLICY, f"no permission for {refused_actions(decisions)}", wanted, _new_version(arn))


def _permissions(view: View, policies: Mapping[str, Document]) -> tuple[Decision, ...]:
    lab = view.lab
    return log_permissions(policies, ACTIONS, account=lab.account, region=lab.region, log_group=LOG_GROUP)


def _group_arn(view: View) -> str:
    return f"arn:aws:logs:{view.lab.region}:{view.lab.account}:log-group:{LOG_GROUP}:*"


def _new_version(arn: str) -> str:
    return f"iam.create_policy_version(PolicyArn='{arn}', PolicyDocument=…, SetAsDefault=True) with all five."


def delivery_role(view: View) -> Iterator[Line]:
    role = read_role(view.client("iam"), DELIVERY_ROLE)
    if role is None:
        yield absent(DELIVERY_ROLE, "in notebook 02, run the cell with iam.create_role.")
        return
    using = [each["FlowLogId"] for each in all_flow_logs(view) if _role_of(each) == DELIVERY_ROLE]
    decided = [_decided(view, role, flow_log) for flow_log in using or [_ANY_FLOW_LOG]]
    trust = next((each.trust for each in decided if not each.trust), decided[0].trust)
    yield trust_line(DELIVERY_ROLE, trust, view.lab.account)
    subject = f"{DELIVERY_ROLE}, permissions"
    attach = f"iam.attach_role_policy(RoleName='{DELIVERY_ROLE}', PolicyArn=policy)."
    decisions = _permissions(view, role.policies)
    if not role.policies:
        yield Line(False, subject, "no policy attached", POLICY, attach)
    elif all(decisions):
        yield Line(True, f"{DELIVERY_ROLE} may write logs, by {', '.join(role.policies)}")
    else:
        found = f"{', '.join(role.policies)} without {refused_actions(decisions)}"
        fix = _permissions_fix(view, role, decisions, attach)
        yield Line(False, subject, found, f"all five actions on {LOG_GROUP}", fix)


def _permissions_fix(view: View, role: Role, decisions: tuple[Decision, ...], attach: str) -> str:
    """The call that gives a role the permissions that it lacks."""
    at_fault = list(policies_at_fault(decisions))
    arn = view.lab.find(POLICY, "policy")
    denied = [each for each in decisions if each.outcome is Outcome.EXPLICIT_DENY]
    other = next((name for name in at_fault if name != POLICY), None)
    if other is not None and (denied or POLICY in role.policies):
        off = f"iam.detach_role_policy where {other} is attached, iam.delete_role_policy where it is inline"
        return f"change that statement of {other}, or take {other} off the role: {off}."
    if POLICY not in role.policies or arn is None:
        return attach
    return _new_version(arn)


def _decided(view: View, role: Role, flow_log: str, log_group: str = LOG_GROUP) -> RoleDecision:
    lab = view.lab
    exists = lab.find(log_group, "log-group") is not None
    return flow_log_delivery(
        role, account=lab.account, region=lab.region, flow_log_id=flow_log, log_group=log_group, log_group_exists=exists
    )


def _role_of(flow_log: dict[str, Any]) -> str:
    return str(flow_log.get("DeliverLogsPermissionArn", "")).rpartition("/")[2]


def flow_logs(view: View, side: Side) -> Iterator[Line]:
    vpc = view.part(view.network.vpcs, side.vpc, "make the VPC first: lab.check('vpcs').")
    found = all_flow_logs(view)
    here = [each for each in found if each["ResourceId"] == vpc.id]
    if not here:
        subnets = {subnet.id for subnet in view.network.subnets.values() if subnet.vpc == vpc.id}
        part = next((each["ResourceId"] for each in found if each["ResourceId"] in subnets), None)
        if part:
            seen = f"one on {view.network.name(part)} only"
            create = f"ec2.create_flow_logs(ResourceType='VPC', ResourceIds=['{vpc.id}'], …)."
            yield Line(False, f"flow log on {side.vpc}", seen, "one on the whole VPC", create)
        else:
            how = "in notebook 02, run the cell with ec2.create_flow_logs, which names both VPCs."
            yield absent(f"flow log on {side.vpc}", how, "none")
        return
    best = min(here, key=lambda flow_log: len(list(_faults(view, flow_log))))
    faults = list(_faults(view, best))
    for seen, wanted in faults:
        delete = f"ec2.delete_flow_logs(FlowLogIds=['{best['FlowLogId']}'])"
        mend = f"a flow log can't be changed: {delete}, then create it so."
        yield Line(False, f"flow log on {side.vpc}", seen, wanted, mend)
    if not faults:
        yield Line(True, f"{side.vpc} has a flow log: all traffic, every minute, to {LOG_GROUP}")


def _faults(view: View, flow_log: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What of a flow log is not as the course needs it, and what is needed."""
    traffic = flow_log.get("TrafficType")
    if traffic != "ALL":
        left_out = {"ACCEPT": "which leaves out what was refused", "REJECT": "which leaves out what was let through"}
        yield f"the traffic type {traffic}, {left_out.get(str(traffic), 'which is not all')}", "ALL"
    interval = flow_log.get("MaxAggregationInterval", 600)
    if interval != 60:
        yield f"an interval of {interval} seconds", "60 (MaxAggregationInterval=60)"
    destination = flow_log.get("LogDestinationType", "cloud-watch-logs")
    if destination != "cloud-watch-logs":
        yield f"the destination {destination}", "cloud-watch-logs"
    elif flow_log.get("LogGroupName") != LOG_GROUP:
        yield f"the log group {flow_log.get('LogGroupName')!r}", repr(LOG_GROUP)
    role = _role_of(flow_log)
    if destination == "cloud-watch-logs" and role != DELIVERY_ROLE:
        yield f"the role {role or 'none'}", DELIVERY_ROLE


def delivery(view: View, side: Side) -> Iterator[Line]:
    vpc = view.part(view.network.vpcs, side.vpc, "make the VPC first: lab.check('vpcs').")
    here = [each for each in all_flow_logs(view) if each["ResourceId"] == vpc.id]
    subject = f"delivery from {side.vpc}"
    if not here:
        yield absent(subject, "create the flow log first: lab.check('flow-logs').", "no flow log")
        return
    failed = [each for each in here if each.get("DeliverLogsStatus") == "FAILED"]
    if len(failed) == len(here):
        said = f"ACTIVE, yet FAILED, {failed[0].get('DeliverLogsErrorMessage')!r}"
        yield Line(False, subject, said, "SUCCESS", _delivery_fix(view, failed[0]))
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
    """What stands against a delivery that failed, and how to go on."""
    name, log_group = _role_of(flow_log), str(flow_log.get("LogGroupName"))
    role = read_role(view.client("iam"), name)
    decided = _decided(view, role, flow_log["FlowLogId"], log_group) if role else None
    again = "make some traffic, lab.wait_for_flow_logs()."
    if decided:
        return f"the role {name} may write to {log_group} now: {again}"
    why = decided.reason if decided is not None else f"There is no role {name}."
    check = "delivery-role" if (name, log_group) == (DELIVERY_ROLE, LOG_GROUP) else "flow-logs"
    return f"{why} lab.check('{check}') says what to change; then {again}"


def all_flow_logs(view: View) -> list[dict[str, Any]]:
    pages = view.client("ec2").get_paginator("describe_flow_logs").paginate()
    return [flow_log for page in pages for flow_log in page["FlowLogs"]]
