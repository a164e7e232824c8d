"""The API of the embedded AWS: a server on the loopback, and clients that reach the same account without a socket.

A request must come from this machine (`loopback` checks that), be signed with the account's keys (`signatures`), and
the embedded AWS must have the service, region and action that it is signed for (`scope`). Then the action runs under
one lock, on the virtual clock.
`labkit.embedded.aws` starts the server.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import threading
import uuid
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import nullcontext, suppress
from email.utils import format_datetime
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from labkit.embedded.api import determinism, loading, signatures
from labkit.embedded.api.contrary import Account, Call, Contrary
from labkit.embedded.api.idempotency import ClientTokens
from labkit.embedded.api.loopback import Loopback
from labkit.embedded.api.refusals import AwsError, HttpResponse, NotInEmbeddedAwsError, render
from labkit.embedded.api.scope import REGION, SERVICES, check_action, check_service, is_read
from labkit.embedded.api.signatures import Signature
from labkit.embedded.clock import Clock
from labkit.embedded.instances.boot import Boot

Handler = Callable[[dict[str, Any]], dict[str, Any]]
Found = TypeVar("Found")

#: How long an action that changes something takes, in virtual seconds.
_A_CHANGE = 1.0
#: How long any other takes, refused ones too, where the account is contrary: asking again and again must get there.
_A_LOOK = 0.2

_log = logging.getLogger(__name__)


class Server:
    """Answers the API of one account, which is empty at first but for the default VPC that every account has.

    Args:
        clock: The account's clock. It moves by a second for each action that changes something; in a contrary account
            it moves a little for each other action, too.
        lock: Held around each action, as around each move of the clock: moto is not thread-safe.
        region: The account's one region.

    Attributes:
        region: The account's one region.
        keys: The keys with which requests through the socket are signed.
    """

    def __init__(self, clock: Clock, lock: threading.RLock, region: str = REGION) -> None:
        self.region = region
        self.keys = signatures.new_keys()
        self._clock = clock
        self._lock = lock
        self.after_action: list[Callable[[str, str], None]] = []
        """Called with (service, action), such as ("ec2", "CreateVpc"), once an external action is done or refused, and
        before the clock moves on for it."""
        self.handlers: dict[tuple[str, str], Handler] = {}
        """What the server answers itself rather than moto, by (service, action); for services that speak JSON."""
        self.before: dict[tuple[str, str], Callable[[dict[str, Any]], None]] = {}
        """Called with the parameters before an action of a service that speaks JSON, without the lock: it may wait."""
        self.boots: dict[str, Boot] = {}
        """The boots, by the instances' ids, that a contrary behavior lets take time."""
        self._found: dict[tuple[str, Hashable], Any] = {}
        self._clients: dict[tuple[str, str], Any] = {}
        self._session: Any = None
        self._tokens = ClientTokens()
        self._contrary: Contrary | None = None
        self._loopback: Loopback | None = None
        loading.import_moto([entrance.partition(":")[0] for entrance in SERVICES.values()], region)
        _empty_account(clock)

    def be_contrary(self, names: Collection[str]) -> None:
        """Switch on contrary behaviors, before the first request from outside.

        Args:
            names: Their names.
        """
        if names:
            self._contrary = Contrary(names, Account(self._clock, self.client, self._changed, self.boots))

    def serve(self, port: int) -> None:
        """Serve on 127.0.0.1; where the thread that served was killed, serve again on its port.

        Args:
            port: The port; 0 takes a free one.

        Raises:
            OSError: Another program has the port.
        """
        if self._loopback is None:
            self._loopback = Loopback(self._external, port)
        elif not self._loopback.serves:
            self._loopback = Loopback(self._external, self._loopback.port)

    @property
    def endpoint_url(self) -> str:
        """Where boto3 and the AWS CLI reach this server: http://127.0.0.1:PORT. RuntimeError once it has stopped."""
        return f"http://127.0.0.1:{self._running().port}"

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a boto3 client for the same account, without a socket, for what is not the student's doing.

        Its calls move no clock, trigger no hooks and consume none of the ids that the student's calls will draw.
        """
        self._running()
        region = region or self.region
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._make_client(service, region)
            return self._clients[service, region]

    def remember(self, service: str, key: Hashable, find: Callable[[], Found]) -> Found:
        """Return what was found out about a service since an action last changed it.

        Args:
            service: The service, such as `iam`.
            key: What was asked.
            find: Finds it out where it is not known.
        """
        if (service, key) not in self._found:
            self._found[service, key] = find()
        return cast("Found", self._found[service, key])

    def internal_clients(self) -> list[Any]:
        """Return the clients that client() has made."""
        return list(self._clients.values())

    def stop(self) -> None:
        """Stop serving. The account is gone, and calls to the endpoint are refused on the loopback."""
        with self._lock:  # an action that is under way ends first
            loopback, self._loopback = self._loopback, None
        if loopback is not None:
            loopback.stop()
            self._clients.clear()

    def abandon(self) -> None:
        """Close the socket in a forked process, which does not have the threads that serve on it."""
        loopback, self._loopback = self._loopback, None
        if loopback is not None:
            loopback.close()

    # --- through the socket ---

    def _running(self) -> Loopback:
        if self._loopback is None:
            raise RuntimeError("This embedded AWS has stopped. Start a fresh one with labkit.embedded.start().")
        return self._loopback

    def _external(self, environ: dict[str, Any]) -> HttpResponse:
        """Answer a request if it is signed with the keys; what is not, takes no lock and none of the account's ids."""
        from moto.core.request import Request

        signature = Signature.read(environ.get("HTTP_AUTHORIZATION", ""))
        if signature is None:
            message = "The request carries no signature. Reach the embedded AWS with boto3 or the AWS CLI."
            return render("s3", "MissingAuthenticationToken", message, str(uuid.uuid4()), 403)
        body = environ["wsgi.input"].read()
        try:
            signatures.check(signature, self.keys, environ, body)
        except AwsError as refusal:
            return render(signature.service, refusal.code, refusal.message, str(uuid.uuid4()), refusal.status)
        environ["wsgi.input"] = io.BytesIO(body)
        return self._answer(signature.service, signature.region, Request(environ), internal=False)

    # --- without a socket ---

    def _make_client(self, service: str, region: str) -> Any:
        import boto3
        import botocore
        import botocore.session
        from botocore.awsrequest import AWSResponse
        from botocore.config import Config
        from moto.core.request import Request

        if self._session is None:
            # Keep the student's AWS configuration out of this session.
            unset = dict.fromkeys(("profile", "region", "ca_bundle"), (None, None, None, None))
            files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
            self._session = boto3.session.Session(
                botocore_session=botocore.session.Session(session_vars={**unset, **files})
            )
        client = self._session.client(
            service,
            region_name=region,
            endpoint_url=_aws_url(service, region),
            config=Config(signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1}),
        )

        def send(request: Any, **_: Any) -> Any:
            self._running()
            made = Request.from_primitives(request.method, request.url, request.headers, request.body)
            status, headers, body = self._answer(client.meta.service_model.signing_name, region, made, internal=True)
            return AWSResponse(request.url, status, headers, _Raw(body.encode()))

        client.meta.events.register("before-send", send)
        return client

    # --- both ---

    def _answer(self, service: str, region: str, request: Any, *, internal: bool) -> HttpResponse:
        """Answer one request, whatever happens, in a form that boto3 can read."""
        if (before := self.before.get((service, _action(request)))) is not None:
            with suppress(AwsError):  # raised again below
                before(_parameters(request))
        with self._lock, determinism.apart() if internal else nullcontext():
            if self._loopback is None:  # it stopped while the request arrived
                raise ConnectionAbortedError
            status, headers, body = self._answer_or_refuse(service, region, request, internal)
            headers.setdefault("x-amzn-requestid", determinism.request_id())
            headers.setdefault("date", format_datetime(self._clock.now(), usegmt=True))
            headers.setdefault("server", "amazon.com")
            return status, headers, body

    def _answer_or_refuse(self, service: str, region: str, request: Any, internal: bool) -> HttpResponse:
        action = _action(request)
        try:
            check_service(service, region, self.region)
            if internal:
                with determinism.stream(f"internal/{service}/{action}"):
                    return self._carry_out(service, region, action, request)
            if request.headers.get("X-Amz-Target"):
                _parameters(request)
            return self._act(service, region, action, request)
        except AwsError as error:
            refusal = error
        except NotImplementedError:
            refusal = NotInEmbeddedAwsError(f"do {service} {action}, or not in this way")
        except Exception as cause:
            # A defect of the embedded AWS or of moto. botocore would retry a 500 with pauses, so it is a 400.
            _log.debug("%s %s failed", service, action, exc_info=True)
            refusal = AwsError(
                "InternalError",
                f"The embedded AWS could not carry out {service} {action} ({type(cause).__name__}: {cause}). "
                "Check the values that you gave; if they are right, this is a defect of the embedded AWS.",
            )
        return render(service, refusal.code, refusal.message, determinism.request_id(), refusal.status, refusal.members)

    def _act(self, service: str, region: str, action: str, request: Any) -> HttpResponse:
        seconds = 0.0 if self._contrary is None else _A_LOOK
        try:
            with determinism.stream(f"{service}/{action}"):
                if self._contrary is None:
                    answer = self._carry_out(service, region, action, request)
                else:
                    answer = self._answer_contrarily(self._contrary, service, region, action, request)
            if answer[0] < 400 and not is_read(action):
                seconds = _A_CHANGE
        finally:
            self._done(service, action)
            self._clock.advance(seconds)
        return answer

    def _done(self, service: str, action: str) -> None:
        if not is_read(action):
            self._found = {key: found for key, found in self._found.items() if key[0] != service}
        for hook in tuple(self.after_action):
            hook(service, action)

    def _changed(self, service: str) -> None:
        self._done(service, "ChangedByItself")

    def _answer_contrarily(
        self, contrary: Contrary, service: str, region: str, action: str, request: Any
    ) -> HttpResponse:
        from moto.core.request import Request

        is_json = bool(request.headers.get("X-Amz-Target"))
        given = _parameters(request) if is_json else dict(request.values)
        call = Call(service, action, dict(given))

        def carry_out() -> HttpResponse:
            if call.parameters == given:
                return self._carry_out(service, region, action, request)
            body = json.dumps(call.parameters) if is_json else urlencode(call.parameters)
            changed = Request.from_primitives(request.method, request.url, request.headers, body.encode())
            return self._carry_out(service, region, action, changed)

        return contrary.answer(call, carry_out)

    def _carry_out(self, service: str, region: str, action: str, request: Any) -> HttpResponse:
        handler = self.handlers.get((service, action))
        if handler is None:
            check_action(service, action)
            if service == "ec2" and request.values.get("DryRun", "").lower() == "true":
                raise _dry_run(action)
            if service == "ec2" and not is_read(action):
                return self._tokens.once(request.values, lambda: _moto(service, region, request))
            return _moto(service, region, request)
        answer = handler(_parameters(request))
        return 200, {"content-type": "application/x-amz-json-1.1"}, json.dumps(answer)


