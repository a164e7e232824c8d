"""Measure the wait at the start, beside plain moto in the same run. Run: python -m tests.benchmarks.start_up

Each figure is the best of several fresh processes. Both do the same work: import, serve on the loopback, answer
DescribeVpcs to boto3.
"""

from __future__ import annotations

from tests.benchmarks.timing import least, run_python, spent

ROUNDS = 5

IMPORT = "import labkit"

MOTO = """
import logging, os
logging.getLogger("werkzeug").setLevel(logging.ERROR)  # which would print a line for each request
os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
os.environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:%d" % server.get_host_and_port()[1]
import boto3
boto3.client("ec2").describe_vpcs()
"""

CONNECT = """
import labkit
lab = labkit.connect()
import boto3
boto3.client("ec2").describe_vpcs()
"""

PARTS = """
import time
def lap(what):
    global last
    now = time.perf_counter(); print(f"LAP {what}: {now - last:.2f} s"); last = now
last = time.perf_counter()
import boto3; lap("import boto3")
import moto.ec2.responses, moto.iam.responses, moto.logs.responses, moto.ssm.responses; lap("import moto")
import labkit; lab = labkit.connect(); lap("connect: patch moto, serve, seed")
ec2 = boto3.client("ec2"); lap("make an EC2 client (botocore reads its model)")
ec2.describe_vpcs(); lap("first answer (moto makes the region's default VPC)")
lab.catch_up("04"); lap("catch up to the end of 03")
lab.catch_up("04"); lap("catch up again, where everything is there")
from tests.benchmarks.timing import spent; print(f"LAP peak memory: {spent(lambda: None).peak:.0f} MB")
"""


def seconds(code: str) -> float:
    """Return the best time of a fresh process that runs `code`, less that of one that does nothing."""
    own, nothing = (
        least([spent(lambda each=each: run_python("-c", each)) for _ in range(ROUNDS)]) for each in (code, "")
    )
    return own.seconds - nothing.seconds


def main() -> None:
    moto, connect = seconds(MOTO), seconds(CONNECT)
    print(f"import labkit                              {seconds(IMPORT) * 1000:6.0f} ms")
    print(f"plain moto: server and first EC2 answer    {moto:6.2f} s   1.00")
    print(f"labkit.connect() and first EC2 answer      {connect:6.2f} s   {connect / moto:.2f}")
    print("\nWhere the time goes, in one process:")
    print("\n".join(f"  {line[4:]}" for line in run_python("-c", PARTS).splitlines() if line.startswith("LAP ")))


if __name__ == "__main__":
    main()
