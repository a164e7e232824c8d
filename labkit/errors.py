"""The errors of labkit, in one tree: each says what happened, why, and what to do next.

Every room raises these, and none translates one into another: `except LabError` catches whatever a student can fix.
Where Python has a fitting built-in error, the class is one of these too, so that code without labkit's names works.
"""

from __future__ import annotations

from typing import Any, Literal


class LabError(Exception):
    """Something that a student or an engineer can fix; a notebook shows its text without a stack of calls."""

    def __str__(self) -> str:
        # LookupError's subclasses such as KeyError would show the text in quotes.
        return str(self.args[0]) if self.args else ""

    def _render_traceback_(self) -> list[str]:
        # IPython shows these lines in place of the traceback.
        return [f"{type(self).__name__}: {self}"]


class DisconnectedError(LabError):
    """A lab or a client is used while this process is connected to another AWS than theirs, or to none."""


class ForkedError(DisconnectedError):
    """A forked process uses the connection of the process that it was forked from."""

    def __init__(self) -> None:
        super().__init__(
            "This process was forked from one that is connected to an AWS, and has no connection of its own. Start it "
            "as a new process, such as with multiprocessing.get_context('spawn'), and call labkit.connect() in it. "
            "Clients of boto3 that it makes itself reach the AWS of the first process."
        )


class NetworkError(LabError, LookupError):
    """What was asked for is not in the network, or is there more than once."""


class PacketError(LabError, ValueError):
    """No packet can be made of these addresses, this protocol or this port."""


class SnapshotError(LabError, ValueError):
    """A file is not an answer of EC2's describe operations, or the files together are not a whole network."""


class FlowLogFormatError(LabError, ValueError):
    """A text is not a flow log format, or lines are not records of the format that they were read with.

    Attributes:
        lines: The first of these lines, each a `labkit.flowlogs.BadLine`.
        likely: The `labkit.flowlogs.Format` that they seem to have, or None.
    """

    def __init__(self, message: str, lines: tuple[Any, ...] = (), likely: Any = None) -> None:
        super().__init__(message)
        self.lines = lines
        self.likely = likely


class NoFileError(LabError, FileNotFoundError):
    """A path leads to no file of flow log records that can be read."""


class UnknownFieldError(LabError, ValueError):
    """A flow log format names a field that AWS does not have.

    Attributes:
        name: The name that was given.
        nearest: The names of AWS's fields that look like it.
    """

    def __init__(self, message: str, name: str, nearest: tuple[str, ...]) -> None:
        super().__init__(message)
        self.name = name
        self.nearest = nearest


class QuestionError(LabError, ValueError):
    """Records cannot answer a question, or what is asked for makes no sense."""


class PolicyError(LabError, ValueError):
    """IAM would refuse to store this policy document."""


class QueryError(LabError, ValueError):
    """A Logs Insights query is not in the language, or uses a part of it that labkit does not have.

    Attributes:
        message: What is wrong, and what to write instead.
        start: Where the wrong part of the query begins, as a character offset.
        end: Where it ends, as a character offset; the character there is not part of it.
    """

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end


class QueryRunError(QueryError):
    """A query is in the language, and its run ended early: it took too long or too much, or a value was out of range.

    Attributes:
        status: The status with which Logs Insights ends such a query, "Timeout" or "Failed".
    """

    def __init__(self, message: str, status: Literal["Timeout", "Failed"], length: int) -> None:
        super().__init__(message, 0, length)
        self.status = status


class CheckFailedError(LabError):
    """A check, an exercise or a quiz was not passed; raised only where LABKIT_STRICT is set, as in a grader's run."""


class ProgressError(LabError):
    """The file that keeps a student's progress cannot be read."""


class CommandError(LabError):
    """A command of `labkit` cannot go on until the person at the keyboard fixes something."""
