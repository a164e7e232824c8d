"""CloudWatch Logs Insights QL over any table: a query is parsed, compiled to SQL and run in DuckDB.

The embedded AWS, the Insights box and engineers use this room:

>>> import pandas as pd
>>> from labkit import insights
>>> flows = pd.DataFrame({"srcAddr": ["10.1.15.80", "10.2.0.126"], "bytes": [84, 610]})
>>> insights.query(flows, "filter bytes > 100 | display srcAddr")
      srcAddr
0  10.2.0.126

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_LogsInsights.html
"""

from labkit.errors import QueryError, QueryRunError
from labkit.insights.compiler import MOST_ROWS, CompiledQuery, compile
from labkit.insights.database import SECONDS
from labkit.insights.events import EVENT_FIELDS, event_table
from labkit.insights.parser import MOST_CHARACTERS, ParsedQuery, parse
from labkit.insights.query_errors import explain_error
from labkit.insights.running import QueryResults, execute, kinds, query, run
from labkit.insights.samples import SAMPLES
from labkit.insights.unknown_fields import unknown_fields
from labkit.insights.values import ValueKind

__all__ = [
    "EVENT_FIELDS",
    "MOST_CHARACTERS",
    "MOST_ROWS",
    "SAMPLES",
    "SECONDS",
    "CompiledQuery",
    "ParsedQuery",
    "QueryError",
    "QueryResults",
    "QueryRunError",
    "ValueKind",
    "compile",
    "event_table",
    "execute",
    "explain_error",
    "kinds",
    "parse",
    "query",
    "run",
    "unknown_fields",
]
