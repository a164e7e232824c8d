"""Instances, interfaces, addresses and images, as AWS has them."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from labkit.embedded import EmbeddedAws
from labkit.embedded.clock import START
from tests.embedded.support import (
    assign_public_addresses,
    elastic_address,
    gateway,
    instance,
    main_table,
    new_vpc,
    refused,
    run,
    security_group,
    where,
)


def interface(ec2: Any, interface_id: str) -> dict[str, Any]:
    found = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])["NetworkInterfaces"][0]
    return dict(found)


def is_ec2s(address: str) -> bool:
    """Whether a public address can be one of EC2's: routable, and of a block that AWS owns."""
    return ipaddress.ip_address(address).is_global and address.split(".")[0] in {"3", "18", "34", "44", "54"}


# --- launching: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html ---


@pytest.mark.aws_does("as-many-instances-as-asked-for")
def test_max_count_instances_are_launched(ec2: Any, subnet: str, image: str) -> None:
    made = ec2.run_instances(ImageId=image, SubnetId=subnet, MinCount=1, MaxCount=3, InstanceType="t3.micro")
    assert len(made["Instances"]) == 3


@pytest.mark.aws_does("as-many-instances-as-asked-for")
def test_an_unknown_key_pair_is_refused(ec2: Any, subnet: str, image: str) -> None:
    with refused("InvalidKeyPair.NotFound", "'no-such-key'"):
        run(ec2, image, subnet, KeyName="no-such-key")


def test_what_does_not_exist_is_refused_by_name(ec2: Any, subnet: str, image: str) -> None:
    for what, code, message in (
        ({"ImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound", "[ami-0123456789abcdef0]' does not exist"),
        ({"ImageId": "al2023"}, "InvalidAMIID.Malformed", 'Invalid id: "al2023"'),
        ({"SubnetId": "subnet-0"}, "InvalidSubnetID.NotFound", "The subnet ID 'subnet-0' does not exist"),
        ({"SecurityGroupIds": ["sg-0"]}, "InvalidGroup.NotFound", "sg-0"),
        ({"IamInstanceProfile": {"Name": "no-such-profile"}}, "NoSuchEntity", "no-such-profile"),
        ({"InstanceType": "t3.gigantic"}, "InvalidInstanceType.NotFound", "t3.gigantic"),
    ):
        request = {"ImageId": image, "SubnetId": subnet, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
        with refused(code, message):
            ec2.run_instances(**request | what)
        assert ec2.describe_instances()["Reservations"] == []


# --- private addresses: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html ---


@pytest.mark.aws_does("chosen-private-address-is-checked")
def test_a_chosen_address_must_be_free_and_of_the_subnet(ec2: Any, subnet: str, image: str) -> None:
    run(ec2, image, subnet, PrivateIpAddress="10.1.15.80")
    with refused("InvalidParameterValue", "does not fall within the subnet's address range"):
        run(ec2, image, subnet, PrivateIpAddress="10.2.0.126")
    with refused("InvalidIPAddress.InUse", "Address 10.1.15.80 is in use."):
        run(ec2, image, subnet, PrivateIpAddress="10.1.15.80")


@pytest.mark.aws_does("interfaces-are-checked")
def test_five_addresses_of_each_subnet_are_reserved(ec2: Any, subnet: str, image: str) -> None:
    for address in ("10.1.0.0", "10.1.0.3", "10.1.15.255"):
        with refused("InvalidParameterValue", f"Address {address} is in subnet's reserved address range"):
            ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress=address)
        with refused("InvalidParameterValue", f"Address {address} is in subnet's reserved address range"):
            run(ec2, image, subnet, PrivateIpAddress=address)


@pytest.mark.aws_does("given-private-address-is-free")
def test_a_given_address_is_free(ec2: Any, subnet: str, image: str) -> None:
    ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress="10.1.0.4")
    assert run(ec2, image, subnet)["PrivateIpAddress"] == "10.1.0.5"


def test_a_full_subnet_says_so(ec2: Any, vpc: str, image: str) -> None:
    small = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.64.0/28")["Subnet"]["SubnetId"]
    ec2.run_instances(ImageId=image, SubnetId=small, MinCount=11, MaxCount=11, InstanceType="t3.micro")
    with refused("InsufficientFreeAddressesInSubnet", small):
        run(ec2, image, small)


