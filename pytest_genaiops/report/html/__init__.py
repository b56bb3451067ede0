"""The report as one HTML file that opens from disk, asks no network for anything, and runs none of its data."""

from pytest_genaiops.report.html.page import chunks, page

__all__ = ["chunks", "page"]
