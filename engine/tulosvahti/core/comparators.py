"""The words and signs by which people compare with a number, in targets and in place of a figure: one list for both."""

from __future__ import annotations

WORDS = {
    "vähintään": ">=", "ainakin": ">=", "minst": ">=", "at least": ">=", "no less than": ">=", "≥": ">=", "=>": ">=", ">=": ">=",
    "enintään": "<=", "korkeintaan": "<=", "högst": "<=", "at most": "<=", "no more than": "<=", "≤": "<=", "=<": "<=", "<=": "<=",
    "yli": ">", "enemmän kuin": ">", "över": ">", "mer än": ">", "more than": ">", "over": ">", "above": ">", ">": ">",
    "alle": "<", "vähemmän kuin": "<", "under": "<", "mindre än": "<", "less than": "<", "fewer than": "<", "below": "<", "<": "<",
    "noin": "~", "n.": "~", "about": "~", "cirka": "~", "ca": "~", "ca.": "~", "~": "~", "≈": "~",
    "=": "=",
}  # fmt: skip
_LONGEST_FIRST = sorted(WORDS, key=len, reverse=True)


def sign_of(body: str) -> tuple[str, str]:
    """Take the sign, or the word for it, from before a number: the sign and the rest; no sign where there is none."""
    folded = body.casefold()
    for word in _LONGEST_FIRST:
        if folded.startswith(word):
            rest = body[len(word) :]
            if not word[-1].isalpha() or not rest[:1].isalpha():
                return WORDS[word], rest.strip()
    return "", body
