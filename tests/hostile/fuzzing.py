"""What all fuzzers share: how many inputs, how they are mutated, and the count of what came of them.

The seeds are fixed, so each run tries the same inputs. `LABKIT_SOAK=50` tries fifty times as many.
"""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from labkit.errors import LabError

#: How many times as many inputs as in CI.
SOAK = int(os.environ.get("LABKIT_SOAK", "1"))

#: Values of each JSON type, among them those that often break a reader.
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**64, 10**400, 1.5, float("nan"), float("inf"), "", " ", "0", "-", "\x00",
    "\x1b[2J", "\ud800", "é" * 50, "a" * 10_000, "10.0.0.0/33", "300.1.1.1", "::/0",
    [], {}, [[]], [None], {"": None}, {"Key": 1},
)  # fmt: skip

#: Bytes that often break a reader of text.
_ODD_BYTES = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\r",
    b"\n",
    b"\n\n",
    b"\t",
    b"  ",
    b'"',
    b"'",
    b"{",
    b"[" * 100,
    b"\x1b[31m",
    b"9" * 400,
)


@dataclass
class Outcomes:
    """Counts what a fuzzer tried, what was refused with a sentence, and collects each raw error."""

    tried: int = 0
    refused: int = 0
    raw: list[str] = field(default_factory=list)

    @contextmanager
    def of(self, given: object, *refusals: type[Exception]) -> Iterator[None]:
        """Try one input: a `LabError`, and any of `refusals`, is a refusal; every other error is a raw one.

        Args:
            given: The input, for the report.
            refusals: What else is a clear answer, such as botocore's ClientError.
        """
        self.tried += 1
        try:
            yield
        except (LabError, *refusals) as error:
            self.refused += 1
            if not str(error).strip():
                self.raw.append(f"{given!r:.300} → {type(error).__name__} without a sentence")
        except Exception as error:
            self.raw.append(f"{given!r:.300} → {type(error).__name__}: {error!s:.300}")


def mutate_bytes(rng: random.Random, data: bytes) -> bytes:
    """Return the data with one to three faults: something cut, doubled, inserted or changed."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.choice((1, 1, 4, 40, 400)))
        data = rng.choice(
            (
                data[:at],
                data[:at] + data[to:],
                data[:to] + data[at:],
                data[:at] + rng.choice(_ODD_BYTES) + data[at:],
                data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :],
            )
        )
    return data


def mutate_json(rng: random.Random, value: Any) -> Any:
    """Return a copy of a JSON value with one to three faults: a part left out, replaced by another type, or doubled."""
    value = copy.deepcopy(value)
    for _ in range(rng.randint(1, 3)):
        places = list(_places(value))
        if not places:
            return rng.choice(ODD_VALUES)
        holder, key = rng.choice(places)
        fault = rng.randrange(4)
        if fault == 0:
            del holder[key]
        elif fault == 1 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif fault == 2:
            holder[key] = copy.deepcopy(rng.choice(places)[0])
        else:
            holder[key] = copy.deepcopy(rng.choice(ODD_VALUES))
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield value, key
        yield from _places(below)
