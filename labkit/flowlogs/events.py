"""Read the messages of CloudWatch Logs events: from Python, or from JSON of any size, an event at a time.

`sources` calls this.
Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from labkit.errors import FlowLogFormatError
from labkit.status import quoted

#: The most characters of one event, as CloudWatch Logs has it: 1 MB.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
_LONGEST = 1 << 20

_GIVE = "give what filter_log_events or get_log_events returned"
_KEYS = ("events", "logEvents")
_BEGINS = re.compile(rb'(\xef\xbb\xbf)?\s*(\{\s*["}]|\[\s*[]\[{"])')
_SPACE = re.compile(r"[ \t\r\n]*")


def of_python(data: Any) -> Iterator[str]:
    """Yield the messages of a page of events, or of some events.

    Raises:
        FlowLogFormatError: It holds something else.
    """
    if isinstance(data, Mapping):
        data = next((data[key] for key in _KEYS if key in data), None)
        if not isinstance(data, list | tuple):
            raise FlowLogFormatError(f"This page has no list of 'events': {_GIVE}.")
    return map(_message, data)


def is_json(head: bytes) -> bool:
    """Return whether a text that begins so is JSON: a record may begin with a bracket, too, as a tag.

    >>> is_json(b'{"events": ['), is_json(b"[ 10.1.15.80")
    (True, False)
    """
    return _BEGINS.match(head) is not None


def of_json(blocks: Iterable[bytes]) -> Iterator[str]:
    """Yield the messages of events in JSON: lists of events, or pages and exports that hold one, one after the other.

    Args:
        blocks: The text in pieces of any size.

    Raises:
        FlowLogFormatError: It is no such JSON; all messages before the fault come first.

    >>> [*of_json([b'{"nextToken": "a", "events": [{"mess', b'age": "2 -"}]}'])]
    ['2 -']
    """
    text = _Text(iter(blocks))
    while sign := text.next():
        if sign == "[":
            yield from map(_message, text.items())
            continue
        found = False
        for key in text.members():
            if key in _KEYS:
                found = True
                yield from map(_message, text.items())
            else:
                text.value()
        if not found:
            raise FlowLogFormatError(f"This JSON has no 'events': {_GIVE}.")


def _message(event: Any) -> str:
    message = event.get("message") if isinstance(event, Mapping) else None
    if not isinstance(message, str):
        raise FlowLogFormatError(f"An event is an object with a text 'message', and not {quoted(event)}: {_GIVE}.")
    return message


class _Text:
    """JSON of which a few characters are in memory at a time.

    Args:
        blocks: Its text in pieces.
    """

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._read = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0

    def next(self) -> str:
        """Return the next character that is not white space, which stays next; nothing at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]  # it matches nothing, too
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def items(self) -> Iterator[Any]:
        """Yield each value of a list."""
        self._take("[")
        sign = "," if self.next() != "]" else self._take("]")
        while sign == ",":
            yield self.value()
            sign = self._take(",]")

    def members(self) -> Iterator[Any]:
        """Yield each key of an object, whose value is next; it must be read before the next key."""
        self._take("{")
        sign = "," if self.next() != "}" else self._take("}")
        while sign == ",":
            key = self.value()
            self._take(":")
            yield key
            sign = self._take(",}")

    def value(self) -> Any:
        """Read a whole value."""
        self.next()
        while True:
            try:
                value, end = self._read(self._text, self._at)
                if end < len(self._text):  # what ends with the text may go on, as a number does
                    self._at = end
                    return value
            except RecursionError:
                raise self._fault("it is nested too deeply") from None
            except ValueError:
                pass  # it may be whole with more text
            held = len(self._text) - self._at
            if held > _LONGEST:
                raise self._fault(f"something in it is longer than {_LONGEST:,} characters")
            # Twice as much before the next try, so that all tries together take twice the time of the last.
            while len(self._text) - self._at <= 2 * held:
                if not self._more():
                    break
            if len(self._text) - self._at == held:
                raise self._fault("it is damaged, or not whole")

    def _take(self, signs: str) -> str:
        sign = self.next()
        if not sign or sign not in signs:
            raise self._fault(f"it has {self._text[self._at : self._at + 20]!r} in place of {' or '.join(signs)}")
        self._at += 1
        return sign

    def _more(self) -> bool:
        block = next(self._blocks, b"")
        try:
            text = self._decoder.decode(block, final=not block)
        except UnicodeDecodeError:
            raise self._fault("it is not UTF-8 text") from None
        self._text, self._at = self._text[self._at :] + text, 0
        return bool(block)

    def _fault(self, why: str) -> FlowLogFormatError:
        return FlowLogFormatError(f"This JSON can't be read: {why}.")
