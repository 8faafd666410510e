"""script/hardware: check, render, stl."""

import argparse
import sys
from pathlib import Path

from hardware.configuration import BOARDS, check, configurations
from hardware.drawing import parts, render, solid


def main() -> int:
    """Do what was asked for; 1 when a configuration is not valid."""
    parser = argparse.ArgumentParser(prog="script/hardware", description=__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("check")
    what.add_parser("render").add_argument("boards", nargs="*", default=list(BOARDS))
    what.add_parser("stl").add_argument("directory", type=Path)
    given = parser.parse_args()
    if given.what == "render":
        render(tuple(given.boards))
    elif given.what == "stl":
        given.directory.mkdir(parents=True, exist_ok=True)
        for board in BOARDS:
            for part in parts(board):
                sys.stdout.write(f"{solid(board, part, given.directory)}\n")
    else:
        complaints = check(configurations())
        for name, complaint in complaints.items():
            sys.stdout.write(f"{name}: {complaint or 'valid'}\n")
        return int(any(complaints.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
