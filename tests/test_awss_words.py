"""AWS's words: each documented rule of records, verdicts, the data plane and delivery, and the test that holds it.

A rule that AWS documents stands with the test that proves it and the page that says it; the test, or the head of its
module, must name that page. What AWS does not document stands with its row in section 3 of FIDELITY.md.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FIDELITY = TESTS.parent / "labkit" / "embedded" / "FIDELITY.md"

GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide/"
RECORDS = GUIDE + "flow-log-records.html"
EXAMPLES = GUIDE + "flow-logs-records-examples.html"
LIMITATIONS = GUIDE + "flow-logs-limitations.html"
BASICS = GUIDE + "flow-logs-basics.html"
CWL = GUIDE + "flow-logs-cwl.html"
S3 = GUIDE + "flow-logs-s3-path.html"
ROLE = GUIDE + "flow-logs-iam-role.html"
TROUBLE = GUIDE + "flow-logs-troubleshooting.html"
PRIORITY = GUIDE + "route-tables-priority.html"
TABLES = GUIDE + "subnet-route-tables.html"
GROUPS = GUIDE + "security-group-rules.html"
ACLS = GUIDE + "nacl-rules.html"
GATEWAY = GUIDE + "VPC_Internet_Gateway.html"
NAT = GUIDE + "nat-gateway-basics.html"
PEERING = "https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html"
CODES = "https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html"
API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"

#: Rule, page, and the tests: file::name, or name alone where it is in the file of the row above.
DOCUMENTED = [
    # The record
    ("the default format is version 2's 14 fields, in order", RECORDS,
     "flowlogs/test_fields.py::test_the_default_format_is_the_fourteen_fields_of_version_2_in_aws_order"),
    ("each version has its fields; there is no version 6", RECORDS,
     "flowlogs/test_fields.py::test_each_version_brings_the_fields_that_aws_lists_and_version_6_is_not_for_vpcs"),
    ("types in Parquet", RECORDS,
     "flowlogs/test_fields.py::test_the_numbers_are_those_that_aws_writes_as_numbers_in_parquet"),
    ("account-id is text and may be unknown", RECORDS,
     "flowlogs/test_reading.py::test_an_account_id_keeps_its_zeros_and_may_be_unknown"),
    ("a dash is a value that does not apply", RECORDS,
     "flowlogs/test_reading.py::test_nodata_and_skipdata_are_records_without_a_flow"),
    ("a custom format has any fields in any order; the version is the highest among them", RECORDS,
     "flowlogs/test_format.py::test_the_version_is_the_highest_among_the_specified_fields"),
    ("fields of versions 2, 3 and 4 make version 4", RECORDS,
     "flowlogs/test_format.py::test_fields_of_versions_2_3_and_4_make_records_of_version_4"),
    ("a flow log can't be changed", LIMITATIONS,
     "embedded/test_awss_words.py::test_a_flow_log_is_made_and_deleted_and_never_changed"),
    ("AWS's example with a double space", EXAMPLES,
     "flowlogs/test_reading.py::"
     "test_the_tcp_flags_of_a_short_connection_in_a_custom_format_one_line_with_a_double_space"),
    ("the interface's own end is its primary private IPv4 address", LIMITATIONS,
     "network/test_verdicts.py::test_a_secondary_address_is_recorded_as_the_primary_one"),
    ("so it is where the packet is not for or from the interface itself", LIMITATIONS,
     "network/test_hosts.py::test_records_of_an_appliance_give_its_own_address_and_pkt_fields_the_packets"),
    ("pkt-srcaddr and pkt-dstaddr are the packet's own: AWS's six lines of a NAT gateway", EXAMPLES,
     "network/test_nat_gateways.py::test_the_records_of_awss_example"),
    ("a NAT gateway's interface has no instance-id", EXAMPLES,
     "embedded/test_dataplane.py::test_a_nat_gateways_interface_shows_both_sides_of_its_translation"),
    ("a transit gateway's interface, in AWS's example", EXAMPLES,
     "flowlogs/test_reading.py::"
     "test_a_transit_gateways_interface_has_no_instance_and_the_packets_own_addresses_go_through_it"),
    ("ICMP has ports 0, and its type is not told", RECORDS,
     "embedded/test_flow_log_records.py::test_an_echo_has_ports_0_and_its_type_is_not_told"),
    ("bytes are those of the IP packets: 4 echoes, 336 bytes", EXAMPLES,
     "embedded/test_awss_words.py::"
     "test_a_ping_makes_four_records_where_both_interfaces_are_recorded_and_two_where_one_is"),
    ("start and end are the first and last packet, in Unix seconds", RECORDS,
     "embedded/test_flow_log_records.py::test_the_default_format"),
    ("tcp-flags are OR-ed over the interval", RECORDS, "embedded/test_capture.py::test_tcp_flags_are_ored"),
    ("a long connection: 2 and 18, then 0, then 1 and 1", EXAMPLES,
     "embedded/test_awss_words.py::test_a_long_connections_flags_are_2_and_18_then_0_then_1_and_1"),
    ("AWS's example of long connections", EXAMPLES,
     "flowlogs/test_reading.py::test_the_tcp_flags_of_two_long_connections_and_the_end_of_one"),
    ("a short connection: 3 and 19", RECORDS, "lab/test_delivery.py::test_a_custom_format_is_written_field_by_field"),
    ("traffic-path: same VPC 1, intra-region peering 4, internet gateway from Nitro 8", RECORDS,
     "embedded/test_flow_log_records.py::test_traffic_path_is_that_of_the_route"),
    ("traffic-path is told on the way out alone", EXAMPLES,
     "flowlogs/test_reading.py::"
     "test_service_names_a_traffic_path_on_the_way_out_alone_and_an_instance_without_a_sublocation"),
    ("flow-direction is seen from the interface", RECORDS,
     "embedded/test_flow_log_records.py::test_fields_of_versions_3_to_5_coming_in"),
    ("NODATA and SKIPDATA keep place and times", EXAMPLES,
     "flowlogs/test_format.py::test_a_silent_window_keeps_the_place_and_the_times_and_the_rest_is_dashes"),
    ("accepted SSH and rejected RDP, in AWS's examples", EXAMPLES,
     "flowlogs/test_reading.py::test_ssh_was_accepted_and_rdp_was_rejected"),
    ("IPv6, in AWS's example", EXAMPLES, "flowlogs/test_reading.py::test_ssh_over_ipv6"),
    # Timing, capture, destinations
    ("the interval is 600 seconds, or 60 if asked for", RECORDS,
     "embedded/test_awss_words.py::test_the_aggregation_interval_is_600_seconds_unless_60_are_asked_for"),
    ("at a Nitro instance never more than 60", RECORDS,
     "embedded/test_dataplane.py::test_a_jump_over_days_leaves_a_window_for_each_minute"),
    ("a record is one 5-tuple, interface, direction and interval", RECORDS,
     "embedded/test_awss_words.py::"
     "test_a_ping_makes_four_records_where_both_interfaces_are_recorded_and_two_where_one_is"),
    ("an interface that comes later is recorded, too", BASICS,
     "embedded/test_dataplane.py::test_interfaces_that_appear_under_a_flow_log_are_recorded_from_then_on"),
    ("a flow log that is deleted writes no more, and what it wrote stays", BASICS,
     "embedded/test_dataplane.py::test_a_deleted_flow_log_writes_no_more_and_the_others_go_on"),
    ("never captured: DNS, metadata, time, Windows activation", LIMITATIONS,
     "network/test_hosts.py::test_the_services_of_the_host_are_never_captured"),
    ("never captured: the VPC router's reserved address", LIMITATIONS,
     "network/test_hosts.py::test_reserved_addresses_are_nobodys_and_two_of_them_are_never_captured"),
    ("never captured, through to the records", LIMITATIONS,
     "lab/test_delivery.py::test_never_captured_is_not_captured"),
    ("nor filtered by groups and ACLs", GUIDE + "VPC_Security.html",
     "network/test_hosts.py::test_neither_groups_nor_network_acls_filter_what_is_never_captured"),
    ("a stream for each interface; an event's time is the record's start", CWL,
     "lab/test_delivery.py::test_there_is_one_stream_an_interface_and_an_event_bears_the_records_start"),
    ("several flow logs on one group share the stream", CWL,
     "embedded/test_dataplane.py::test_flow_logs_on_vpc_subnet_and_interface_share_a_groups_streams"),
    ("a flow log wants accepted, rejected or all traffic", BASICS,
     "lab/test_delivery.py::test_the_traffic_type_chooses_the_records"),
    ("S3's folders, Hive's too, and the hour", S3,
     "flowlogs/test_reading.py::test_s3s_folders_say_account_region_and_day"),
    ("S3's folders and file names, written", S3,
     "flowlogs/test_round_trip.py::test_s3s_layout_gives_the_table_back_by_day"),
    ("text files have a header line", S3, "flowlogs/test_reading.py::test_a_header_line_says_the_format_in_any_order"),
    # ACCEPT and REJECT
    ("success, and what the receiver's groups and ACL deny", EXAMPLES, "network/test_verdicts.py::test_the_verdicts"),
    ("AWS's example: a group is stateful, an ACL is not", EXAMPLES,
     "network/test_verdicts.py::test_awss_example_of_a_security_group_and_a_network_acl"),
    ("AWS's example where the ACL permits the reply", EXAMPLES,
     "network/test_verdicts.py::test_awss_example_where_the_acl_permits_the_reply"),
    ("AWS's example where the group denies the ping: one REJECT", EXAMPLES,
     "network/test_verdicts.py::test_awss_example_where_the_group_denies_the_ping"),
    # The data plane
    ("the longest prefix wins", PRIORITY,
     "network/test_routes.py::test_the_longest_prefix_wins_in_whatever_order_the_routes_stand"),
    ("at equal length local, then static, then propagated", PRIORITY,
     "network/test_routes.py::test_at_equal_length_the_local_route_comes_first"),
    ("static before prefix list before propagated", PRIORITY,
     "network/test_routes.py::test_at_equal_length_static_comes_before_prefix_list_before_propagated"),
    ("a propagated route never beats the local one", "https://docs.aws.amazon.com/vpn/latest/s2svpn/vpn-route-priority.html",
     "network/test_routes.py::test_the_local_route_beats_a_propagated_one_even_where_that_is_more_specific"),
    ("a local route for each block, in every table", TABLES,
     "embedded/test_awss_words.py::test_each_block_of_a_vpc_has_a_local_route_in_every_table"),
    ("a subnet without a table uses the main one", TABLES,
     "network/test_routes.py::test_a_subnet_without_a_table_of_its_own_uses_the_main_one"),
    ("no route leads to 169.254.168.0/22", TABLES,
     "network/test_routes.py::test_no_route_leads_to_the_services_of_the_host"),
    ("a route whose target is not there is a blackhole", API + "API_Route.html",
     "embedded/test_patches_peering_and_routes.py::"
     "test_a_route_through_a_peering_connection_is_active_only_while_that_is"),
    ("overlapping blocks don't peer", PEERING,
     "embedded/test_patches_peering_and_routes.py::test_a_peering_connection_of_overlapping_vpcs_fails"),
    ("a request expires in seven days", PEERING,
     "embedded/test_patches_peering_and_routes.py::test_an_unanswered_request_expires_after_seven_days"),
    ("peering is not transitive", PEERING, "network/test_peering.py::test_peering_is_not_transitive"),
    ("no way out through the peer's internet gateway", PEERING,
     "network/test_peering.py::test_no_way_out_through_the_internet_gateway_of_a_peer"),
    ("nor through its NAT gateway", PEERING, "network/test_peering.py::test_no_way_to_a_nat_gateway_of_a_peer"),
    ("routes are needed on both sides", "https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-routing.html",
     "network/test_peering.py::test_with_one_route_the_packet_arrives_and_the_reply_is_lost"),
    *((f"AWS's example: {page.rpartition('/')[2]}", page,
       "network/test_files.py::test_a_snapshots_paths_are_those_of_awss_pages")
      for page in (PEERING.replace("vpc-peering-basics", "peering-configurations-full-access"),
                   PEERING.replace("vpc-peering-basics", "peering-configurations-partial-access"),
                   GUIDE + "vpc-example-private-subnets-nat.html", GUIDE + "nacl-examples.html")),
    ("groups are stateful", GROUPS,
     "network/test_security_groups.py::test_it_is_stateful_replies_pass_whatever_the_outbound_rules"),
    ("the rules of all groups count as one set", GROUPS,
     "network/test_security_groups.py::test_the_rules_of_all_groups_count_as_one_set"),
    ("a new group lets nothing in and everything out", GUIDE + "creating-security-groups.html",
     "embedded/test_awss_words.py::test_a_new_security_group_lets_nothing_in_and_everything_out"),
    ("the default group lets itself in", GUIDE + "default-security-group.html",
     "network/test_security_groups.py::test_the_default_group_allows_its_own_members_only"),
    ("a reference to a group works with private addresses only", GROUPS,
     "network/test_security_groups.py::test_a_reference_does_not_work_through_the_internet_gateway"),
    ("and across peering", "https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-security-groups.html",
     "network/test_security_groups.py::test_a_reference_works_across_peering"),
    ("an ACL's rules by ascending number, the first match decides", ACLS,
     "network/test_network_acls.py::test_rules_are_asked_by_ascending_number_and_the_first_match_decides"),
    ("then deny", ACLS,
     "network/test_network_acls.py::test_what_no_rule_matches_is_denied_by_the_rule_with_the_asterisk"),
    ("an ACL is stateless", ACLS,
     "network/test_network_acls.py::test_it_is_stateless_the_reply_needs_a_rule_of_its_own"),
    ("ephemeral ports: Linux from 32768", GUIDE + "custom-network-acl.html#nacl-ephemeral-ports",
     "network/test_network_acls.py::test_replies_go_to_the_clients_ephemeral_port"),
    ("an ACL is asked at the edge of the subnet only", GUIDE + "vpc-network-acls.html",
     "network/test_routes.py::test_within_a_subnet_neither_the_network_acl_nor_the_route_table_is_asked"),
    ("the default ACL allows all, a new one denies all", GUIDE + "custom-network-acl.html",
     "embedded/test_patches_rules.py::test_the_default_network_acl_allows_all_and_a_new_one_denies_all"),
    ("the order: group, ACL, route, ACL, group", GUIDE + "infrastructure-security.html",
     "network/test_routes.py::test_between_subnets_the_network_acls_of_both_are_asked_and_the_local_route_leads"),
    ("an internet gateway translates one to one", GATEWAY,
     "network/test_internet.py::test_it_translates_one_to_one_both_ways"),
    ("it drops a source without a public address", CODES,
     "network/test_internet.py::test_it_rejects_a_source_without_a_public_address"),
    ("it drops destinations of RFC 1918 and RFC 6598", CODES,
     "network/test_internet.py::test_it_rejects_destinations_that_no_host_on_the_internet_can_have"),
    ("a ping of another instance's public address goes out and in again", GATEWAY,
     "network/test_internet.py::test_a_ping_of_another_instances_public_address_goes_out_and_in_again"),
    ("an interface refuses what is not its own", GUIDE + "VPC_NAT_Instance.html",
     "network/test_hosts.py::test_with_the_check_on_it_refuses_what_is_not_its_own"),
    ("a NAT gateway serves its own VPC only", CODES,
     "network/test_nat_gateways.py::test_it_serves_only_sources_in_its_own_vpc"),
    ("and TCP, UDP and ICMP only", NAT, "network/test_nat_gateways.py::test_it_takes_tcp_udp_and_icmp_alone"),
    ("a subnet is /16 to /28", API + "API_CreateSubnet.html",
     "embedded/test_patches_rules.py::test_a_subnets_block_is_stored_in_canonical_form_and_of_16_to_28_bits"),
    ("its first four addresses and the last are reserved", GUIDE + "subnet-sizing.html",
     "embedded/test_patches_instances.py::test_five_addresses_of_each_subnet_are_reserved"),
    ("a path's code is one of Reachability Analyzer's", CODES,
     "network/test_forms.py::test_every_code_is_one_of_reachability_analyzers"),
    # Delivery to CloudWatch Logs
    ("the role of AWS's page delivers", ROLE, "iam/test_evaluation.py::test_the_role_of_aws_page_delivers"),
    ("the conditions that AWS recommends", ROLE,
     "iam/test_evaluation.py::test_the_service_speaks_for_the_flow_log_and_its_account"),
    ("each of the log actions is needed", ROLE, "iam/test_evaluation.py::test_each_log_action_is_needed"),
    ("a wrong role: ACTIVE, FAILED, Access error", TROUBLE,
     "lab/test_delivery.py::test_a_role_that_may_not_write_fails_delivery_with_access_error"),
    ("without the trust no permission helps", TROUBLE,
     "iam/test_evaluation.py::test_without_the_trust_the_permissions_do_not_help"),
    ("a missing group is made at the first delivery", TROUBLE,
     "lab/test_delivery.py::test_a_deleted_log_group_is_made_again_by_a_role_that_may"),
]  # fmt: skip

#: What AWS does not document, and its row on the fidelity page.
MODELLED = {
    "no route, a blackhole or a gateway: ACCEPT, and nothing comes back": "**ACCEPT, then dropped**",
    "the return route is missing: ACCEPT at both, and nothing comes back": "**ACCEPT, then dropped**",
    "the sender's own group or ACL denies: REJECT, egress": "Refused at the sender",
    "a blackhole that wins drops": "A blackhole that wins",
    "refused by the source/destination check": "Refused by the source/destination check",
    "traffic-path through an egress-only gateway": "`traffic-path` through an egress-only gateway",
    "the time until records come": "Delay of delivery",
    "records that could not be delivered": "Records that could not be delivered",
    "a dropped ping is silence": "A dropped packet",
    "no router in a VPC lowers the TTL": "Routers",
    "round-trip times": "Round-trip times",
    "where intervals begin": "Where windows begin",
    "when the failed role is noticed": "A role that the service can't assume",
}


@cache
def functions(path: Path) -> dict[str, tuple[str, str]]:
    """Each test of a file: its own text with its class's head, and the file's text outside of all functions."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    found: dict[str, tuple[int, int, str]] = {}
    tree = ast.parse(source)
    for outer in tree.body:
        inner = outer.body if isinstance(outer, ast.ClassDef) else [outer]
        head = (ast.get_docstring(outer) or "") if isinstance(outer, ast.ClassDef) else ""
        for node in inner:
            if isinstance(node, ast.FunctionDef):
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                found[node.name] = (first - 1, node.end_lineno or node.lineno, head)
    inside = {number for first, last, _ in found.values() for number in range(first, last)}
    outside = "\n".join(line for number, line in enumerate(lines) if number not in inside)
    return {name: ("\n".join([head, *lines[first:last]]), outside) for name, (first, last, head) in found.items()}


@pytest.mark.parametrize(("rule", "page", "test"), DOCUMENTED, ids=[rule for rule, _, _ in DOCUMENTED])
def test_each_documented_rule_has_a_test_that_names_its_page(rule: str, page: str, test: str) -> None:
    file, _, name = test.partition("::")
    found = functions(TESTS / file)
    assert name in found, f"There is no test {test}: if it has a new name, say so here."
    assert any(re.search(re.escape(page) + r"(?![\w-])", text) for text in found[name]), f"{test} doesn't name {page}"


@pytest.mark.parametrize("what", MODELLED)
def test_what_aws_does_not_document_is_on_the_fidelity_page_as_modelled(what: str) -> None:
    modelled = re.search(r"^## 3\. Modelled\n(.*?)^## ", FIDELITY.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert modelled is not None
    assert f"\n| {MODELLED[what]} |" in modelled[1], f"FIDELITY.md has no row {MODELLED[what]!r} in section 3."


def test_no_rule_stands_twice() -> None:
    rules = [rule for rule, _, _ in DOCUMENTED] + list(MODELLED)
    assert len(set(rules)) == len(rules)
