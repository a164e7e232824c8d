"""Chapter 00, start here: the size of a default VPC's range, and where the clients' calls go."""

from __future__ import annotations

from ipaddress import ip_network
from urllib.parse import urlsplit

from labkit.learn.chapter import Chapter, Facts
from labkit.learn.judging import Judgment, number, wrong
from labkit.learn.view import View

#: https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
_DEFAULT_VPC = ip_network("172.31.0.0/16")


def default_vpc_size(view: View, answer: object) -> Judgment:
    """How many addresses the range of a default VPC holds."""
    if str(answer).strip(" '\"") == str(_DEFAULT_VPC):
        return wrong("That is the range itself; how many addresses does it hold?")
    near = {
        "That is the number of bits that are fixed; how many addresses do the others make?": _DEFAULT_VPC.prefixlen,
        "Subnets reserve five addresses each; the question is about the whole range.": _DEFAULT_VPC.num_addresses - 5,
        "Leave none out: the first and the last belong to the range, too.": _DEFAULT_VPC.num_addresses - 2,
    }
    return number(answer, _DEFAULT_VPC.num_addresses, "addresses", near=near)


def quiz_facts(view: View) -> Facts:
    """Where the clients' calls go."""
    host = str(urlsplit(view.lab.client("ec2").meta.endpoint_url).hostname)
    return {"host": host, "endpoint": "here" if host == "127.0.0.1" else "aws"}


CHAPTER = Chapter("00", checks=(), judges={"0.1": default_vpc_size}, quiz_facts=quiz_facts)
