"""Text of strangers on an operator's terminal: shown, never obeyed.

A terminal takes ESC and U+0080 to U+009F as the beginning of commands (ECMA-48), and marks of
direction reorder what is read (CVE-2021-42574).
"""


def printable(text: str) -> str:
    r"""The text with everything that is no visible character or space written as `\x1b` is."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
