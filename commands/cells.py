"""Cells of a CSV that is opened in a spreadsheet."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that a spreadsheet may take for a formula."""


def defused(cell: str) -> str:
    """The cell with an apostrophe before it where it would be a formula, or begins with one and must come back so."""
    return f"'{cell}" if cell.startswith((*FORMULA, "'")) else cell
