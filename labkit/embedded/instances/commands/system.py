"""The small commands: cat, cloud-init, echo, hostname and sleep, on Amazon Linux 2023.

The text of /etc/os-release is that of release 2023.9.20251117, which was current when the lab's clock starts
(https://docs.aws.amazon.com/linux/al2023/ug/naming-and-versioning.html).
"""

from __future__ import annotations

import re

from labkit.embedded.dataplane.transmission import DEFAULT_TTL
from labkit.embedded.instances.process import Process

_OS_RELEASE = """\
NAME="Amazon Linux"
VERSION="2023"
ID="amzn"
ID_LIKE="fedora"
VERSION_ID="2023"
PLATFORM_ID="platform:al2023"
PRETTY_NAME="Amazon Linux 2023.9.20251117"
ANSI_COLOR="0;33"
CPE_NAME="cpe:2.3:o:amazon:amazon_linux:2023"
HOME_URL="https://aws.amazon.com/linux/amazon-linux-2023/"
DOCUMENTATION_URL="https://docs.aws.amazon.com/linux/"
SUPPORT_URL="https://aws.amazon.com/premiumsupport/"
BUG_REPORT_URL="https://github.com/amazonlinux/amazon-linux-2023"
VENDOR_NAME="AWS"
VENDOR_URL="https://aws.amazon.com/"
SUPPORT_END="2029-06-30"
"""


def cat(process: Process, arguments: list[str]) -> int:
    """Print files; the exit code is 1 if one is missing. Without a name it reads the empty standard input."""
    _, names = process.options("cat", arguments, "")
    files = {
        "/etc/os-release": _OS_RELEASE,
        "/etc/hostname": f"{process.hostname}\n",
        "/proc/sys/net/ipv4/ip_default_ttl": f"{DEFAULT_TTL}\n",
    }
    code = 0
    for name in names:
        if name in files:
            process.out(files[name], end="")
        else:
            process.err(f"cat: {name}: No such file or directory")
            code = 1
    return code


def cloud_init(process: Process, arguments: list[str]) -> int:
    """Run `cloud-init status [--wait]`: whether the user data is through; --wait prints dots until it is.

    https://docs.cloud-init.io/en/latest/reference/cli.html#status; source of the text: cloudinit/cmd/status.py,
    https://github.com/canonical/cloud-init.
    """
    given, operands = process.options("cloud-init", arguments, "w", {"wait": "-w"})
    if operands != ["status"]:
        process.fail("labkit: the embedded cloud-init only tells its status: cloud-init status --wait.", 2)
    if "-w" in given:
        while process.now() < process.user_data_ends:
            process.out(".", end="")
            process.sleep(0.25)
        process.out("")
    process.out(f"status: {'running' if process.now() < process.user_data_ends else 'done'}")
    return 0


def hostname(process: Process, arguments: list[str]) -> int:
    """Print the private DNS name; -s its first label, -I all addresses."""
    given, _ = process.options("hostname", arguments, "fsI")
    if "-I" in given:
        process.out("".join(f"{address} " for address in (process.address, process.ipv6) if address))
    else:
        process.out(process.hostname.partition(".")[0] if "-s" in given else process.hostname)
    return 0


def echo(process: Process, arguments: list[str]) -> int:
    """Print the arguments; -n without the line feed."""
    if arguments[:1] == ["-n"]:
        process.out(" ".join(arguments[1:]), end="")
    else:
        process.out(" ".join(arguments))
    return 0


def sleep(process: Process, arguments: list[str]) -> int:
    """Let virtual time pass: `sleep 5`, `sleep 0.5`, `sleep 2m`."""
    if not arguments:
        process.err("sleep: missing operand")
        process.fail("Try 'sleep --help' for more information.", 1)
    for text in arguments:
        match = re.fullmatch(r"(\d*\.?\d+)([smhd]?)", text)
        if not match:
            process.err(f"sleep: invalid time interval ‘{text}’")
            process.fail("Try 'sleep --help' for more information.", 1)
        process.sleep(float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]])
    return 0
