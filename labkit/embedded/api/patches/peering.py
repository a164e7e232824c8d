"""The life of a VPC peering connection: when it fails, who may accept it, when it expires, how long it shows."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from labkit.embedded.api.patches import patch
from labkit.embedded.api.patches.filters import matches
from labkit.embedded.api.refusals import AwsError, NotInEmbeddedAwsError

_LIFE = "https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html"
_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_{}VpcPeeringConnection.html"
_CREATE = _API.format("Create")
_MODELS = "moto.ec2.models.vpc_peering_connections:VPCPeeringConnectionBackend"

_LASTS = timedelta(days=7)
# How long a connection that came to an end stays visible where both VPCs are of one account, as they always are here.
_SHOWN = {
    "failed": timedelta(hours=2),
    "deleted": timedelta(hours=2),
    "rejected": timedelta(hours=2),
    "expired": timedelta(days=2),
}


def _now() -> datetime:
    from moto.core.utils import utcnow

    return utcnow()


def _end(peering: Any, code: str, message: str, moment: datetime) -> None:
    peering._status.code, peering._status.message = code, message
    peering.ended = moment


def _let_expire(peerings: Iterable[Any]) -> None:
    for peering in peerings:
        if peering._status.code == "pending-acceptance" and _now() >= peering.expiration_time:
            _end(peering, "expired", "Inactive", peering.expiration_time)


def _blocks(vpc: Any) -> list[ipaddress.IPv4Network]:
    return [ipaddress.IPv4Network(each["cidr_block"]) for each in vpc.get_cidr_block_association_set()]


@patch(
    "peering-of-overlapping-vpcs-fails",
    rule="A peering connection between VPCs whose CIDR blocks overlap has the status failed; any other waits seven "
    "days.",
    source=_CREATE,
    hook=f"{_MODELS}.create_vpc_peering_connection",
    parameters="self vpc peer_vpc tags",
)
def _create(original: Any) -> Any:
    def create_vpc_peering_connection(self: Any, vpc: Any, peer_vpc: Any, tags: dict[str, str] | None = None) -> Any:
        _let_expire(self.vpc_pcxs.values())
        for each in self.vpc_pcxs.values():
            if {each.vpc.id, each.peer_vpc.id} == {vpc.id, peer_vpc.id} and each._status.code == "active":
                raise AwsError(
                    "VpcPeeringConnectionAlreadyExists",
                    f"A VPC peering connection between {vpc.id} and {peer_vpc.id} already exists: {each.id}.",
                )
        peering = original(self, vpc, peer_vpc, tags)
        peering.expiration_time = _now() + _LASTS
        peering.ended = None
        if any(ours.overlaps(theirs) for ours in _blocks(vpc) for theirs in _blocks(peer_vpc)):
            message = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"
            _end(peering, "failed", message, _now())
        return peering

    return create_vpc_peering_connection


@patch(
    "peering-is-answered-with-its-status",
    rule="A request starts as initiating-request and then fails or waits; that one between overlapping VPCs is "
    "answered as failed at once is modelled, and the peer is in this account and region here.",
    source=_LIFE,
    hook="moto.ec2.responses.vpc_peering_connections:VPCPeeringConnections.create_vpc_peering_connection",
    parameters="self",
)
def _answer(original: Any) -> Any:
    def create_vpc_peering_connection(self: Any) -> Any:
        if self._get_param("PeerOwnerId", self.current_account) != self.current_account:
            raise NotInEmbeddedAwsError("peer with VPCs of other accounts")
        if self._get_param("PeerRegion", self.region) != self.region:
            raise NotInEmbeddedAwsError("peer with VPCs in other regions")
        answer = original(self)
        peering = answer.result["VpcPeeringConnection"]
        if peering._status.code == "failed":
            # moto answers every request with initiating-request, through a transformer that it keeps on the class.
            status = dict(peering.status)
            key = "CreateVpcPeeringConnectionResult.VpcPeeringConnection.Status"
            self.RESPONSE_KEY_PATH_TO_TRANSFORMER[key] = lambda _: status
        return answer

    return create_vpc_peering_connection


@patch(
    "peering-is-described-while-it-shows",
    rule="An unanswered request expires after seven days, and is shown for two days more; a failed connection is shown "
    "for two hours, and so is a rejected or deleted one between VPCs of one account.",
    source=_LIFE,
    hook=f"{_MODELS}.describe_vpc_peering_connections",
    parameters="self vpc_peering_ids",
)
def _shown(original: Any) -> Any:
    def describe_vpc_peering_connections(self: Any, vpc_peering_ids: list[str] | None = None) -> list[Any]:
        _let_expire(self.vpc_pcxs.values())
        for peering in list(self.vpc_pcxs.values()):
            ended = getattr(peering, "ended", None)
            if ended is not None and _now() >= ended + _SHOWN[peering._status.code]:
                del self.vpc_pcxs[peering.id]
        for wanted in vpc_peering_ids or []:
            if wanted not in self.vpc_pcxs:
                raise _unknown(wanted)
        return list(original(self, vpc_peering_ids))

    return describe_vpc_peering_connections


@patch(
    "peering-filters-are-obeyed",
    rule="DescribeVpcPeeringConnections returns only the connections that match its filters.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcPeeringConnections.html",
    hook="moto.ec2.responses.vpc_peering_connections:VPCPeeringConnections.describe_vpc_peering_connections",
    parameters="self",
)
def _describe(original: Any) -> Any:
    def value(peering: Any, name: str) -> Any:
        for side, info in (("requester", peering.requester_vpc_info), ("accepter", peering.accepter_vpc_info)):
            fields = {"vpc-id": "VpcId", "owner-id": "OwnerId", "cidr-block": "CidrBlock"}
            for field, key in fields.items():
                if name == f"{side}-vpc-info.{field}":
                    return info[key]
        own = {
            "status-code": peering.status["Code"],
            "status-message": peering.status["Message"],
            "vpc-peering-connection-id": peering.id,
            "expiration-time": peering.expiration_time.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        }
        return own[name] if name in own else peering.get_filter_value(name)

    def describe_vpc_peering_connections(self: Any) -> Any:
        filters = self._filters_from_querystring()
        answer = original(self)
        answer.result["VpcPeeringConnections"] = [
            peering
            for peering in answer.result["VpcPeeringConnections"]
            if all(matches(value(peering, name), wanted) for name, wanted in filters.items())
        ]
        return answer

    return describe_vpc_peering_connections


def _unknown(peering_id: str) -> AwsError:
    return AwsError(
        "InvalidVpcPeeringConnectionID.NotFound", f"The vpcPeeringConnection ID '{peering_id}' does not exist"
    )


def _transition(action: str, goal: str, allowed_from: set[str]) -> None:
    """Refuse ``action`` on a connection whose status is none of ``allowed_from``, in AWS's words."""

    @patch(
        f"peering-{action}-needs-the-right-status",
        rule=f"A peering connection can be {action}ed only while it is {' or '.join(sorted(allowed_from))}.".replace(
            "eed", "ed"
        ),
        source=_API.format(action.capitalize()),
        hook=f"{_MODELS}.{action}_vpc_peering_connection",
        parameters="self vpc_pcx_id",
    )
    def make(original: Any) -> Any:
        def transition(self: Any, vpc_pcx_id: str) -> Any:
            _let_expire(self.vpc_pcxs.values())
            peering = self.vpc_pcxs.get(vpc_pcx_id)
            if peering is None:
                raise _unknown(vpc_pcx_id)
            status = peering._status.code
            if status not in allowed_from:
                message = f"Invalid state transition for {vpc_pcx_id}, attempted to transition from {status} to {goal}"
                raise AwsError("InvalidStateTransition", message)
            answer = original(self, vpc_pcx_id)
            if peering._status.code in _SHOWN:
                peering.ended = _now()
            return answer

        return transition


_transition("accept", "provisioning", {"pending-acceptance"})
_transition("reject", "rejected", {"pending-acceptance"})
_transition("delete", "deleting", {"pending-acceptance", "active"})