# --- public addresses: https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-ranges.html ---


@pytest.mark.aws_does("automatic-public-addresses-are-ec2s")
def test_automatic_public_addresses_are_ec2s_in_the_region(ec2: Any, subnet: str, image: str) -> None:
    assign_public_addresses(ec2, subnet)
    made = ec2.run_instances(ImageId=image, SubnetId=subnet, MinCount=20, MaxCount=20, InstanceType="t3.micro")
    addresses = [instance(ec2, each["InstanceId"])["PublicIpAddress"] for each in made["Instances"]]
    assert all(map(is_ec2s, addresses))
    assert len(set(addresses)) == 20
    assert len({address.split(".")[0] for address in addresses}) > 1


@pytest.mark.aws_does("elastic-addresses-are-ec2s")
def test_elastic_addresses_are_ec2s_in_the_region(ec2: Any) -> None:
    assert is_ec2s(ec2.allocate_address(Domain="vpc")["PublicIp"])


@pytest.mark.aws_does("interface-public-addresses-are-named")
def test_an_automatic_public_address_belongs_to_amazon_and_has_a_public_name(
    ec2: Any, vpc: str, subnet: str, image: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterfaceAssociation.html"""
    assert "Association" not in run(ec2, image, subnet)["NetworkInterfaces"][0]
    assign_public_addresses(ec2, subnet)
    made = run(ec2, image, subnet)
    association = interface(ec2, made["NetworkInterfaces"][0]["NetworkInterfaceId"])["Association"]
    assert (association["IpOwnerId"], association.get("PublicDnsName", "")) == ("amazon", "")
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    association = interface(ec2, made["NetworkInterfaces"][0]["NetworkInterfaceId"])["Association"]
    name = f"ec2-{made['PublicIpAddress'].replace('.', '-')}.compute-1.amazonaws.com"
    assert association["PublicDnsName"] == name


@pytest.mark.aws_does("public-names-need-dns-hostnames")
def test_an_instance_has_a_public_name_where_the_vpc_has_dns_hostnames(
    ec2: Any, vpc: str, subnet: str, image: str
) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html"""
    assign_public_addresses(ec2, subnet)
    made = run(ec2, image, subnet)
    assert made["PublicDnsName"] == ""
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert instance(ec2, made["InstanceId"])["PublicDnsName"].endswith(".compute-1.amazonaws.com")


@pytest.mark.behaves("another-region")
@pytest.mark.aws_does("interface-private-names-have-their-region")
def test_the_private_name_of_an_interface_has_the_name_of_a_region_other_than_us_east_1(
    ec2: Any, vpc: str, subnet: str, image: str
) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html"""
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    found = interface(ec2, run(ec2, image, subnet)["NetworkInterfaces"][0]["NetworkInterfaceId"])
    names = {found["PrivateDnsName"], *(each["PrivateDnsName"] for each in found["PrivateIpAddresses"])}
    assert names == {"ip-10-1-0-4.eu-central-1.compute.internal"}


@pytest.mark.aws_does("an-instance-without-a-subnet-is-in-the-default-vpc")
def test_an_instance_without_a_subnet_is_in_the_default_subnet_of_its_zone(ec2: Any, image: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html: SubnetId"""
    for zone in ("us-east-1a", "us-east-1b"):
        (subnet,) = ec2.describe_subnets(Filters=where("availability-zone", zone))["Subnets"]
        ask = {"ImageId": image, "InstanceType": "t3.micro", "Placement": {"AvailabilityZone": zone}}
        made = ec2.run_instances(MinCount=1, MaxCount=1, **ask)["Instances"][0]
        assert made["SubnetId"] == subnet["SubnetId"]
        assert ipaddress.ip_address(made["PrivateIpAddress"]) in ipaddress.ip_network(subnet["CidrBlock"])


# --- offerings: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html ---


def offered(ec2: Any, *filters: dict[str, Any], kind: str = "availability-zone") -> list[tuple[str, str]]:
    found = ec2.describe_instance_type_offerings(LocationType=kind, Filters=list(filters))["InstanceTypeOfferings"]
    assert {each["LocationType"] for each in found} <= {kind}
    return sorted((each["Location"], each["InstanceType"]) for each in found)


def test_an_instance_type_is_offered_in_some_zones(ec2: Any) -> None:
    """us-east-1e has none of the newer types: https://github.com/hashicorp/terraform/issues/17138"""
    zones = [f"us-east-1{letter}" for letter in "abcdf"]
    assert offered(ec2, *where("instance-type", "t3.micro")) == [(zone, "t3.micro") for zone in zones]
    assert offered(ec2, *where("instance-type", "t3.micro"), *where("location", "us-east-1b", "us-east-1e")) == [
        ("us-east-1b", "t3.micro")
    ]
    assert offered(ec2, *where("instance-type", "t3.micro"), kind="region") == [("us-east-1", "t3.micro")]
    ids = {zone["ZoneId"]: zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]}
    by_id = offered(ec2, *where("instance-type", "t3.micro"), kind="availability-zone-id")
    assert sorted(ids[location] for location, _ in by_id) == zones


