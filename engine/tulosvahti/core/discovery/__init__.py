"""Discovery: which cells of a table are computed from which, with no rule written.

The evidence is support: a pattern of positions that holds in many lines (rows, or columns), or in few lines with many
digits, is no coincidence. Nothing is decided here about right or wrong: a pattern says where it holds and where not.
"""
