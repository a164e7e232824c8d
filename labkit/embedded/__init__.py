"""The AWS in the kernel: moto behind a loopback server, with a virtual clock, in which packets move.

`labkit.embedded.aws` shows the whole. This package alone imports moto, and only once it is started.
"""

from labkit.embedded.api.refusals import AwsError, NotInEmbeddedAwsError
from labkit.embedded.api.scope import ACCOUNT_ID, REGION
from labkit.embedded.aws import EmbeddedAws, start
from labkit.embedded.clock import Clock

__all__ = ["ACCOUNT_ID", "REGION", "AwsError", "Clock", "EmbeddedAws", "NotInEmbeddedAwsError", "start"]
