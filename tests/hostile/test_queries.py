"""Whatever the query, the answer is rows, a QueryError that points into the query, or the end that AWS gives it.

The grammar's own commands are filled with expressions of each kind, fitting or not, and AWS's samples are broken.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

from labkit import insights
from labkit.insights.functions import AGGREGATES, FUNCTIONS, Function
from tests.hostile.fuzzing import SOAK, Outcomes, mutate_bytes
from tests.insights.flows import events

#: The longest that a query over a few hundred records may take, in seconds; on AWS it is an hour.
LONGEST = 10.0

# fmt: off
NAMES = ["@timestamp", "@message", "@logStream", "@ptr", "srcAddr", "dstAddr", "srcPort", "bytes", "packets", "action",
         "nosuch", "logStatus", "`a b`", "x", "y"]
NUMBERS = ["0", "1", "2", "17", ".5", "1.0", "4096", "100000", "99999999999", "9007199254740993", "9223372036854775807",
           "9" * 300, "9" * 400, "0." + "0" * 400 + "1"]
TEXTS = ["''", "'a'", "'10.1.'", "'10.1.0.0/16'", "'::/0'", "'*'", "'* *'", "'**'", "'a*'", "'\\\\'", "'\n'", "'é'",
         "'1e308'", "'-1'", "'nan'", "'2025-12-03'", '"\'"', "'%'", "'$1'", f"'{'*' * 50}'"]
REGEXES = ["/a/", "/(?<x>.*)/", "/(?<x>a)(?<z>b)?/", "/(?i)ACCEPT/", "/(/", "/.{1000}/", "/(.{30}){30}/", r"/\pL+/",
           "/^$/", "/[[:alpha:]]/", "/(?<x>)*/", r"/\//"]
PERIODS = ["1s", "5m", "0s", "300s", "1h", "99999999999d", "10000y", "1mo", "1q", "2w", "1ms"]
OTHERS = ["true", "false", "now()", "count(*)"]
OPERATORS = ["+", "-", "*", "/", "%", "^", "=", "!=", "<", "<=", ">", ">=", "and", "or"]
# fmt: on
#: How often a function gets one argument more or less than it takes.
WRONG = 0.03


class Query:
    """Makes random queries."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, choices: list[str]) -> str:
        return self.random.choice(choices)

    def some(self, make: Callable[[], str], most: int = 3) -> str:
        return ", ".join(make() for _ in range(self.random.randint(1, most)))

    def expression(self, depth: int = 0) -> str:
        kind = self.random.random() + (1 if depth > 2 else 0)
        inner = depth + 1
        if kind < 0.25:
            return self.call(FUNCTIONS, inner)
        if kind < 0.26:
            return self.call(AGGREGATES, inner)
        if kind < 0.38:
            return f"({self.expression(inner)} {self.pick(OPERATORS)} {self.expression(inner)})"
        if kind < 0.42:
            return f"{self.pick(['not ', '-', '+'])}{self.expression(inner)}"
        if kind < 0.46:
            choices = self.some(lambda: self.expression(inner))
            return f"({self.expression(inner)} {self.pick(['in', 'not in'])} [{choices}])"
        if kind < 0.5:
            pattern = self.pick(
                [f"like {self.pick(TEXTS)}", f"not like {self.pick(REGEXES)}", f"=~ {self.pick(REGEXES)}"]
            )
            return f"({self.expression(inner)} {pattern})"
        return self.pick(self.random.choices((NAMES, NUMBERS, TEXTS, PERIODS, OTHERS), (12, 4, 4, 1, 1))[0])

    def call(self, functions: Mapping[str, Function], depth: int) -> str:
        function = self.random.choice(list(functions.values()))
        most = function.least + 3 if function.most is None else function.most
        number = self.random.randint(function.least, most)
        if self.random.random() < WRONG:
            number += self.random.choice([-1, 1])
        return f"{function.name}({', '.join(self.expression(depth) for _ in range(number))})"

    def item(self) -> str:
        return self.expression() + self.pick(["", "", "", f" as {self.pick(NAMES)}"])

    def command(self) -> str:
        return {
            "fields": lambda: f"fields {self.some(self.item)}",
            "display": lambda: f"display {self.some(self.item)}",
            "filter": lambda: f"filter {self.expression()}",
            "parse": lambda: f"parse {self.pick([*NAMES, ''])} {self.pattern()}",
            "stats": lambda: f"stats {self.some(self.aggregate)} {self.pick(['', f'by {self.some(self.item)}'])}",
            "sort": lambda: f"sort {self.some(lambda: self.expression() + self.pick(['', ' desc', ' asc']))}",
        }[self.pick(["fields", "display", "filter", "parse", "stats", "sort", "sort"])]()

    def aggregate(self) -> str:
        made = self.call(AGGREGATES, 2) if self.random.random() < 0.8 else self.expression()
        return made + self.pick(["", "", f" as {self.pick(NAMES)}"])

    def pattern(self) -> str:
        stars = self.random.randint(1, 5)
        glob = "".join(f"*{self.pick(['', ' ', 'a', ' - ', '.'])}" for _ in range(stars))
        return self.pick([self.pick(REGEXES), f"'{glob}' as {', '.join(f'p{each}' for each in range(stars))}"])

    def text(self) -> str:
        commands = [self.command() for _ in range(self.random.choice([1, 1, 2, 2, 3, 6]))]
        # Only limit may stand after dedup.
        end = self.pick(["", "", "", f"dedup {self.pick(NAMES)}", "limit 5", f"limit {self.pick(NUMBERS)}"])
        return " | ".join([*commands, end] if end else commands)


