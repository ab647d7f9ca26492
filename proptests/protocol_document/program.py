"""The pseudocode of BYTES.md and BEHAVIOUR.md as the one program that they say it is."""

import functools
import types


class NoDecoder(Exception):
    """There is no Zstandard decoder here."""


def pieces(path):
    """Pairs of a line number and the Python text that begins there."""
    begin, piece = None, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        if line == "```python":
            begin, piece = number + 1, []
        elif line == "```" and begin is not None:
            yield begin, "\n".join(piece) + "\n"
            begin = None
        elif begin is not None:
            piece.append(line)


def is_utf8(data):
    try:
        bytes(data).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def decompress(body):
    raise NoDecoder()


def load(folder, change=("", "")):
    """A module with everything that the documents define, and what they leave out. `change`: a text
    and what to put in its place."""
    program = types.ModuleType("protocol_document")
    program.is_utf8 = is_utf8
    for name in ("BYTES.md", "BEHAVIOUR.md"):
        path = folder / name
        for line, text in pieces(path):
            text = "\n" * line + text.replace(*change)       # so that errors name the right line
            code = compile(text, str(path), "exec")
            exec(code, program.__dict__)
    program.place_constant = functools.lru_cache(None)(program.place_constant)
    return program
