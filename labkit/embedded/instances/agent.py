"""The SSM agent on an instance: it runs a Run Command script and reports what came of it.

Source: agent/plugins/runscript and agent/executers, https://github.com/aws/amazon-ssm-agent: the lines are written to
a file that `sh -c` runs as root; a non-zero exit adds a last line to stderr; a script that overruns its time is
killed with exit code 137.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labkit.embedded.instances.host import Host, OutputLine
from labkit.embedded.instances.process import Killed, Process
from labkit.embedded.instances.shell import run_script

#: The default of AWS-RunShellScript's parameter executionTimeout, in seconds.
DEFAULT_TIMEOUT = 3600.0
_KILLED = 137
_PATH = (
    "/var/lib/amazon/ssm/{instance}/document/orchestration/{command}/awsrunShellScript/0.awsrunShellScript/_script.sh"
)
_CONTENT = 24_000
_TRUNCATED = "--output truncated--"


@dataclass(frozen=True, slots=True)
class Result:
    """What a script printed and how it ended.

    Parameters: `lines` are all that it wrote, each with its virtual time; `timed_out`, whether it was killed.
    """

    exit_code: int
    lines: tuple[OutputLine, ...]
    timed_out: bool = False

    @property
    def stdout(self) -> str:
        return "".join(line.text for line in self.lines if line.stream == "stdout")

    @property
    def stderr(self) -> str:
        return "".join(line.text for line in self.lines if line.stream == "stderr")

    @property
    def standard_output_content(self) -> str:
        """As `get_command_invocation` gives it: at most 24,000 characters."""
        return _content(self.stdout)

    @property
    def standard_error_content(self) -> str:
        return _content(self.stderr)


def run(
    host: Host,
    command_lines: Sequence[str],
    *,
    command_id: str = "00000000-0000-4000-8000-000000000000",
    timeout: float = DEFAULT_TIMEOUT,
) -> Result:
    """Run a script of AWS-RunShellScript on a host; virtual time passes as it would.

    Parameters: `command_lines` is the document's parameter `commands`; `command_id` appears in the path that heads
    the shell's own messages; `timeout` is `executionTimeout`, in seconds.
    """
    process = Process(host, host.now() + timeout)
    try:
        path = _PATH.format(instance=host.instance_id, command=command_id)
        code = run_script(process, "\n".join(command_lines), path)
    except Killed:
        return Result(_KILLED, tuple(process.lines), timed_out=True)
    if code:
        process.err(f"failed to run commands: exit status {code}", end="")
    return Result(code, tuple(process.lines))


def _content(text: str) -> str:
    return text if len(text) < _CONTENT else text[: _CONTENT - len(_TRUNCATED)] + _TRUNCATED
