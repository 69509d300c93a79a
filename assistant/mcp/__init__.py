"""The assistant's tools for other programs, over the Model Context Protocol (spec of 2025-11-25).

`serve_stdio` is what `lake mcp` runs; `make_mcp_app` stands beside the page. Every session has an evidence
ledger of its own, so that keys of two clients never mix.
"""

from assistant.mcp.http import McpApp, make_mcp_app
from assistant.mcp.stdio import serve_stdio

__all__ = ["McpApp", "make_mcp_app", "serve_stdio"]
