"""What a look at an account finds: each finding as data, with its words and its fix made last.

`labkit.session.preflight` looks, and `labkit.connect` shows what it found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from labkit.errors import LabError
from labkit.iam import Outcome as Decided
from labkit.iam import RoleDecision
from labkit.names import LAB_TAG
from labkit.session.costs import Quote


class Outcome(Enum):
    """What a finding means for the lab."""

    FINE = auto()
    BLOCKED = auto()
    UNKNOWN = auto()


class Finding(Protocol):
    """One thing that was looked at."""

    @property
    def outcome(self) -> Outcome:
        """What it means for the lab."""
        ...

    @property
    def what(self) -> str:
        """What was found, as part of a sentence."""
        ...

    @property
    def fix(self) -> str:
        """What to do if it blocks the lab, in sentences."""
        ...


@dataclass(frozen=True, slots=True)
class ClosedRegion:
    """A region that does not answer this account.

    Attributes:
        region: The region.
        code: AWS's error code; empty if nothing answered there at all.
    """

    region: str
    code: str

    outcome = Outcome.BLOCKED

    @property
    def what(self) -> str:
        if not self.code:
            return f"nothing answers for a region {self.region}"
        return f"the region {self.region} is not enabled in this account ({self.code})"

    @property
    def fix(self) -> str:
        return (
            "Check the region's name, enable the region in the console under Account, AWS Regions, or connect to "
            "another one: connect('aws', region='us-east-1')."
        )


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota of the region.

    Attributes:
        name: What it limits.
        limit: The account's quota; None if it is not known.
        used: How many there are now, the lab's included.
        needed: How many more the course needs.
    """

    name: str
    limit: int | None
    used: int
    needed: int

    @property
    def outcome(self) -> Outcome:
        if self.limit is None:
            return Outcome.UNKNOWN
        return Outcome.FINE if self.used + self.needed <= self.limit else Outcome.BLOCKED

    @property
    def what(self) -> str:
        limit = "" if self.limit is None else f" of {self.limit}"
        unknown = " (quota not known)" if self.limit is None else ""
        return f"{self.name}: {self.used}{limit} in use, {self.needed} more needed{unknown}"

    @property
    def fix(self) -> str:
        return (
            "Delete what nobody needs, ask AWS for a higher quota (https://console.aws.amazon.com/servicequotas/), or "
            "connect to another region."
        )


@dataclass(frozen=True, slots=True)
class Permission:
    """An action that the course takes.

    Attributes:
        action: The action, such as `ec2:CreateVpc`.
        purpose: What it is for, where that matters: which role `iam:PassRole` passes, and to which service.
        allowed: Whether this identity may take it; None if AWS does not tell.
    """

    action: str
    purpose: str
    allowed: bool | None

    @property
    def outcome(self) -> Outcome:
        return {True: Outcome.FINE, False: Outcome.BLOCKED, None: Outcome.UNKNOWN}[self.allowed]

    @property
    def what(self) -> str:
        action = f"{self.action} ({self.purpose})" if self.purpose else self.action
        return f"you may not {action}" if self.outcome is Outcome.BLOCKED else action

    @property
    def fix(self) -> str:
        return "Ask whoever looks after the account for it, or connect with a profile that has it."


@dataclass(frozen=True, slots=True)
class Offering:
    """Where the course's type of instance is offered.

    Attributes:
        instance_type: The type.
        region: The region.
        zones: The availability zones that offer it; None if AWS does not tell.
    """

    instance_type: str
    region: str
    zones: tuple[str, ...] | None

    @property
    def outcome(self) -> Outcome:
        if self.zones is None:
            return Outcome.UNKNOWN
        return Outcome.FINE if self.zones else Outcome.BLOCKED

    @property
    def what(self) -> str:
        zones = "not known where" if self.zones is None else ", ".join(self.zones)
        return f"{self.instance_type} is offered in {zones}" if zones else f"no zone offers {self.instance_type}"

    @property
    def fix(self) -> str:
        return f"{self.region} does not have this type of instance. Connect to another region."


@dataclass(frozen=True, slots=True)
class GivenRole:
    """A role that the owner of a sandbox gives, and whether the lab can work with it.

    Attributes:
        role: The role's name.
        purpose: What the lab needs it for, after "can": `write flow logs to CloudWatch Logs`.
        decision: What IAM decides about that; None if the role cannot be read.
    """

    role: str
    purpose: str
    decision: RoleDecision | None

    @property
    def outcome(self) -> Outcome:
        if self.decision is None:
            return Outcome.UNKNOWN
        if self.decision.allowed:
            return Outcome.FINE
        undecided = any(each.outcome is Decided.NOT_EVALUATED for each in self.decision.refused)
        return Outcome.UNKNOWN if undecided else Outcome.BLOCKED

    @property
    def what(self) -> str:
        if self.decision is None:
            return f"whether {self.role} can {self.purpose}: its policies cannot be read"
        if self.outcome is Outcome.FINE:
            return f"{self.role} can {self.purpose}"
        doubt = "whether {} can {}" if self.outcome is Outcome.UNKNOWN else "{} cannot {}"
        return f"{doubt.format(self.role, self.purpose)}: {self.decision.reason.rstrip('.')}"

    @property
    def fix(self) -> str:
        return (
            "You may not change this role, and may not create another. Ask the sandbox's owner to change it, use an "
            "account in which you may create roles, or stay with the embedded AWS: connect('embedded')."
        )


