"""The AWS in the kernel: moto behind a loopback server, with a virtual clock, in which packets move.

This package alone imports moto, and only once it is started.
"""

from __future__ import annotations

from labkit.embedded.api import server
from labkit.embedded.api.refusals import AwsError, NotInEmbeddedAwsError
from labkit.embedded.api.server import ACCOUNT_ID, REGION, EmbeddedAws
from labkit.embedded.clock import Clock

__all__ = ["ACCOUNT_ID", "REGION", "AwsError", "Clock", "EmbeddedAws", "NotInEmbeddedAwsError", "start"]


def start(port: int = 0) -> EmbeddedAws:
    """Start the embedded AWS on 127.0.0.1, or give the one that runs in this process already.

    A fresh one is an empty account (with the default VPC that every account has), its clock at its start and its ids at
    their beginning. `port` 0 takes a free one; raises OSError where another is taken.
    """
    from labkit.embedded.api.logs_insights import LogsInsights
    from labkit.embedded.dataplane.transport import DataPlane
    from labkit.embedded.instances.run_command import RunCommand

    aws = server.start(port)
    with aws.lock:
        if not hasattr(aws, "dataplane"):
            aws.dataplane = DataPlane(aws)
            aws.handlers |= RunCommand(aws.dataplane).handlers() | LogsInsights(aws).handlers()
    return aws
