"""Contrary behaviors: what a real account does that a plain emulator does not.

Each file holds behaviors of one theme. A behavior is small, has a name, and works alone; `aws.EmbeddedAws` switches on
those that `labkit.connect("contrary")` asks for. A behavior looks at each request from outside before and after the API
carries it out. It may refuse it, change the answer, or change the account later, as the virtual clock moves.
"""

from __future__ import annotations

import heapq
import importlib
import json
import pkgutil
import random
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from labkit.embedded.api.determinism import SEED
from labkit.embedded.api.refusals import HttpResponse
from labkit.embedded.api.scope import REGION
from labkit.embedded.clock import Clock
from labkit.embedded.instances.boot import Boot


@dataclass(frozen=True, slots=True)
class Call:
    """A request from outside.

    Attributes:
        service: The service, such as `ec2`.
        action: The action, such as `CreateVpc`.
        parameters: Its parameters: flat, as in `TagSpecification.1.Tag.1.Key`, where the service's protocol is a query
            (EC2, IAM, STS); parsed JSON for the others. A behavior may change them before the API carries them out.
    """

    service: str
    action: str
    parameters: dict[str, Any]

    @property
    def is_dry_run(self) -> bool:
        """Whether EC2 is asked only if the caller has the permission: it then looks at nothing else."""
        return str(self.parameters.get("DryRun", "")).lower() == "true"


CarryOut = Callable[[], HttpResponse]


class Account:
    """What a behavior has to do with: the clock, clients that no behavior watches, and the time to come.

    Args:
        clock: The virtual clock.
        client: Makes a boto3 client without a socket; its calls move no clock and meet no behavior.
        changed: Called with a service after a behavior has changed the account outside a request.
        boots: The boots of instances that take time, by the instances' ids.
    """

    def __init__(
        self,
        clock: Clock,
        client: Callable[[str], Any],
        changed: Callable[[str], None],
        boots: dict[str, Boot],
    ) -> None:
        self.clock = clock
        self.client = client
        self.boots = boots
        self._changed = changed
        self._order = count()
        self._coming: list[tuple[float, int, str, Callable[[], object]]] = []
        clock.listeners.insert(0, self._time_passes)

    def later(self, seconds: float, service: str, act: Callable[[], object]) -> None:
        """Change something in a service once some virtual time has passed."""
        heapq.heappush(self._coming, (self.clock.time() + seconds, next(self._order), service, act))

    def _time_passes(self, old: datetime, new: datetime) -> None:
        while self._coming and self._coming[0][0] <= new.timestamp():
            _, _, service, act = heapq.heappop(self._coming)
            act()
            self._changed(service)


class Behavior:
    """One thing that AWS does; the subclasses of this class are the behaviors.

    Attributes:
        name: The behavior's name, in words joined by hyphens.
        rule: What AWS does, in a sentence or two, and what of it is modeled.
        source: The public page or report that says so.
        region: The region that the account is to have, where the behavior chooses it.
        counts: Whether it begins after the others, since it counts what is in the account then.
        is_first: Whether it looks at a request before the others, and so sees what they refuse.
        account: The account in which it is switched on.
        random: A seeded generator of its own.
    """

    name: str
    rule: str
    source: str
    region: str | None = None
    counts: bool = False
    is_first: bool = False

    def __init__(self, account: Account) -> None:
        self.account = account
        self.random = random.Random(f"{SEED}/contrary/{self.name}")

    def begin(self) -> None:
        """Change the fresh account, before the first request from outside."""

    def around(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        """Answer a request from outside; `carry_out` lets the API, and the other behaviors, answer it.

        Raises:
            AwsError: The behavior refuses the request.
        """
        return carry_out()


def policy_document(**statement: Any) -> str:
    """Return a policy, as JSON text, of one statement, which allows.

    Args:
        **statement: The statement's elements but for Effect.
    """
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def behaviors() -> Mapping[str, type[Behavior]]:
    """Return all behaviors by name, in the order in which they look at a request."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {each.name: each for each in sorted(Behavior.__subclasses__(), key=_order)}


def _order(behavior: type[Behavior]) -> tuple[bool, str]:
    return not behavior.is_first, behavior.name


def region_of(names: Collection[str]) -> str:
    """Return the region of an account with these behaviors.

    Args:
        names: The behaviors' names.

    Raises:
        KeyError: There is no behavior of that name.
    """
    known = behaviors() if names else {}
    chosen = [known[name].region for name in sorted(names)]
    return next((region for region in chosen if region), REGION)


class Contrary:
    """The behaviors that are switched on in an account.

    Args:
        names: The behaviors' names.
        account: The account.

    Raises:
        KeyError: There is no behavior of that name.
    """

    def __init__(self, names: Iterable[str], account: Account) -> None:
        known = behaviors()
        self._behaviors = [known[name](account) for name in known if name in set(names)]
        for each in sorted(self._behaviors, key=lambda each: each.counts):
            each.begin()

    def answer(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        """Let each behavior look at a request in turn, then the API."""
        for each in reversed(self._behaviors):
            carry_out = _inside(each, call, carry_out)
        return carry_out()


def _inside(behavior: Behavior, call: Call, carry_out: CarryOut) -> CarryOut:
    return lambda: behavior.around(call, carry_out)
