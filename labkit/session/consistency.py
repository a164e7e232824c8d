"""Absorbs that AWS is eventually consistent, so that cells can be plain boto3.

What a call made may be unknown to the next calls for some seconds, and its tags for longer. So boto3 repeats a call
that AWS refuses because it does not know something that was made here a moment ago, and whoever looks for the lab's
things waits first until AWS shows those that were made a moment ago. `accounts` switches this on where time passes.
https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from labkit.errors import LabError
from labkit.names import LAB_TAG
from labkit.session.kinds import BY_PREFIX, KINDS
from labkit.session.paging import all_of
from labkit.session.waiting import poll
from labkit.status import quoted

T = TypeVar("T")

#: How long what was made may be unknown, and how long to wait before asking again, in seconds.
_UNKNOWN, _PAUSE = 60.0, 2.0

#: The operations that make and unmake things, by how their names begin.
_MAKES, _UNMAKES = ("Create", "Run", "Allocate"), re.compile("Delete|Terminate|Release")

#: What the parameter that says which thing to unmake calls it, where the operation's name has another word.
_CALLED = {"Address": "Allocation", "SecurityGroup": "Group"}

#: An id of EC2, and the members of IAM's answers that identify something.
_ID = re.compile(r"[a-z]+-[0-9a-f]{8,17}")
_IAM_NAMES = ("Arn", "RoleName", "PolicyName", "InstanceProfileName")

#: Where a call's parameters are kept in its context, from its beginning to its answer.
_GIVEN = "labkit-parameters"

#: What EC2 says of an instance profile, its role, and a role of flow logs that it does not know yet.
_TOO_EARLY = ("Invalid IAM Instance Profile", "has no associated IAM Roles", "Unable to assume given IAM role")


class _Made:
    """What was made here within the last minute, by cells and, in threads beside them, by widgets."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._when: dict[str, float] = {}  # by id, ARN or name
        self._untagged: set[str] = set()  # the ids of those whose tag AWS has not shown yet

    def note(self, things: set[str], tagged: set[str]) -> None:
        with self._lock:
            self._when.update(dict.fromkeys(things, time.monotonic()))
            self._untagged |= tagged

    def forget(self, things: set[str]) -> None:
        with self._lock:
            for each in things:
                self._when.pop(each, None)
            self._untagged -= things

    def seconds_left(self, thing: str) -> float:
        """How long it may still be unknown."""
        left = self._when.get(thing, -_UNKNOWN) + _UNKNOWN - time.monotonic()
        return min(max(left, 0.0), _UNKNOWN)

    def are_shown(self, ec2: Any) -> bool:
        """Whether AWS shows the lab's tag on each thing that has it and may still be unknown."""
        with self._lock:
            self._untagged = {id for id in self._untagged if self.seconds_left(id)}
            awaited = sorted(self._untagged)
        if awaited:
            of_these = {"Name": "resource-id", "Values": awaited}
            the_labs = {"Name": "key", "Values": [LAB_TAG["Key"]]}
            found = {tag["ResourceId"] for tag in all_of(ec2, "describe_tags", "Tags[]", Filters=[of_these, the_labs])}
            with self._lock:
                self._untagged -= found
        return not self._untagged


#: None where what was made is known at once.
_made: _Made | None = None


def current() -> _Made | None:
    """Return what was made here, for `go_back`."""
    return _made


def go_back(made: _Made | None) -> None:
    """Go on with the session that `current` was asked in."""
    global _made
    _made = made


def begin(lags: bool) -> None:
    """Begin a session with an account.

    Args:
        lags: Whether what was made may be unknown to the next calls there.
    """
    global _made
    _made = _Made() if lags else None


def watch(events: Any) -> None:
    """Look at the calls of every client that a session makes from now on.

    Args:
        events: The session's events.
    """
    events.register("before-parameter-build", _keep, unique_id="labkit-consistency-keep")
    events.register("after-call", _note, unique_id="labkit-consistency-note")
    events.register("needs-retry", _repeat, unique_id="labkit-consistency-repeat")


def wait_until_shown(ec2: Any) -> None:
    """Wait until things that were made here a moment ago can be found by the lab's tag.

    Args:
        ec2: A boto3 client of EC2.
    """
    made = _made
    if made is not None:
        poll(lambda: made.are_shown(ec2), patience=_UNKNOWN, every=_PAUSE, awaited=lambda: "AWS to show what was made")


def look(name: str, find: Callable[[], T | None]) -> T | None:
    """Look for something by its name, again for a while if it was made here a moment ago and AWS does not list it yet.

    Args:
        name: The name.
        find: Looks once; returns None if it is not there.
    """
    patience = _made.seconds_left(name) if _made else 0.0
    return poll(find, patience=patience, every=_PAUSE, awaited=lambda: f"AWS to show {name}")


def eventually(operation: Callable[..., Any], parameters: dict[str, Any], patience: float) -> Any:
    """Call an operation until AWS's services know what was made a moment ago, as `Lab.eventually` describes it.

    Args:
        operation: The method of a boto3 client.
        parameters: Its parameters.
        patience: How many seconds to go on.

    Raises:
        LabError: If it is no operation.
        ClientError: If the operation fails for another reason, or goes on failing.
    """
    if not callable(operation):
        raise LabError(
            f"{quoted(operation)} is not an operation. Give a client's method without its brackets, such as "
            "lab.eventually(ec2.run_instances, …)."
        )
    answers: list[Any] = []
    refusals: list[ClientError] = []
    left = dict(parameters)

    def is_done() -> bool:
        try:
            answer = operation(**left)
        except ClientError as error:
            refusals.append(error)
            if not _may_be_too_early(error, left):
                raise
            return False
        answers.append(answer)
        failed = answer.get("Unsuccessful") if isinstance(answer, dict) else None
        if not failed:
            return True
        refusals.append(ClientError({"Error": failed[0]["Error"]}, getattr(operation, "__name__", "")))
        if refusals[-1].response["Error"]["Code"].endswith("AlreadyExists"):
            raise refusals[-1]
        ids = {each["ResourceId"] for each in failed}
        for key, value in left.items():
            if isinstance(value, list) and ids & {each for each in value if isinstance(each, str)}:
                left[key] = [each for each in value if each in ids]
        return False

    if not poll(is_done, patience=patience, every=3, awaited=lambda: f"AWS, which says: {refusals[-1]}"):
        raise refusals[-1]
    return _together(answers)


