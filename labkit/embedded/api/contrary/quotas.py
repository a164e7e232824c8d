"""Quotas: how much of EC2 an account may have in its region."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from labkit.embedded.api.contrary import Behavior, Call, CarryOut
from labkit.embedded.api.refusals import AwsError, HttpResponse
from labkit.embedded.api.service_quotas import ADDRESSES, VCPUS, VPCS, is_standard

_REFUSALS = {
    VPCS: ("VpcLimitExceeded", "The maximum number of VPCs has been reached."),
    ADDRESSES: ("AddressLimitExceeded", "The maximum number of addresses has been reached."),
    VCPUS: (
        "VcpuLimitExceeded",
        "You have requested more vCPU capacity than your current vCPU limit of {limit} allows for the instance bucket "
        "that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to "
        "request an adjustment to this limit.",
    ),
}


class Quotas(Behavior):
    """There is room for what the course makes, beside what is in the account at the start, and for nothing more.

    Attributes:
        spare: By the quota's code, how much more the account may have than it has at the start. The course makes three
            VPCs and two instances of two vCPUs each.
    """

    name = "quotas"
    rule = "CreateVpc, AllocateAddress and RunInstances are refused beyond the account's quota in its region."
    source = "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"
    counts = True
    spare: ClassVar[dict[str, int]] = {VPCS: 3, ADDRESSES: 0, VCPUS: 4}

    def begin(self) -> None:
        """Set the quotas."""
        self._limits = {code: self._used(code) + spare for code, spare in self.spare.items()}

    def around(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        """Refuse what is over a quota, and tell the quotas."""
        if call.action == "GetServiceQuota":
            status, headers, body = carry_out()
            answer = json.loads(body)
            if "Quota" in answer:
                answer["Quota"]["Value"] = float(self._limits[answer["Quota"]["QuotaCode"]])
            return status, headers, json.dumps(answer)
        if call.service == "ec2" and not call.is_dry_run:
            if call.action in ("CreateVpc", "CreateDefaultVpc"):
                self._check(VPCS, 1)
            elif call.action == "AllocateAddress":
                self._check(ADDRESSES, 1)
            elif call.action == "RunInstances":
                self._check_launch(call.parameters)
        return carry_out()

    def _check_launch(self, parameters: dict[str, Any]) -> None:
        """Refuse a launch that doesn't fit; of one that fits in part, launch as many instances as fit."""
        each = self._vcpus(parameters.get("InstanceType", "m1.small"))
        least, most = int(parameters.get("MinCount", 1)), int(parameters.get("MaxCount", 1))
        self._check(VCPUS, each * least)
        if each:
            fits = (self._limits[VCPUS] - self._used(VCPUS)) // each
            parameters["MaxCount"] = str(min(most, fits))

    def _check(self, code: str, more: int) -> None:
        limit = self._limits[code]
        if more and self._used(code) + more > limit:
            error, message = _REFUSALS[code]
            raise AwsError(error, message.format(limit=limit))

    def _used(self, code: str) -> int:
        ec2 = self.account.client("ec2")
        if code == VPCS:
            return len(ec2.describe_vpcs()["Vpcs"])
        if code == ADDRESSES:
            return len(ec2.describe_addresses()["Addresses"])
        states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        reservations = ec2.describe_instances(Filters=states)["Reservations"]
        return sum(self._vcpus(one["InstanceType"]) for found in reservations for one in found["Instances"])

    def _vcpus(self, instance_type: str) -> int:
        """How much an instance takes of the quota of standard instances."""
        if not is_standard(instance_type):
            return 0
        ec2 = self.account.client("ec2")
        try:
            (described,) = ec2.describe_instance_types(InstanceTypes=[instance_type])["InstanceTypes"]
        except ec2.exceptions.ClientError:  # EC2 refuses it
            return 0
        return int(described["VCpuInfo"]["DefaultVCpus"])
