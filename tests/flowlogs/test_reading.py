"""Reading records: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"""

from __future__ import annotations

import datetime
import gzip
import io
import json
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from labkit.flowlogs import DEFAULT_FORMAT, FIELDS, FlowLogFormatError, Format, QuestionError, read, scan, write
from labkit.flowlogs.reading import BadLines
from tests.flowlogs.aws_examples import LAB, NODATA, SHORT, SKIPDATA, TCP_FIELDS, TCP_PLACE

DEFAULT = Format.parse(DEFAULT_FORMAT)
HEADER = " ".join(DEFAULT.names)
TEXT = "\n".join(LAB) + "\n"


# --- AWS's own examples: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html


def test_the_original_labs_two_records() -> None:
    table = read(LAB)
    assert table["start"].tolist() == [pd.Timestamp("2025-12-03T15:05:16Z")] * 2
    assert table["srcport"].tolist() == [0, 36333]  # port 0 is a port
    assert table[["srcaddr", "dstaddr", "protocol", "bytes", "action"]].values.tolist() == [
        ["10.1.15.80", "157.185.170.119", 1, 610, "ACCEPT"],
        ["20.65.136.10", "10.1.15.80", 6, 52, "REJECT"],
    ]


def test_ssh_was_accepted_and_rdp_was_rejected() -> None:
    line = "2 123456789010 eni-1235b8ca123456789 {} 6 20 4249 1418530010 1418530070 {} OK".format
    ssh, rdp = "172.31.16.139 172.31.16.21 20641 22", "172.31.9.69 172.31.9.12 49761 3389"
    table = read([line(ssh, "ACCEPT"), line(rdp, "REJECT")])
    assert table[["dstport", "action"]].values.tolist() == [[22, "ACCEPT"], [3389, "REJECT"]]
    assert table["end"][0] - table["start"][0] == pd.Timedelta("60 s")


