"""The instances' shell: given a command line, what Amazon Linux 2023 would print, when, and with which exit code.

Nothing here sends a real packet or runs a real command. The network is behind the protocol `Host`.
"""

from labkit.embedded.hosts.agent import DEFAULT_TIMEOUT, Result, run
from labkit.embedded.hosts.host import ACK, DEFAULT_TTL, FIN, PSH, RST, SYN, Answer, Exchange, Host, OutputLine
from labkit.embedded.hosts.services import USER_DATA, Service, on_instance, on_internet
from labkit.embedded.hosts.timing import PathKind, hops, reply_ttl, round_trip

__all__ = [
    "ACK",
    "DEFAULT_TIMEOUT",
    "DEFAULT_TTL",
    "FIN",
    "PSH",
    "RST",
    "SYN",
    "USER_DATA",
    "Answer",
    "Exchange",
    "Host",
    "OutputLine",
    "PathKind",
    "Result",
    "Service",
    "hops",
    "on_instance",
    "on_internet",
    "reply_ttl",
    "round_trip",
    "run",
]
