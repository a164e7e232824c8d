"""A running program on an instance: it writes, waits and reads its options, until it exits or is killed."""

from __future__ import annotations

import getopt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from labkit.embedded.dataplane import timing
from labkit.embedded.instances.host import Host
from labkit.network.packet import FIRST_EPHEMERAL_PORT

#: The size of Linux's range of ephemeral ports, 32768–60999.
_EPHEMERAL_PORTS = 60999 - FIRST_EPHEMERAL_PORT + 1


@dataclass(frozen=True, slots=True)
class OutputLine:
    """What a program wrote at one moment.

    Attributes:
        at: The virtual time, in seconds since the epoch.
        stream: `stdout` or `stderr`.
        text: The text as written, with its line feed.
    """

    at: float
    stream: str
    text: str


class Exit(Exception):
    """The program ends here, with this exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Killed(Exception):
    """The time that Run Command gave the script is over."""


class Process:
    """The script's process on a host; the commands run in it one after the other.

    Args:
        host: The instance.
        stop_at: The virtual time at which it is killed, in seconds since the epoch.
    """

    def __init__(self, host: Host, stop_at: float) -> None:
        self.host = host
        self.lines: list[OutputLine] = []
        self._stop_at = stop_at

    def now(self) -> float:
        """Return the virtual time, in seconds since the epoch."""
        return self.host.clock.time()

    def out(self, text: str, end: str = "\n") -> None:
        """Write on standard output."""
        self.lines.append(OutputLine(self.now(), "stdout", text + end))

    def err(self, text: str, end: str = "\n") -> None:
        """Write on standard error."""
        self.lines.append(OutputLine(self.now(), "stderr", text + end))

    def fail(self, message: str, code: int) -> NoReturn:
        """Write a message on standard error and exit with a code."""
        self.err(message)
        raise Exit(code)

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass, in seconds; raise Killed where the script's time is over before that."""
        left = self._stop_at - self.now()
        if seconds >= left:
            self.host.clock.advance(max(left, 0.0))
            raise Killed
        if seconds > 0:
            self.host.clock.advance(seconds)

    def sleep_until(self, moment: float) -> None:
        """Let virtual time pass until a moment, unless it is past."""
        self.sleep(moment - self.now())

    def kernel_timer(self, seconds: float) -> float:
        """Return how long a coarse timer of the kernel takes from now, in seconds; its wheel turns since the boot."""
        booted = 1000 * timing.uniform("boot", self.host.instance_id)
        return timing.kernel_timer(self.now() + booted, seconds)

    def ephemeral_port(self, *about: object) -> int:
        """Return a client's port: another one each time, but the same on every run."""
        share = timing.uniform("port", self.host.instance_id, self.now(), *about)
        return FIRST_EPHEMERAL_PORT + int(share * _EPHEMERAL_PORTS)

    def options(
        self, tool: str, arguments: Sequence[str], short: str, long: Mapping[str, str] | None = None
    ) -> tuple[dict[str, str], list[str]]:
        """Read a command line; exit where it has an option that the tool lacks, and name the option.

        Args:
            tool: The tool's name, for messages.
            arguments: The command line without the tool's name.
            short: The short options as the C library's getopt takes them, such as "c:n".
            long: For each long option, such as "max-time=", the short one that it means, or itself.

        Returns:
            The options with their values, and the operands.
        """
        long = long or {}
        try:
            given, operands = getopt.gnu_getopt(list(arguments), short, list(long))
        except getopt.GetoptError as error:
            if "requires" in error.msg:
                self.fail(f"{tool}: option requires an argument -- '{error.opt}'", 2)
            option = f"-{error.opt}" if len(error.opt) == 1 else f"--{error.opt}"
            has = [f"-{letter}" for letter in short.replace(":", "")] + [f"--{name.rstrip('=')}" for name in long]
            self.fail(f"labkit: the embedded {tool} lacks the option {option}; it has {' '.join(has) or 'none'}.", 2)
        meant = {f"--{name.rstrip('=')}": option for name, option in long.items()}
        return {meant.get(option, option): value for option, value in given}, operands
