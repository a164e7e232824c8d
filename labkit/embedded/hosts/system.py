"""The small commands: hostname, cat, echo, date, sleep, whoami, true and false, on Amazon Linux 2023.

The text of /etc/os-release is that of release 2023.9.20251117, which was current when the lab's clock starts
(https://docs.aws.amazon.com/linux/al2023/ug/naming-and-versioning.html).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from labkit.embedded.hosts.host import DEFAULT_TTL, Host
from labkit.embedded.hosts.process import OptionError, Process, options

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
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", "a": "\a", "b": "\b", "r": "\r"}


def files(host: Host) -> dict[str, str]:
    """The files that `cat` can show, by path."""
    return {
        "/etc/os-release": _OS_RELEASE,
        "/usr/lib/os-release": _OS_RELEASE,
        "/etc/system-release": "Amazon Linux release 2023.9.20251117 (Amazon Linux)\n",
        "/etc/hostname": f"{host.hostname}\n",
        "/proc/sys/net/ipv4/ip_default_ttl": f"{DEFAULT_TTL}\n",
        "/dev/null": "",
    }


def cat(process: Process, arguments: list[str]) -> int:
    """Print files; the exit code is 1 if one is missing. Without a name it reads the empty standard input."""
    _, names = _options(process, "cat", arguments, "")
    code = 0
    for name in names:
        text = files(process.host).get(name, "" if name == "-" else None)
        if text is None:
            process.err(f"cat: {name}: No such file or directory")
            code = 1
        elif text:
            process.out(text, end="")
    return code


def hostname(process: Process, arguments: list[str]) -> int:
    """Print the private DNS name; -s its first label, -d its domain, -i the address, -I all addresses."""
    given, _ = _options(process, "hostname", arguments, "fsdiI")
    host = process.host
    flag = given[-1][0] if given else "-f"
    short, _, domain = host.hostname.partition(".")
    addresses = "".join(f"{address} " for address in (host.address, host.ipv6) if address)
    process.out({"-f": host.hostname, "-s": short, "-d": domain, "-i": str(host.address), "-I": addresses}[flag])
    return 0


def echo(process: Process, arguments: list[str]) -> int:
    """Print the arguments; -n without the line feed, -e with escapes."""
    end, escapes = "\n", False
    while arguments and re.fullmatch(r"-[neE]+", arguments[0]):
        flags, *arguments = arguments
        end = "" if "n" in flags else end
        escapes = escapes or "e" in flags
    text = " ".join(arguments)
    if escapes:
        text = re.sub(r"\\([ntabr\\])", lambda match: _ESCAPES[match[1]], text)
    process.out(text, end=end)
    return 0


def date(process: Process, arguments: list[str]) -> int:
    """Print the virtual time, in UTC as on every EC2 instance; with +%s in seconds since 1970."""
    now = process.now()
    if arguments == ["+%s"]:
        process.out(str(int(now)))
    elif not arguments or arguments == ["-u"]:
        moment = datetime.fromtimestamp(now, UTC)
        process.out(f"{moment:%a %b} {moment.day:2} {moment:%H:%M:%S} UTC {moment.year}")
    else:
        process.fail("labkit: the embedded date has three forms: date, date -u, date +%s.", 1)
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


def whoami(process: Process, arguments: list[str]) -> int:
    """Run Command's scripts run as root."""
    process.out("root")
    return 0


def true(process: Process, arguments: list[str]) -> int:
    return 0


def false(process: Process, arguments: list[str]) -> int:
    return 1


def _options(process: Process, tool: str, arguments: list[str], short: str) -> tuple[list[tuple[str, str]], list[str]]:
    try:
        return options(arguments, short)
    except OptionError as error:
        has = f"; it has {' '.join(f'-{letter}' for letter in short)}" if short else ""
        process.fail(f"labkit: the embedded {tool} lacks the option -{error.option}{has}.", 1)
