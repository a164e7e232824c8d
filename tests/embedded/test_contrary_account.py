"""Contrary accounts: another region, no default VPC, quotas, others' things, an identity that may not do everything."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.embedded import EmbeddedAws
from tests.embedded.support import assign_public_addresses, client, refused, run, where

behaves = pytest.mark.behaves


# --- another-region ---


@behaves("another-region")
class TestAnotherRegion:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html"""

    def test_an_instance_has_the_regions_zone_image_and_names(self, ec2: Any, image: str, subnet: str) -> None:
        """https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html"""
        vpc = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        assign_public_addresses(ec2, subnet)
        made = run(ec2, image, subnet)
        assert made["Placement"]["AvailabilityZone"].startswith("eu-central-1")
        assert made["PrivateDnsName"] == "ip-10-1-0-4.eu-central-1.compute.internal"
        public = f"ec2-{made['PublicIpAddress'].replace('.', '-')}.eu-central-1.compute.amazonaws.com"
        assert made["PublicDnsName"] == made["NetworkInterfaces"][0]["Association"]["PublicDnsName"] == public

    def test_the_image_of_another_region_is_unknown(self, ec2: Any, image: str, subnet: str) -> None:
        """https://docs.aws.amazon.com/linux/al2023/ug/ec2.html: each region has an id of its own for an image."""
        assert ec2.describe_images(ImageIds=[image])["Images"][0]["Architecture"] == "x86_64"
        with refused("InvalidAMIID.NotFound"):
            run(ec2, "ami-0fa3fe0fa7920f68e", subnet)

    def test_arns_name_the_region(self, ec2: Any, logs: Any, subnet: str) -> None:
        arn = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["SubnetArn"]
        assert arn == f"arn:aws:ec2:eu-central-1:123456789012:subnet/{subnet}"
        logs.create_log_group(logGroupName="group")
        found = logs.describe_log_groups()["logGroups"][0]["logGroupArn"]
        assert found == "arn:aws:logs:eu-central-1:123456789012:log-group:group"

    def test_it_offers_instance_types_in_its_own_zones(self, ec2: Any) -> None:
        offered = ec2.describe_instance_type_offerings(
            LocationType="availability-zone", Filters=where("instance-type", "t3.micro")
        )["InstanceTypeOfferings"]
        assert {each["Location"] for each in offered} == {f"eu-central-1{letter}" for letter in "abc"}

    def test_any_other_region_is_refused(self, aws: EmbeddedAws) -> None:
        with refused("NotImplemented", "does not have the region us-east-1, only eu-central-1"):
            client(aws, "ec2", "us-east-1").describe_vpcs()

    def test_iam_is_the_same_for_all_regions(self, aws: EmbeddedAws) -> None:
        """https://docs.aws.amazon.com/general/latest/gr/iam-service.html"""
        for region in ("us-east-1", "eu-central-1"):
            assert client(aws, "iam", region).list_roles()["Roles"] == []