def test_nodata_and_skipdata_are_records_without_a_flow() -> None:
    table = read([NODATA, SKIPDATA, *LAB])
    assert table["log_status"].value_counts().to_dict() == {"OK": 2, "NODATA": 1, "SKIPDATA": 1}
    flow = ["srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "action"]
    assert table.loc[:1, flow].isna().all(axis=None)
    assert table.loc[:1, "interface_id"].tolist() == ["eni-1235b8ca123456789", "eni-11111111aaaaaaaaa"]
    assert table["start"][0] == pd.Timestamp("2015-05-10T18:01:16Z")


def test_ssh_over_ipv6() -> None:
    source = "2001:db8:1234:a100:8d6e:3477:df66:f105"
    line = f"2 123456789010 eni-1235b8ca123456789 {source} 2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 "
    assert read([line + "1477913708 1477913820 ACCEPT OK"])["srcaddr"].tolist() == [source]


def test_the_tcp_flags_of_a_short_connection_in_a_custom_format_one_line_with_a_double_space() -> None:
    table = read([TCP_FIELDS, *SHORT])
    assert table["tcp_flags"].tolist() == [3, 19]
    assert table["bytes"].tolist() == [1260, 967]


def test_the_tcp_flags_of_two_long_connections_and_the_end_of_one() -> None:
    """AWS's example goes on in a second interval; 23,294,588 bytes came in."""
    far, near = "52.213.180.42", "10.0.0.62"
    came, went = f"IPv4 {far} {near} {{}} 5001 {far} {near} 6 ", f"IPv4 {near} {far} 5001 {{}} {near} {far} 6 "
    table = read(
        [
            TCP_FIELDS,
            TCP_PLACE + came.format(43416) + "568 8 1566848875 1566848933 ACCEPT 2 OK",
            TCP_PLACE + went.format(43416) + "376 7 1566848875 1566848933 ACCEPT 18 OK",
            TCP_PLACE + came.format(43418) + "100701 70 1566848875 1566848933 ACCEPT 2 OK",
            TCP_PLACE + went.format(43418) + "632 12 1566848875 1566848933 ACCEPT 18 OK",
            TCP_PLACE + went.format(43418) + "63388 1219 1566848933 1566849113 ACCEPT 1 OK",
            TCP_PLACE + came.format(43418) + "23294588 15774 1566848933 1566849113 ACCEPT 1 OK",
        ]
    )
    flags = table.groupby(["srcport", "dstport"], sort=False)["tcp_flags"].agg(list).to_dict()
    assert flags == {(43416, 5001): [2], (5001, 43416): [18], (43418, 5001): [2, 1], (5001, 43418): [18, 1]}
    assert table.loc[table["srcaddr"] == far, "bytes"].sum() == 568 + 100701 + 23294588


def test_service_names_a_traffic_path_on_the_way_out_alone_and_an_instance_without_a_sublocation() -> None:
    fields = (
        "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id subnet-id "
        "instance-id interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr "
        "pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction log-status"
    )
    place = (
        "123456789012 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 "
        "ap-southeast-2 apse2-az3 - - ACCEPT"
    )
    table = read(
        [
            fields,
            f"5 52.95.128.179 10.0.0.71 80 34210 6 1616729292 1616729349 IPv4 14 15044 {place} 19 52.95.128.179 "
            "10.0.0.71 S3 - - ingress OK",
            f"5 10.0.0.71 52.95.128.179 34210 80 6 1616729292 1616729349 IPv4 7 471 {place} 3 10.0.0.71 "
            "52.95.128.179 - S3 8 egress OK",
        ]
    )
    seen = table[["flow_direction", "traffic_path", "pkt_src_aws_service", "pkt_dst_aws_service"]]
    assert seen.astype(object).where(seen.notna(), None).values.tolist() == [
        ["ingress", None, "S3", None],
        ["egress", 8, None, "S3"],
    ]
    assert table[["sublocation_type", "sublocation_id"]].isna().all(axis=None)


def test_a_transit_gateways_interface_has_no_instance_and_the_packets_own_addresses_go_through_it() -> None:
    fields = (
        "version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport dstport protocol "
        "tcp-flags type pkt-srcaddr pkt-dstaddr action log-status"
    )
    vpc, client, server = "123456789010 vpc-abcdefab012345678", "10.20.33.164", "10.40.2.236"
    table = read(
        [
            fields,
            f"3 eni-33333333333333333 {vpc} subnet-22222222bbbbbbbbb i-01234567890123456 {client} {server} 39812 80 "
            f"6 3 IPv4 {client} {server} ACCEPT OK",
            f"3 eni-11111111111111111 {vpc} subnet-11111111aaaaaaaaa - 10.40.1.175 {server} 39812 80 6 3 "
            f"IPv4 {client} {server} ACCEPT OK",
        ]
    )
    assert table["instance_id"].tolist() == ["i-01234567890123456", pd.NA]
    assert table["srcaddr"].tolist() == [client, "10.40.1.175"]
    assert table["pkt_srcaddr"].tolist() == [client, client]


# --- types


def test_the_columns_have_awss_parquet_types_and_times() -> None:
    types = {name: dtype.pyarrow_dtype for name, dtype in read(LAB).dtypes.items()}
    for name in DEFAULT.names:
        time = name in ("start", "end")
        assert types[FIELDS[name].column] == (
            pa.timestamp("s", "UTC") if time else pa.type_for_alias(FIELDS[name].type)
        )


def test_an_account_id_keeps_its_zeros_and_may_be_unknown() -> None:
    lines = [LAB[0].replace("123456789012", account) for account in ("000000000012", "unknown")]
    assert read(lines)["account_id"].tolist() == ["000000000012", "unknown"]


def test_a_custom_format_of_all_54_fields() -> None:
    every = Format(tuple(FIELDS))
    values = {"srcaddr": "10.1.15.80", "traffic-path": 8, "next-hop-vpc-id": "vpc-1"}
    table = read([every.line(values)], format=str(every))
    assert table.shape == (1, 54)
    assert table.iloc[0].dropna().to_dict() == {"version": 11, **{FIELDS[name].column: values[name] for name in values}}


def test_a_field_that_aws_has_added_since_is_kept_as_words() -> None:
    table = read(["version srcaddr shoe-size", "12 10.1.15.80 43"])
    assert table.iloc[0].to_dict() == {"version": 12, "srcaddr": "10.1.15.80", "shoe_size": "43"}


# --- where the format comes from


def test_the_format_is_given_as_text_as_format_or_as_a_flow_logs_description() -> None:
    described = {"FlowLogId": "fl-1", "LogFormat": "${action} ${srcaddr}"}
    for format in ("${action} ${srcaddr}", "action srcaddr", Format(("action", "srcaddr")), described):
        assert read(["REJECT 10.1.15.80"], format=format)["srcaddr"].tolist() == ["10.1.15.80"]


def test_a_header_line_says_the_format_in_any_order() -> None:
    # S3's text files begin with one: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
    assert read(["srcaddr action", "10.1.15.80 REJECT"])["action"].tolist() == ["REJECT"]


# --- sources


def test_a_file_in_each_shape_folders_patterns_and_several_paths(tmp_path: Path) -> None:
    (tmp_path / "plain.log").write_text(TEXT)
    (tmp_path / "packed.log.gz").write_bytes(gzip.compress(LAB[0].encode()) + gzip.compress(b"\n" + LAB[1].encode()))
    with pa.CompressedOutputStream(str(tmp_path / "packed.log.zst"), "zstd") as file:
        file.write(TEXT.encode())
    write(read(LAB), tmp_path / "columns.parquet")
    events = {"events": [{"message": line, "timestamp": 1764774316000} for line in LAB]}
    (tmp_path / "export.json").write_text(json.dumps(events, indent=1))
    for name in ("plain.log", "packed.log.gz", "packed.log.zst", "columns.parquet", "export.json"):
        counts: list[int] = []
        for source in (tmp_path / name, str(tmp_path / name)):
            pd.testing.assert_frame_equal(read(source), read(LAB))
        list(scan(tmp_path / name, advance=counts.append))
        if not name.endswith(".parquet"):  # progress counts every byte once
            assert sum(counts) == (tmp_path / name).stat().st_size
    assert len(read(tmp_path)) == 10
    assert len(read(str(tmp_path / "packed.*"))) == 4
    assert len(read([tmp_path / "plain.log", str(tmp_path / "export.json")])) == 4


def test_cloudwatch_events_as_boto3_returns_them() -> None:
    events = [{"logStreamName": "eni-1-all", "timestamp": 1764774316000, "message": line} for line in LAB]
    for source in (events, {"events": events, "nextToken": "t"}, iter(events)):
        pd.testing.assert_frame_equal(read(source), read(LAB))


def test_lines_with_their_ends_and_bytes_too() -> None:
    pd.testing.assert_frame_equal(read(io.StringIO(TEXT)), read(LAB))
    pd.testing.assert_frame_equal(read([line.encode() for line in LAB]), read(LAB))


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(TEXT.encode()))))
    pd.testing.assert_frame_equal(read("-"), read(LAB))


