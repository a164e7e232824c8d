"""Answers that nobody should give, to each exercise, quiz, check and chapter: a judgment or a sentence, and soon."""

from __future__ import annotations

import contextlib
import datetime
import io
import itertools
import random
import time
from collections import Counter, OrderedDict, UserDict, defaultdict, deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import boto3
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from labkit.errors import LabError
from labkit.lab import Lab
from labkit.learn.answers import MOST_CHARACTERS, MOST_VALUES, Unfit, admitted
from labkit.learn.catch_up import catch_up
from labkit.learn.chapters import CHAPTERS
from labkit.learn.judging import Judgment, number, texts, wrong
from labkit.learn.view import View
from tests.hostile.fuzzing import ODD_VALUES, SOAK, Outcomes
from tests.lab.conftest import fresh_lab


class Raising:
    """An object whose every method raises."""

    def fail(self, *_: Any) -> Any:
        raise RuntimeError("a method of the student's own ran")

    __repr__ = __str__ = __eq__ = __bool__ = __len__ = __iter__ = __float__ = __int__ = __index__ = __hash__ = fail
    __getattr__ = __getitem__ = __contains__ = __lt__ = __array__ = __format__ = __instancecheck__ = fail
    __class__ = property(fail)  # type: ignore[assignment]


class Text(str):
    __slots__ = ()
    __str__ = __repr__ = __eq__ = lower = strip = Raising.fail  # type: ignore[assignment]
    __hash__ = str.__hash__


class Listed(list[Any]):
    __iter__ = __len__ = __repr__ = Raising.fail


class Mapped(dict[Any, Any]):
    items = values = __iter__ = Raising.fail  # type: ignore[assignment]


Metal = type("\x1b[2J" * 500, (), {})


def recursive() -> tuple[Any, ...]:
    holds_itself: list[Any] = []
    holds_itself.append(holds_itself)
    maps: dict[str, Any] = {}
    maps["it"] = maps
    series = pd.Series([None], dtype=object)
    series[0] = holds_itself
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    return holds_itself, maps, series, deep, {"LogFormat": holds_itself}


def array_of(value: Any) -> Any:
    found = np.empty(1, dtype=object)
    found[0] = value
    return found