class _Raw(io.BytesIO):
    """A response body as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        while chunk := self.read():
            yield chunk


def _dry_run(action: str) -> AwsError:
    """Return EC2's answer to a request with DryRun that is permitted: nothing is carried out.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html

    Raises:
        NotImplementedError: moto lacks the action.
    """
    from moto.core.utils import camelcase_to_underscores

    if not hasattr(_responses("ec2"), camelcase_to_underscores(action)):
        raise NotImplementedError
    message = "Request would have succeeded, but DryRun flag is set."
    return AwsError("DryRunOperation", message, status=412)


def _empty_account(clock: Clock) -> None:
    from moto.core.base_backend import BackendDict, backend_lock
    from moto.logs.models import LogEvent

    determinism.reset(clock)
    LogEvent._event_id = 0
    with backend_lock:
        backends: list[Any] = BackendDict._instances  # type: ignore[misc]
        for backend in backends:
            backend.clear()
        backends.clear()


def _action(request: Any) -> str:
    """The API action that a request names, as AWS spells it."""
    target = request.headers.get("X-Amz-Target")
    if target:
        return str(target).rpartition(".")[2]
    return str(request.values.get("Action", f"{request.method} {request.path}"))


def _parameters(request: Any) -> dict[str, Any]:
    """The parameters of a request in JSON.

    Raises:
        AwsError: Its body is no JSON object.
    """
    try:
        given = json.loads(request.get_data() or b"{}")
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise AwsError("SerializationException", "The body of the request is not a JSON object.")
    return given


def _aws_url(service: str, region: str) -> str:
    return f"https://{service}.{region}.amazonaws.com"


def _responses(service: str) -> Any:
    """moto's class that answers a service."""
    module, _, name = SERVICES[service].partition(":")
    return getattr(importlib.import_module(module), name)


def _moto(service: str, region: str, request: Any) -> HttpResponse:
    from werkzeug.exceptions import HTTPException

    try:
        status, headers, body = _responses(service).dispatch(
            request, f"{_aws_url(service, region)}{request.path}", request.headers
        )
    except HTTPException as refusal:
        return refusal.code or 400, dict(refusal.get_headers()), str(refusal.get_body())
    # moto leaves a placeholder where EC2's XML names the request.
    text = body if isinstance(body, str) else body.decode()
    return status, headers, text.replace(">request-id<", f">{headers.get('x-amzn-requestid', '')}<", 1)