def test_s3s_folders_say_account_region_and_day(tmp_path: Path) -> None:
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
    plain = "AWSLogs/000000000012/vpcflowlogs/us-east-1/2025/12/03"
    hive = "AWSLogs/aws-account-id=000000000012/aws-service=vpcflowlogs/aws-region=us-east-1/year=2025/month=12/day=03"
    for bucket, folder in enumerate((plain, f"{plain}/15", hive)):
        place = tmp_path / str(bucket) / folder
        place.mkdir(parents=True)
        (place / "a.log.gz").write_bytes(gzip.compress(f"{HEADER}\n{TEXT}".encode()))
        found = read(tmp_path / str(bucket))[["account", "region", "day"]].drop_duplicates().values.tolist()
        assert found == [["000000000012", "us-east-1", datetime.date(2025, 12, 3)]]


def test_a_region_in_the_record_stays_as_the_record_has_it(tmp_path: Path) -> None:
    folder = tmp_path / "AWSLogs/000000000012/vpcflowlogs/us-east-1/2025/12/03"
    folder.mkdir(parents=True)
    (folder / "a.log").write_text("srcaddr region\n10.1.15.80 us-east-1\n10.1.15.81 -\n")
    assert read(tmp_path)["region"].tolist() == ["us-east-1", pd.NA]


def test_files_of_different_formats_make_one_table_with_nulls(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("srcaddr action\n10.1.15.80 ACCEPT\n")
    (tmp_path / "b.log").write_text("tcp-flags srcaddr\n2 10.1.15.81\n")
    table = read(tmp_path)
    assert table["srcaddr"].tolist() == ["10.1.15.80", "10.1.15.81"]
    assert table[["action", "tcp_flags"]].isna().values.tolist() == [[False, True], [True, False]]
    assert table["tcp_flags"][1] == 2


def test_a_path_to_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="The path is empty"):
        read("")
    with pytest.raises(FileNotFoundError, match=r"no file .*absent\.log"):
        read(tmp_path / "absent.log")
    with pytest.raises(FileNotFoundError, match=r"holds no file that ends in \.log"):
        read(tmp_path)


