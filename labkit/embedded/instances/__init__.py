"""The instances' shell: given a command line, what Amazon Linux 2023 would print, when, and with which exit code.

Nothing here sends a real packet or runs a real command. The network is behind the protocol `Host`.
"""

from labkit.embedded.instances.agent import Result, run
from labkit.embedded.instances.host import ACK, FIN, PSH, RST, SYN, Answer, Exchange, Host
from labkit.embedded.instances.services import Service, on_instance, on_internet
from labkit.embedded.instances.timing import PathKind

__all__ = [
    "ACK",
    "FIN",
    "PSH",
    "RST",
    "SYN",
    "Answer",
    "Exchange",
    "Host",
    "PathKind",
    "Result",
    "Service",
    "on_instance",
    "on_internet",
    "run",
]
