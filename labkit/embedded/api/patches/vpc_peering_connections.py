"""VPC peering connections: when one fails, who may accept it, when it expires, and how long it is shown."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from labkit.embedded.api.patches import EC2_API, Moto, around, check
from labkit.embedded.api.patches._checks import not_found
from labkit.embedded.api.patches.utils import matches
from labkit.embedded.api.refusals import AwsError, NotInEmbeddedAwsError

_LIFECYCLE = "https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html"
_BACKEND = "moto.ec2.models.vpc_peering_connections:VPCPeeringConnectionBackend"
_RESPONSES = "moto.ec2.responses.vpc_peering_connections:VPCPeeringConnections"

_OPEN_FOR = timedelta(days=7)
"""How long a request waits for its acceptance."""
ENDED = {
    "failed": timedelta(hours=2),
    "deleted": timedelta(hours=2),
    "rejected": timedelta(hours=2),
    "expired": timedelta(days=2),
}
"""Each status of a connection that has ended, and how long it is shown where one account has both VPCs, as here."""


def _now() -> datetime:
    from moto.core.utils import utcnow

    return utcnow()


def _end(peering: Any, code: str, message: str, moment: datetime) -> None:
    peering._status.code, peering._status.message = code, message
    peering.ended = moment


def _expire(peerings: Iterable[Any]) -> None:
    for peering in peerings:
        if peering._status.code == "pending-acceptance" and _now() >= peering.expiration_time:
            _end(peering, "expired", "Inactive", peering.expiration_time)


def _blocks(vpc: Any) -> list[ipaddress.IPv4Network]:
    return [ipaddress.IPv4Network(each["cidr_block"]) for each in vpc.get_cidr_block_association_set()]


@around(
    "peering-of-overlapping-vpcs-fails",
    rule="A peering connection between VPCs whose CIDR blocks overlap has the status failed; any other waits seven "
    "days.",
    source=f"{EC2_API}API_CreateVpcPeeringConnection.html",
    hook=f"{_BACKEND}.create_vpc_peering_connection",
)
def _create(self: Any, given: dict[str, Any], moto: Moto) -> Any:
    vpc, peer_vpc = given["vpc"], given["peer_vpc"]
    _expire(self.vpc_pcxs.values())
    for each in self.vpc_pcxs.values():
        if {each.vpc.id, each.peer_vpc.id} == {vpc.id, peer_vpc.id} and each._status.code == "active":
            raise AwsError(
                "VpcPeeringConnectionAlreadyExists",
                f"A VPC peering connection between {vpc.id} and {peer_vpc.id} already exists: {each.id}.",
            )
    peering = moto()
    peering.expiration_time = _now() + _OPEN_FOR
    peering.ended = None
    if any(ours.overlaps(theirs) for ours in _blocks(vpc) for theirs in _blocks(peer_vpc)):
        _end(peering, "failed", "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range", _now())
    return peering


@around(
    "peering-is-answered-with-its-status",
    rule="A request starts as initiating-request and then fails or waits; that one between overlapping VPCs is "
    "answered as failed at once is modeled, and the peer is in this account and region here.",
    source=_LIFECYCLE,
    hook=f"{_RESPONSES}.create_vpc_peering_connection",
)
def _answer(self: Any, _: dict[str, Any], moto: Moto) -> Any:
    if self._get_param("PeerOwnerId", self.current_account) != self.current_account:
        raise NotInEmbeddedAwsError("peer with VPCs of other accounts")
    if self._get_param("PeerRegion", self.region) != self.region:
        raise NotInEmbeddedAwsError("peer with VPCs in other regions")
    answer = moto()
    peering = answer.result["VpcPeeringConnection"]
    if peering._status.code == "failed":
        # moto answers every request with initiating-request, through a transformer that it keeps on the class.
        status = dict(peering.status)
        key = "CreateVpcPeeringConnectionResult.VpcPeeringConnection.Status"
        self.RESPONSE_KEY_PATH_TO_TRANSFORMER[key] = lambda _: status
    return answer


@check(
    "ended-peering-is-shown-for-hours",
    rule="An unanswered request expires after seven days, and is shown for two days more; a failed connection is shown "
    "for two hours, and so is a rejected or deleted one between VPCs of one account.",
    source=_LIFECYCLE,
    hook=f"{_BACKEND}.describe_vpc_peering_connections",
)
def _shown(self: Any, given: dict[str, Any]) -> None:
    _expire(self.vpc_pcxs.values())
    for peering in list(self.vpc_pcxs.values()):
        ended = getattr(peering, "ended", None)
        if ended is not None and _now() >= ended + ENDED[peering._status.code]:
            del self.vpc_pcxs[peering.id]
    for wanted in given["vpc_peering_ids"] or []:
        if wanted not in self.vpc_pcxs:
            raise not_found("vpcPeeringConnection", wanted)


def _value(peering: Any, name: str) -> Any:
    own = {
        "status-code": peering.status["Code"],
        "status-message": peering.status["Message"],
        "vpc-peering-connection-id": peering.id,
        "expiration-time": peering.expiration_time.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    }
    for side, info in (("requester", peering.requester_vpc_info), ("accepter", peering.accepter_vpc_info)):
        own |= {
            f"{side}-vpc-info.vpc-id": info["VpcId"],
            f"{side}-vpc-info.owner-id": info["OwnerId"],
            f"{side}-vpc-info.cidr-block": info["CidrBlock"],
        }
    return own[name] if name in own else peering.get_filter_value(name)


@around(
    "peering-filters-are-obeyed",
    rule="DescribeVpcPeeringConnections returns only the connections that match its filters.",
    source=f"{EC2_API}API_DescribeVpcPeeringConnections.html",
    hook=f"{_RESPONSES}.describe_vpc_peering_connections",
)
def _describe(self: Any, _: dict[str, Any], moto: Moto) -> Any:
    filters = self._filters_from_querystring()
    answer = moto()
    answer.result["VpcPeeringConnections"] = [
        peering
        for peering in answer.result["VpcPeeringConnections"]
        if all(matches(_value(peering, name), wanted) for name, wanted in filters.items())
    ]
    return answer


def _transition(action: str, goal: str, *allowed_from: str) -> None:
    """Patch an action on a connection so that it refuses a status that is none of `allowed_from`."""

    @around(
        f"peering-{action}-needs-the-right-status",
        rule=f"{action.capitalize()}VpcPeeringConnection needs a connection that is {' or '.join(allowed_from)}.",
        source=f"{EC2_API}API_{action.capitalize()}VpcPeeringConnection.html",
        hook=f"{_BACKEND}.{action}_vpc_peering_connection",
    )
    def transition(self: Any, given: dict[str, Any], moto: Moto) -> Any:
        peering_id = given["vpc_pcx_id"]
        _expire(self.vpc_pcxs.values())
        peering = self.vpc_pcxs.get(peering_id)
        if peering is None:
            raise not_found("vpcPeeringConnection", peering_id)
        status = peering._status.code
        if status not in allowed_from:
            message = f"Invalid state transition for {peering_id}, attempted to transition from {status} to {goal}"
            raise AwsError("InvalidStateTransition", message)
        answer = moto()
        if peering._status.code in ENDED:
            peering.ended = _now()
        return answer


_transition("accept", "provisioning", "pending-acceptance")
_transition("reject", "rejected", "pending-acceptance")
_transition("delete", "deleting", "active", "pending-acceptance")
