"""Default and custom formats: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.flowlogs import DEFAULT_FORMAT, FIELDS, FlowLogFormatError, Format, UnknownFieldError
from tests.flowlogs.aws_examples import LAB, NODATA

DEFAULT = Format.parse(DEFAULT_FORMAT)
some_names = st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, unique=True)


@given(some_names)
def test_a_format_is_read_back_as_it_was_written_in_the_same_order(names: list[str]) -> None:
    form = Format(tuple(names))
    assert Format.parse(str(form)) == form
    assert Format.of_header(" ".join(names)) == form
    assert list(form.names) == names


@given(some_names)
def test_the_version_is_the_highest_among_the_specified_fields(names: list[str]) -> None:
    form = Format(tuple(names))
    assert all(FIELDS[name].version <= form.version for name in names)
    assert any(FIELDS[name].version == form.version for name in names)


@given(some_names, st.data())
def test_a_line_has_each_value_at_its_fields_place(names: list[str], data: st.DataObject) -> None:
    word = st.none() | st.integers(0) | st.from_regex(r"[a-z0-9.:]+", fullmatch=True)
    values = {name: data.draw(word) for name in names}
    words = Format(tuple(names)).line(values).split(" ")
    assert words == ["-" if values[name] is None else str(values[name]) for name in names]


def test_the_default_format_is_version_2_and_fields_of_version_4_make_records_of_version_4() -> None:
    assert (DEFAULT.version, str(DEFAULT)) == (2, DEFAULT_FORMAT)
    assert Format.parse("${version} ${srcaddr} ${vpc-id} ${region}").version == 4


def test_a_record_of_the_default_format_is_written_as_aws_writes_it() -> None:
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    for line in LAB:
        values: dict[str, object] = dict(zip(DEFAULT.names, line.split(), strict=True))
        assert DEFAULT.line(values) == line


def test_a_silent_window_keeps_the_place_and_the_times_and_the_rest_is_dashes() -> None:
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    place = {"account-id": "123456789010", "interface-id": "eni-1235b8ca123456789"}
    assert DEFAULT.line({**place, "start": 1431280876, "end": 1431280934, "log-status": "NODATA"}) == NODATA


def test_zero_is_a_value_and_values_of_fields_outside_the_format_are_left_out() -> None:
    assert Format.parse("${srcport} ${dstport}").line({"srcport": 0, "dstport": None, "vpc-id": "vpc-1"}) == "0 -"


def test_a_value_without_a_field_or_of_two_words_is_refused_rather_than_lost() -> None:
    with pytest.raises(UnknownFieldError, match="src_addr"):
        DEFAULT.line({"src_addr": "10.1.15.80"})
    with pytest.raises(FlowLogFormatError, match="action must be one word"):  # two would shift the columns
        DEFAULT.line({"action": "ACCEPT OK"})


def test_an_unknown_field_is_named_with_the_nearest_known_ones_and_the_place_of_the_list() -> None:
    for name, guess in {
        "src-addr": " Did you mean srcaddr",
        "interface_id": " Did you mean interface-id",
        "vpcid": " Did you mean vpc-id",
        "instance-tags": " Did you mean instance-tag or instance-tag-2 or interface-tag?",
        "zzz": " All the fields are listed",
    }.items():
        with pytest.raises(UnknownFieldError) as error:
            Format.parse("${version} ${" + name + "}")
        assert error.value.name == name
        assert f"no field {name!r}.{guess}" in str(error.value)
        assert "".join(error.value.nearest[:1]) in guess and bool(error.value.nearest) == ("mean" in guess)
        assert "https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html" in str(error.value)


REFUSED = {
    "": "at least one field",
    "srcaddr dstaddr": r"Write the field srcaddr as \$\{srcaddr\}",
    "${srcaddr}${dstaddr}": r"Put a space between .*: \$\{srcaddr\} \$\{dstaddr\}",
    "${srcaddr}, ${dstaddr}": "is not part of a flow log format",
    "${srcaddr": "is not part of a flow log format",
    "${srcaddr} ${dstaddr} ${srcaddr}": "names srcaddr more than once",
    # AWS: "has an invalid format", https://github.com/aws-cloudformation/rain/issues/288
    "${srcaddr} ": "begins or ends with a space",
}


def test_text_that_is_no_format_is_refused_with_what_to_do() -> None:
    for text, advice in REFUSED.items():
        with pytest.raises(FlowLogFormatError, match=advice):
            Format.parse(text)


@given(st.text())
def test_any_text_is_a_format_or_one_of_two_errors(text: str) -> None:
    try:
        form = Format.parse(text)
    except (FlowLogFormatError, UnknownFieldError):
        return
    assert str(form) == " ".join(text.split())


def test_the_columns_of_a_table_follow_the_format() -> None:
    assert Format.parse("${log-status} ${srcaddr}").columns == ("log_status", "srcaddr")
