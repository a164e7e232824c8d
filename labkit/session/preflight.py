"""Looks at an account before the lab is made in it: who and where, what is there, and what would stop the course.

`labkit.connect` does so before it uses a real account or a contrary one. Looking makes and changes nothing: it reads,
asks EC2 with `DryRun`, and asks IAM to simulate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from labkit import iam, names
from labkit.errors import LabError
from labkit.iam.services import EC2_SERVICE, FLOW_LOGS_SERVICE
from labkit.session.clean_up import CleanUp
from labkit.session.costs import WHOLE_LAB, Quote, quote, read_prices
from labkit.session.finding import Finder, policy_source
from labkit.session.findings import ClosedRegion, Finding, GivenRole, Offering, OtherName, Permission, Quota, Report
from labkit.session.kinds import Part, code
from labkit.session.naming import Names
from labkit.session.paging import all_of

T = TypeVar("T")

INSTANCE_TYPE = "t3.micro"
IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

#: What the notebooks have at most at the same time: VPCs with `twin` of notebook 01.
VPCS, GATEWAYS, INSTANCES = 3, 2, 2
#: https://aws.amazon.com/ec2/instance-types/t3/
VCPUS_EACH = 2

#: The codes of the quotas in the service Service Quotas. The public addresses that EC2 assigns to instances are from
#: Amazon's pool and have no quota; only Elastic IP addresses do, and the notebooks allocate none.
#: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
#: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html#ec2-on-demand-instances-limits
VPC_QUOTA = ("vpc", "L-F678F1CE")
GATEWAY_QUOTA = ("vpc", "L-A4707A72")
VCPU_QUOTA = ("ec2", "L-1216C47A")

#: What the notebooks call things in EC2.
EC2_NAMES = (
    "vpc-1", "vpc-2", "subnet-1", "subnet-2", "igw-1", "igw-2", "route-table-1", "route-table-2", "allow-icmp-1",
    "allow-icmp-2", "instance-1", "instance-2", "peering-1-2", "NimbusVPCFlowLog",
)  # fmt: skip

#: What services answer to somebody who may not do something.
_DENIED = {"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"}
#: What they answer to credentials that do not count in a region: one that is not enabled, as new ones are not at first.
#: https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
_CLOSED = {
    "AuthFailure",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "OptInRequired",
    "RegionDisabledException",
}

#: Ids that no thing has, for requests that shall only be checked.
_IMAGE = "ami-0123456789abcdef0"
_VPC, _OTHER_VPC, _SUBNET = "vpc-0123456789abcdef0", "vpc-0123456789abcdef1", "subnet-0123456789abcdef0"
_GATEWAY, _TABLE, _GROUP = "igw-0123456789abcdef0", "rtb-0123456789abcdef0", "sg-0123456789abcdef0"
_PEERING, _INSTANCE, _FLOW_LOG = "pcx-0123456789abcdef0", "i-0123456789abcdef0", "fl-0123456789abcdef0"


def preflight(client: Callable[[str], Any], region: str) -> Report:
    """Look at an account, and report what the lab would find there.

    Args:
        client: Makes a boto3 client of a service.
        region: The region.

    Returns:
        The report. What AWS does not tell is reported as unknown, and is no blocker.
    """
    client = cache(client)  # making one takes longer than most answers
    closed = None
    identity = ""
    try:
        identity = str(client("sts").get_caller_identity()["Arn"])
        client("ec2").describe_vpcs(MaxResults=5)
    except EndpointConnectionError:
        closed = ClosedRegion(region, "")
    except ClientError as error:
        closed = ClosedRegion(region, code(error)) if code(error) in _CLOSED else None
        if not identity and not closed:
            raise
    if closed:
        return Report(identity, region, {}, (), (closed,), None)
    return _Look(client, region, identity).report()


class _Look:
    """A look at one account."""

    def __init__(self, client: Callable[[str], Any], region: str, identity: str) -> None:
        self._client = client
        self._region = region
        self._identity = identity
        self._partition, self._account = identity.split(":")[1], identity.split(":")[4]
        self._allowed: dict[tuple[str, str], bool | None] = {}  # by action and, where it matters, what it is for
        self._names = {name: name for name in names.KINDS}

    def report(self) -> Report:
        self._choose_names()
        findings: list[Finding] = [*self._other_names(), *self._quotas(), *self._offerings(), *self._given_roles()]
        self._dry_run()
        self._simulate()
        findings += [Permission(*asked, allowed) for asked, allowed in self._allowed.items()]
        there = Counter(thing.word for thing in CleanUp(self._client, patience=0.0).preview())
        return Report(self._identity, self._region, dict(there), self._others(), tuple(findings), self._quote())

    # What is there

    def _choose_names(self) -> None:
        chosen = Names(Finder(self._client))
        for name, kind in names.KINDS.items():
            service = "logs" if kind == "log-group" else "iam"
            self._names[name] = self._read(service, partial(chosen.of, name)) or name

    def _other_names(self) -> Iterator[OtherName]:
        for wanted, used in self._names.items():
            if used != wanted:
                yield OtherName(wanted, used, used == names.GIVEN.get(names.KINDS[wanted]))

    def _is_given(self, name: str) -> bool:
        return self._names[name] == names.GIVEN.get(names.KINDS[name])

    def _others(self) -> tuple[str, ...]:
        """Return the names of the lab's that things without its tag have."""
        keys = {"Name": "key", "Values": ["Name", names.LAB_TAG["Key"]]}
        values = {"Name": "value", "Values": [*EC2_NAMES, names.LAB_TAG["Value"]]}
        tags = self._describe("describe_tags", "Tags[]", [keys, values])
        own = {tag["ResourceId"] for tag in tags if tag["Key"] == names.LAB_TAG["Key"]}
        found = {tag["Value"] for tag in tags if tag["Key"] == "Name" and tag["ResourceId"] not in own}
        return tuple(name for name in EC2_NAMES if name in found)

    # Quotas

    def _quotas(self) -> Iterator[Quota]:
        from labkit.embedded.api.service_quotas import is_standard

        for name, operation, path, at_once, quota in (
            ("VPCs", "describe_vpcs", "Vpcs[]", VPCS, VPC_QUOTA),
            ("internet gateways", "describe_internet_gateways", "InternetGateways[]", GATEWAYS, GATEWAY_QUOTA),
        ):
            found = self._describe(operation, path)
            yield Quota(name, self._limit(*quota), len(found), max(at_once - sum(map(_is_labs, found)), 0))
        states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        awake = self._describe("describe_instances", "Reservations[].Instances[]", states)
        used = sum(_vcpus(each) for each in awake if is_standard(each["InstanceType"]))
        missing = max(INSTANCES - sum(map(_is_labs, awake)), 0)
        yield Quota("vCPUs of standard instances", self._limit(*VCPU_QUOTA), used, missing * VCPUS_EACH)

    def _limit(self, service: str, quota: str) -> int | None:
        quotas = self._client("service-quotas")
        answer = self._attempt(lambda: quotas.get_service_quota(ServiceCode=service, QuotaCode=quota))
        return int(answer["Quota"]["Value"]) if answer else None

    def _offerings(self) -> Iterator[Offering]:
        wanted = [{"Name": "instance-type", "Values": [INSTANCE_TYPE]}]
        found = self._read("ec2", lambda: all_of(
            self._client("ec2"), "describe_instance_type_offerings", "InstanceTypeOfferings[].Location",
            LocationType="availability-zone", Filters=wanted,
        ))  # fmt: skip
        yield Offering(INSTANCE_TYPE, self._region, None if found is None else tuple(sorted(found)))

    # Roles that the account's owner gives

    def _given_roles(self) -> Iterator[GivenRole]:
        if self._is_given(names.DELIVERY_ROLE):
            role = self._names[names.DELIVERY_ROLE]
            yield GivenRole(role, "write flow logs to CloudWatch Logs", self._decide(role, self._delivery))
        if self._is_given(names.INSTANCE_PROFILE):
            profile = self._names[names.INSTANCE_PROFILE]
            found = self._attempt(lambda: self._iam.get_instance_profile(InstanceProfileName=profile))
            roles = [each["RoleName"] for each in found["InstanceProfile"]["Roles"]] if found else []
            role = roles[0] if roles else f"the role of {profile}"
            yield GivenRole(role, "let Systems Manager run commands", self._decide(role, iam.managed_instance))

    def _decide(self, name: str, ask: Callable[[iam.Role], iam.RoleDecision]) -> iam.RoleDecision | None:
        role = self._attempt(lambda: iam.read_role(self._iam, name))
        return ask(role) if role else None

    def _delivery(self, role: iam.Role) -> iam.RoleDecision:
        return iam.flow_log_delivery(
            role, account=self._account, region=self._region, flow_log_id=_FLOW_LOG,
            log_group=self._names[names.LOG_GROUP],
        )  # fmt: skip

    # Permissions

    def _dry_run(self) -> None:
        """Ask EC2 about the actions of the course, without taking them.

        EC2 answers `DryRunOperation` to whoever may take an action, and `UnauthorizedOperation` to whoever may not. Any
        other answer, such as that a made-up id does not exist, leaves it open.
        https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
        """
        image = self._read("ssm", lambda: self._client("ssm").get_parameter(Name=IMAGE)["Parameter"]["Value"])
        launch = {"ImageId": image or _IMAGE, "InstanceType": INSTANCE_TYPE, "MinCount": 1, "MaxCount": 1}
        if self._is_given(names.INSTANCE_PROFILE):
            launch["IamInstanceProfile"] = {"Name": self._names[names.INSTANCE_PROFILE]}
        for operation, parameters in (*_requests(self._role_arn(names.DELIVERY_ROLE)), ("run_instances", launch)):
            kind = _TAGGED.get(operation)
            tags = {"TagSpecifications": [{"ResourceType": kind, "Tags": [names.LAB_TAG]}]} if kind else {}
            self._ask(operation, **parameters, **tags)

    def _ask(self, operation: str, **parameters: Any) -> None:
        """Ask EC2 whether this identity may do something, and note the answer."""
        ec2 = self._client("ec2")
        action, purpose = f"ec2:{ec2.meta.method_to_api_mapping[operation]}", ""
        allowed = None
        try:
            getattr(ec2, operation)(**parameters, DryRun=True)
        except ClientError as error:
            allowed = {"DryRunOperation": True, "UnauthorizedOperation": False}.get(code(error))
            if allowed is False and _PASSING in error.response["Error"]["Message"]:
                name, service = _PASSED[operation]
                action, purpose = "iam:PassRole", f"{self._names[name]} to {service}"
        self._note(action, allowed, purpose)

    def _simulate(self) -> None:
        """Ask IAM about the actions that EC2's DryRun leaves open, and about those of the other services.

        IAM does not always tell: the identity may not be allowed to ask, or be the root user; a policy may have
        conditions whose values are not known here; and the organization's policies may be unknown to it, which it
        reports as a refusal.
        https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
        """
        source = self._attempt(lambda: policy_source(self._iam, self._identity))
        for actions, resources, service in self._questions():
            context = [_passed_to(service)] if service else []
            purpose = f"{resources[0].rpartition('/')[2]} to {service}" if service else ""
            asked = partial(
                all_of, self._iam, "simulate_principal_policy", "EvaluationResults[]", PolicySourceArn=source,
                ActionNames=actions, ResourceArns=resources, ContextEntries=context,
            )  # fmt: skip
            results = self._attempt(asked) if source else None
            for action in actions:
                judged = [each for each in results or () if each["EvalActionName"] == action]
                self._note(action, _all_of_them(_simulated(each, resources) for each in judged), purpose)

    def _questions(self) -> Iterator[tuple[list[str], list[str], str]]:
        """Yield actions, the resources they are for, and the service that a role is passed to."""
        delivery, instances = self._role_arn(names.DELIVERY_ROLE), self._role_arn(names.INSTANCE_ROLE)
        yield ["iam:PassRole"], [delivery], FLOW_LOGS_SERVICE
        yield ["iam:PassRole"], [instances], EC2_SERVICE
        logs = f"arn:{self._partition}:logs:{self._region}:{self._account}:log-group:{self._names[names.LOG_GROUP]}"
        yield list(_LOGS), [f"{logs}:log-stream:"], ""
        yield ["logs:GetQueryResults", "ssm:GetCommandInvocation", "ssm:DescribeInstanceInformation"], ["*"], ""
        document = f"arn:{self._partition}:ssm:{self._region}::document/AWS-RunShellScript"
        instance = f"arn:{self._partition}:ec2:{self._region}:{self._account}:instance/{_INSTANCE}"
        yield ["ssm:SendCommand"], [document, instance], ""
        if not self._is_given(names.DELIVERY_ROLE):
            yield list(_ROLES), [delivery, instances], ""
            yield list(_POLICIES), [self._iam_arn("policy", self._names[names.POLICY])], ""
        if not self._is_given(names.INSTANCE_PROFILE):
            yield list(_PROFILES), [self._iam_arn("instance-profile", self._names[names.INSTANCE_PROFILE])], ""
        if left := [
            action for (action, _), allowed in self._allowed.items() if action[:4] == "ec2:" and allowed is None
        ]:
            yield left, ["*"], ""

    def _role_arn(self, name: str) -> str:
        return self._iam_arn("role", self._names[name])

    def _iam_arn(self, kind: str, name: str) -> str:
        return f"arn:{self._partition}:iam::{self._account}:{kind}/{name}"

    def _note(self, action: str, allowed: bool | None, purpose: str = "") -> None:
        """Note whether an action is allowed: a refusal counts most, no answer least."""
        answers = {allowed, self._allowed.get((action, purpose))}
        self._allowed[action, purpose] = False if False in answers else True if True in answers else None

    # Reading

    @property
    def _iam(self) -> Any:
        return self._client("iam")

    def _describe(self, operation: str, path: str, filters: Sequence[Part] = ()) -> list[Any]:
        ec2 = self._client("ec2")
        return self._read("ec2", lambda: all_of(ec2, operation, path, Filters=list(filters))) or []

    def _read(self, service: str, ask: Callable[[], T]) -> T | None:
        """Return what the course itself will have to read; None, and a permission that is missing, if it may not."""
        try:
            return ask()
        except ClientError as error:
            self._note(f"{service}:{error.operation_name}", False if code(error) in _DENIED else None)
            return None

    def _attempt(self, ask: Callable[[], T]) -> T | None:
        """Return what only this look reads; None if AWS does not tell."""
        try:
            return ask()
        except (ClientError, BotoCoreError):
            return None

    def _quote(self) -> Quote | None:
        try:
            return quote(read_prices(self._region), self._region, WHOLE_LAB, has_spent=False)
        except LabError:  # the table of prices is not here
            return None


