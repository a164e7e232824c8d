"""API calls that fail on purpose, as AWS, the network or the kernel fail a student.

A call is one operation of a client, with the repetitions that boto3 makes by itself. Faults are put between boto3 and
the socket, so that signing, parsing and boto3's repetitions are the real ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from labkit.embedded.api.refusals import render
from labkit.embedded.api.server import _Raw, is_read


class Call(NamedTuple):
    """An operation, and which one of its kind it is within the run of a cell."""

    service: str
    operation: str
    number: int


class Killed(BaseException):
    """The kernel is gone. Nothing in the cell may catch this, so it is no Exception."""


#: What each service answers to a caller that is too fast, and to one without permission.
#: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
#: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
#: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html
_THROTTLED = {"ec2": ("RequestLimitExceeded", 503), "iam": ("Throttling", 400)}
_REFUSED = {"ec2": "UnauthorizedOperation", "iam": "AccessDenied"}

Send = Callable[[], AWSResponse]


def _answer(service: str, code: str, status: int, url: str) -> AWSResponse:
    status, headers, body = render(service, code, "A fault, made by a test.", "0" * 36, status)
    return AWSResponse(url, status, headers, _Raw(body.encode()))


def throttled(call: Call, url: str, attempt: int, send: Send) -> AWSResponse:
    code, status = _THROTTLED.get(call.service, ("ThrottlingException", 400))
    return _answer(call.service, code, status, url)


def throttled_once(call: Call, url: str, attempt: int, send: Send) -> AWSResponse:
    return throttled(call, url, attempt, send) if attempt == 1 else send()


def refused(call: Call, url: str, attempt: int, send: Send) -> AWSResponse:
    return _answer(call.service, _REFUSED.get(call.service, "AccessDeniedException"), 403, url)


def timed_out(call: Call, url: str, attempt: int, send: Send) -> AWSResponse:
    """The call takes effect, and the answer is lost; if boto3 repeats it, the repetition is answered."""
    answer = send()
    if attempt == 1:
        raise ReadTimeoutError(endpoint_url=url)
    return answer


def cut_off(call: Call, url: str, attempt: int, send: Send) -> AWSResponse:
    """The call takes effect and the answer is lost, each time that boto3 repeats it."""
    send()
    raise ReadTimeoutError(endpoint_url=url)


def killed_before(call: Call, url: str, attempt: int, send: Send) -> AWSResponse:
    raise Killed


def killed_after(call: Call, url: str, attempt: int, send: Send) -> AWSResponse:
    send()
    raise Killed


Fault = Callable[[Call, str, int, Send], AWSResponse]

#: By what the table of results calls them.
FAULTS: dict[str, Fault] = {
    "throttled once, boto3 repeats it": throttled_once,
    "throttled until boto3 gives up": throttled,
    "refused (UnauthorizedOperation, AccessDenied)": refused,
    "timed out once, after taking effect": timed_out,
    "timed out each time, after taking effect": cut_off,
    "kernel killed right before the call": killed_before,
    "kernel killed right after the call": killed_after,
}


class Injector:
    """Sits between some clients and the socket, notes their calls and makes those fail that `choose` picks.

    Attributes:
        calls: The calls since `restart`.
        failed: Those of them that were made to fail.
    """

    def __init__(self, clients: list[Any]) -> None:
        self.calls: list[Call] = []
        self.failed: list[Call] = []
        self._fault: Fault | None = None
        self._choose: Callable[[Call], bool] = lambda call: False
        self._counts: Counter[tuple[str, str]] = Counter()
        self._attempt = 0
        self._clients = clients

    def restart(self, fault: Fault | None = None, choose: Callable[[Call], bool] = lambda call: True) -> None:
        self.calls, self.failed = [], []
        self._fault, self._choose = fault, choose
        self._counts.clear()

    @contextmanager
    def installed(self) -> Iterator[None]:
        handlers = []
        for client in self._clients:

            def send(request: Any, client: Any = client, **_: Any) -> Any:
                return self._send(client, request)

            client.meta.events.register("before-call", self._call)
            client.meta.events.register("before-send", send)
            handlers.append((client, send))
        try:
            yield
        finally:
            for client, send in handlers:
                client.meta.events.unregister("before-call", self._call)
                client.meta.events.unregister("before-send", send)

    def _call(self, model: Any, **_: Any) -> None:
        name = (str(model.service_model.service_name), str(model.name))
        self._counts[name] += 1
        self.calls.append(Call(*name, self._counts[name]))
        self._attempt = 0

    def _send(self, client: Any, request: Any) -> AWSResponse | None:
        self._attempt += 1
        call = self.calls[-1]
        if self._fault is None or not (call in self.failed or self._choose(call)):
            return None
        if call not in self.failed:
            self.failed.append(call)
        return self._fault(call, request.url, self._attempt, lambda: client._endpoint.http_session.send(request))


def changes(call: Call) -> bool:
    """Whether a call can change something."""
    return not is_read(call.operation)
