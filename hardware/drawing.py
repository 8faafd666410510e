"""Pictures of the boards from their sources: wiring (WireViz), cases (OpenSCAD), parts and power into the READMEs."""

import csv
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageChops

from hardware import power
from hardware.configuration import BOARDS, HARDWARE

TOOLS: Final = HARDWARE / ".venv" / "bin"
_CAMERA: Final = "0,0,0,60,0,30,0"
_MARK: Final = "<!-- {name}: begin (script/hardware render) -->\n{text}\n<!-- {name}: end -->"


class DrawingError(Exception):
    """A picture could not be made; says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Solid:
    """What a printed part is like, from its STL; millimeters."""

    watertight: bool
    bodies: int
    size: tuple[float, float, float]
    volume_cm3: float


def _run(*command: str | Path, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=None if env is None else dict(env))
    if done.returncode:
        msg = f"{Path(command[0]).name} ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}"
        raise DrawingError(msg)
    return done.stdout


def wiring(board: str, folder: Path) -> Path:
    """Draw a board's wiring diagram; return the SVG."""
    environment = dict(os.environ) | {"PATH": f"{TOOLS}:{os.environ['PATH']}"}
    _run(TOOLS / "wireviz", "-f", "s", "-o", folder, "-O", "wiring", HARDWARE / board / "wiring.yaml", env=environment)
    picture = folder / "wiring.svg"
    # The drawing program's version would make every picture look changed.
    text = re.sub(r"<!--.*?-->\n?", "", picture.read_text(encoding="utf-8"), flags=re.DOTALL)
    picture.write_text(text, encoding="utf-8")
    return picture


def drawn_words(picture: Path) -> list[str]:
    """Return what is written in an SVG, whatever the layout."""
    return sorted(re.findall(r"<text[^>]*>([^<]+)</text>", picture.read_text(encoding="utf-8")))


def parts(board: str) -> tuple[str, ...]:
    """Return the printable parts a case source offers: the values of its `part` parameter."""
    source = (HARDWARE / board / "case.scad").read_text(encoding="utf-8")
    found = re.search(r'^part = "\w+"; *// *\[([^\]]+)\]', source, re.MULTILINE)
    if found is None:
        msg = f"{board}/case.scad does not say which parts it has"
        raise DrawingError(msg)
    return tuple(each.strip() for each in found.group(1).split(",") if each.strip() != "all")


def solid(board: str, part: str, folder: Path, *parameters: str) -> Path:
    """Return the STL of one part, with some of its parameters changed (`pipe_diameter=28`)."""
    out = folder / f"{board}-{part}.stl"
    changed = [word for parameter in parameters for word in ("-D", parameter)]
    _run("openscad", "-q", "-o", out, "-D", f'part="{part}"', *changed, HARDWARE / board / "case.scad")
    return out


def measure(stl: Path) -> Solid:
    """Return what a slicer would find out about an STL."""
    script = (
        "import json, sys, trimesh\n"
        "mesh = trimesh.load_mesh(sys.argv[1])\n"
        "bodies = trimesh.graph.connected_components(mesh.face_adjacency, engine='networkx')\n"
        "print(json.dumps([bool(mesh.is_watertight), len(bodies), *map(float, mesh.extents), float(mesh.volume)]))"
    )
    watertight, bodies, x, y, z, volume = json.loads(_run(TOOLS / "python", "-c", script, stl))
    return Solid(watertight=watertight, bodies=bodies, size=(x, y, z), volume_cm3=volume / 1000.0)


def case_picture(board: str, out: Path) -> None:
    """Draw all parts of a case side by side; OpenSCAD needs a display for that, xvfb-run is one."""
    command: list[str | Path] = [
        *("openscad", "-q", "--render", "--imgsize=1400,900", "--autocenter", "--viewall", f"--camera={_CAMERA}"),
        *("--projection=o", "--colorscheme=Tomorrow", "-D", 'part="all"', "-o"),
        out,
        HARDWARE / board / "case.scad",
    ]
    if not os.environ.get("DISPLAY"):
        if shutil.which("xvfb-run") is None:
            msg = "there is no display and no xvfb-run"
            raise DrawingError(msg)
        command = ["xvfb-run", "-a", *command]
    _run(*command)
    picture = Image.open(out).convert("RGB")
    empty = Image.new("RGB", picture.size, picture.getpixel((0, 0)))
    if (drawn := ImageChops.difference(picture, empty).getbbox()) is None:
        msg = f"the picture of {board}/case.scad is empty"
        raise DrawingError(msg)
    left, top, right, bottom = drawn
    picture.crop((max(left - 20, 0), max(top - 20, 0), right + 20, bottom + 20)).quantize(64).save(out, optimize=True)


def parts_table(board: str) -> str:
    """Return the bill of materials as Markdown."""
    with (HARDWARE / board / "parts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = ["| part | number | alternatives | about | for |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['part']} | {row['number']} | {row['alternatives']} | {row['low']}-{row['high']} € | {row['for']} |"
        for row in rows
    ]
    low, high = (sum(float(row[end]) for row in rows if row["for"] == "all") for end in ("low", "high"))
    lines += [
        "",
        f"What every variant needs comes to about {low:.0f}-{high:.0f} €; prices are approximate (November 2026).",
    ]
    return "\n".join(lines)


def sections(board: str) -> dict[str, str]:
    """Return what is generated in a board's README, by name."""
    return {"parts": parts_table(board), "power": power.table(power.read(board))}


def readme(board: str) -> str:
    """Return a board's README with its generated sections as they should be."""
    text = (HARDWARE / board / "README.md").read_text(encoding="utf-8")
    for name, content in sections(board).items():
        pattern = re.compile(rf"<!-- {name}: begin.*?<!-- {name}: end -->", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            msg = f"{board}/README.md has no place for its {name}"
            raise DrawingError(msg)
        block = _MARK.format(name=name, text=content)
        text = pattern.sub(lambda _, block=block: block, text)  # type: ignore[misc]
    return text


def render(boards: tuple[str, ...] = BOARDS) -> None:
    """Make every picture and table anew."""
    for board in boards:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(wiring(board, Path(folder)), HARDWARE / board / "wiring.svg")
        case_picture(board, HARDWARE / board / "case.png")
        (HARDWARE / board / "README.md").write_text(readme(board), encoding="utf-8")
