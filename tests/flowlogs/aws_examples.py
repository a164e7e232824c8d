"""Records that AWS's documentation shows, and the two of the original lab, for the suites of this folder.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
"""

from __future__ import annotations

#: The original lab's: a ping that went out, and a stranger who was rejected.
LAB = [
    "2 123456789012 eni-01ab329f120ebcf5 10.1.15.80 157.185.170.119 0 0 1 10 610 1764774316 1764774376 ACCEPT OK",
    "2 123456789012 eni-01ab329f120ebcf5 20.65.136.10 10.1.15.80 36333 443 6 1 52 1764774316 1764774376 REJECT OK",
]
NODATA = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"
SKIPDATA = "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA"

#: The fields of the examples of TCP flags, and the words that their records begin with.
TCP_FIELDS = (
    "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport "
    "pkt-srcaddr pkt-dstaddr protocol bytes packets start end action tcp-flags log-status"
)
TCP_PLACE = "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 "

#: A short connection, as the client sent it and as the server answered; AWS prints two spaces in the second record.
SHORT = [
    TCP_PLACE + "IPv4 52.213.180.42 10.0.0.62 43638 5001 52.213.180.42 10.0.0.62 6 1260 17 1566933133 1566933193 "
    "ACCEPT 3 OK",
    TCP_PLACE + "IPv4 10.0.0.62 52.213.180.42 5001 43638  10.0.0.62 52.213.180.42 6 967 14 1566933133 1566933193 "
    "ACCEPT 19 OK",
]