def _is_labs(part: Part) -> bool:
    return names.LAB_TAG in part.get("Tags", ())


def _vcpus(instance: Part) -> int:
    cpu = instance.get("CpuOptions", {})
    return int(cpu.get("CoreCount", 1) * cpu.get("ThreadsPerCore", 2))


def _passed_to(service: str) -> Part:
    return {"ContextKeyName": "iam:PassedToService", "ContextKeyValues": [service], "ContextKeyType": "string"}


def _simulated(result: Part, resources: list[str]) -> bool | None:
    """Return what one result of a simulation says; None if it leaves it open."""
    if result["EvalDecision"] == "allowed":
        return True
    by_organization = result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations") is False
    # A policy for some resources does not allow an action on "*", and yet may on those that the course makes.
    for_some = result["EvalDecision"] == "implicitDeny" and resources == ["*"]
    return None if by_organization or for_some or result.get("MissingContextValues") else False


def _all_of_them(answers: Iterable[bool | None]) -> bool | None:
    """Return False if one is, True if all are, and otherwise None; None where there is none."""
    found = list(answers)
    if False in found:
        return False
    return True if found and None not in found else None


def _requests(delivery_role: str) -> Iterator[tuple[str, Part]]:
    """Yield EC2's operations in the course, with parameters that name nothing that exists."""
    yield "create_vpc", {"CidrBlock": "10.1.0.0/16"}
    yield "create_subnet", {"VpcId": _VPC, "CidrBlock": "10.1.0.0/20"}
    yield "create_internet_gateway", {}
    yield "attach_internet_gateway", {"InternetGatewayId": _GATEWAY, "VpcId": _VPC}
    yield "create_route_table", {"VpcId": _VPC}
    yield "associate_route_table", {"RouteTableId": _TABLE, "SubnetId": _SUBNET}
    route = {"RouteTableId": _TABLE, "DestinationCidrBlock": "0.0.0.0/0"}
    yield "create_route", {**route, "GatewayId": _GATEWAY}
    yield "create_security_group", {"VpcId": _VPC, "GroupName": "allow-icmp-1", "Description": "Allow all ICMP"}
    icmp = {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    yield "authorize_security_group_ingress", {"GroupId": _GROUP, "IpPermissions": [icmp]}
    yield "create_vpc_peering_connection", {"VpcId": _VPC, "PeerVpcId": _OTHER_VPC}
    yield "accept_vpc_peering_connection", {"VpcPeeringConnectionId": _PEERING}
    yield "create_flow_logs", {
        "ResourceType": "VPC", "ResourceIds": [_VPC], "TrafficType": "ALL", "LogGroupName": names.LOG_GROUP,
        "DeliverLogsPermissionArn": delivery_role,
    }  # fmt: skip
    yield "delete_flow_logs", {"FlowLogIds": [_FLOW_LOG]}
    yield "terminate_instances", {"InstanceIds": [_INSTANCE]}
    yield "delete_vpc_peering_connection", {"VpcPeeringConnectionId": _PEERING}
    yield "detach_internet_gateway", {"InternetGatewayId": _GATEWAY, "VpcId": _VPC}
    yield "delete_internet_gateway", {"InternetGatewayId": _GATEWAY}
    yield "delete_subnet", {"SubnetId": _SUBNET}
    yield "delete_route", route
    yield "delete_route_table", {"RouteTableId": _TABLE}
    yield "delete_security_group", {"GroupId": _GROUP}
    yield "delete_vpc", {"VpcId": _VPC}


#: The roles that EC2's operations pass to a service, and what EC2 says of a role that may not be passed.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
_PASSED = {
    "create_flow_logs": (names.DELIVERY_ROLE, FLOW_LOGS_SERVICE),
    "run_instances": (names.INSTANCE_ROLE, EC2_SERVICE),
}
_PASSING = "not authorized to perform: iam:PassRole"

#: The resource types of what EC2's operations make with the lab's tag.
_TAGGED = {
    "create_vpc": "vpc",
    "create_subnet": "subnet",
    "create_internet_gateway": "internet-gateway",
    "create_route_table": "route-table",
    "create_security_group": "security-group",
    "create_vpc_peering_connection": "vpc-peering-connection",
    "create_flow_logs": "vpc-flow-log",
    "run_instances": "instance",
}

#: The actions of the course outside EC2, by what they are for.
_LOGS = (
    "logs:CreateLogGroup", "logs:TagResource", "logs:PutRetentionPolicy", "logs:DescribeLogStreams",
    "logs:GetLogEvents", "logs:FilterLogEvents", "logs:StartQuery", "logs:DeleteLogGroup",
)  # fmt: skip
_ROLES = (
    "iam:CreateRole", "iam:TagRole", "iam:GetRole", "iam:UpdateAssumeRolePolicy", "iam:AttachRolePolicy",
    "iam:ListAttachedRolePolicies", "iam:DetachRolePolicy", "iam:DeleteRole",
)  # fmt: skip
_POLICIES = ("iam:CreatePolicy", "iam:TagPolicy", "iam:GetPolicyVersion", "iam:DeletePolicy")
_PROFILES = (
    "iam:CreateInstanceProfile", "iam:TagInstanceProfile", "iam:AddRoleToInstanceProfile",
    "iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile",
)  # fmt: skip
