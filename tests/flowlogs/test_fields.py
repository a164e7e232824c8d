"""The fields of a flow log record: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"""

from collections import Counter

import pytest

from labkit.flowlogs import DEFAULT_FORMAT, FIELDS, column


def test_the_default_format_is_the_fourteen_fields_of_version_2_in_aws_order() -> None:
    assert DEFAULT_FORMAT == (
        "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} "
        "${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
    )


def test_each_version_adds_as_many_fields_as_aws_lists_in_order_and_version_6_is_not_for_vpcs() -> None:
    versions = [field.version for field in FIELDS.values()]
    assert Counter(versions) == {2: 14, 3: 7, 4: 4, 5: 4, 7: 10, 8: 1, 9: 1, 10: 1, 11: 12}
    assert versions == sorted(versions)  # as in AWS's table


def test_the_fields_of_version_11_are_those_of_the_announcement_of_june_2026() -> None:
    # https://aws.amazon.com/about-aws/whats-new/2026/06/amazon-flow-logs-metadata
    assert " ".join(field.name for field in FIELDS.values() if field.version == 11) == (
        "instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 interface-type "
        "next-hop-interface-id next-hop-subnet-id next-hop-az-id next-hop-vpc-id next-hop-interface-type"
    )


def test_the_numbers_are_those_that_aws_writes_as_numbers_in_parquet() -> None:
    types = {type: {field.name for field in FIELDS.values() if field.type == type} for type in ("int32", "int64")}
    assert types["int32"] == {"version", "srcport", "dstport", "protocol", "tcp-flags", "traffic-path"}
    assert types["int64"] == {"packets", "bytes", "start", "end"}


def test_a_column_has_underscores_for_hyphens() -> None:
    assert column("pkt-src-aws-service") == FIELDS["pkt-src-aws-service"].column == "pkt_src_aws_service"
    assert len({field.column for field in FIELDS.values()}) == len(FIELDS)


def test_logs_insights_discovers_fields_under_other_names() -> None:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
    discovered = [field.insights_name for field in FIELDS.values() if field.version == 2]
    assert " ".join(discovered) == (
        "version accountId interfaceId srcAddr dstAddr srcPort dstPort protocol "
        "packets bytes startTime endTime action logStatus"
    )
    # The later fields have names of the same pattern.
    names = ("pkt-srcaddr", "next-hop-az-id", "asg-tag-2", "type")
    assert [FIELDS[name].insights_name for name in names] == ["pktSrcAddr", "nextHopAzId", "asgTag2", "type"]


def test_each_field_is_explained_in_one_sentence_with_a_public_source() -> None:
    for field in FIELDS.values():
        assert field.meaning.endswith(".") and ". " not in field.meaning
        assert field.source.startswith("https://") and "aws.amazon.com/" in field.source


def test_the_table_cannot_be_changed_by_a_reader() -> None:
    with pytest.raises(TypeError):
        FIELDS["bytes"] = FIELDS["packets"]  # type: ignore[index]
