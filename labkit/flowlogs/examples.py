"""Two small tables of records, `ping` and `knocks`, for the examples in docstrings and for tests."""

from __future__ import annotations

from labkit.flowlogs.reading import read

#: Five echo requests from 10.1.15.80 without a reply, and ten minutes later five with replies.
ping = read(
    [
        "2 123456789012 eni-1 10.1.15.80 10.2.0.126 0 0 1 5 420 1764774316 1764774320 ACCEPT OK",
        "2 123456789012 eni-1 10.1.15.80 10.2.0.126 0 0 1 5 420 1764774916 1764774920 ACCEPT OK",
        "2 123456789012 eni-1 10.2.0.126 10.1.15.80 0 0 1 5 420 1764774916 1764774920 ACCEPT OK",
    ]
)

#: Hosts on the internet that try ports which the security group does not allow.
knocks = read(
    [
        "2 123456789012 eni-1 20.65.136.10 10.1.15.80 36333 22 6 1 52 1764774316 1764774376 REJECT OK",
        "2 123456789012 eni-1 198.51.100.99 10.1.15.80 40004 22 6 2 104 1764774316 1764774376 REJECT OK",
        "2 123456789012 eni-1 20.65.136.10 10.1.15.80 36334 443 6 1 52 1764774316 1764774376 REJECT OK",
    ]
)
