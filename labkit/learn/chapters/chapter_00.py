"""Chapter 00, start here: who one is, how many subnets there are, the size of a range, and where calls go."""

from __future__ import annotations

from ipaddress import ip_network
from urllib.parse import urlsplit

from labkit.learn.chapter import Chapter, Facts
from labkit.learn.judging import RIGHT, Judgment, number, single, texts, wrong
from labkit.learn.view import View

#: https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
_DEFAULT_VPC = ip_network("172.31.0.0/16")


def own_name(view: View, answer: object) -> Judgment:
    """The ARN of the identity that makes the calls."""
    identity = view.lab.client("sts").get_caller_identity()
    near = {
        "That is the account's number; the name is under Arn.": [identity["Account"]],
        "That is the identity's id; the name is under Arn.": [identity["UserId"]],
    }
    if str(single(answer)).strip(" '\"") == identity["Arn"]:
        return RIGHT  # whatever marks are in it
    if isinstance(answer, dict):
        return wrong('That is the whole answer; ["Arn"] takes the one value out of it.')
    return texts(answer, [identity["Arn"]], "ARN", near=near)


def number_of_subnets(view: View, answer: object) -> Judgment:
    """How many subnets the account has in the region."""
    pages = view.lab.client("ec2").get_paginator("describe_subnets").paginate()
    subnets = [subnet for page in pages for subnet in page["Subnets"]]
    if isinstance(answer, list) and len(answer) == len(subnets):
        return wrong("Those are the subnets; len(…) counts them.")
    return number(answer, len(subnets), "subnets")


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


CHAPTER = Chapter(
    "00", checks=(), judges={"0.a": own_name, "0.b": number_of_subnets, "0.1": default_vpc_size}, quiz_facts=quiz_facts
)
