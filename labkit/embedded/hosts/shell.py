"""The shell that runs a script on an instance: words, quotes, `;`, `&&`, `||` and comments of bash, and its commands.

What it lacks of bash (pipes, redirections, variables, patterns, substitution, control structures) it refuses by name,
before it runs anything of that line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from labkit.embedded.hosts import system
from labkit.embedded.hosts.curl import curl
from labkit.embedded.hosts.ip import ip
from labkit.embedded.hosts.nc import nc
from labkit.embedded.hosts.ping import ping
from labkit.embedded.hosts.process import Exit, Process
from labkit.embedded.hosts.traceroute import traceroute

Command = Callable[[Process, list[str]], int]

COMMANDS: dict[str, Command] = {
    "cat": system.cat,
    "curl": curl,
    "date": system.date,
    "echo": system.echo,
    "false": system.false,
    "hostname": system.hostname,
    "ip": ip,
    "nc": nc,
    "ncat": nc,
    "ping": ping,
    "sleep": system.sleep,
    "traceroute": traceroute,
    "true": system.true,
    ":": system.true,
    "whoami": system.whoami,
}
#: Commands that students try and that a real instance has: for these, "command not found" alone would be a lie.
_REAL = frozenset(
    (
        *(
            "awk",
            "aws",
            "bash",
            "cd",
            "chmod",
            "cp",
            "dig",
            "dnf",
            "env",
            "export",
            "find",
            "free",
            "grep",
            "head",
            "id",
        ),
        *("kill", "less", "ls", "mkdir", "mv", "netstat", "nslookup", "printf", "ps", "pwd", "python3", "rm", "sed"),
        *("set", "sh", "ss", "ssh", "sudo", "systemctl", "sysctl", "tail", "tar", "tcpdump", "tee", "top", "touch"),
        *("tracepath", "uname", "uptime", "vi", "wc", "wget", "which", "yum"),
    )
)
_KEYWORDS = frozenset(
    (
        *("if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac"),
        *("function", "select", "time", "{", "}", "!", "[", "[["),
    )
)
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


class ShellError(Exception):
    """A line that the shell cannot run; the message names what it lacks or what is wrong."""


@dataclass
class _Step:
    """One command, and when it runs: always (`;`), if the one before it succeeded (`&&`), or if that failed (`||`)."""

    after: str
    words: list[str] = field(default_factory=list)


def run_script(process: Process, script: str, path: str) -> int:
    """Run a script line by line; the exit code is that of the last command.

    Parameters: `path` is the script's file, which stands at the head of the shell's own messages.
    """
    code = 0
    try:
        for number, line in _logical_lines(script):
            try:
                steps = parse(line)
            except ShellError as error:
                process.fail(f"{path}: line {number}: {error}", 2)
            for step in steps:
                if (step.after == "&&" and code) or (step.after == "||" and not code):
                    continue
                code = _run(process, step.words, f"{path}: line {number}", code)
    except Exit as end:
        return end.code
    return code


def _logical_lines(script: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers; one that ends with a backslash goes on in the next."""
    start, held = 1, ""
    for number, line in enumerate(script.split("\n"), start=1):
        start = start if held else number
        if line.endswith("\\") and not line.endswith("\\\\"):
            held += line[:-1]
            continue
        yield start, held + line
        held = ""
    if held:
        yield start, held


def parse(line: str) -> list[_Step]:
    """The commands of one line, with the words of each, quotes taken away; raises ShellError.

    >>> [(step.after, step.words) for step in parse("ping -c 1 'a b' && echo ok # done")]
    [(';', ['ping', '-c', '1', 'a b']), ('&&', ['echo', 'ok'])]
    """
    steps, word, quote = [_Step(";")], None, ""
    position = 0
    while position < len(line):
        char, pair = line[position], line[position : position + 2]
        position += 1
        if quote == "'":
            quote, word = ("", word) if char == "'" else (quote, (word or "") + char)
        elif char == "\\" and (not quote or pair[1:] in ('"', "\\", "$", "`")):
            word, position = (word or "") + pair[1:], position + 1
        elif quote == '"':
            if char in "$`":
                raise ShellError(_lacks(char))
            quote, word = ("", word) if char == '"' else (quote, (word or "") + char)
        elif char in "'\"":
            quote, word = char, word or ""
        elif char in " \t\r" or char == ";" or pair in ("&&", "||"):
            if word is not None:
                steps[-1].words.append(word)
                word = None
            if char not in " \t\r":
                operator = char if char == ";" else pair
                position += len(operator) - 1
                if not steps[-1].words:
                    raise ShellError(f"syntax error near unexpected token `{operator}'")
                steps.append(_Step(operator))
        elif char == "#" and word is None:
            break
        elif char in _REFUSED:
            raise ShellError(_lacks(char))
        else:
            word = (word or "") + char
    if quote:
        raise ShellError(f"unexpected EOF while looking for matching `{quote}'")
    if word is not None:
        steps[-1].words.append(word)
    if not steps[-1].words:
        if steps[-1].after in ("&&", "||"):
            raise ShellError("syntax error: unexpected end of file")
        steps.pop()
    return steps


def _run(process: Process, words: list[str], where: str, last: int) -> int:
    name, *arguments = words
    if name == "sudo" and arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments  # scripts run as root already
    name = name.rpartition("/")[2] if name.startswith(("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/")) else name
    if name == "exit":
        raise Exit(int(arguments[0]) & 255 if arguments and arguments[0].isdecimal() else last)
    if name in _KEYWORDS:
        process.fail(f"{where}: {_lacks_named(f'control structures ({name})')}", 2)
    if name.partition("=")[0].isidentifier() and "=" in name:
        process.fail(f"{where}: {_lacks_named('variables (=)')}", 2)
    if name not in COMMANDS:
        process.err(f"{where}: {name}: command not found")
        if name in _REAL:
            has = " ".join(sorted(name for name in COMMANDS if name.isalpha()))
            process.err(f"labkit: a real instance has {name}; the embedded one has {has}.")
        return 127
    try:
        return COMMANDS[name](process, arguments)
    except Exit as end:
        return end.code


def _lacks(char: str) -> str:
    return _lacks_named(_REFUSED[char])


def _lacks_named(what: str) -> str:
    return f"labkit: the embedded shell has no {what}. Run one command a line, or join them with ; && ||."