# --- untidy text


def test_untidy_text_gives_the_same_table(tmp_path: Path) -> None:
    untidy = {
        "CRLF": TEXT.replace("\n", "\r\n"),
        "BOM": "\ufeff" + TEXT,
        "BOM and header": f"\ufeff{HEADER}\r\n" + TEXT,
        "double spaces": TEXT.replace(" ", "  "),
        "tabs": TEXT.replace(" ", "\t"),
        "empty lines": f"\n\n{HEADER}\n\n{LAB[0]}\n\n{LAB[1]}",
        "spaces at the ends": f"{LAB[0]} \n  {LAB[1]}\n",
        "concatenated": f"{HEADER}\n{LAB[0]}\n{HEADER}\n{LAB[1]}\n",
    }
    for name, text in untidy.items():
        (tmp_path / name).write_bytes(text.encode())
        pd.testing.assert_frame_equal(read(tmp_path / name), read(LAB), obj=name)


def test_an_empty_file_gives_an_empty_table_with_its_columns(tmp_path: Path) -> None:
    for content in (b"", b"\n", HEADER.encode(), gzip.compress(b"", mtime=0)):
        (tmp_path / "empty.log").write_bytes(content)
        table = read(tmp_path / "empty.log")
        assert len(table) == 0
        assert tuple(table.columns) == DEFAULT.columns
        assert table.dtypes.equals(read(LAB).dtypes)


def test_json_without_events_says_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "page.json").write_text('{"records": []}')
    with pytest.raises(FlowLogFormatError, match="has no .events.: give what filter_log_events"):
        read(tmp_path / "page.json")


def test_a_record_may_begin_like_json(tmp_path: Path) -> None:
    (tmp_path / "tags.log").write_text("[ 10.1.15.80\n")
    table = read(tmp_path / "tags.log", format="${instance-tag} ${srcaddr}")
    assert table.values.tolist() == [["[", "10.1.15.80"]]


def test_a_file_is_cut_where_lines_end_however_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labkit.flowlogs.reading._BLOCK", 100)
    monkeypatch.setattr("labkit.flowlogs.sources.FIRST", 100)
    monkeypatch.setattr("labkit.flowlogs.sources.CHUNK", 30)
    words = ["x" * length for length in (1, 97, 98, 99, 100, 101, 20_000, 3, 4500, 2)]
    for end in ("", "\n"):
        (tmp_path / "some.log").write_text("\n".join(f"{word} 10.1.15.80" for word in words) + end)
        assert read(tmp_path / "some.log", format="${instance-tag} ${srcaddr}")["instance_tag"].tolist() == words


def test_a_line_may_be_longer_than_what_is_read_at_once() -> None:
    words = ["x" * 1_000_000, "y", "z"]
    table = read([f"{word} 10.1.15.80" for word in words], format="${instance-tag} ${srcaddr}")
    assert table["instance_tag"].tolist() == words


# --- lines that are not records


BAD = {
    "it has 13 fields, and the format has 14": LAB[0].removesuffix(" OK"),
    "srcport is '99999', not a whole number from 0 to 65535": LAB[1].replace("36333", "99999"),
    "srcaddr is '10.1.15', not an IP address": LAB[0].replace("10.1.15.80", "10.1.15"),
    "action is 'DENY', not ACCEPT or REJECT": LAB[1].replace("REJECT", "DENY"),
    "log-status is 'FINE', not OK, NODATA or SKIPDATA": LAB[0].replace("OK", "FINE"),
    "start is '12', not a whole number": LAB[0].replace("1764774316", "12"),
    "start is 1764774376, more than end": LAB[0].replace("1764774316 1764774376", "1764774376 1764774316"),
    "packets is 610, more than bytes": LAB[0].replace("10 610", "610 10"),
    "interface-id is '-i', not an id such as eni-": LAB[0].replace("eni-01ab329f120ebcf5", "-i"),
    "it is not UTF-8 text": LAB[0].replace("OK", "\udcff"),
}


