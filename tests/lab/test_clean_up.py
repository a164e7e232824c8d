"""lab.clean_up: what it deletes, what it leaves alone, and what it says where it cannot."""

from __future__ import annotations

import json
import re
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from labkit import names
from labkit.lab import Lab
from labkit.session.clean_up import CleanUp
from tests import neighbors
from tests.lab.conftest import Built, fresh_lab, inside, refusal
from tests.lab.test_build_cells import everything, what_is_left
from tests.lab.test_names import makers

STATEMENT = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
ALL_OF_LOGS = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})

NOTHING_LEFT = "Looked again: nothing of the lab is left."


def cleaned(lab: Lab, capsys: pytest.CaptureFixture[str], **options: Any) -> list[str]:
    """What clean_up prints, line by line."""
    capsys.readouterr()
    lab.clean_up(**options)
    return capsys.readouterr().out.splitlines()


def test_it_shows_what_it_deletes_in_the_order_of_aws(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(lab)
    built = Built(lab, "06")
    flow_logs = [each["FlowLogId"] for each in built.ec2.describe_flow_logs()["FlowLogs"]]
    lines = cleaned(lab, capsys)
    assert [line.removeprefix("Deleted ") for line in lines] == [
        *(f"flow log NimbusVPCFlowLog {id}" for id in flow_logs),
        f"instance instance-1 {built.instance_1}",
        f"instance instance-2 {built.instance_2}",
        f"peering connection peering-1-2 {built.peering}",
        f"internet gateway igw-1 {built.igw_1}",
        f"internet gateway igw-2 {built.igw_2}",
        f"subnet subnet-1 {built.subnet_1}",
        f"subnet subnet-2 {built.subnet_2}",
        f"route table route-table-1 {built.route_table_1}",
        f"route table route-table-2 {built.route_table_2}",
        f"security group allow-icmp-1 {built.security_group_1}",
        f"security group allow-icmp-2 {built.security_group_2}",
        f"VPC vpc-1 {built.vpc_1}",
        f"VPC vpc-2 {built.vpc_2}",
        "instance profile NimbusInstanceProfile",
        "role NimbusInstanceRole",
        "role NimbusVPCFlowLogsRole",
        "policy NimbusVPCFlowLogsPolicy",
        "log group NimbusVPCFlowLogsGroup",
        NOTHING_LEFT,
    ]
    assert what_is_left(lab) == before


def test_a_dry_run_deletes_nothing_a_second_run_finds_nothing_and_the_lab_can_be_built_again(
    whole: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    before = everything(whole.lab)
    lines = cleaned(whole.lab, capsys, dry_run=True)
    assert f"Would delete VPC vpc-1 {whole.vpc_1}" in lines
    assert lines[-1] == f"Nothing was deleted; {len(lines) - 1} things would be."
    assert everything(whole.lab) == before
    assert cleaned(whole.lab, capsys)[-1] == NOTHING_LEFT
    for dry_run in (False, True):
        assert cleaned(whole.lab, capsys, dry_run=dry_run) == ["There is nothing of the lab to delete."]
    again = Built(whole.lab, "06")
    assert "3 received" in again.lab.shell("instance-1", "ping -c 3 10.2.0.126").stdout
    assert cleaned(again.lab, capsys)[-1] == NOTHING_LEFT


def test_what_is_not_the_labs_stays(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Even if it has another tag Lab, or a name of the lab's."""
    ec2 = lab.client("ec2")
    other_lab = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "vpc-1"}, {"Key": "Lab", "Value": "other"}]}]
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16", TagSpecifications=other_lab)["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.0.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    group = ec2.create_security_group(GroupName="allow-icmp-1", Description="d", VpcId=vpc)["GroupId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_key_pair(KeyName="mine")
    make = makers(lab)
    for name, kind in names.KINDS.items():
        make[kind](name, [{"Key": "Lab", "Value": "other"}])
    for kind, name in names.GIVEN.items():
        make[kind](name, [])
    before = everything(lab)
    lab_vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-8"))["Vpc"]["VpcId"]
    for name, kind in names.KINDS.items():
        make[kind](lab.name(name), [lab.tag])
    lines = cleaned(lab, capsys)
    assert [line.split()[-1] for line in lines[:-1]] == [
        lab_vpc, "NimbusInstanceProfile-2", "NimbusInstanceRole-2", "NimbusVPCFlowLogsRole-2",
        "NimbusVPCFlowLogsPolicy-2", "NimbusVPCFlowLogsGroup-2",
    ]  # fmt: skip
    assert lines[-1] == NOTHING_LEFT
    after = everything(lab)
    assert (after[0].vpcs, after[1:]) == (before[0].vpcs, before[1:])
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]
    assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert ec2.describe_addresses(AllocationIds=[address])["Addresses"]
    assert ec2.describe_key_pairs(KeyNames=["mine"])["KeyPairs"]


