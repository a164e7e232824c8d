"""The checks of notebook 02: a log group, a policy, a role, a flow log on each VPC, and that records arrive."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from labkit.learn.checks.roles import missing_actions, policies_of, policy, trusted
from labkit.learn.plan import ACTIONS, Side, View, absent
from labkit.learn.result import Line
from labkit.names import DELIVERY_ROLE, LOG_GROUP, POLICY

_SERVICE = "vpc-flow-logs.amazonaws.com"


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
    missing = missing_actions([policy(view, arn)], ACTIONS)
    if not missing:
        yield Line(True, f"{POLICY} permits all five actions that the service needs")
        return
    mend = f"iam.create_policy_version(PolicyArn='{arn}', PolicyDocument=…, SetAsDefault=True) with all five."
    yield Line(False, POLICY, f"no permission for {', '.join(missing)}", "all of " + ", ".join(ACTIONS), mend)


def delivery_role(view: View) -> Iterator[Line]:
    if view.lab.find(DELIVERY_ROLE, "role") is None:
        yield absent(DELIVERY_ROLE, "in notebook 02, run the cell with iam.create_role.")
        return
    yield trusted(view, DELIVERY_ROLE, _SERVICE)
    policies = dict(policies_of(view, DELIVERY_ROLE))
    if not policies:
        attach = f"iam.attach_role_policy(RoleName='{DELIVERY_ROLE}', PolicyArn=policy)."
        yield Line(False, f"{DELIVERY_ROLE}, permissions", "no policy attached", POLICY, attach)
    elif missing := missing_actions(policies.values(), ACTIONS):
        found = f"{', '.join(policies)} without {', '.join(missing)}"
        yield Line(False, f"{DELIVERY_ROLE}, permissions", found, "all five actions", "lab.check('policy') says more.")
    else:
        yield Line(True, f"{DELIVERY_ROLE} may write logs, by {', '.join(policies)}")


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
    role = str(flow_log.get("DeliverLogsPermissionArn", "")).rpartition("/")[2]
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
        mend = "lab.check('delivery-role') says what is wrong; mend it, make some traffic, lab.wait_for_flow_logs()."
        yield Line(False, subject, said, "SUCCESS", mend)
        return
    interface = view.interface(side)
    if view.lab.find(LOG_GROUP, "log-group") is None:
        yield absent(subject, "create the log group first: lab.check('log-group').", "no log group")
    elif view.lab.records(interface.id):
        yield Line(True, f"records of {side.instance} arrive in {LOG_GROUP}")
    else:
        wait = "make some traffic, lab.shell('instance-1', 'ping -c 3 8.8.8.8'), then lab.wait_for_flow_logs()."
        yield Line(False, subject, f"no record of {side.instance} yet", "some", wait, absent=True)


def all_flow_logs(view: View) -> list[dict[str, Any]]:
    pages = view.client("ec2").get_paginator("describe_flow_logs").paginate()
    return [flow_log for page in pages for flow_log in page["FlowLogs"]]
