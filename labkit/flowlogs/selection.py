"""Choose records by what they say, also as pandas code, and again and again at the speed of a hand on a slider."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

#: The columns that choices and answers are made of.
_USED = ("start", "action", "protocol", "srcaddr", "dstaddr", "srcport", "dstport", "packets", "bytes", "interface_id")

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

#: What stands for a missing number.
NONE = -1

_NEEDS: dict[str, tuple[str, ...]] = {"since": ("start",), "until": ("start",), "action": ("action",)}
_NEEDS |= {"protocol": ("protocol",), "address": ("srcaddr", "dstaddr"), "port": ("srcport", "dstport")}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records are wanted: those of which all holds that is given.

    Parameters: `since` and `until`, moments with a time zone, for records that start at `since` or later and before
    `until`; `action`, ACCEPT or REJECT; `protocol`, a number; `address`, an address or a CIDR, and `port`, either of
    source or destination. Raises ValueError for what is none.
    """

    since: datetime | None = None
    until: datetime | None = None
    action: str | None = None
    protocol: int | None = None
    address: str | None = None
    port: int | None = None

    def __post_init__(self) -> None:
        for moment in (self.since, self.until):
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"{moment} has no time zone; records have UTC times.")
        if self.action not in (None, "ACCEPT", "REJECT"):
            raise ValueError(f"{self.action!r} is no verdict: it is ACCEPT or REJECT.")
        for name, number, most in (("protocol", self.protocol, 255), ("port", self.port, 65535)):
            if number is not None and (not isinstance(number, int) or not 0 <= number <= most):
                raise ValueError(f"{number!r} is no {name}: it is a whole number from 0 to {most}.")
        if self.address is not None:
            network_of(self.address)

    def pandas(self, table: str = "table", found: str = "found") -> str:
        """The same choice as pandas code. Parameters: the names of the table and of what is found in it.

        >>> print(Selection(action="REJECT", port=22).pandas())
        found = table[
            (table["action"] == "REJECT")
            & ((table["srcport"] == 22) | (table["dstport"] == 22))
        ]
        """
        column = f'{table}["{{}}"]'.format
        before, tests = [], []
        if self.since is not None:
            tests.append(f'({column("start")} >= pd.Timestamp("{self.since.isoformat(" ")}"))')
        if self.until is not None:
            tests.append(f'({column("start")} < pd.Timestamp("{self.until.isoformat(" ")}"))')
        if self.action is not None:
            tests.append(f'({column("action")} == "{self.action}")')
        if self.protocol is not None:
            tests.append(f"({column('protocol')} == {self.protocol})")
        if self.address is not None:
            network = network_of(self.address)
            if network.num_addresses == 1:
                test = f'== "{network.network_address}"'
                tests.append(f"(({column('srcaddr')} {test}) | ({column('dstaddr')} {test}))")
            else:
                before += [
                    "from ipaddress import ip_address, ip_network\n",
                    f"addresses = pd.concat([{column('srcaddr')}, {column('dstaddr')}]).dropna().unique()",
                    f'inside = [each for each in addresses if ip_address(each) in ip_network("{network}")]',
                ]
                tests.append(f"({column('srcaddr')}.isin(inside) | {column('dstaddr')}.isin(inside))")
        if self.port is not None:
            tests.append(f"(({column('srcport')} == {self.port}) | ({column('dstport')} == {self.port}))")
        if "pd." in "".join(before + tests):
            before.insert(0, "import pandas as pd" if before else "import pandas as pd\n")
        chosen = f"{table}[\n    " + "\n    & ".join(tests) + "\n]" if tests else table
        return "\n".join([*before, f"{found} = {chosen}"])

    def needs(self) -> list[str]:
        """The columns that it asks for."""
        return [column for name, columns in _NEEDS.items() if getattr(self, name) is not None for column in columns]