@cache
def strange() -> list[Any]:
    """What nobody should answer; the iterators among them have no end, so they can be used again."""
    return [
        *ODD_VALUES, *recursive(), Raising(), [Raising()], {"a": Raising()}, pd.Series([Raising()], dtype=object),
        array_of(Raising()), Text("65536"), Listed([1]), Mapped(a=1), Metal(), Raising, object(),
        SimpleNamespace(id=5), SimpleNamespace(hour=2), SimpleNamespace(head=3), print, type, int, io.StringIO("1"),
        Exception("x"), open, slice(1), memoryview(b"1"), {}.keys(), {"a": 1}.values(), {"a": 1}.items(),
        # without an end, or too large
        itertools.count(), itertools.cycle("a"), itertools.repeat([]), (each for each in itertools.count()),
        map(str, itertools.count()), zip(itertools.count(), itertools.count(), strict=False), {"a": itertools.count()},
        {(each for each in "a"): 1}, range(10**12), ip_network("10.0.0.0/8").hosts(), [0] * 10**6, "a " * 10**6,
        "1" * 16_000 + "!", "1" * 10**6, b"1" * 10**6, ["a" * 1000] * 1000, {str(each) for each in range(10**5)},
        pd.DataFrame({"a": np.zeros(10**6)}), pd.DataFrame(index=range(10**6)), pd.Series(np.zeros(10**6)),
        pd.Series(["x" * 100] * 10_000), pd.RangeIndex(10**9), np.zeros((1000, 1000)),
        np.broadcast_to(0, (10**6, 10**6)), pd.DataFrame(np.zeros((1, 10**5))),
        pd.DataFrame({"a": [1, 2]}).groupby("a"), pd.DataFrame({"a": [1]}).rolling(1), pa.array([1, 2]),
        pa.chunked_array([[1]]), pa.table({"a": [1]}), pa.scalar(5), pd.Series([pa.scalar(1)]),
        (1 // each for each in (0,)), map(int, ["x"]),
        # numbers
        10**400, -(10**400), 10**5000, 2**10**6, [10**5000], {"a": 10**5000}, {10**5000: 1}, Decimal("1e999999999"),
        Decimal("-1e-999999999"), Decimal("sNaN"), Decimal("NaN"), Decimal("1" * 5000), Fraction(10**5000, 3),
        Fraction(1, 10**5000), Fraction(10**400), 1e308, -0.0, float("-inf"), 1j, complex("nan"), np.float16("inf"),
        np.longdouble("1e4000"), np.uint64(2**64 - 1), np.int8(-1), np.bool_(True), np.str_("a"), np.bytes_(b"a"),
        np.void(b"ab"), np.datetime64("NaT"), np.timedelta64(5, "s"), np.datetime64(10**9, "Y"), np.array(5),
        np.array(None), np.array(["a", "b"]), np.array([(1, "a")], dtype=[("x", int), ("y", "U5")]), np.ma.masked,
        np.ma.array([1], mask=[1]), np.array(["2025-12-04T02:00"], "datetime64[s]"), np.random.default_rng(0),
        np.dtype("int"), np.sum,
        # texts
        "\x1b[2J\x1b]0;owned\x07", "\u202e65536", "\u200f2", "\ud800 1", "a\ud800-b", "１６", "²", "٢", "1٢3",
        "İ" * 5000, "ß-ſ", "\N{ZERO WIDTH SPACE}5", "10.1.15.80\x00", "\x85\x1c\u2028", "1\x0b2",
        "<img src=x onerror=alert(1)>", "$(reboot)", "%s %n {0} {a.b}", "{", "}", "${", "${x", "${" + "a" * 5000 + "}",
        "-" * 5000, "1,1," * 5000, "1" * 4400, "0x1ff", "1_000", "1e400", "1e-400", "nan", "inf", "1:" * 5000,
        "security " * 5000, "a-" * 5000, "\n" * 5000, "10.0.0.0/" + "1" * 5000, "10.0.0.0/-1", "::ffff:10.0.0.0/112",
        "fe80::1%eth0/64", "10.3.0.0/16%1", "igw-" + "0" * 17, b"\xff\xfe", bytearray(b"\x80"), "2 a.m. p.m.", "24:00",
        "99", "fl-", "'\"`", " " * 5000, ".", "…", "→" * 5000,
        # times
        datetime.datetime.max.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=-14))),
        datetime.datetime.min.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=14))), datetime.date(1, 1, 1),
        datetime.time(2, tzinfo=datetime.UTC), datetime.timedelta.max, pd.NaT, pd.NA, pd.Timestamp.max,
        pd.Timestamp.min, pd.Timestamp.min.tz_localize("UTC"), pd.Timedelta.max, pd.Period("2025", "Y"),
        pd.Interval(0, 1), pd.DatetimeIndex(["2025-12-04 02:00"]), pd.date_range("2025-12-04", periods=3, tz="UTC"),
        # tables
        pd.DataFrame(), pd.DataFrame(columns=["a", "a"]), pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.Series(dtype=object), pd.DataFrame({"a": [pd.NA]}), pd.DataFrame({"a": [None], "b": [float("nan")]}),
        pd.DataFrame({("a", "b"): [1]}), pd.DataFrame({0: [1], "columns": [2]}), pd.DataFrame({"hour": [2]}),
        pd.Series({"hour": 2, "id": "x"}), pd.Series([1, 2], index=[1, 1]),
        pd.Series([1], index=pd.MultiIndex.from_tuples([("a", 1)])), pd.Categorical(["a"]),
        pd.DataFrame({"a": [[1]], "b": [{}]}), pd.DataFrame({"a": [1j]}), pd.arrays.SparseArray([1]),
        pd.array([1, None]), pd.DataFrame({"k": ["443"], "n": [10**400]}),
        pd.DataFrame({"k": ["443"], "n": [Decimal("sNaN")]}), pd.DataFrame({"k": ["\x1b[2J"], "n": [1]}),
        {"\x1b[2J": 1}, {"a" * 5000: 1}, {"443": 1e308}, {"443": "1" * 5000}, {"443": Decimal("1e999999999")},
        {"443": float("nan")}, [("443", None)], [("443",), ("22", 1)], [[], [1]], [{}], [{"field": 1, "value": []}],
        [[{"field": "@ptr", "value": 1}]], {"FlowLogs": 5}, {"FlowLogs": [{}]}, {"FlowLogs": []},
        {"FlowLogs": [{"LogFormat": 5}, {}]}, {"GroupId": []}, {"GroupId": {"GroupId": 1}}, [{"LogFormat": None}],
        defaultdict(list), Counter("aab"), OrderedDict(a=1), UserDict(a=1), MappingProxyType({"a": 1}), deque([1]),
        Path("x"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab that holds whatever an exercise asks about."""
    with fresh_lab() as made, contextlib.redirect_stdout(io.StringIO()):
        names: dict[str, Any] = {"lab": made, "boto3": boto3}
        catch_up("10", names)
        route = {"RouteTableId": names["route_table_2"], "DestinationCidrBlock": "10.1.0.0/16"}
        names["ec2"].delete_route(**route)
        made.shell("instance-1", "ping -c 5 10.2.0.126")
        names["ec2"].create_route(**route, VpcPeeringConnectionId=names["peering"])
        for line in ("ping -c 5 10.1.15.80", "ping -c 20 8.8.8.8"):
            made.shell("instance-2", line)
        made.shell("instance-1", "ping -c 2 8.8.8.8")
        made.wait_for_flow_logs()
        yield made


@pytest.fixture(scope="module")
def view(lab: Lab) -> View:
    made = View(lab)
    made.records = cache(made.records)  # type: ignore[method-assign]
    return made


def some(rng: random.Random, how_many: int) -> list[Any]:
    """Some of the strange answers; all of them, and more than once, in a soak."""
    rounds, rest = divmod(how_many * SOAK, len(strange()))
    return strange() * rounds + rng.sample(strange(), rest)


JUDGES = {id: judge for chapter in CHAPTERS.values() for id, judge in chapter.judges.items()}


def seen(judgment: Judgment) -> None:
    """A judgment shows as lines that a terminal does not obey, of a bearable length."""
    for line in repr(judgment).split("\n"):
        assert line.isprintable(), line
    assert len(judgment.text) < 800 and "<img" not in judgment._repr_html_()


@pytest.mark.parametrize("id", JUDGES)
def test_no_answer_breaks_a_judge(outcomes: Outcomes, view: View, id: str) -> None:
    """A judge gets what is admitted of an answer; nothing comes between that would hide a fault."""
    rng = random.Random(id)
    ways: tuple[Callable[[Any], Any], ...] = (lambda each: each, lambda each: [each], lambda each: {"a": each})
    for answer in some(rng, 40):
        with outcomes.of(type(answer), Unfit):
            seen(JUDGES[id](view, admitted(rng.choice(ways)(answer))))


def test_composed_answers(outcomes: Outcomes, view: View) -> None:
    rng = random.Random(17)
    hold: tuple[Callable[[Any, Any], Any], ...] = (
        lambda a, b: [a, b], lambda a, b: (a, b), lambda a, b: {"a": a, "b": b}, lambda a, b: [[a, b]] * 8,
        lambda a, b: pd.Series([a, b], dtype=object), lambda a, b: pd.DataFrame({"k": [a], "n": [b]}, dtype=object),
        lambda a, b: iter([a, b]), lambda a, b: [("443", a), ("22", b)], lambda a, b: deque([a, b]), lambda a, b: a,
    )  # fmt: skip
    small = [each for each in strange() if type(each).__module__.partition(".")[0] not in ("pandas", "numpy")]
    for _ in range(200 * SOAK):
        answer = rng.choice(hold)(rng.choice(small), rng.choice(small))
        id = rng.choice(list(JUDGES))
        with outcomes.of((id, type(answer)), Unfit):
            seen(JUDGES[id](view, admitted(answer)))


def test_a_student_gets_a_judgment_whatever_is_answered(lab: Lab) -> None:
    """The way of a lesson: what is not admitted is a wrong answer, with what to answer with."""
    for answer in (Raising(), itertools.count(), [0] * 10**6, 10**5000, recursive()[0], Metal(), {"a": Raising()}):
        for id in ("0.1", "3.1", "6.a", "1.1"):
            said = lab.exercise(id).check(answer)
            assert not said.passed and said.attempted and "Answer with" in said.text
            seen(said)


def test_the_size_of_an_answer_has_a_limit() -> None:
    assert len(admitted("a" * MOST_CHARACTERS)) == MOST_CHARACTERS
    for more in ("a" * (MOST_CHARACTERS + 1), ["a" * MOST_CHARACTERS, "a"], [0] * MOST_VALUES, range(MOST_VALUES + 1)):
        with pytest.raises(Unfit, match="to judge"):
            admitted(more)


def words(how_many: int) -> str:
    """So many words, no two of them the same, that are no answer."""
    letters = itertools.product("abcdefgh", repeat=5)
    return " ".join("".join(each) for each in itertools.islice(letters, how_many))


@pytest.mark.parametrize(
    "text", [words, lambda n: "1" * 6 * n + "!", lambda n: "1-" * 3 * n, lambda n: " " * 6 * n + "x"]
)
def test_eight_times_as_much_takes_about_eight_times_as_long(text: Callable[[int], str]) -> None:
    def seconds(answer: str) -> float:
        begun = time.process_time()
        texts(answer, ["a-1"])
        number(answer, 5, "bytes")
        return time.process_time() - begun

    small, large = (min(seconds(text(n)) for _ in range(3)) for n in (1_500, 12_000))
    assert large < 24 * max(small, 0.001)  # a loop in a loop takes 64 times as long


def test_what_is_quoted_of_an_answer_is_short_and_printable() -> None:
    said = wrong("\x1b[2J" * 10_000 + " does not belong there.").text
    assert said.isprintable() and len(said) < 800 and said.endswith("does not belong there.")


def test_a_quiz_a_check_an_exercise_and_a_chapter_of_any_name(outcomes: Outcomes, lab: Lab) -> None:
    quiz = lab.quiz("06").still()
    names = ("6.1", "vpc", 3, 3.0, 5, -1, "1.", "question 1", ["1"], "1" * 5000, "(((", "0" * 99)
    for name in (*names, *some(random.Random(18), 10)):
        for call in (
            lambda name: seen(quiz.answer(name, "b")), lambda name: seen(quiz.answer(1, name)),
            lambda name: quiz.answer(name, name), lambda name: repr(lab.check(name)), lambda name: lab.exercise(name),
            lambda name: repr(lab.check("vpcs", name)), lambda name: lab.quiz(name), lambda name: lab.catch_up(name),
        ):  # fmt: skip
            with outcomes.of(type(name)), contextlib.redirect_stdout(io.StringIO()):
                call(name)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda lab: lab.exercise(5), r"There is no exercise 5; the exercises are 0\.a, "),
        (lambda lab: lab.exercise(Metal()), r"There is no exercise a \\x1b\[2J"),
        (lambda lab: lab.exercise(object()), "There is no exercise an object; the exercises are"),
        (lambda lab: lab.quiz([]), r"There is no quiz \[\]; there is one for each of 00, "),
        (lambda lab: lab.catch_up(4), "There is no chapter 4; the chapters are 00, 01,"),
        (lambda lab: lab.catch_up([]), r"There is no chapter \[\]; the chapters are 00, 01,"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(lab: Lab, call: Any, words: str) -> None:
    with pytest.raises(LabError, match=words):
        call(lab)


def test_a_check_of_a_strange_name_is_a_line(lab: Lab) -> None:
    for name in (object(), "\x1b[2J", 5, [], "x" * 10**6):
        shown = repr(lab.check(name))  # type: ignore[arg-type]
        assert "no check of this name" in shown and all(line.isprintable() for line in shown.split("\n"))
        assert len(shown) < 800