@dataclass(frozen=True, slots=True)
class OtherName:
    """A name that one of the lab's things has here, instead of the notebooks' name.

    Attributes:
        wanted: The name in the notebooks.
        used: The name here.
        is_given: Whether the account's owner gives it; otherwise somebody else's thing has the wanted name.
    """

    wanted: str
    used: str
    is_given: bool

    outcome = Outcome.FINE
    fix = ""

    @property
    def what(self) -> str:
        return self.used


@dataclass(frozen=True, slots=True)
class Report:
    """What a look at an account found.

    Attributes:
        identity: The ARN of who looked; empty if not even that could be found out.
        region: The region.
        there: How many things of each kind have the lab's tag, by the kind's word.
        others: Names of the lab's that things in EC2 have without its tag.
        findings: Everything that was looked at.
        quote: What the lab will cost; None if it can't be made anyway.
    """

    identity: str
    region: str
    there: dict[str, int]
    others: tuple[str, ...]
    findings: tuple[Finding, ...]
    quote: Quote | None

    @property
    def blockers(self) -> list[Finding]:
        """What keeps the lab from being made."""
        return [each for each in self.findings if each.outcome is Outcome.BLOCKED]

    @property
    def unknown(self) -> list[Finding]:
        """What AWS does not tell; it may work or not."""
        return [each for each in self.findings if each.outcome is Outcome.UNKNOWN]

    @property
    def is_sandbox(self) -> bool:
        """Whether roles may not be created here, and the lab uses those that are given."""
        return any(isinstance(each, OtherName) and each.is_given for each in self.findings)

    def require(self) -> None:
        """Raise an error that names each blocker with its fix, if there is one and nothing of the lab is there yet.

        Where there is something, it must be possible to look at it and to delete it; the notes name the blockers.

        Raises:
            LabError: There is a blocker.
        """
        if self.blockers and not self.there:
            lines = "\n".join(f"- {line}" for line in _with_fixes(self.blockers))
            raise LabError(f"The lab cannot be made in this account; nothing was made.\n{lines}")

    @property
    def notes(self) -> list[str]:
        """What is worth knowing though nothing is wrong, one line each: names, and the roles of a sandbox."""
        lines = []
        renamed = [each for each in self.findings if isinstance(each, OtherName)]
        if taken := [each for each in renamed if not each.is_given]:
            names = ", ".join(each.used for each in taken)
            lines.append(f"Somebody else's things have names from the notebooks; the lab's are called {names} here.")
        if given := dict.fromkeys(each.used for each in renamed if each.is_given):
            lines.append(
                f"You may not create roles here; the lab uses {' and '.join(given)}, which this sandbox gives."
            )
        if self.there and self.blockers:
            lines.append(f"What is not there yet of the lab can't be made: {' '.join(_with_fixes(self.blockers))}")
        return lines

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"Looked at {self.region}{f' as {self.identity}' if self.identity else ''}; nothing has been made yet."
        tag = f"{LAB_TAG['Key']}: {LAB_TAG['Value']}"
        there = ", ".join(f"{count} × {word}" for word, count in self.there.items())
        yield f"- with the lab's tag ({tag}) there is already: {there or 'nothing'}"
        if self.others:
            yield f"- things without the tag are called {', '.join(self.others)} too; the lab leaves them alone"
        for note in self.notes:
            yield f"- {note[0].lower()}{note[1:].rstrip('.')}"
        open_ones = [each for each in self.findings if each.outcome is not Outcome.BLOCKED]
        for kind in (Quota, Offering, GivenRole):
            if whats := [each.what for each in open_ones if isinstance(each, kind)]:
                yield f"- {'; '.join(whats)}"
        if permissions := [each for each in open_ones if isinstance(each, Permission)]:
            unknown = [each.what for each in permissions if each.outcome is Outcome.UNKNOWN]
            silent = f"; AWS does not tell whether you may {_few(unknown)}" if unknown else ""
            yield f"- permissions that the course needs: {len(permissions) - len(unknown)} confirmed{silent}"
        if self.quote is not None:
            roles = "" if self.is_sandbox else ", two roles, a policy and an instance profile"
            yield (
                "- the notebooks make two VPCs (for a moment a third), each with a subnet, an internet gateway, a "
                "route table, a security group and a t3.micro with a public address; a peering connection; flow logs "
                f"and their log group{roles}"
            )
            yield f"What that costs until it is deleted (notebook 10):\n{self.quote}"


def _few(words: list[str]) -> str:
    """Return the first words, and how many more there are."""
    more = f" and {len(words) - 4} more" if len(words) > 4 else ""
    return f"{', '.join(words[:4])}{more}"


def _with_fixes(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield a line for the findings that have the same fix."""
    by_fix: dict[str, list[str]] = defaultdict(list)
    for each in findings:
        by_fix[each.fix].append(each.what)
    for fix, whats in by_fix.items():
        text = "; ".join(whats)
        yield f"{text[0].upper()}{text[1:]}. {fix}"
