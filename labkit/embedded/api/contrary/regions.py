"""Where the lab is: another region than the one that the notebooks were written in, and no default VPC there."""

from __future__ import annotations

from labkit.embedded.api.contrary import Behavior


class AnotherRegion(Behavior):
    """The account's region is not us-east-1: ids of images, names of zones, ARNs and DNS names are that region's."""

    name = "another-region"
    rule = (
        "Each region has its own images, zones and names: an instance in eu-central-1 is "
        "ip-….eu-central-1.compute.internal."
    )
    source = "https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html"
    region = "eu-central-1"
