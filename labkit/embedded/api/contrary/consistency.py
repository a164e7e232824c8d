"""Eventual consistency: what was made a moment ago is not known everywhere yet."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any
from xml.dom import minidom

from labkit.embedded.api.contrary import Account, Behavior, Call, CarryOut
from labkit.embedded.api.patches._checks import not_found
from labkit.embedded.api.refusals import AwsError, HttpResponse

#: How long something stays unknown, then its tags after that, in seconds: the least and the most (modeled).
_UNKNOWN, _UNTAGGED = (2.0, 8.0), (1.0, 4.0)
#: How long EC2 doesn't know a new instance profile, its role, and a new role that it should assume (modeled).
_PROFILE, _ROLE_IN_PROFILE, _ROLE = (6.0, 9.0), (9.0, 12.0), (6.0, 12.0)

#: What each action of EC2 makes, by the prefixes of the ids in its answer.
_MADE = {
    "AllocateAddress": ("eipalloc",),
    "CreateEgressOnlyInternetGateway": ("eigw",),
    "CreateFlowLogs": ("fl",),
    "CreateInternetGateway": ("igw",),
    "CreateNatGateway": ("nat", "eni"),
    "CreateNetworkAcl": ("acl",),
    "CreateNetworkInterface": ("eni",),
    "CreateRouteTable": ("rtb",),
    "CreateSecurityGroup": ("sg",),
    "CreateSubnet": ("subnet",),
    "CreateVpc": ("vpc",),
    "CreateVpcPeeringConnection": ("pcx",),
    "RunInstances": ("i", "eni"),
}

#: The kind of thing that an id's prefix means, as EC2's parameters spell it; an answer has its id in the element `…Id`.
_KINDS = {
    "acl": "networkAcl",
    "eigw": "egressOnlyInternetGateway",
    "eipalloc": "allocation",
    "eni": "networkInterface",
    "fl": "flowLog",
    "i": "instance",
    "igw": "internetGateway",
    "nat": "natGateway",
    "pcx": "vpcPeeringConnection",
    "rtb": "routeTable",
    "sg": "securityGroup",
    "subnet": "subnet",
    "vpc": "vpc",
}
_IDS = {"groupId" if kind == "securityGroup" else f"{kind}Id" for kind in _KINDS.values()}

#: What each action of IAM makes: the parameter that names it in later calls, and IAM's words where it is unknown.
_MADE_BY_IAM = {
    "CreateInstanceProfile": ("InstanceProfileName", "Instance Profile {} cannot be found."),
    "CreatePolicy": ("PolicyArn", "Policy {} does not exist or is not attachable."),
    "CreateRole": ("RoleName", "The role with name {} cannot be found."),
}


class EventualConsistency(Behavior):
    """Keeps what a call made from the next calls, for some seconds."""

    name = "eventual-consistency"
    rule = (
        "What a call made is unknown to the next calls for some seconds: its id is refused (`InvalidVpcID.NotFound`, "
        "`InvalidGroup.NotFound`, IAM's `NoSuchEntity`, …), lists leave it out, and its tags come later still. EC2 "
        "doesn't know a new instance profile (`Invalid IAM Instance Profile name`), then its role (`has no associated "
        "IAM Roles`), and can't assume a new role (`Unable to assume given IAM role`). 2 to 12 seconds are modeled."
    )
    source = "https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html"

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        # When each thing is known, in seconds since the epoch, by what will be known of it, and its id or name.
        self._moments: dict[tuple[str, str], float] = {}

    def around(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        if call.service == "ec2" and not call.is_dry_run:
            return self._around_ec2(call, carry_out)
        return self._around_iam(call, carry_out) if call.service == "iam" else carry_out()

    # EC2

    def _around_ec2(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        unknown = self._unknown("id")
        for name, value in call.parameters.items():
            if not name.startswith("Filter.") and value in unknown:
                raise _refusal(value)
        self._check_profile(call.parameters)
        role = call.parameters.get("DeliverLogsPermissionArn", "")
        if _last(role) in self._unknown("role to assume"):
            raise AwsError("InvalidParameter", f"Unable to assume given IAM role: '{role}'")
        answer = carry_out()
        if call.action.startswith("Describe"):
            return self._known(call, answer)
        if answer[0] < 400:
            self._note(call, answer[2])
        return answer

    def _note(self, call: Call, body: str) -> None:
        if call.action not in _MADE:
            return
        seconds = self.random.uniform(*_UNKNOWN)
        seconds_to_tags = seconds + self.random.uniform(*_UNTAGGED)
        for id in re.findall(rf">((?:{'|'.join(_MADE[call.action])})-[0-9a-f]{{17}})<", body):
            # What the call names was there before; a repeated request gets the same answer again.
            if id not in call.parameters.values() and ("id", id) not in self._moments:
                self._later("id", id, seconds)
                self._later("tags", id, seconds_to_tags)

    def _known(self, call: Call, answer: HttpResponse) -> HttpResponse:
        """Leave out of a list what is not known yet; of tags, and where it asks for tags, what has none yet."""
        if call.action == "DescribeTags":
            return _without(answer, "item", {"resourceId"}, self._unknown("tags"))
        filters = [value for name, value in call.parameters.items() if re.fullmatch(r"Filter\.\d+\.Name", name)]
        by_tag = any(each.startswith("tag") for each in filters)
        return _without(answer, "item", _IDS, self._unknown("tags" if by_tag else "id"))

    def _check_profile(self, parameters: dict[str, Any]) -> None:
        for key, kind in (("Name", "name"), ("Arn", "ARN")):
            given = parameters.get(f"IamInstanceProfile.{key}", "")
            if _last(given) in self._unknown("profile in EC2"):
                message = f"Value ({given}) for parameter iamInstanceProfile.{key.lower()} is invalid. "
                raise AwsError("InvalidParameterValue", f"{message}Invalid IAM Instance Profile {kind}")
            if _last(given) in self._unknown("role of profile in EC2"):
                iam = self.account.client("iam")
                arn = iam.get_instance_profile(InstanceProfileName=_last(given))["InstanceProfile"]["Arn"]
                raise AwsError("InvalidParameterValue", f'IAM Instance Profile "{arn}" has no associated IAM Roles')

    # IAM

    def _around_iam(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        for parameter, words in _MADE_BY_IAM.values():
            name = call.parameters.get(parameter, "")
            if call.action not in _MADE_BY_IAM and name in self._unknown(parameter):
                raise AwsError("NoSuchEntity", words.format(name), status=404)
        answer = carry_out()
        if call.action.startswith("List"):
            unknown = {name for parameter, _ in _MADE_BY_IAM.values() for name in self._unknown(parameter)}
            return _without(answer, "member", {"Arn", "InstanceProfileName", "RoleName"}, unknown)
        if answer[0] < 400:
            self._note_iam(call, answer[2])
        return answer

    def _note_iam(self, call: Call, body: str) -> None:
        given = call.parameters
        if call.action == "CreateRole":
            self._later("RoleName", given["RoleName"], self.random.uniform(*_UNKNOWN))
            self._later("role to assume", given["RoleName"], self.random.uniform(*_ROLE))
        elif call.action == "CreatePolicy":
            arn = re.search("<Arn>(.*?)</Arn>", body)
            assert arn is not None, "The answer to CreatePolicy has the policy's ARN."
            self._later("PolicyArn", arn[1], self.random.uniform(*_UNKNOWN))
        elif call.action == "CreateInstanceProfile":
            self._later("InstanceProfileName", given["InstanceProfileName"], self.random.uniform(*_UNKNOWN))
            self._later("profile in EC2", given["InstanceProfileName"], self.random.uniform(*_PROFILE))
        elif call.action == "AddRoleToInstanceProfile":
            self._later("role of profile in EC2", given["InstanceProfileName"], self.random.uniform(*_ROLE_IN_PROFILE))

    # Time

    def _later(self, what: str, name: str, seconds: float) -> None:
        self._moments[what, name] = self.account.clock.time() + seconds

    def _unknown(self, what: str) -> set[str]:
        """Return the ids or names of which that is not known yet."""
        now = self.account.clock.time()
        return {name for (known, name), moment in self._moments.items() if known == what and moment > now}


def _last(arn_or_name: str) -> str:
    return arn_or_name.rpartition("/")[2]


def _refusal(id: str) -> AwsError:
    """Return EC2's refusal of an id that it doesn't know.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html

    >>> [_refusal(f"{each}-0").code for each in ("vpc", "sg", "fl", "nat")]
    ['InvalidVpcID.NotFound', 'InvalidGroup.NotFound', 'InvalidFlowLogId.NotFound', 'NatGatewayNotFound']
    """
    kind = _KINDS[id.partition("-")[0]]
    if kind == "natGateway":
        return AwsError("NatGatewayNotFound", f"NAT gateway {id} was not found")
    refusal = not_found(kind, id)
    if kind in ("flowLog", "egressOnlyInternetGateway"):
        refusal.code = refusal.code.replace("ID.", "Id.")
    return refusal


def _without(answer: HttpResponse, item: str, ids: Collection[str], hidden: Collection[str]) -> HttpResponse:
    """Return an answer in XML without those items of its lists that are, or belong to, something hidden.

    Args:
        answer: The answer.
        item: The name of a list's items.
        ids: The elements of an item that name something.
        hidden: What they must not name.
    """
    status, headers, body = answer
    if status >= 400 or not any(each in body for each in hidden):
        return answer
    document = minidom.parseString(body)
    for element in document.getElementsByTagName(item):
        children = list(_elements(element))
        if any(each.tagName in ids and _text(each) in hidden for each in children):
            _remove(element)
    for element in document.getElementsByTagName("instancesSet"):
        if not any(_elements(element)):
            _remove(element.parentNode)  # a reservation without instances
    return status, headers, document.toxml()


def _elements(parent: Any) -> Iterator[Any]:
    return (child for child in parent.childNodes if child.nodeType == child.ELEMENT_NODE)


def _text(element: Any) -> str:
    return "".join(child.data for child in element.childNodes if child.nodeType == child.TEXT_NODE)


def _remove(element: Any) -> None:
    element.parentNode.removeChild(element)
