"""Holds a page of docs against the example that it explains: `check_page.py PROGRAM FOLDER PAGE`.

The blocks marked "text output" of the page, one after the other, must be what the program prints;
each begins with the heading of its scene, "== name". Every block marked "cpp example" must stand in
a source of the folder as it is, but for its indentation. Prints what differs, and exits with 1 if
anything does.

`check_page.py PROGRAM FOLDER PAGE --write` puts the program's output into the page."""

import difflib
import pathlib
import re
import subprocess
import sys
import textwrap

BLOCK = re.compile(r"^```(text output|cpp example)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def scenes_of(output):
    """By heading, each with its heading and its last line's end."""
    parts = re.split(r"^(?=== )", output, flags=re.MULTILINE)
    return {part.split("\n", 1)[0]: part for part in parts if part}


def written(page, scenes):
    def filled(match):
        heading = match[2].split("\n", 1)[0]
        if match[1] != "text output" or heading not in scenes:
            return match[0]
        return f"```text output\n{scenes[heading]}```"

    return BLOCK.sub(filled, page)


def is_in(source, block):
    lines, wanted = source.split("\n"), textwrap.dedent(block).split("\n")[:-1]
    return any(textwrap.dedent("\n".join(lines[at:at + len(wanted)])).split("\n") == wanted
               for at in range(len(lines)))


def problems(page, source, output):
    blocks = BLOCK.findall(page)
    shown = "".join(text for kind, text in blocks if kind == "text output")
    if shown != output:
        yield "the page shows (-) another output than the program's (+):\n" + "\n".join(
            difflib.unified_diff(shown.split("\n"), output.split("\n"), lineterm="", n=1))
    for kind, text in blocks:
        if kind == "cpp example" and not is_in(source, text):
            yield "the page has code that the example does not have:\n" + text
    if not any(kind == "cpp example" for kind, _ in blocks):
        yield "the page has no code of the example"


def main(program, folder, page, *options):
    output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    sources = sorted(pathlib.Path(folder).glob("*.cpp")) + sorted(pathlib.Path(folder).glob("*.h"))
    source = "\n".join(path.read_text() for path in sources)
    path = pathlib.Path(page)
    if options == ("--write",):
        path.write_text(written(path.read_text(), scenes_of(output)))
    found = list(problems(path.read_text(), source, output))
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
