"""States on the way: what AWS makes or takes away is not there, or gone, with the answer to the call.

moto's own objects change their state as the virtual clock moves, so that the data plane sees it too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from labkit.embedded.api.contrary import Account, Behavior, Call, CarryOut
from labkit.embedded.api.refusals import AwsError, HttpResponse
from labkit.embedded.api.scope import ACCOUNT_ID

#: How long each state lasts, in seconds: the least and the most (modeled).
_PENDING, _STOPPING, _SHUTTING_DOWN = (15.0, 25.0), (30.0, 45.0), (35.0, 50.0)
_INITIATING, _PROVISIONING = (3.0, 8.0), (3.0, 8.0)
_NAT_PENDING, _NAT_DELETING = (60.0, 120.0), (40.0, 70.0)


def _later(behavior: Behavior, seconds: tuple[float, float], act: Callable[[], object]) -> None:
    """Change EC2 between the least and the most of some seconds from now."""
    behavior.account.later(behavior.random.uniform(*seconds), "ec2", act)


class _Made:
    """The ids of what has been made."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._seen: set[str] = set()

    def by(self, answer: HttpResponse) -> list[str]:
        """Return the new ids in an answer: a request that is repeated with its client token gets the same answer."""
        ids = re.findall(rf">({self._prefix}-[0-9a-f]+)<", answer[2]) if answer[0] < 400 else []
        new = [id for id in dict.fromkeys(ids) if id not in self._seen]
        self._seen.update(new)
        return new


def _backend(account: Account) -> Any:
    from moto.ec2.models import ec2_backends

    return ec2_backends[ACCOUNT_ID][account.client("ec2").meta.region_name]