def select(table: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    """The records of which all holds that is given.

    Parameters: `table` from `read`; `wanted`, any of Selection's parameters. Raises ValueError for a value that makes
    no sense, and for a column that the table lacks.

    >>> from labkit.flowlogs.examples import knocks
    >>> select(knocks, address="20.65.0.0/16", port=22)[["srcaddr", "dstport", "action"]]
            srcaddr  dstport  action
    0  20.65.136.10       22  REJECT
    """
    return table[Columns(table).mask(Selection(**wanted))]


def network_of(address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The network that is an address or a CIDR; one that names a host in it stands for all of it.

    >>> network_of("10.1.15.80/16")
    IPv4Network('10.1.0.0/16')
    """
    try:
        return ipaddress.ip_network(address.strip(), strict=False)
    except ValueError:
        raise ValueError(
            f"{address!r} is no address and no CIDR. Write one such as 10.1.15.80 or 10.1.0.0/16."
        ) from None


class Columns:
    """The columns of a table as plain numbers, made once, for many choices.

    A choice from a day of 200,000 records then takes a few milliseconds. Parameters: `table` from `read`, or with such
    columns; those that it lacks are `missing`. Raises ValueError where one holds something else.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self._table = table
        self.missing = [each for each in _USED if each not in table.columns]
        self.size = len(table)
        self.start = self._numbers("start")
        self.protocol, self.srcport, self.dstport = map(self._numbers, ("protocol", "srcport", "dstport"))
        self._action, self._verdicts = self._words("action")
        self.without_verdict = np.asarray((self._action == NONE) & ("action" not in self.missing))
        source, sources = self._words("srcaddr")
        target, targets = self._words("dstaddr")
        self.addresses = sorted({*sources, *targets})
        self.source = _renumbered(source, sources, self.addresses)
        self.target = _renumbered(target, targets, self.addresses)
        self._ipv4, self._others = _parsed(self.addresses)
        self._has_ends = (self.source != NONE) & (self.target != NONE)
        self._sizes = np.array([np.maximum(self._numbers(each), 0) for each in ("packets", "bytes")], float)
        # Each pair of addresses at each interface: what both ends have seen must count once.
        interface, interfaces = self._words("interface_id")
        width = len(interfaces) + 1
        keys = (self.source * max(len(self.addresses), 1) + self.target) * width + interface + 1
        found, self._group = np.unique(keys, return_inverse=True)
        self._groups = len(found)
        self._pairs, self._pair_starts = np.unique(found // width, return_index=True)

    def mask(self, wanted: Selection) -> Mask:
        """For each record whether it is wanted. Raises ValueError for a column that the table lacks."""
        lacking = [each for each in wanted.needs() if each in self.missing]
        if lacking:
            there = ", ".join(map(str, self._table.columns))
            raise ValueError(f"The table has no column {lacking[0]}; it has {there or 'none'}.")
        mask = np.ones(self.size, bool)
        if wanted.since is not None:
            mask &= self.start >= int(np.ceil(wanted.since.timestamp()))
        if wanted.until is not None:
            mask &= (self.start < int(np.ceil(wanted.until.timestamp()))) & (self.start != NONE)
        if wanted.action is not None:
            mask &= self.is_action(wanted.action)
        if wanted.protocol is not None:
            mask &= self.protocol == wanted.protocol
        if wanted.address is not None:
            inside = self._inside(network_of(wanted.address))
            mask &= inside[self.source] | inside[self.target]
        if wanted.port is not None:
            mask &= (self.srcport == wanted.port) | (self.dstport == wanted.port)
        return mask

    def is_action(self, action: str) -> Mask:
        """For each record whether that is its verdict."""
        known = self._verdicts.index(action) if action in self._verdicts else NONE - 1
        return np.asarray(self._action == known)

    def top_talkers(self, mask: Mask, n: int) -> list[tuple[str, str, int, int]]:
        """Source, destination, packets and bytes of the `n` pairs that moved the most bytes, as the question
        top_talkers gives them of the records in `mask`, without asking a database.
        """
        rows = np.flatnonzero(mask & self._has_ends)
        if not len(rows):
            return []
        groups = self._group[rows]
        of_groups = [np.bincount(groups, weights, self._groups) for weights in (None, *self._sizes[:, rows])]
        seen, packets, octets = (np.maximum.reduceat(each, self._pair_starts) for each in of_groups)
        # Addresses are numbered by name, and equals stay in that order.
        order = np.argsort(np.where(seen > 0, -octets, 1), kind="stable")[: min(n, np.count_nonzero(seen))]
        pairs = [divmod(int(self._pairs[at]), len(self.addresses)) for at in order]
        return [
            (self.addresses[source], self.addresses[target], int(packets[at]), int(octets[at]))
            for at, (source, target) in zip(order, pairs, strict=True)
        ]

    def _inside(self, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Mask:
        """For each address whether it is in the network; the last place is for no address."""
        inside = np.zeros(len(self.addresses) + 1, bool)
        if isinstance(network, ipaddress.IPv4Network):
            low, high = int(network.network_address), int(network.broadcast_address)
            inside[:-1] = (self._ipv4 >= low) & (self._ipv4 <= high)
        else:
            for at, address in self._others.items():
                inside[at] = address in network
        return inside

    def arrow(self, name: str) -> pa.Array:
        """A column of the table as Arrow has it."""
        try:
            column = pa.array(self._table[name], from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            raise ValueError(f"The column {name} holds a mixture: read the records with flowlogs.read.") from None
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

    def _numbers(self, name: str) -> Numbers:
        """A column of numbers, or of times in Unix seconds."""
        if name in self.missing:
            return np.full(self.size, NONE)
        column = self.arrow(name)
        if name == "start" and not pa.types.is_null(column.type):
            if not pa.types.is_timestamp(column.type):
                raise ValueError(f"The column start holds no times, but {column.type}: read with flowlogs.read.")
            column = column.cast(pa.timestamp("s"), safe=False)
        try:
            return np.asarray(column.cast(pa.int64(), safe=False).fill_null(NONE).to_numpy(zero_copy_only=False))
        except pa.ArrowInvalid:
            raise ValueError(f"The column {name} holds something that is no number: {column.type}.") from None

    def _words(self, name: str) -> tuple[Numbers, list[str]]:
        """A column of words as the number of each, and the words."""
        if name in self.missing:
            return np.full(self.size, NONE), []
        coded = self.arrow(name).cast(pa.string()).dictionary_encode()
        numbers = coded.indices.cast(pa.int64()).fill_null(NONE)
        return numbers.to_numpy(zero_copy_only=False), coded.dictionary.to_pylist()


def _renumbered(numbers: Numbers, words: list[str], among: list[str]) -> Numbers:
    """The same words, numbered by their places in a longer list."""
    place = {word: at for at, word in enumerate(among)}
    return np.array([*(place[word] for word in words), NONE])[numbers]


def _parsed(addresses: list[str]) -> tuple[Numbers, dict[int, ipaddress.IPv6Address]]:
    """IPv4 addresses as numbers, in their places; the IPv6 addresses, by theirs."""
    ipv4 = np.full(len(addresses), NONE)
    others: dict[int, ipaddress.IPv6Address] = {}
    for at, word in enumerate(addresses):
        try:
            address = ipaddress.ip_address(word)
        except ValueError:
            continue
        if isinstance(address, ipaddress.IPv4Address):
            ipv4[at] = int(address)
        else:
            others[at] = address
    return ipv4, others
