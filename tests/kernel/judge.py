"""Both builders on the same networks: where do they disagree?"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from multiprocessing import get_context
from typing import Any

from labkit.embedded import start
from tests.kernel import aws, linux
from tests.kernel.description import Outcome, Site, Subnet, pruned
from tests.kernel.generator import site


def figures(site: Site, kernel: Outcome) -> Counter[str]:
    """What was judged: networks, probes, flows and packets at interfaces, and how many probes had each fate."""
    packets = sum(count for count, _ in kernel.records.values())
    sizes = Counter(networks=1, probes=len(site.probes), packets=packets, records=len(kernel.records))
    return sizes + Counter(fate.stop or "answered" for fate in kernel.fates.values())


def both(sites: list[Site]) -> list[tuple[Outcome, Outcome]]:
    """What the embedded AWS and what the kernel says of each site, built side by side in one fresh account."""
    account = start()
    try:
        built = aws.build(account, sites)
        ours = aws.outcomes(account, built)
    finally:
        account.stop()
    return [(one, linux.outcome(each.site, each.public)) for one, each in zip(ours, built, strict=True)]


def differences(site: Site, ours: Outcome, kernel: Outcome) -> list[str]:
    """Where they disagree, a sentence each."""
    found = [
        f"{probe}\n    labkit: {ours.fates[probe.sport]}\n    Linux:  {kernel.fates[probe.sport]}"
        for probe in site.probes
        if ours.fates[probe.sport] != kernel.fates[probe.sport]
    ]
    for key in sorted(ours.records.keys() | kernel.records.keys()):
        pair = ours.records.get(key), kernel.records.get(key)
        if pair[0] != pair[1]:
            found.append(f"{' '.join(map(str, key))}: packets and bytes\n    labkit: {pair[0]}\n    Linux:  {pair[1]}")
    return found


def judge(seeds: Iterable[int]) -> tuple[Counter[str], str | None]:
    """Judge the networks of some seeds: the figures, and the smallest case of the first difference, or None."""
    sites = [site(seed) for seed in seeds]
    judged: Counter[str] = Counter()
    for one, (ours, kernel) in zip(sites, both(sites), strict=True):
        judged += figures(one, kernel)
        if differences(one, ours, kernel):
            return judged, report(smallest(one, lambda smaller: bool(differences(smaller, *both([smaller])[0]))))
    return judged, None


def report(site: Site) -> str:
    """A difference as it is printed: the network, and what each side says."""
    return f"{site}\n\n" + "\n".join(differences(site, *both([site])[0]))


def judge_all(seeds: range, workers: int, at_once: int = 10) -> tuple[Counter[str], list[str], float]:
    """Judge many networks on several processors: the figures, the differences, the seconds."""
    began = time.monotonic()
    batches = [seeds[n : n + at_once] for n in range(0, len(seeds), at_once)]
    judged: Counter[str] = Counter()
    found = []
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_keep_what_is_imported) as pool:
        for part, difference in pool.map(judge, batches):
            judged += part
            found += [difference] if difference else []
    return judged, found, time.monotonic() - began


def _keep_what_is_imported() -> None:
    """Keep moto's tables out of every further collection of garbage."""
    start().stop()
    gc.collect()
    gc.freeze()


# From a difference to a small case


def smallest(site: Site, differs: Callable[[Site], bool]) -> Site:
    """Take away every part that a difference does not need. `differs` must hold of `site`, and holds of the result."""
    before = None
    while site != before:
        before = site
        for name in ("probes", "vpcs", "subnets", "hosts", "peerings", "groups"):
            size = max(len(getattr(site, name)) // 2, 1)
            while size:
                n = 0
                while n < len(parts := getattr(site, name)):
                    smaller = pruned(replace(site, **{name: parts[:n] + parts[n + size :]}))
                    if differs(smaller):
                        site = smaller
                    else:
                        n += size
                size //= 2
        for name in ("vpcs", "subnets", "groups"):
            for n in range(len(getattr(site, name))):
                site = _with_simplest_part(site, name, n, differs)
    return site


def _with_simplest_part(site: Site, name: str, n: int, differs: Callable[[Site], bool]) -> Site:
    parts = getattr(site, name)
    for simpler in _simpler(parts[n]):
        smaller = pruned(replace(site, **{name: (*parts[:n], simpler, *parts[n + 1 :])}))
        if smaller != site and differs(smaller):
            return _with_simplest_part(smaller, name, n, differs)
    return site


def _simpler(part: Any) -> Iterable[Any]:
    """A part with less in it: without its own table or ACL, or with one row, entry or rule less."""
    for each in fields(part):
        value = getattr(part, each.name)
        if isinstance(value, tuple):
            if isinstance(part, Subnet):
                yield replace(part, **{each.name: None})
            for n in range(len(value)):
                yield replace(part, **{each.name: value[:n] + value[n + 1 :]})