class InstanceStates(Behavior):
    """Lets an instance start, stop and go in some time; what it holds is held until it is gone."""

    name = "instance-states"
    rule = (
        "An instance is `pending` before it is `running`, `stopping` before it is `stopped`, and `shutting-down` "
        "before it is `terminated`. Until then it holds its interface, its addresses and its groups, so that deleting "
        "what it needs is refused with `DependencyViolation`. 15 to 50 seconds are modeled."
    )
    source = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html"

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._made = _Made("i")

    def around(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        if call.service != "ec2":
            return carry_out()
        if call.action in ("StartInstances", "StopInstances", "TerminateInstances"):
            for each in self._instances(call.parameters.values()):
                # moto calls these methods of the instance, and then describes it.
                each.start, each.stop = partial(self._start, each), partial(self._stop, each)
                each.terminate = partial(self._terminate, each)
        answer = carry_out()
        if call.action == "RunInstances":
            for each in self._instances(self._made.by(answer)):
                self._boot(each)
        return answer

    def _instances(self, ids: Iterable[str]) -> list[Any]:
        wanted = set(ids)
        return [each for each in _backend(self.account).all_instances() if each.id in wanted]

    def _boot(self, instance: Any) -> None:
        _enter(instance, "pending", 0)
        self._leave(instance, "pending", _PENDING, lambda: _enter(instance, "running", 16))

    def _start(self, instance: Any) -> Any:
        if instance.state == "stopping":
            raise _incorrect(instance, "started")
        if instance.state == "pending":
            return _enter(instance, "pending", 0)
        previous = type(instance).start(instance)
        if previous.name == "stopped":
            self._boot(instance)
        return previous

    def _stop(self, instance: Any) -> Any:
        if instance.state in ("pending", "shutting-down"):
            raise _incorrect(instance, "stopped")
        if instance.state == "stopped":
            return _enter(instance, "stopped", 80)
        previous = _enter(instance, "stopping", 64)
        if previous.name != "stopping":
            self._leave(instance, "stopping", _STOPPING, lambda: type(instance).stop(instance))
        return previous

    def _terminate(self, instance: Any) -> Any:
        if instance.state == "terminated":
            return _enter(instance, "terminated", 48)
        previous = _enter(instance, "shutting-down", 32)
        if previous.name != "shutting-down":
            self._leave(instance, "shutting-down", _SHUTTING_DOWN, lambda: type(instance).terminate(instance))
        return previous

    def _leave(self, instance: Any, state: str, seconds: tuple[float, float], act: Callable[[], object]) -> None:
        _later(self, seconds, lambda: act() if instance.state == state else None)


def _enter(instance: Any, name: str, code: int) -> Any:
    """Put an instance into a state, and return the previous one."""
    state = type(instance._state)
    previous, instance._state = instance._state, state(name, code)
    return previous


def _incorrect(instance: Any, done: str) -> AwsError:
    message = f"The instance '{instance.id}' is not in a state from which it can be {done}."
    return AwsError("IncorrectInstanceState", message)


class PeeringStates(Behavior):
    """Lets a peering connection wait before it can be accepted, and before it is active."""

    name = "peering-states"
    rule = (
        "A peering connection is `initiating-request` before it is `pending-acceptance`, or `failed` where the ranges "
        "overlap; once accepted it is `provisioning` before it is `active`. Accepting it too early is refused with "
        "`InvalidStateTransition`. 3 to 8 seconds are modeled."
    )
    source = "https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html"

    def around(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        answer = carry_out()
        if answer[0] >= 400 or call.service != "ec2":
            return answer
        if call.action == "CreateVpcPeeringConnection":
            (id,) = _Made("pcx").by(answer)
            peering = _backend(self.account).vpc_pcxs[id]
            return self._pass(peering, "initiating-request", f"Initiating Request to {ACCOUNT_ID}", _INITIATING, answer)
        if call.action == "AcceptVpcPeeringConnection":
            peering = _backend(self.account).vpc_pcxs[call.parameters["VpcPeeringConnectionId"]]
            return self._pass(peering, "provisioning", "Provisioning", _PROVISIONING, answer)
        return answer

    def _pass(
        self, peering: Any, code: str, message: str, seconds: tuple[float, float], answer: HttpResponse
    ) -> HttpResponse:
        """Let a connection pass through a state before it reaches the one that it has now."""
        goal = peering._status.code, peering._status.message

        def arrive() -> None:
            if peering._status.code == code:
                peering._status.code, peering._status.message = goal
                if goal[0] == "failed":
                    peering.ended = self.account.clock.now().replace(tzinfo=None)

        peering._status.code, peering._status.message, peering.ended = code, message, None
        _later(self, seconds, arrive)
        status = f"<status><code>{code}</code><message>{message}</message></status>"
        return answer[0], answer[1], re.sub("<status>.*?</status>", status, answer[2])


class NatGatewayStates(Behavior):
    """Lets a NAT gateway come and go in a minute or two."""

    name = "nat-gateway-states"
    rule = (
        "A NAT gateway is `pending` before it is `available`, and `deleting` before it is `deleted`; until then it "
        "holds its interface and its address. 40 to 120 seconds are modeled."
    )
    source = "https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html"

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._made = _Made("nat")

    def around(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        if call.service == "ec2" and call.action == "DeleteNatGateway":
            return self._delete(call, carry_out)
        answer = carry_out()
        if call.service != "ec2" or call.action != "CreateNatGateway":
            return answer
        for id in self._made.by(answer):
            gateway = _backend(self.account).nat_gateways[id]
            gateway.state = "pending"
            _later(self, _NAT_PENDING, partial(_change, gateway, "pending", "available"))
        return answer[0], answer[1], answer[2].replace("<state>available</state>", "<state>pending</state>")

    def _delete(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        id = call.parameters.get("NatGatewayId", "")
        gateway = _backend(self.account).nat_gateways.get(id)
        if gateway is None or gateway.state == "deleted" or call.is_dry_run:
            return carry_out()
        if gateway.state != "deleting":
            gateway.state = "deleting"
            _later(self, _NAT_DELETING, lambda: _backend(self.account).delete_nat_gateway(id))
        return 200, {"content-type": "text/xml"}, f"<Response><natGatewayId>{id}</natGatewayId></Response>"


def _change(gateway: Any, state: str, following: str) -> None:
    if gateway.state == state:
        gateway.state = following
