"""Queries to begin with, by what they find: those that AWS offers for flow logs, and a few more.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-examples.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_VPC.html
"""

from __future__ import annotations

SAMPLES = {
    "AWS: the top 10 byte transfers by source and destination": (
        "stats sum(bytes) as bytesTransferred by srcAddr, dstAddr\n| sort bytesTransferred desc\n| limit 10"
    ),
    "AWS: the top 15 packet transfers across hosts": (
        "stats sum(packets) as packetsTransferred by srcAddr, dstAddr\n| sort packetsTransferred desc\n| limit 15"
    ),
    "AWS: the top 15 receivers of bytes from a subnet": (
        'filter isIpv4InSubnet(srcAddr, "192.0.2.0/24")\n| stats sum(bytes) as bytesTransferred by dstAddr\n'
        "| sort bytesTransferred desc\n| limit 15"
    ),
    "AWS: addresses that use UDP": "filter protocol=17\n| stats count(*) by srcAddr",
    "AWS: hours in which records were skipped": (
        'filter logStatus="SKIPDATA"\n| stats count(*) by bin(1h) as t\n| sort t'
    ),
    "AWS: one record for each connection": (
        "fields @timestamp, srcAddr, dstAddr, srcPort, dstPort, protocol, bytes\n| sort @timestamp desc\n"
        "| dedup srcAddr, dstAddr, srcPort, dstPort, protocol\n| limit 20"
    ),
    "AWS: the newest 25 events": "fields @timestamp, @message\n| sort @timestamp desc\n| limit 25",
    "AWS: the interface of each event": (
        "parse @message /(?<NetworkInterface>eni-.*?) /\n| display NetworkInterface, @message"
    ),
    "Who was rejected most": (
        'filter action="REJECT"\n| stats count(*) as numRejections by srcAddr\n| sort numRejections desc\n| limit 20'
    ),
    "Who knocks at many ports": (
        'filter action = "REJECT"\n'
        "| stats count_distinct(dstPort) as uniquePorts, count(*) as attempts by srcAddr, dstAddr\n"
        "| filter uniquePorts > 10\n| sort uniquePorts desc\n| limit 20"
    ),
    "What went from vpc-1 to vpc-2": (
        "filter dstAddr like '10.2.' and srcAddr like '10.1.'\n"
        "| stats sum(bytes) as bytesTransferred by srcAddr, dstAddr\n| sort bytesTransferred desc\n| limit 10"
    ),
    "Packets from elsewhere, minute by minute": (
        'filter not isIpInSubnet(srcAddr, "10.1.0.0/16")\n'
        "| stats sum(packets) as packet_count by bin(60s) as bin_ts, srcAddr\n"
        "| order by bin_ts desc\n| limit 10000"
    ),
    "Bytes to each address: average and most": "stats avg(bytes), max(bytes) by dstAddr",
}
"""Each query by its name, one command a line."""