def test_what_lacks_the_tag_inside_the_labs_vpc_stays_and_is_named_and_goes_once_it_has_the_tag(
    whole: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody knows whose it is; each part blocks the deletion of the VPC.

    https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
    """
    ec2, vpc = whole.ec2, whole.vpc_1
    before = {each["AllocationId"] for each in ec2.describe_addresses()["Addresses"]}
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.64.0/20")["Subnet"]["SubnetId"]
    groups = [ec2.create_security_group(GroupName=n, Description="d", VpcId=vpc)["GroupId"] for n in ("one", "two")]
    for here, there in (groups, groups[::-1]):
        rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": there}]}
        ec2.authorize_security_group_ingress(GroupId=here, IpPermissions=[rule])
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    interface = ec2.create_network_interface(SubnetId=subnet, Groups=groups)["NetworkInterface"]["NetworkInterfaceId"]
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=whole.lab.tags("elastic-ip", "nat"))["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=whole.subnet_1, AllocationId=address)["NatGateway"]["NatGatewayId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    egress = ec2.create_egress_only_internet_gateway(VpcId=vpc)["EgressOnlyInternetGateway"]
    watched = ec2.create_flow_logs(
        ResourceType="NetworkInterface", ResourceIds=[interface], TrafficType="ALL", LogGroupName="mine",
        DeliverLogsPermissionArn=whole.role,
    )["FlowLogIds"][0]  # fmt: skip
    instance = whole.names["launch"]("mine", subnet, "10.1.64.9", groups[0])
    ec2.create_tags(Resources=[instance], Tags=[{"Key": "Lab", "Value": "mine"}])
    theirs = {subnet, *groups, table, acl, interface, nat, watched, instance, egress["EgressOnlyInternetGatewayId"]}

    def described() -> set[str]:
        """What of theirs is there."""
        network = whole.lab.network
        flow_logs = {each["FlowLogId"] for each in ec2.describe_flow_logs()["FlowLogs"]}
        states = {id: part.state for id, part in network.instances.items()}
        states |= {id: part.state for id, part in network.nat_gateways.items()}
        parts = [network.subnets, network.security_groups, network.route_tables, network.network_acls]
        parts += [network.interfaces, network.internet_gateways]
        there = {id for each in parts for id in each} | flow_logs
        return theirs & (there | {id for id, state in states.items() if state in ("running", "available")})

    for dry_run, word in ((True, "Would leave"), (False, "Left")):
        lines = cleaned(whole.lab, capsys, dry_run=dry_run)
        about = [line for line in lines if "lacks the lab's tag" in line]
        assert {line.partition(": it is")[0].split()[-1] for line in about} == theirs
        assert len(about) == len(theirs) and all(line.startswith(f"{word}: ") for line in about)
        assert described() == theirs
    assert address not in {line.split()[-1] for line in lines if line.startswith("Deleted")}, (
        "their NAT gateway uses it"
    )
    assert whole.lab.find("vpc-2") is None, "nothing of theirs is in vpc-2"
    for line in about:
        exec(re.findall(r"\((ec2\.create_tags\(.*?\))\)", line)[0], {"ec2": ec2, "lab": whole.lab})
    lines = cleaned(whole.lab, capsys)
    assert lines[-1] == NOTHING_LEFT
    assert described() == set()
    assert before == {each["AllocationId"] for each in ec2.describe_addresses()["Addresses"]}


def test_a_role_or_policy_that_a_student_extended_goes_too(whole: Built, capsys: pytest.CaptureFixture[str]) -> None:
    whole.iam.put_role_policy(RoleName="NimbusInstanceRole", PolicyName="inline", PolicyDocument=ALL_OF_LOGS)
    whole.iam.attach_role_policy(RoleName="NimbusInstanceRole", PolicyArn=whole.policy)
    whole.iam.create_policy_version(PolicyArn=whole.policy, PolicyDocument=ALL_OF_LOGS, SetAsDefault=True)
    assert cleaned(whole.lab, capsys)[-1] == NOTHING_LEFT


def test_what_is_not_the_labs_is_not_changed_so_that_the_labs_can_be_deleted(
    whole: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    """A VPC that is peered, and a role that is in a profile, are left until somebody else lets go of them."""
    vpc = whole.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    peering = whole.ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=whole.vpc_1)["VpcPeeringConnection"]
    whole.iam.create_instance_profile(InstanceProfileName="theirs")
    whole.iam.add_role_to_instance_profile(InstanceProfileName="theirs", RoleName="NimbusInstanceRole")
    left = [line for line in cleaned(whole.lab, capsys) if not line.startswith("Deleted")]
    assert [line.split(":")[1].strip() for line in left] == [
        f"VPC vpc-1 {whole.vpc_1}",
        "role NimbusInstanceRole",
        f"peering connection {peering['VpcPeeringConnectionId']}",
    ]
    assert "DependencyViolation" in left[0] and "DeleteConflict" in left[1] and "lacks the lab's tag" in left[2]
    assert all("Something that is not the lab's still uses it." in line for line in left[:2])
    whole.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering["VpcPeeringConnectionId"])
    whole.iam.remove_role_from_instance_profile(InstanceProfileName="theirs", RoleName="NimbusInstanceRole")
    assert cleaned(whole.lab, capsys)[-1] == NOTHING_LEFT


def test_a_log_group_that_the_service_makes_again_is_named(
    whole: Built, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until its last records are delivered, a flow log's service may create the group again.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
    """
    real = whole.logs.delete_log_group

    def again(logGroupName: str) -> None:
        real(logGroupName=logGroupName)
        whole.logs.create_log_group(logGroupName=logGroupName)

    monkeypatch.setattr(whole.logs, "delete_log_group", again)
    assert cleaned(whole.lab, capsys)[-1] == (
        "Left: log group NimbusVPCFlowLogsGroup: the lab's flow logs wrote to it, and it lacks the lab's tag. Their "
        "service makes it again for the last records after it was deleted. If nobody else uses it, delete it in some "
        "minutes: logs.delete_log_group(logGroupName='NimbusVPCFlowLogsGroup')."
    )


@pytest.mark.parametrize("behaviors", [("instance-states", "nat-gateway-states", "peering-states"), ("throttling",)])
def test_in_a_contrary_account_it_waits_in_virtual_time_until_aws_allows_each_deletion(
    behaviors: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """An instance that is shutting down holds its interface, and its public address the gateway.

    https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
    """
    with fresh_lab(*behaviors) as lab:
        before = everything(lab)
        built = Built(lab, "02")
        tags = lab.tags("elastic-ip", "nat")
        address = built.ec2.allocate_address(Domain="vpc", TagSpecifications=tags)["AllocationId"]
        built.ec2.create_nat_gateway(
            SubnetId=built.subnet_1, AllocationId=address, TagSpecifications=lab.tags("natgateway", "nat")
        )
        built.ec2.create_vpc_peering_connection(
            VpcId=built.vpc_1, PeerVpcId=built.vpc_2, TagSpecifications=lab.tags("vpc-peering-connection", "peering")
        )
        assert cleaned(lab, capsys)[-1] == NOTHING_LEFT
        assert what_is_left(lab)[1:] == before[1:] and what_is_left(lab)[0].vpcs == before[0].vpcs


def test_in_an_account_of_others_it_leaves_exactly_what_is_theirs(capsys: pytest.CaptureFixture[str]) -> None:
    """They have a VPC, an instance, a flow log and its group, role and policy of the names that the notebooks give."""
    with fresh_lab("other-peoples-things") as lab:
        client = inside(lab)
        before = neighbors.everything(client)
        ec2, make = lab.client("ec2"), makers(lab)
        for n in (1, 2):
            tags = lab.tags("vpc", f"vpc-{n}")
            vpc = ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
            ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"10.{n}.0.0/20", TagSpecifications=lab.tags("subnet", f"subnet-{n}")
            )
        for name, kind in names.KINDS.items():
            make[kind](lab.name(name), [lab.tag])
        assert len(neighbors.additions(before, neighbors.everything(client))) > 9
        lines = cleaned(lab, capsys, dry_run=True)
        assert lines[-1] == "Nothing was deleted; 9 things would be."
        assert cleaned(lab, capsys)[-1] == NOTHING_LEFT
        after = neighbors.everything(client)
        assert neighbors.changes(before, after) == neighbors.additions(before, after) == {}


def test_what_something_else_still_uses_is_left_with_the_reason(
    whole: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = whole.iam.get_role(RoleName="NimbusInstanceRole")["Role"]["AssumeRolePolicyDocument"]
    whole.iam.create_role(RoleName="mine", AssumeRolePolicyDocument=json.dumps(trust))
    whole.iam.attach_role_policy(RoleName="mine", PolicyArn=whole.policy)
    (left,) = [line for line in cleaned(whole.lab, capsys) if not line.startswith("Deleted")]
    assert left == (
        "Left: policy NimbusVPCFlowLogsPolicy: DeleteConflict: Cannot delete a policy attached to entities. "
        "Something that is not the lab's still uses it. Look for it in the console, delete it there, then run "
        "lab.clean_up() again."
    )
    whole.iam.detach_role_policy(RoleName="mine", PolicyArn=whole.policy)
    assert cleaned(whole.lab, capsys) == ["Deleted policy NimbusVPCFlowLogsPolicy", NOTHING_LEFT]


def test_an_instance_that_is_protected_keeps_what_it_uses_and_the_fix_is_shown(
    whole: Built, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingDisableAPITermination.html"""
    real = whole.ec2.terminate_instances

    def protected(InstanceIds: list[str]) -> Any:
        if InstanceIds == [whole.instance_1]:
            raise refusal("OperationNotPermitted", "The instance may not be terminated.")
        return real(InstanceIds=InstanceIds)

    monkeypatch.setattr(whole.ec2, "terminate_instances", protected)
    left = [line for line in cleaned(whole.lab, capsys) if line.startswith("Left")]
    (about,) = [line for line in left if f"instance instance-1 {whole.instance_1}" in line]
    assert "OperationNotPermitted" in about and "DisableApiTermination={'Value': False}" in about
    held = [line for line in left if "DependencyViolation" in line]
    assert len(held) == 5, "the gateway, the subnet, the route table's and the group's, and the VPC"
    for line in held:
        assert line.endswith(
            "Something named above probably still uses it. See to that first, then run lab.clean_up() again."
        )
    assert not [line for line in left if "-2 " in line]
    assert whole.lab.find("vpc-2") is None
    monkeypatch.undo()
    assert cleaned(whole.lab, capsys)[-1] == NOTHING_LEFT


def test_one_that_may_not_look_is_told_so(
    whole: Built, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: Any) -> Any:
        raise refusal("UnauthorizedOperation", "You are not authorized to perform this operation.")

    monkeypatch.setattr(whole.ec2, "describe_addresses", refused)
    lines = cleaned(whole.lab, capsys)
    assert lines[-1] == (
        "Left: each Elastic IP address that there may be: UnauthorizedOperation: You are not authorized to perform "
        "this operation. Use a profile that may do this, or ask whoever looks after the account; then "
        "lab.clean_up() again."
    )
    assert cleaned(whole.lab, capsys, dry_run=True) == [
        "There is nothing of the lab to delete.",
        lines[-1].replace("Left", "Would leave"),
    ]


def test_what_aws_allows_later_is_tried_again_while_there_is_patience(
    whole: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EC2 is eventually consistent: https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html"""
    import labkit.session.waiting as waiting

    slept: list[float] = []
    monkeypatch.setattr(waiting.time, "sleep", slept.append)
    real, refusals = whole.ec2.delete_subnet, [1, 2, 3]

    def delete_subnet(SubnetId: str) -> Any:
        if refusals:
            refusals.pop()
            raise refusal("DependencyViolation", "has dependencies")
        return real(SubnetId=SubnetId)

    monkeypatch.setattr(whole.ec2, "delete_subnet", delete_subnet)
    work = CleanUp(whole.lab.client, patience=180)
    assert whole.subnet_1 in [thing.id for thing in work.run()]
    assert slept == [5, 5, 5] and work.leftovers() == []


def test_all_pages_are_read(lab: Lab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS may give less than all in one answer: https://docs.aws.amazon.com/ec2/latest/devguide/query-api-pagination.html"""
    ec2 = lab.client("ec2")
    vpcs = {
        ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16", TagSpecifications=lab.tags("vpc", f"v-{n}"))["Vpc"]["VpcId"]
        for n in range(5)
    }
    real, read = ec2.get_paginator, []

    def small(operation: str) -> Any:
        read.append(operation)
        pages = real(operation)
        return SimpleNamespace(paginate=partial(pages.paginate, PaginationConfig={"PageSize": 5}))

    monkeypatch.setattr(ec2, "get_paginator", small)
    assert len(cleaned(lab, capsys)) == 6 and read
    assert not vpcs & {each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"]}
