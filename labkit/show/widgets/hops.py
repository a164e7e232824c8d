"""The steps of a path as widgets show them: what each component decided, by which rule, and what to do next.

The packet lab shows all steps of a path and one of them in full; the replay goes from step to step.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from labkit.network import AclEntry, ComponentKind, Hop, Network, Path, Permission, Route, entry_text, permission_text
from labkit.show.map.map_contents import capitalized, short
from labkit.show.widgets.advice import next_step
from labkit.show.widgets.parts import sentence, table


@dataclass(frozen=True, slots=True)
class Step:
    """A hop and its place on its leg.

    Attributes:
        leg: `there` or `back`.
        number: Its number on the leg, from 1, as on the map.
        hop: The hop.
    """

    leg: str
    number: int
    hop: Hop

    @property
    def key(self) -> str:
        """The name by which the map knows the step."""
        return f"{self.leg}-{self.number}"

    @property
    def mark(self) -> str:
        """The number, as the map shows it: `5` there, `↩5` back."""
        return ("" if self.leg == "there" else "↩") + str(self.number)

    def __str__(self) -> str:
        hop = self.hop
        name = hop.kind if hop.name == hop.kind else f"{hop.kind} {short(hop.name)}"
        return f"{self.mark} {'✓' if hop.passes else '✗'} {name}"


def steps(path: Path) -> list[Step]:
    """Return all hops of a path, there and back, as steps."""
    return [Step(title, number, hop) for title, leg in path.legs.items() for number, hop in enumerate(leg.hops, 1)]


def step_html(network: Network, step: Step) -> str:
    """Return a step in HTML: what the component decided, by which rule, and what to do about a packet that it stopped.

    Args:
        network: The network that the path was traced through.
        step: The step.
    """
    hop = step.hop
    facts = {
        "packet": str(hop.packet),
        "what decided": hop.rule and hop.rule + _names(network, hop.decided_by),
        "id": hop.component if hop.component != hop.name else None,
        "interface": hop.interface,
        "code": hop.code and f"{hop.code} (of VPC Reachability Analyzer)",
    }
    advice = next_step(hop)
    return "".join(
        [
            f"<p><b>{escape(str(step))}</b></p>",
            sentence(capitalized(hop.sentence) + "."),
            *(f"<div><span class='quiet'>{name}:</span> {escape(fact)}</div>" for name, fact in facts.items() if fact),
            f"<p><b>What next:</b> {escape(advice)}</p>" if advice else "",
            _rules(network, hop),
        ]
    )


def _names(network: Network, rule: object) -> str:
    """The names of a route's target or of a rule's groups, in parentheses: an id alone says little."""
    ids = {rule.target} if isinstance(rule, Route) else set(rule.groups) if isinstance(rule, Permission) else set()
    return "".join(f" ({id} is {network.name(id)})" for id in sorted(ids) if network.name(id) != id)


def _rules(network: Network, hop: Hop) -> str:
    """All the rules that the component went through, the one that decided marked."""
    egress = hop.direction == "egress"
    direction = "outbound" if egress else "inbound"
    if hop.kind is ComponentKind.ROUTE_TABLE:
        routes = network.route_tables[hop.component].routes
        rows = [(route.destination, network.name(route.target), route.state) for route in routes]
        chosen = [i for i, route in enumerate(routes) if route == hop.decided_by]
        return table(["destination", "target", "state"], rows, f"All routes of {hop.name}", chosen)
    if hop.kind is ComponentKind.SECURITY_GROUP and hop.interface:
        groups = [network.security_groups[id] for id in network.interfaces[hop.interface].groups]
        rules = [(group, rule) for group in groups for rule in (group.egress if egress else group.ingress)]
        chosen = [i for i, (group, rule) in enumerate(rules) if (group.id, rule) == (hop.component, hop.decided_by)][:1]
        texts = [(group.name, permission_text(rule, egress) + _names(network, rule)) for group, rule in rules]
        none = [("none", "nothing is allowed")]
        return table(["security group", "allows"], texts or none, f"All {direction} rules", chosen)
    if hop.kind is ComponentKind.NETWORK_ACL:
        entries: list[AclEntry | None] = [e for e in network.network_acls[hop.component].entries if e.egress == egress]
        if hop.decided_by is None or not any(entry and entry.is_default for entry in entries):
            entries.append(None)
        lines = [[entry_text(entry) if entry else "rule *: deny all traffic"] for entry in entries]
        title = f"All {direction} rules of {hop.name}, in the order in which they are tried"
        return table(["rule"], lines, title, [i for i, entry in enumerate(entries) if entry == hop.decided_by])
    return ""