def ask(text: str, outcomes: Outcomes) -> None:
    began = time.monotonic()
    with outcomes.of(text):
        try:
            list(insights.run(events().slice(0, 300), text).rows)
        except insights.QueryError as error:
            assert 0 <= error.start <= error.end <= len(text), "it points into the query"
            raise
    if time.monotonic() - began > LONGEST:
        outcomes.raw.append(f"{text!r:.300} took {time.monotonic() - began:.0f} s")


def test_queries_of_the_grammar_with_expressions_of_each_kind(outcomes: Outcomes) -> None:
    for seed in range(250 * SOAK):
        ask(Query(seed).text(), outcomes)
    assert outcomes.refused < outcomes.tried * 0.85, "many queries have an answer"


def test_broken_samples_of_aws(outcomes: Outcomes) -> None:
    chance = random.Random("samples")
    samples = [text.encode() for text in insights.SAMPLES.values()]
    for _ in range(150 * SOAK):
        ask(mutate_bytes(chance, chance.choice(samples)).decode(errors="replace"), outcomes)


#: Where an expression can stand, and which kinds there are.
POSITIONS = """\
sort {}
sort {} desc | limit 5
sort bytes | sort {}
stats count(*) by {}
stats {}
stats max({})
stats count_distinct({}) by srcAddr
stats earliest({}), latest({})
stats pct({}, 50)
stats pct(bytes, {})
stats sum({}) as s, s + 1 by bin(1h)
stats concat({}, max(srcAddr)) as s, strlen(s) by srcAddr
stats count(*) as n by srcAddr | sort {}
stats count(*) by {} as k | sort k | limit 1
filter {}
filter {} = {}
filter {} in [{}, 1]
filter {} like 'a'
fields {}
fields {} as x | sort x | dedup x
display {}
parse {} '* *' as a, b
dedup {}
limit {}
fields if({}, {}, {})
fields bin({})
fields datefloor({}, {})
fields substr({}, {})
fields isIpInSubnet({}, {})
fields coalesce({}, {})
fields concat({}, {})
fields now(), {}, replace({}, now(), {})
fields replace({}, {}, {}) as x | stats max({}) by {}, x
diff {}"""
KINDS = """\
now() false true (not true) 1 -1 --1 0.5 1+1 'a' '1' '' 5m nosuch srcAddr bytes @timestamp @message `@ptr` count(*)
max(bytes) max(max(bytes)) bin(5m) json.path a[0] srcAddr+1 bytes/0 10^400 fromMillis(10^18) toMillis(@timestamp)
(srcAddr='a') bytes>1 coalesce(nosuch) abs(-1) strlen('a') now()+1 (now()) (5m) * 9999999999999999999999"""


def test_each_kind_of_expression_in_each_position(outcomes: Outcomes) -> None:
    for position in POSITIONS.splitlines():
        for kind in KINDS.split():
            ask(position.replace("{}", kind), outcomes)
