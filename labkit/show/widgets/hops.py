"""One step of a packet's way in full: what it met there, which rule decided, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from labkit.network.filters import entry_text, permission_text
from labkit.network.model import Network
from labkit.network.path import Hop, Path
from labkit.show.map.map_contents import short
from labkit.show.widgets.advice import next_step
from labkit.show.widgets.parts import sentence, table


@dataclass(frozen=True, slots=True)
class Step:
    """A hop with its place on its way, `there` or `back`; `number` counts from 1, as on the map."""

    way: str
    number: int
    hop: Hop

    @property
    def key(self) -> str:
        """As the map knows it."""
        return f"{self.way}-{self.number}"

    @property
    def where(self) -> str:
        """In Python, from a path."""
        return f"{'forward' if self.way == 'there' else 'back'}.hops[{self.number - 1}]"

    @property
    def mark(self) -> str:
        return ("" if self.way == "there" else "↩") + str(self.number)

    def __str__(self) -> str:
        hop = self.hop
        name = hop.kind if hop.name == hop.kind else f"{hop.kind} {short(hop.name)}"
        return f"{self.mark} {'✓' if hop.passes else '✗'} {name}"


def steps(path: Path) -> list[Step]:
    """All hops of a path, there and back."""
    legs = [("there", path.forward)] + ([("back", path.back)] if path.back else [])
    return [Step(way, number, hop) for way, leg in legs for number, hop in enumerate(leg.hops, start=1)]


def step_html(network: Network, step: Step) -> str:
    """A step in HTML: what the component decided, by which rule, and, where it stopped the packet, what to do next."""
    hop = step.hop
    parts = [f"<p><b>{escape(str(step))}</b></p>", sentence(_capital(hop.sentence) + ".")]
    facts = [("packet", str(hop.packet))]
    if hop.rule:
        facts.append(("what decided", _named(network, hop.rule)))
    if hop.name != hop.component:
        facts.append(("id", hop.component))
    if hop.interface:
        facts.append(("interface", hop.interface))
    if hop.code:
        facts.append(("code", f"{hop.code} (of VPC Reachability Analyzer)"))
    parts.append(
        "".join(f"<div><span class='quiet'>{escape(name)}:</span> {escape(fact)}</div>" for name, fact in facts)
    )
    advice = next_step(hop)
    if advice:
        parts.append(f"<p><b>What next:</b> {escape(advice)}</p>")
    return "".join(parts) + _rules(network, hop)


def _capital(said: str) -> str:
    """With a capital at the beginning, unless that is a name.

    >>> _capital("gets the packet"), _capital("vpc-1 has no internet gateway")
    ('Gets the packet', 'vpc-1 has no internet gateway')
    """
    first, space, rest = said.partition(" ")
    return (first.capitalize() if first.strip(":").isalpha() else first) + space + rest


def _named(network: Network, rule: str) -> str:
    """A rule whose target or group is said by name as well: an id alone says little."""
    ids = {word.strip(",") for word in rule.split() if network.name(word.strip(",")) != word.strip(",")}
    return rule + "".join(f" ({id} is {network.name(id)})" for id in sorted(ids))


def _rules(network: Network, hop: Hop) -> str:
    """All the rules that the component went through, the one that decided marked."""
    outbound = _is_outbound(network, hop)
    if hop.kind == "route table" and hop.component in network.route_tables:
        routes = network.route_tables[hop.component].routes
        rows = [(route.destination, network.name(route.target), route.state) for route in routes]
        chosen = [i for i, route in enumerate(routes) if str(route) == hop.rule]
        return table(["destination", "target", "state"], rows, f"All routes of {hop.name}", chosen)
    direction = "outbound" if outbound else "inbound"
    if hop.kind == "security group" and hop.interface and hop.interface in network.interfaces:
        groups = [network.security_groups[id] for id in network.interfaces[hop.interface].groups]
        rules = [
            (group.id, group.name, permission_text(rule, outbound))
            for group in groups
            for rule in (group.egress if outbound else group.ingress)
        ]
        chosen = [i for i, (id, _, rule) in enumerate(rules) if (id, rule) == (hop.component, hop.rule)][:1]
        rows_2 = [(name, _named(network, rule)) for _, name, rule in rules] or [("none", "nothing is allowed")]
        return table(["security group", "allows"], rows_2, f"All {direction} rules", chosen)
    if hop.kind == "network ACL" and hop.component in network.network_acls:
        entries = sorted(network.network_acls[hop.component].entries, key=lambda entry: entry.number)
        texts = [entry_text(entry) for entry in entries if entry.egress == outbound]
        if not any(text.startswith("rule *") for text in texts):
            texts.append("rule *: deny all traffic")
        chosen = [i for i, text in enumerate(texts) if text.partition(":")[0] == (hop.rule or "").partition(":")[0]]
        title = f"All {direction} rules of {hop.name}, in the order in which they are tried"
        return table(["rule"], [[text] for text in texts], title, chosen)
    return ""


def _is_outbound(network: Network, hop: Hop) -> bool:
    """Whether the packet was leaving by the hop's interface."""
    if "outbound" in hop.sentence or "inbound" in hop.sentence:
        return "outbound" in hop.sentence
    interface = network.interfaces.get(hop.interface or "")
    return interface is not None and hop.packet.src in interface.addresses