@pytest.mark.aws_does("offering-filters-take-wildcards")
def test_filters_of_offerings_take_wildcards_and_whole_names(ec2: Any) -> None:
    found = offered(ec2, *where("instance-type", "t3.*o"), *where("location", "us-east-1b"))
    assert found == [("us-east-1b", "t3.micro"), ("us-east-1b", "t3.nano")]
    assert offered(ec2, *where("location", "us-east"), kind="region") == []
    with refused("InvalidParameterValue", "The filter 'zone' is invalid"):
        offered(ec2, *where("zone", "us-east-1b"))


@pytest.mark.aws_does("instance-type-offerings-come-in-pages")
def test_offerings_come_in_pages_and_an_unknown_kind_of_location_is_refused(ec2: Any) -> None:
    first = ec2.describe_instance_type_offerings()
    rest = ec2.describe_instance_type_offerings(NextToken=first["NextToken"])
    assert len(first["InstanceTypeOfferings"]) == 1000 and "NextToken" not in rest
    pages = ec2.get_paginator("describe_instance_type_offerings").paginate(PaginationConfig={"PageSize": 400})
    found = [each["InstanceType"] for page in pages for each in page["InstanceTypeOfferings"]]
    assert len(set(found)) == len(found) == 1000 + len(rest["InstanceTypeOfferings"])
    with refused("InvalidParameterValue", "Value (zone) for parameter locationType is invalid"):
        offered(ec2, kind="zone")


# --- the end: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html ---


@pytest.mark.aws_does("interfaces-go-with-their-instance")
def test_an_interface_goes_with_its_instance(ec2: Any, subnet: str, image: str) -> None:
    made = run(ec2, image, subnet)
    assert made["NetworkInterfaces"][0]["Attachment"]["DeleteOnTermination"] is True
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    assert run(ec2, image, subnet)["PrivateIpAddress"] == made["PrivateIpAddress"]


@pytest.mark.aws_does("terminated-instances-have-no-interfaces")
def test_an_interface_that_is_to_stay_stays_available(ec2: Any, subnet: str, image: str) -> None:
    kept = {"DeviceIndex": 0, "SubnetId": subnet, "DeleteOnTermination": False, "AssociatePublicIpAddress": True}
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro", NetworkInterfaces=[kept])
    ec2.terminate_instances(InstanceIds=[made["Instances"][0]["InstanceId"]])
    left = ec2.describe_network_interfaces()["NetworkInterfaces"][0]
    assert (left["Status"], "Attachment" in left, "Association" in left) == ("available", False, False)


@pytest.mark.aws_does("terminated-instances-have-no-interfaces")
def test_a_terminated_instance_is_described_without_addresses(ec2: Any, vpc: str, subnet: str, image: str) -> None:
    made = run(ec2, image, subnet)["InstanceId"]
    elastic_address(ec2, made)
    ec2.terminate_instances(InstanceIds=[made])
    gone = instance(ec2, made)
    assert gone["State"]["Name"] == "terminated"
    for key in ("PrivateIpAddress", "PublicIpAddress", "SubnetId", "VpcId"):
        assert key not in gone
    assert (gone["NetworkInterfaces"], gone["SecurityGroups"]) == ([], [])
    assert "AssociationId" not in ec2.describe_addresses()["Addresses"][0]
    assert ec2.describe_instances(Filters=where("vpc-id", vpc))["Reservations"] == []
    ec2.terminate_instances(InstanceIds=[made])


