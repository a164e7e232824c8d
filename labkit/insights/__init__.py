"""CloudWatch Logs Insights QL over any table: grammar.lark reads a query, compiler.py makes SQL of it, DuckDB runs it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_LogsInsights.html
"""

from labkit.errors import QueryError
from labkit.insights.compiled import Compiled, Field
from labkit.insights.compiler import compile
from labkit.insights.errors import explain_error
from labkit.insights.running import Answer, query, run

__all__ = ["Answer", "Compiled", "Field", "QueryError", "compile", "explain_error", "query", "run"]
