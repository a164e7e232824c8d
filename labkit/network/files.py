"""Make the parts of a network out of a folder of `describe-*` answers, as the AWS CLI prints them.

`Network.from_files` calls this. The key of a list (`Vpcs`, `Subnets`, …), as the API has it, says what a file holds,
and only where the key is missing the file's name: https://docs.aws.amazon.com/cli/latest/reference/ec2/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from ipaddress import ip_network
from os import PathLike
from pathlib import Path

from labkit.errors import SnapshotError
from labkit.network.parts import Cidr
from labkit.network.read import OPERATIONS, Json, Parts, PrefixLists, read_parts
from labkit.network.topology import Topology

_PREFIX_LISTS = "PrefixLists"
_KINDS = (*OPERATIONS.values(), _PREFIX_LISTS)

#: The names that files of each kind go by, without `describe`: `vpcs` → `Vpcs`, `instances` → `Reservations`.
_FILE_NAMES = {kind.lower(): kind for kind in _KINDS} | {"instances": "Reservations"}


def read_files(folder: str | PathLike[str]) -> Parts:
    """Read every JSON file of a folder and its subfolders, and make the parts of one network of them.

    Raises:
        SnapshotError: A file is not an answer of EC2's, or the files are not a whole network.
    """
    root = Path(folder)
    files = [(file, list(_lists(file))) for file in _json_files(root)]
    if not any(found for _, found in files):
        raise SnapshotError(
            f"There is no JSON file in {root} that describes a network ({len(files)} files were read). Write some: "
            f"aws ec2 describe-vpcs --output json > {root / 'vpcs.json'}, and so on for each kind of resource."
        )
    lists = [(file, kind, parts) for file, found in files for kind, parts in found]
    prefix_lists = _prefix_lists(lists)
    read: list[tuple[Path, Parts]] = []
    for file, kind, described in lists:
        if kind != _PREFIX_LISTS:
            with _naming(file, kind):
                if kind == "Reservations":  # or instances alone, as --query 'Reservations[].Instances[]' gives them
                    described = [{"Instances": [part]} if "InstanceId" in part else part for part in described]
                read.append((file, read_parts({kind: described}, prefix_lists)))
    parts = _merged(read) | {"prefix_lists": dict(prefix_lists)}
    _require_whole(Topology(**parts), root)
    return parts


def _json_files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise SnapshotError(f"There is no folder {root}. Give the folder with the answers of aws ec2.")
    found = (path for path in root.rglob("*") if path.suffix.lower() == ".json" and path.is_file())
    return sorted(path for path in found if not path.name.startswith("."))


def _lists(file: Path) -> Iterator[tuple[str, list[Json]]]:
    """Yield the lists of parts in a file, each with its kind; those of other kinds (`Addresses`) are ignored."""
    content = file.read_bytes()
    if not content.strip():
        raise SnapshotError(f"{file} is empty: the command that should have filled it failed. Run it again.")
    try:
        document = json.loads(content)  # UTF-8 or, as a Windows shell writes it, UTF-16
    except ValueError as error:
        raise SnapshotError(f"{file} is not JSON ({error}). Ask the AWS CLI for --output json.") from None
    pages = document if isinstance(document, list) else [document]
    prefix_list = re.search(r"pl-\w+", file.stem)
    bare: list[Json] = []
    for page in pages:
        found = [kind for kind in _KINDS if isinstance(page, dict) and isinstance(page.get(kind), list)]
        for kind in found:
            yield kind, page[kind]
        if not found and isinstance(document, list):
            bare.append(page)
        elif not found and prefix_list and isinstance(page, dict) and "Entries" in page:
            yield _PREFIX_LISTS, [{"PrefixListId": prefix_list[0], **page}]
    name = re.sub("describe|[^a-z]", "", file.stem.lower())
    if bare:
        yield from ((kind, bare) for start, kind in _FILE_NAMES.items() if name.startswith(start))


def _prefix_lists(lists: Iterable[tuple[Path, str, list[Json]]]) -> PrefixLists:
    """Return the prefix lists, each with its blocks from every page; those whose blocks no file gives are left out."""
    found: dict[str, dict[Cidr, None]] = {}
    for file, kind, parts in lists:
        if kind == _PREFIX_LISTS:
            with _naming(file, kind):
                for part in parts:
                    # get-managed-prefix-list-entries has Entries, describe-prefix-lists Cidrs,
                    # describe-managed-prefix-lists neither
                    blocks = [*part.get("Cidrs", ()), *(entry["Cidr"] for entry in part.get("Entries", ()))]
                    found.setdefault(part["PrefixListId"], {}).update(dict.fromkeys(map(ip_network, blocks)))
    return {id: tuple(blocks) for id, blocks in found.items() if blocks}


@contextmanager
def _naming(file: Path, kind: str) -> Iterator[None]:
    """Turn what goes wrong with a file's list into an error that names the file."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else f"has another form ({error})"
        raise SnapshotError(
            f"{file} is not what EC2 answers: an entry of {kind} {reason}. Save the whole answer, with --output json."
        ) from None


