"""The three judges with any right answer in any form, with any wrong one, and with what is no answer at all."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.learn.judging import number, texts, yes_or_no
from tests.learn.grammar import faults

UNITS = {
    "bytes": ("bytes", "byte", "B", "b", "Bytes"), "packets": ("packets", "packet", "pkts", "replies"),
    "addresses": ("addresses", "IPs", "IPv4 addresses"), "USD": ("USD", "dollars", "$", "US$"),
    "kB": ("kB", "KB", "kilobytes"), "GB": ("GB", "gigabytes"), "hours": ("hours", "h", "hrs"),
}  # fmt: skip

#: Ways to write a number that is given as text already, and a unit.
WRITTEN: tuple[Callable[[str, str], str], ...] = (
    lambda text, unit: text, lambda text, unit: f"{text} {unit}", lambda text, unit: f"{text}{unit}",
    lambda text, unit: f"  {text}  {unit} ", lambda text, unit: f"'{text} {unit}'",
    lambda text, unit: f"{text} {unit}.",
    lambda text, unit: f"about {text} {unit}", lambda text, unit: f"= {text} {unit}",
    lambda text, unit: f"({text} {unit})", lambda text, unit: f"It is {text} {unit} in total.",
    lambda text, unit: f"{text}\N{NO-BREAK SPACE}{unit.upper()}",
)  # fmt: skip

#: Ways to group the digits of a number before its point.
GROUPED: tuple[Callable[[str], str], ...] = (
    lambda text: text.replace(",", ""), str, lambda text: text.replace(",", " "), lambda text: text.replace(",", "_"),
    lambda text: text.replace(",", "'"), lambda text: text.replace(",", "\N{NARROW NO-BREAK SPACE}"),
)  # fmt: skip

#: Ways to hold one value.
HELD: tuple[Callable[[Any], Any], ...] = (
    lambda value: value, lambda value: [value], lambda value: (value,), lambda value: {value},
    lambda value: iter([value]), lambda value: np.array([value]), lambda value: np.array(value),
    lambda value: pd.Series([value]), lambda value: pd.DataFrame({"it": [value]}), lambda value: [[value]],
)  # fmt: skip

units = st.sampled_from(sorted(UNITS))
counts = st.integers(0, 10**9)

#: What a name may refer to in a notebook.
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers()
    | st.decimals() | st.fractions() | st.datetimes() | st.timedeltas() | st.ip_addresses() | st.uuids()
    | st.sampled_from([pd.NA, pd.NaT, np.float64("nan"), np.datetime64("NaT"), 10**400, object(), len, type, ...]),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=3)
    | st.lists(inner, max_size=3).map(lambda found: pd.Series(found, dtype=object))
    | st.lists(inner, max_size=3).map(lambda found: pd.DataFrame({"a": found, "b": 1})),
    max_leaves=8,
)  # fmt: skip


@given(counts, units, st.data())
def test_a_right_count_is_right_in_every_form(right: int, unit: str, data: st.DataObject) -> None:
    group, write, hold = (data.draw(st.sampled_from(ways)) for ways in (GROUPED, WRITTEN, HELD))
    text = write(group(f"{right:,}"), data.draw(st.sampled_from(UNITS[unit])))
    assert number(hold(text), right, unit).passed, text
    assert number(hold(right), right, unit).passed and number(hold(float(right)), right, unit).passed


@given(counts, units, st.one_of(st.integers(-1000, 1000), st.sampled_from([0.5, -0.25, 0.001])), st.data())
def test_a_count_that_is_off_is_wrong_in_every_form(right: int, unit: str, off: float, data: st.DataObject) -> None:
    found = right + (off or 1)
    group, write, hold = (data.draw(st.sampled_from(ways)) for ways in (GROUPED, WRITTEN, HELD))
    text = write(group(f"{found:,}"), data.draw(st.sampled_from(UNITS[unit])))
    for answer in (hold(text), hold(found)):
        judgment = number(answer, right, unit)
        assert not judgment.passed and not faults(judgment.text), (answer, judgment)


@given(st.floats(0.5, 1e6), st.sampled_from(["kB", "GB", "USD"]), st.integers(1, 2), st.data())
def test_a_measure_is_right_to_its_digits_and_no_further(
    right: float, unit: str, digits: int, data: st.DataObject
) -> None:
    group, write = (data.draw(st.sampled_from(ways)) for ways in (GROUPED, WRITTEN))
    written = data.draw(st.sampled_from(UNITS[unit]))
    for extra in range(3):
        text = write(group(f"{right:,.{digits + extra}f}"), written)
        assert number(text, right, unit, digits=digits).passed, text
    for off in (0.6, -0.6, 7, -7, 500):
        judgment = number(right + off * 10.0**-digits, right, unit, digits=digits)
        assert not judgment.passed and not faults(judgment.text), judgment


@given(st.integers(1, 10**12), st.sampled_from(["bytes", "kB", "GB"]))
def test_units_of_a_kind_are_converted(right: int, unit: str) -> None:
    sizes = {"bytes": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
    for written, size in sizes.items():
        text = f"{right / size:.17g} {written}"
        assert number(text, right / sizes[unit], unit, digits=0 if unit == "bytes" else 2).passed, text
    for foreign in ("packets", "hours", "USD", "%", "of those bytes per hour"):
        assert not number(f"{right} {foreign}", right, unit).passed


@given(st.sets(st.ip_addresses(v=4), min_size=1, max_size=5), st.data())
def test_right_addresses_are_right_in_every_form(right: set[IPv4Address], data: st.DataObject) -> None:
    wanted = [str(each) for each in right]
    found = data.draw(st.permutations(wanted)) + data.draw(st.lists(st.sampled_from(wanted), max_size=2))
    separator = data.draw(st.sampled_from([", ", ",", " ", "; ", "\n", " and ", " & ", " or ", " | "]))
    joined = separator.join(found)
    forms: list[Any] = [
        joined, f" {joined}. ", f"'{joined}'", str(found), found, tuple(found), set(found), dict.fromkeys(found, 3),
        pd.Series(found), pd.Series(found).value_counts(), pd.Index(found), pd.DataFrame({"n": 1, "address": found}),
        np.array(found), right, [f"{each}/32" for each in found], [[each] for each in found], joined.encode(),
        f"only {joined}", f"the addresses {joined}",
    ]  # fmt: skip
    for form in forms:
        assert texts(form, wanted, "address").passed, form
        assert texts(form, ["x-1"], "name", names={"X": ["x-1"]} | dict.fromkeys(wanted, "x-1")).passed, form
    assert texts(iter(found), wanted, "address").passed


@given(st.sets(st.ip_addresses(v=4), min_size=2, max_size=5))
def test_a_missing_or_a_further_address_is_wrong(right: set[IPv4Address]) -> None:
    first, *others = map(str, right)
    for found, wanted in ((others, [first, *others]), ([first, *others], others), ([first], others)):
        for form in (found, ", ".join(found), set(found), pd.Series(found), f"not {', '.join(found)}"):
            judgment = texts(form, wanted, "address")
            assert not judgment.passed and not faults(judgment.text), (form, judgment)
    assert not texts(f"all but {first}", [first], "address").passed


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("said", [True, False])
def test_yes_and_no_in_every_form(right: bool, said: bool) -> None:
    words = ("yes", "y", "true", "t", "1", "yep") if said else ("no", "n", "false", "f", "0", "nope")
    forms: list[Any] = [said, np.bool_(said), int(said), float(said), [said], pd.Series([said])]
    for word in words:
        forms += [f(word) for f in (str.upper, str.title, "'{}'".format, "{}.".format, " {} ".format, str.encode)]
        forms += [f"{word}, because the two overlap", f"{word}: see above", f"{word}."]
    for form in forms:
        assert yes_or_no(form, right).passed == (said == right), form
    for unclear in (
        "perhaps",
        "yes and no",
        "yes, no",
        "no, true",
        2,
        -1,
        0.5,
        "",
        [],
        [True, False],
        "yesterday",
        "01",
    ):
        judgment = yes_or_no(unclear, right)
        assert not judgment.passed and "Answer True or False" in judgment.text, unclear


@given(anything)
def test_nothing_is_raised_whatever_is_answered(answer: Any) -> None:
    near = {"That is near.": 5.0}
    judgments = [
        number(answer, 65536, "addresses", near=near), number(answer, 100.8, "kB", digits=1, near=near),
        texts(answer, {"10.1.15.80"}, "address", near={"That one.": ["a"]}), texts(answer, ["a-1", "b-2"], "name"),
        yes_or_no(answer, True),
    ]  # fmt: skip
    for judgment in judgments:
        assert judgment.text and (judgment.passed or judgment.text.endswith("."))
    if isinstance(answer, int | float | datetime.datetime):
        assert judgments[0].passed == (answer == 65536) and not judgments[2].passed
