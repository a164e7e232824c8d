"""The embedded AWS as a whole: what it consists of, and how the parts work together.

- The API (`api/`): a server on the loopback answers boto3; moto keeps the state of EC2, IAM and CloudWatch Logs.
- The instances (`instances/`): Run Command runs a script on the modeled shell of an instance.
- The data plane (`dataplane/`): carries the packets that the instances send over the network as the API describes it,
  lets the flow logs see them, and delivers their records.
- The clock: time is virtual. It moves when an action, an echo or a wait takes time.

A ping goes from the server to `RunCommand`, which asks IAM whether the instance's agent may run it; through the shell
to the command `ping`, which sends a `Transmission` from its `Process`; then to `DataPlane.exchange`, which traces the
packet over the network and lets the flow logs see it. As the clock moves, their windows close, and `Delivery` writes
the records.

`labkit.connect()` starts it, through `labkit.embedded.start`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection

from labkit.embedded.api import service_quotas
from labkit.embedded.api.contrary import region_of
from labkit.embedded.api.logs_insights import LogsInsights
from labkit.embedded.api.server import Server
from labkit.embedded.api.stored_events import StoredEvents
from labkit.embedded.clock import START, Clock
from labkit.embedded.dataplane.transport import DataPlane
from labkit.embedded.instances.run_command import RunCommand
from labkit.errors import ForkedError


class EmbeddedAws:
    """A running embedded AWS; `start` makes one.

    Args:
        port: The port on 127.0.0.1 to serve on; 0 takes a free one.
        behaviors: The names of the contrary behaviors to switch on.

    Attributes:
        behaviors: The names of the contrary behaviors that are on.
        process: The id of the process that it runs in.
        lock: Held around each API action and each move of the clock.
        clock: The virtual clock.
        region: The account's region.
        keys: The `access_key_id` and `secret_access_key` with which each request to `endpoint_url` must be signed. They
            are random, so that only those to whom this process hands them on can use this AWS.
        server: The API.
        client: Makes a boto3 client without a socket, for what is not the student's doing.
        dataplane: What carries the packets and keeps the flow logs.
    """

    def __init__(self, port: int = 0, behaviors: Collection[str] = ()) -> None:
        self.behaviors = frozenset(behaviors)
        self.process = os.getpid()
        self.lock = threading.RLock()
        self.clock = Clock(START, self.lock)
        self.region = region_of(self.behaviors)
        self.server = Server(self.clock, self.lock, self.region)
        self.client, self.keys = self.server.client, self.server.keys
        self.dataplane = DataPlane(self.server, self.clock)
        self.server.after_action.append(self.dataplane.after_action)
        self.clock.listeners.append(self.dataplane.time_passes)
        self.server.handlers |= RunCommand(self.server, self.dataplane).handlers()
        self.server.handlers |= StoredEvents(self.region).handlers()
        queries = LogsInsights(self.clock, self.region)
        self.server.handlers |= queries.handlers() | service_quotas.handlers(self.region)
        self.server.before |= queries.waits()
        self.server.serve(port)
        self.server.be_contrary(self.behaviors)

    @property
    def endpoint_url(self) -> str:
        """Where boto3 and the AWS CLI reach this AWS: http://127.0.0.1:PORT. RuntimeError once it has stopped."""
        return self.server.endpoint_url

    def stop(self) -> None:
        """Stop the server. The account is gone, and calls to the endpoint are refused on the loopback."""
        global _current
        with _starting:
            self.server.stop()
            if _current is self:
                _current = None

    def __enter__(self) -> EmbeddedAws:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


_current: EmbeddedAws | None = None
_starting = threading.RLock()


def start(port: int = 0, behaviors: Collection[str] = ()) -> EmbeddedAws:
    """Start the embedded AWS on 127.0.0.1, or return the one that runs in this process already.

    One that runs with other behaviors is stopped first: it is another account.

    A fresh one is an empty account with the default VPC that every account has, its clock at START and its ids at their
    beginning. One whose thread was killed serves again, with all that is in its account.

    Args:
        port: The port of a fresh one; 0 takes a free port.
        behaviors: The names of the contrary behaviors of the account.

    Raises:
        OSError: Another program has the port.
        ForkedError: This process was forked from the one in which it runs.
    """
    global _current
    with _starting:
        if _current is not None and _current.process != os.getpid():
            raise ForkedError
        if _current is not None and _current.behaviors != frozenset(behaviors):
            _current.stop()
        if _current is None:
            _current = EmbeddedAws(port, behaviors)
        _current.server.serve(port)
        return _current


def _forked() -> None:
    """Let go, in a forked child, of the lock and the socket that the threads of its parent may hold."""
    global _starting
    _starting = threading.RLock()
    if _current is not None:
        _current.server.abandon()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forked)
