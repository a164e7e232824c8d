"""Runs a script on an instance, as the SSM agent and its shell do; Run Command calls `run`.

The shell has words, quotes, `;`, `&&`, `||` and comments of bash, and the commands of `commands/`. What it lacks
(pipes, redirections, variables, patterns, substitution, control structures) it refuses by name, before it runs anything
of that line.

The agent writes the lines to a file that `sh -c` runs as root. A non-zero exit adds a last line to stderr, and a script
that overruns its time is killed with exit code 137. Source: agent/plugins/runscript and agent/executers,
https://github.com/aws/amazon-ssm-agent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from labkit.embedded.instances.commands import system
from labkit.embedded.instances.commands.curl import curl
from labkit.embedded.instances.commands.ip import ip
from labkit.embedded.instances.commands.nc import nc
from labkit.embedded.instances.commands.ping import ping
from labkit.embedded.instances.commands.traceroute import traceroute
from labkit.embedded.instances.process import Exit, Killed, OutputLine, Process

_KILLED = 137
_PATH = (
    "/var/lib/amazon/ssm/{instance}/document/orchestration/{command}/awsrunShellScript/0.awsrunShellScript/_script.sh"
)

COMMANDS: dict[str, Callable[[Process, list[str]], int]] = {
    "cat": system.cat,
    "cloud-init": system.cloud_init,
    "curl": curl,
    "echo": system.echo,
    "hostname": system.hostname,
    "ip": ip,
    "nc": nc,
    "ncat": nc,
    "ping": ping,
    "sleep": system.sleep,
    "traceroute": traceroute,
}
#: Commands that the standard AMI lacks: the course's user data installs them.
_FROM_USER_DATA = frozenset(("nc", "ncat"))
#: Commands that students try and that a real instance has: for these, "command not found" alone would be a lie.
_REAL = frozenset((
    "awk", "aws", "bash", "cd", "cp", "date", "dig", "dnf", "env", "export", "false", "find", "grep", "head", "id",
    "kill", "less", "ls", "mkdir", "netstat", "nslookup", "printf", "ps", "pwd", "python3", "rm", "sed", "sh", "ss",
    "ssh", "sudo", "systemctl", "tail", "tcpdump", "top", "touch", "tracepath", "true", "uname", "vi", "wget", "whoami",
))  # fmt: skip
_KEYWORDS = frozenset((
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "function", "select",
    "time", "{", "}", "!", "[", "[[",
))  # fmt: skip
_REFUSED = {
    "|": "pipes (|)",
    "&": "background commands (&)",
    ">": "redirections (>)",
    "<": "redirections (<)",
    "(": "subshells ( )",
    ")": "subshells ( )",
    "$": "variables and substitution ($)",
    "`": "command substitution (`)",
    "*": "patterns (*)",
}
_TOKEN = re.compile(
    r"""
    \s+
    | (?P<comment> \#.* )
    | (?P<operator> && | \|\| | ; )
    | (?P<word> (?: [^\s;&|<>()$`*'"\\] | \\.? | '[^']*' | "(?:[^"\\$`]|\\.)*" )+ )
    | (?P<refused> [|&<>()$`*] | "(?:[^"\\$`]|\\.)*[$`] )
    | (?P<open> ['"] )
    """,
    re.VERBOSE,
)
_QUOTED = re.compile(r"""\\(.?)|'([^']*)'|"((?:[^"\\]|\\.)*)\"""")


class _RefusedLine(Exception):
    """The shell cannot run a line; the message names what it lacks or what is wrong."""


@dataclass
class _Step:
    """One command, and when it runs: always (`;`), if the one before it succeeded (`&&`), or if that failed (`||`)."""

    after: str
    words: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Result:
    """What a script printed, and how and when it ended.

    Attributes:
        exit_code: The script's exit code.
        lines: All that it wrote, in order of time.
        started: When it started, in seconds since the epoch.
        ended: When it ended.
        timed_out: Whether it was killed because its time was over.
    """

    exit_code: int
    lines: tuple[OutputLine, ...]
    started: float
    ended: float
    timed_out: bool = False

    @property
    def status(self) -> str:
        """Run Command's word for it: `Success`, `Failed` or `TimedOut`."""
        if self.timed_out:
            return "TimedOut"
        return "Success" if self.exit_code == 0 else "Failed"

    @property
    def stdout(self) -> str:
        """All that it wrote on standard output."""
        return "".join(line.text for line in self.lines if line.stream == "stdout")

    @property
    def stderr(self) -> str:
        """All that it wrote on standard error."""
        return "".join(line.text for line in self.lines if line.stream == "stderr")


def run(process: Process, lines: Sequence[str], command_id: str) -> Result:
    """Run a script of AWS-RunShellScript; virtual time passes as it would.

    Args:
        process: The script's process, which ends when it exits or its time is over.
        lines: The document's parameter `commands`.
        command_id: The id of the command, which is part of the path at the head of the shell's own messages.
    """
    started, path = process.now(), _PATH.format(instance=process.instance_id, command=command_id)
    try:
        code = _run_script(process, "\n".join(lines), path)
    except Killed:
        return Result(_KILLED, tuple(process.lines), started, process.now(), timed_out=True)
    if code:
        process.err(f"failed to run commands: exit status {code}", end="")
    return Result(code, tuple(process.lines), started, process.now())


def _run_script(process: Process, script: str, path: str) -> int:
    """Run a script line by line; the exit code is that of the last command."""
    code = 0
    try:
        for number, line in enumerate(script.replace("\\\n", "").split("\n"), start=1):
            try:
                steps = _parse(line)
            except _RefusedLine as refusal:
                process.fail(f"{path}: line {number}: {refusal}", 2)
            for step in steps:
                if (step.after == "&&" and code) or (step.after == "||" and not code):
                    continue
                code = _run(process, step.words, f"{path}: line {number}", code)
    except Exit as end:
        return end.code
    return code


def _parse(line: str) -> list[_Step]:
    """The commands of one line, with the words of each, quotes taken away.

    >>> [(step.after, step.words) for step in _parse("ping -c 1 'a b' && echo ok # done")]
    [(';', ['ping', '-c', '1', 'a b']), ('&&', ['echo', 'ok'])]
    """
    steps = [_Step(";")]
    for token in _TOKEN.finditer(line):
        text = token[0]
        if token.lastgroup == "word":
            steps[-1].words.append(_QUOTED.sub(_unquoted, text))
        elif token.lastgroup == "operator":
            if not steps[-1].words:
                raise _RefusedLine(f"syntax error near unexpected token `{text}'")
            steps.append(_Step(text))
        elif token.lastgroup == "refused":
            raise _RefusedLine(_lacks(_REFUSED[text[-1]]))
        elif token.lastgroup == "open":
            raise _RefusedLine(f"unexpected EOF while looking for matching `{text}'")
    if not steps[-1].words:
        if steps[-1].after != ";":
            raise _RefusedLine("syntax error: unexpected end of file")
        steps.pop()
    return steps


def _unquoted(found: re.Match[str]) -> str:
    escaped, single, double = found.groups()
    return escaped or single or re.sub(r'\\(["\\$`])', r"\1", double or "")


def _run(process: Process, words: list[str], where: str, last: int) -> int:
    name, *arguments = words
    if name == "sudo" and arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments  # scripts run as root already
    name = name.rpartition("/")[2] if name.startswith(("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/")) else name
    if name == "exit":
        raise Exit(int(arguments[0]) & 255 if arguments and arguments[0].isdecimal() else last)
    if name in _KEYWORDS:
        process.fail(f"{where}: {_lacks(f'control structures ({name})')}", 2)
    if re.match(r"[A-Za-z_]\w*=", name):
        process.fail(f"{where}: {_lacks('variables (=)')}", 2)
    if name not in COMMANDS or (name in _FROM_USER_DATA and process.now() < process.user_data_ends):
        process.err(f"{where}: {name}: command not found")
        if name in _REAL:
            process.err(f"labkit: a real instance has {name}; the embedded one has {' '.join(COMMANDS)}.")
        return 127
    try:
        return COMMANDS[name](process, arguments)
    except Exit as end:
        return end.code


def _lacks(what: str) -> str:
    return f"labkit: the embedded shell has no {what}. Run one command a line, or join them with ; && ||."
