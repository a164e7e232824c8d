"""The region: another one than the notebooks name, without a default VPC, with a zone that lacks an instance type."""

from __future__ import annotations

import re

from labkit.embedded.api.contrary import Behavior, Call, CarryOut
from labkit.embedded.api.refusals import AwsError, HttpResponse

_LACKING = "t3.micro"
_ITEM = re.compile(r"<item>.*?</item>", re.DOTALL)


class AnotherRegion(Behavior):
    """The account's region is not us-east-1: ids of images, names of zones, ARNs and DNS names are that region's."""

    name = "another-region"
    rule = (
        "Each region has its own images, zones and names: an instance in eu-central-1 is "
        "ip-….eu-central-1.compute.internal."
    )
    source = "https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html"
    region = "eu-central-1"


class NoDefaultVpc(Behavior):
    """The default VPC has been deleted, as many companies do."""

    name = "no-default-vpc"
    rule = "An account may have no default VPC: what names no VPC or subnet is then refused with VPCIdNotSpecified."
    source = "https://docs.aws.amazon.com/vpc/latest/userguide/deleting-default-vpc.html"

    def begin(self) -> None:
        """Delete it with all that is in it."""
        ec2 = self.account.client("ec2")
        vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
        in_it = [{"Name": "vpc-id", "Values": [vpc]}]
        for subnet in ec2.describe_subnets(Filters=in_it)["Subnets"]:
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
        for gateway in ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]:
            ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
            ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
        ec2.delete_vpc(VpcId=vpc)

    def around(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        """Refuse a security group that is to be in the default VPC."""
        if call.action == "CreateSecurityGroup" and not (call.parameters.get("VpcId") or call.is_dry_run):
            raise AwsError("VPCIdNotSpecified", "No default VPC for this user")
        return carry_out()


class ZoneLacksT3Micro(Behavior):
    """The region's first zone has no t3.micro: which zones have none differs between regions and accounts."""

    name = "zone-a-lacks-t3-micro"
    rule = "RunInstances refuses an instance type that the zone of the subnet doesn't offer, with Unsupported."
    source = "https://repost.aws/knowledge-center/ec2-instance-type-not-supported-az-error"

    def around(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        """Refuse t3.micro in the zone, and don't list it there."""
        if call.action == "DescribeInstanceTypeOfferings":
            status, headers, body = carry_out()
            places = [f"<location>{self._zone_a[key]}</location>" for key in ("ZoneName", "ZoneId")]
            return status, headers, _ITEM.sub(lambda item: "" if _is_lacking(item[0], places) else item[0], body)
        launches = call.action == "RunInstances" and call.parameters.get("InstanceType") == _LACKING
        if launches and not call.is_dry_run and self._zone(call.parameters) == self._zone_a["ZoneName"]:
            raise AwsError("Unsupported", self._refusal())
        return carry_out()

    @property
    def _zone_a(self) -> dict[str, str]:
        zones: list[dict[str, str]] = self.account.client("ec2").describe_availability_zones()["AvailabilityZones"]
        return zones[0]

    def _zone(self, parameters: dict[str, str]) -> str | None:
        """The zone that a launch asks for; EC2 chooses one where it asks for none."""
        ec2 = self.account.client("ec2")
        subnet = parameters.get("SubnetId") or parameters.get("NetworkInterface.1.SubnetId")
        if subnet:
            found = ec2.describe_subnets(Filters=[{"Name": "subnet-id", "Values": [subnet]}])["Subnets"]
            return str(found[0]["AvailabilityZone"]) if found else None
        return parameters.setdefault("Placement.AvailabilityZone", self._offering()[0])

    def _offering(self) -> list[str]:
        """The zones that have it."""
        offered = self.account.client("ec2").describe_instance_type_offerings(
            LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": [_LACKING]}]
        )["InstanceTypeOfferings"]
        return sorted({each["Location"] for each in offered} - {self._zone_a["ZoneName"]})

    def _refusal(self) -> str:
        return (
            f"Your requested instance type ({_LACKING}) is not supported in your requested Availability Zone "
            f"({self._zone_a['ZoneName']}). Please retry your request by not specifying an Availability Zone or "
            f"choosing {', '.join(self._offering())}."
        )


def _is_lacking(item: str, places: list[str]) -> bool:
    return f"<instanceType>{_LACKING}</instanceType>" in item and any(place in item for place in places)