@pytest.mark.aws_does("terminated-instances-have-no-private-name")
def test_the_names_of_a_terminated_instance_are_empty(ec2: Any, subnet: str, image: str) -> None:
    made = run(ec2, image, subnet)
    assert made["PrivateDnsName"] == "ip-10-1-0-4.ec2.internal"
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
    gone = instance(ec2, made["InstanceId"])
    assert (gone["PrivateDnsName"], gone["PublicDnsName"]) == ("", "")


@pytest.mark.aws_does("terminated-instances-cannot-be-started", "terminated-instances-cannot-be-stopped")
def test_a_terminated_instance_cannot_be_started_or_stopped(ec2: Any, subnet: str, image: str, patch: str) -> None:
    done = patch.rpartition("-")[2]
    made = run(ec2, image, subnet)["InstanceId"]
    ec2.terminate_instances(InstanceIds=[made])
    with refused("IncorrectInstanceState", f"The instance '{made}' is not in a state from which it can be {done}."):
        {"started": ec2.start_instances, "stopped": ec2.stop_instances}[done](InstanceIds=[made])


def test_a_public_address_is_let_go_when_stopped_and_new_when_started(ec2: Any, subnet: str, image: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Stop_Start.html; moto does this as AWS does."""
    assign_public_addresses(ec2, subnet)
    made = run(ec2, image, subnet)
    ec2.stop_instances(InstanceIds=[made["InstanceId"]])
    assert "PublicIpAddress" not in instance(ec2, made["InstanceId"])
    ec2.start_instances(InstanceIds=[made["InstanceId"]])
    assert instance(ec2, made["InstanceId"])["PublicIpAddress"] != made["PublicIpAddress"]


# --- interfaces: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterface.html ---


@pytest.mark.aws_does("interfaces-are-checked")
def test_an_interface_gets_free_addresses_of_its_subnet(ec2: Any, vpc: str) -> None:
    small = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.64.0/28")["Subnet"]["SubnetId"]
    made = [ec2.create_network_interface(SubnetId=small)["NetworkInterface"] for _ in range(3)]
    more = ec2.create_network_interface(SubnetId=small, SecondaryPrivateIpAddressCount=2)["NetworkInterface"]
    assert [each["PrivateIpAddress"] for each in made] == ["10.1.64.4", "10.1.64.5", "10.1.64.6"]
    assert [each["PrivateIpAddress"] for each in more["PrivateIpAddresses"]] == ["10.1.64.7", "10.1.64.8", "10.1.64.9"]


@pytest.mark.aws_does("interfaces-are-checked")
def test_a_group_of_another_vpc_and_an_unknown_one_are_refused(
    ec2: Any, other_vpc: str, subnet: str, image: str
) -> None:
    group = security_group(ec2, other_vpc)
    with refused("InvalidParameter", f"Security group {group} and subnet {subnet} belong to different networks."):
        run(ec2, image, subnet, SecurityGroupIds=[group])
    with refused("InvalidGroup.NotFound", "The security group 'sg-0' does not exist"):
        ec2.create_network_interface(SubnetId=subnet, Groups=["sg-0"])


@pytest.mark.aws_does("interface-groups-keep-their-order")
def test_groups_keep_their_order(aws: EmbeddedAws, ec2: Any, vpc: str, subnet: str, image: str) -> None:
    groups = [security_group(ec2, vpc, f"group-{number}") for number in range(16)]
    made = run(ec2, image, subnet, SecurityGroupIds=groups)["NetworkInterfaces"][0]["NetworkInterfaceId"]
    assert [group["GroupId"] for group in interface(ec2, made)["Groups"]] == groups


# --- NAT gateways: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html ---


def nat(ec2: Any, subnet: str) -> dict[str, Any]:
    allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
    return dict(ec2.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)["NatGateway"])


@pytest.mark.aws_does("nat-gateway-lives-in-its-subnet")
def test_a_nat_gateway_has_an_address_of_its_subnet(ec2: Any, subnet: str) -> None:
    ec2.describe_vpcs()
    address = nat(ec2, subnet)["NatGatewayAddresses"][0]
    assert address["PrivateIp"] == "10.1.0.4"
    assert is_ec2s(address["PublicIp"])


@pytest.mark.aws_does("nat-gateway-interface-is-managed")
def test_the_interface_of_a_nat_gateway_is_managed_by_aws(ec2: Any, subnet: str) -> None:
    made = nat(ec2, subnet)
    its = interface(ec2, made["NatGatewayAddresses"][0]["NetworkInterfaceId"])
    assert (its["InterfaceType"], its["RequesterManaged"], its["Status"]) == ("nat_gateway", True, "in-use")
    assert its["SourceDestCheck"] is False
    assert its["Description"] == f"Interface for NAT Gateway {made['NatGatewayId']}"
    with refused("MissingParameter", "AllocationId"):
        ec2.create_nat_gateway(SubnetId=subnet)


@pytest.mark.aws_does("deleted-nat-gateway-releases-its-address")
def test_a_deleted_nat_gateway_lets_go_of_interface_and_address(ec2: Any, vpc: str, subnet: str) -> None:
    made, table = nat(ec2, subnet), main_table(ec2, vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=made["NatGatewayId"])
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    assert ec2.describe_nat_gateways()["NatGateways"][0]["State"] == "deleted"
    assert "AssociationId" not in ec2.describe_addresses()["Addresses"][0]
    ec2.delete_subnet(SubnetId=subnet)
    with refused("NatGatewayNotFound", "nat-0"):
        ec2.delete_nat_gateway(NatGatewayId="nat-0")


@pytest.mark.aws_does("nat-gateway-filters-are-obeyed")
def test_nat_gateways_are_found_by_tag_and_id(ec2: Any, subnet: str) -> None:
    made = nat(ec2, subnet)["NatGatewayId"]
    ec2.create_tags(Resources=[made], Tags=[{"Key": "Name", "Value": "nat-1"}])
    for value, found in (("nat-*", 1), ("other", 0)):
        answer = ec2.describe_nat_gateways(Filters=where("tag:Name", value))
        assert len(answer["NatGateways"]) == found
    with refused("NatGatewayNotFound", "nat-0"):
        ec2.describe_nat_gateways(NatGatewayIds=["nat-0"])


# --- images: https://docs.aws.amazon.com/linux/al2023/ug/ec2.html ---


@pytest.mark.aws_does("images-are-current")
def test_the_images_are_older_than_the_labs_day(ec2: Any) -> None:
    images = ec2.describe_images(Owners=["amazon"])["Images"]
    assert images
    assert all(each["CreationDate"] < START.isoformat() for each in images)


@pytest.mark.aws_does("image-parameters-name-known-images")
def test_the_parameter_names_an_image_that_is_known(ec2: Any, ssm: Any, image: str) -> None:
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    assert ssm.get_parameter(Name=name)["Parameter"]["LastModifiedDate"] < START
    described = ec2.describe_images(ImageIds=[image])["Images"][0]
    assert described["Name"].startswith("al2023-ami-2023.")
    assert (described["Architecture"], described["OwnerId"]) == ("x86_64", "137112412989")
    both = ssm.get_parameters_by_path(Path="/aws/service/ami-amazon-linux-latest")["Parameters"]
    assert {each["Value"] for each in both} == {each["ImageId"] for each in ec2.describe_images()["Images"]}


# --- the account ---


@pytest.mark.aws_does("caller-identity-is-an-iam-user")
def test_the_caller_is_an_iam_user(sts: Any) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
    caller = sts.get_caller_identity()
    assert caller["Arn"] == "arn:aws:iam::123456789012:user/student"
    assert caller["UserId"].startswith("AIDA")
    assert caller["Account"] == "123456789012"


@pytest.mark.aws_does("default-vpc-reaches-the-internet")
def test_the_default_vpc_reaches_the_internet(ec2: Any) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html"""
    default = ec2.describe_vpcs(Filters=where("is-default", "true"))["Vpcs"][0]["VpcId"]
    table = ec2.describe_route_tables(RouteTableIds=[main_table(ec2, default)])["RouteTables"][0]
    routes = {route["DestinationCidrBlock"]: (route["GatewayId"][:4], route["State"]) for route in table["Routes"]}
    assert routes == {"172.31.0.0/16": ("loca", "active"), "0.0.0.0/0": ("igw-", "active")}
    assert gateway(ec2, new_vpc(ec2, "10.1.0.0/16"))