def test_a_line_that_does_not_fit_is_named_with_its_file_number_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "some.log"
    for reason, line in BAD.items():
        path.write_bytes("\n".join([HEADER, LAB[0], "", line, LAB[1]]).encode(errors="surrogateescape"))
        with pytest.raises(FlowLogFormatError) as caught:
            read(path)
        assert f"{path}, line 4: {reason}" in str(caught.value)
        table = read(path, errors="report")
        assert len(table) == 2
        (bad,) = table.attrs["errors"]
        assert (bad.file, bad.line) == (str(path), 4)
        assert bad.reason.startswith(reason)


def test_numbers_of_lines_go_on_from_block_to_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labkit.flowlogs.reading._BLOCK", 1 << 18)
    path = tmp_path / "long.log"
    lines = LAB * 6_000
    lines[10_001], lines[11_999] = "nonsense", "nonsense, too"
    path.write_text("\n".join([HEADER, *lines]))
    table = read(path, errors="report")
    assert path.stat().st_size > 4 * 2**18
    assert len(table) == 11_998
    assert [bad.line for bad in table.attrs["errors"]] == [10_003, 12_001]


def test_what_was_left_out_stays_with_the_table() -> None:
    table = read([*LAB, "nonsense"], errors="report")
    assert isinstance(table.head(1).attrs["errors"], BadLines)
    assert read(LAB, errors="report").attrs["errors"] == ()
    with pytest.raises(ValueError, match="'raise' or 'report'"):
        read(LAB, errors="ignore")  # type: ignore[arg-type]


# --- the wrong format


def test_a_file_of_another_usual_format_names_the_likely_one() -> None:
    three = Format(tuple(name for name, field in FIELDS.items() if field.version <= 3))
    line = LAB[0].replace("2 ", "3 ", 1) + " vpc-1 subnet-1 i-1 0 IPv4 10.1.15.80 157.185.170.119"
    for errors in ("raise", "report"):
        with pytest.raises(FlowLogFormatError, match="it has 21 fields, and the format has 14") as caught:
            read([line] * 3, errors=errors)  # type: ignore[arg-type]
        assert caught.value.likely == three
        assert f"pass format={str(three)!r}" in str(caught.value)


def test_a_format_that_does_not_fit_is_an_error_even_if_only_columns_that_fit_are_wanted() -> None:
    with pytest.raises(FlowLogFormatError) as caught:
        read(LAB, format="${srcaddr} ${dstaddr}")
    assert caught.value.likely == DEFAULT
    first, second, *rest = DEFAULT.names
    with pytest.raises(FlowLogFormatError):
        read(LAB, format=Format((second, *rest, first)))
    with pytest.raises(FlowLogFormatError):
        list(scan(LAB, format=Format((second, first, *rest)), columns=["bytes"]))


def test_a_header_that_contradicts_the_given_format_is_an_error_that_names_the_headers() -> None:
    with pytest.raises(FlowLogFormatError, match="another order") as caught:
        read(["srcaddr action", "10.1.15.80 REJECT"], format="${action} ${srcaddr}")
    assert caught.value.likely == Format(("srcaddr", "action"))


# --- damaged files


def test_a_truncated_gzip_file_is_an_error_and_its_whole_records_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "cut.log.gz"
    for cut, least in ((300, 1), (8, 40_000)):  # of the second, only the checksum is missing
        path.write_bytes(gzip.compress(TEXT.encode() * 20_000)[:-cut])
        with pytest.raises(FlowLogFormatError, match="gzip data ends too early"):
            read(path)
        table = read(path, errors="report")
        assert least <= len(table) <= 40_000
        (error,) = table.attrs["errors"]
        assert "gzip data ends too early" in error.reason
        pd.testing.assert_frame_equal(table.head(2), read(LAB), check_flags=False)


def test_a_file_that_only_begins_like_gzip_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "odd.log.gz").write_bytes(b"\x1f\x8b" + b"x" * 100)
    with pytest.raises(FlowLogFormatError):
        read(tmp_path / "odd.log.gz")


# --- streams


def test_a_scan_gives_the_same_records_as_a_read_and_only_the_wanted_columns() -> None:
    batches = list(scan(LAB * 50_000, columns=["bytes", "srcaddr"]))
    assert len(batches) > 1
    whole = pa.Table.from_batches(batches).to_pandas(types_mapper=pd.ArrowDtype)
    pd.testing.assert_frame_equal(whole, read(LAB * 50_000)[["bytes", "srcaddr"]])


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(QuestionError, match="no column tcp_flags; they have version"):
        scan(LAB, columns=["tcp_flags"])