def _merged(read: Iterable[tuple[Path, Parts]]) -> Parts:
    merged: Parts = {field.name: {} for field in fields(Topology)}
    described_in: dict[str, Path] = {}
    for file, found in read:
        for field, parts in found.items():
            for id, part in parts.items():
                known = merged[field].get(id)
                if known and replace(part, name="") != replace(known, name=""):
                    raise SnapshotError(
                        f"{id} is described in {described_in[id]} and differently in {file}: they are from "
                        "different times. Describe everything at once, in an empty folder."
                    )
                merged[field][id] = part
                described_in[id] = file
    return merged


def _require_whole(network: Topology, root: Path) -> None:
    """Raise where a part names another that a VPC always has and no file describes."""
    found = sorted(set(gaps(network)))
    if found:
        operation, what = found[0]
        others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise SnapshotError(
            f"The files in {root} are not a whole network: none describes {what}{others}. "
            f"Add the answer of aws ec2 {operation} --output json."
        )


def gaps(network: Topology) -> Iterator[tuple[str, str]]:
    """Yield what a network's parts name and it lacks: the operation that describes it, and the part in words."""
    tables = {subnet for table in network.route_tables.values() for subnet in table.subnets}
    with_main = {table.vpc for table in network.route_tables.values() if table.main}
    with_acl = {subnet for acl in network.network_acls.values() for subnet in acl.subnets}
    for subnet in network.subnets.values():
        if subnet.vpc not in network.vpcs:
            yield "describe-vpcs", f"{subnet.vpc}, the VPC of {subnet.id}"
        if subnet.id not in tables and subnet.vpc not in with_main:
            yield "describe-route-tables", f"the route table of {subnet.id}: its own, or the main one of {subnet.vpc}"
        if subnet.id not in with_acl:
            yield "describe-network-acls", f"the network ACL of {subnet.id}"
    for interface in network.interfaces.values():
        if interface.subnet not in network.subnets:
            yield "describe-subnets", f"{interface.subnet}, the subnet of {interface.id}"
        for group in interface.groups:
            if group not in network.security_groups:
                yield "describe-security-groups", f"{group}, a security group of {interface.id}"
    for gateway in network.nat_gateways.values():
        if gateway.state == "available" and not gateway.regional and gateway.interface not in network.interfaces:
            yield "describe-network-interfaces", f"{gateway.interface}, the interface of {gateway.id}"
    rules = (rule for group in network.security_groups.values() for rule in (*group.ingress, *group.egress))
    named = {id for rule in rules for id in rule.prefix_lists}
    routes = (route for table in network.route_tables.values() for route in table.routes)
    named |= {route.destination for route in routes if route.destination.startswith("pl-")}
    for id in named - set(network.prefix_lists):
        yield f"get-managed-prefix-list-entries --prefix-list-id {id}", f"the blocks of the prefix list {id}"