def _together(answers: list[Any]) -> Any:
    """Return several answers as one: the last, with what the lists of all name."""
    if len(answers) == 1:
        return answers[0]
    lists = [key for key, value in answers[-1].items() if isinstance(value, list) and key != "Unsuccessful"]
    return {**answers[-1], **{key: [each for answer in answers for each in answer.get(key, ())] for key in lists}}


def _may_be_too_early(error: ClientError, given: dict[str, Any]) -> bool:
    """Return whether AWS answers so to a call about a thing that it will know in a moment."""
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    return _is_unknown_yet(code, given) or any(words in message for words in _TOO_EARLY)


def _is_unknown_yet(code: str, given: Any) -> bool:
    """Return whether EC2 refuses an id in a call's parameters that was made here a moment ago.

    Other things than ids are not found, too, such as a route in a table: repeating the call would not find them.

    Args:
        code: The code of the refusal.
        given: The call's parameters.
    """
    made = _made
    return made is not None and any(made.seconds_left(each) and _refuses(code, each) for each in _texts(given))


def _refuses(code: str, id: str) -> bool:
    """Return whether EC2's code says that it does not know this id.

    >>> codes = "InvalidGroup.NotFound", "InvalidRoute.NotFound", "InvalidRouteTableID.NotFound", "NatGatewayNotFound"
    >>> [_refuses(code, id) for code, id in zip(codes, ("sg-0", "rtb-0", "rtb-0", "nat-0"))]
    [True, False, True, True]
    """
    kind = BY_PREFIX.get(id.partition("-")[0])
    if kind is None or not code.endswith("NotFound"):
        return code.lower().endswith("id.notfound")
    refused = code.removesuffix("NotFound").rstrip(".").removeprefix("Invalid").lower().removesuffix("id")
    return kind.id.lower().removesuffix("id").endswith(refused)  # InvalidGatewayID is about an internet gateway, too


# What boto3 calls


def _keep(params: Any, context: dict[str, Any], **_: Any) -> None:
    context[_GIVEN] = params


def _note(http_response: Any, parsed: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
    service = model.service_model.service_name
    if _made is None or http_response.status_code >= 300 or service not in ("ec2", "iam"):
        return
    given = context.get(_GIVEN) or {}
    if _UNMAKES.match(model.name):
        _made.forget(set(_unmade(model.name, given)))
    elif model.name == "CreateTags":
        resources = set(given["Resources"]) if LAB_TAG in given["Tags"] else set()
        _made.note(resources, resources)
    elif model.name.startswith(_MAKES) and service == "ec2":
        made = {text for text in _texts(parsed) if _ID.fullmatch(text)} - set(_texts(given))
        prefixes = {kind.prefix for kind in KINDS if kind.type in _types_tagged(given)}
        _made.note(made, {id for id in made if id.partition("-")[0] in prefixes})
    elif model.name.startswith(_MAKES):
        parts = [part for part in parsed.values() if isinstance(part, dict)]
        _made.note({part[key] for part in parts for key in _IAM_NAMES if key in part}, set())


def _repeat(operation: Any, response: Any, request_dict: dict[str, Any], **_: Any) -> float | None:
    """Return how many seconds to wait before boto3 repeats a call; None to let it be."""
    if _made is None or response is None:
        return None
    code = str(response[1].get("Error", {}).get("Code", ""))
    given = request_dict["context"].get(_GIVEN) or {}
    service = operation.service_model.service_name
    if service == "iam":
        is_too_early = code == "NoSuchEntity" and any(map(_made.seconds_left, _texts(given)))
    else:
        is_too_early = service == "ec2" and _is_unknown_yet(code, given)
    return _PAUSE if is_too_early else None


def _unmade(operation: str, given: dict[str, Any]) -> Iterator[str]:
    """Yield the ids, ARNs and names of what an operation unmakes.

    Its parameters name other things, too: `DeleteRoute` has a RouteTableId, and deletes no route table.

    >>> list(_unmade("DeletePolicy", {"PolicyArn": "arn:aws:iam::123456789012:policy/mine"}))
    ['arn:aws:iam::123456789012:policy/mine', 'mine']
    >>> list(_unmade("DeleteRoute", {"RouteTableId": "rtb-0"}))
    []
    """
    noun = _UNMAKES.sub("", operation, count=1)
    called = _CALLED.get(noun, noun.removesuffix("s"))
    for suffix in ("Id", "Ids", "Arn", "Name"):
        for each in _texts(given.get(f"{called}{suffix}")):
            yield each
            if suffix == "Arn":
                yield each.rpartition("/")[2]


def _types_tagged(given: dict[str, Any]) -> set[str]:
    """Return the resource types that a call's tag specifications mark as the lab's."""
    specifications = given.get("TagSpecifications") or ()
    return {each["ResourceType"] for each in specifications if LAB_TAG in each["Tags"]}


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in parameters or in an answer."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
