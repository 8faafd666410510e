"""Wiring and cases: the pictures are those of their sources, the parts can be printed."""

import csv
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from hardware.configuration import BOARDS, ESPHOME, HARDWARE, configurations
from hardware.drawing import Solid, case_picture, drawn_words, measure, parts, solid, wiring

ALL_PARTS = [(board, part) for board in BOARDS for part in parts(board)]
OTHER_SIZES = [
    ("leak_node", "clamp", "pipe_diameter=15"),
    ("leak_node", "clamp", "pipe_diameter=28"),
    ("leak_node", "base", "battery=true"),
    ("mold_node", "base", "battery=true"),
    ("bed_node", "foot", "foot_diameter=45"),
    ("dust_node", "base", "sensor=[41,41,12]"),
    ("inhaler_sleeve", "sleeve", "body=[34,28]"),
]
BED_MM = (220, 220, 250)
"""What an ordinary printer can print."""

needs_tools = pytest.mark.skipif(not ESPHOME.exists(), reason="hardware/.venv is not here (script/setup hardware)")
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not here (script/setup hardware)")
needs_openscad = pytest.mark.skipif(
    shutil.which("openscad") is None, reason="OpenSCAD is not here (script/setup hardware)"
)
needs_display = pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="xvfb is not here (script/setup hardware)")


@needs_tools
@needs_dot
@pytest.mark.parametrize("board", BOARDS)
def test_the_wiring_diagram_is_its_source_s(board: str, tmp_path: Path) -> None:
    # Layouts differ between versions of Graphviz; what is written on them does not.
    assert drawn_words(wiring(board, tmp_path)) == drawn_words(HARDWARE / board / "wiring.svg")


@pytest.mark.parametrize("board", BOARDS)
def test_every_wire_has_two_ends_that_exist(board: str) -> None:
    source = yaml.safe_load((HARDWARE / board / "wiring.yaml").read_text(encoding="utf-8"))
    for left, cable, right in source["connections"]:
        for end in (left, right):
            ((name, pins),) = end.items()
            assert set(pins) <= set(source["connectors"][name]["pins"]), name
        ((name, wires),) = cable.items()
        count = len(source["cables"][name]["colors"])
        assert wires in ([f"1-{count}"], [1]), name
        assert len(next(iter(left.values()))) == len(next(iter(right.values()))) == count, name
    used = {name for connection in source["connections"] for end in connection for name in end}
    assert used == set(source["connectors"]) | set(source["cables"])


@pytest.mark.parametrize("board", [board for board in BOARDS if board != "hub"])
def test_the_diagram_s_pins_are_those_of_the_configurations(board: str) -> None:
    """A pin that some configuration uses is wired in the diagram."""
    source = yaml.safe_load((HARDWARE / board / "wiring.yaml").read_text(encoding="utf-8"))
    wired = {
        re.sub(r"\W.*", "", pin).lower()
        for left, _, right in source["connections"]
        for end in (left, right)
        for pin in end.get("Board", ())
    }
    for name in configurations():
        if name.startswith(f"{board}/"):
            text = (HARDWARE / name).read_text(encoding="utf-8")
            used = set(re.findall(r"\$\{pin_(d\d+)\}", text))
            if "i2c.yaml" in text:
                used |= {"sda", "scl"}
            assert used <= wired, name


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], Solid]:
    """Every part, and some in other sizes; OpenSCAD takes seconds for each, so two at once."""
    folder = tmp_path_factory.mktemp("solids")

    def one(number: int, what: tuple[str, ...]) -> Solid:
        board, part, *parameters = what
        place = folder / str(number)
        place.mkdir()
        return measure(solid(board, part, place, *parameters))

    with ThreadPoolExecutor(2) as pool:
        wanted = [*ALL_PARTS, *OTHER_SIZES]
        return dict(zip(wanted, pool.map(one, range(len(wanted)), wanted), strict=True))


@needs_tools
@needs_openscad
@pytest.mark.timeout(400)
@pytest.mark.parametrize("what", ALL_PARTS)
def test_a_part_can_be_printed(printed: dict[tuple[str, ...], Solid], what: tuple[str, str]) -> None:
    found = printed[what]
    assert found.watertight
    assert found.bodies == 1
    assert all(side < limit for side, limit in zip(found.size, BED_MM, strict=True))
    assert 0.1 < found.volume_cm3 < 60.0


@needs_tools
@needs_openscad
@pytest.mark.timeout(400)
@pytest.mark.parametrize("what", OTHER_SIZES)
def test_other_sizes_can_be_printed_too(printed: dict[tuple[str, ...], Solid], what: tuple[str, str, str]) -> None:
    assert printed[what].watertight
    assert printed[what].bodies == 1
    assert printed[what].size != printed[what[:2]].size


@needs_openscad
@needs_display
@pytest.mark.timeout(120)
def test_the_picture_of_a_case_is_drawn(tmp_path: Path) -> None:
    case_picture("mold_node", tmp_path / "case.png")
    assert (tmp_path / "case.png").stat().st_size > 2000


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_s_folder_is_complete(board: str) -> None:
    text = (HARDWARE / board / "README.md").read_text(encoding="utf-8")
    for heading in ("Parts", "Wiring", "Steps", "How SmartLoop finds it", "Calibration", "Safety", "Troubleshooting"):
        assert f"\n## {heading}\n" in text
    assert "## Battery life" in text or "## Power" in text
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert link.startswith("http") or (HARDWARE / board / link).exists(), link
    for name in configurations():
        if name.startswith(f"{board}/"):
            assert f"({Path(name).name})" in text, name
    assert (HARDWARE / board / "case.png").stat().st_size < 60_000


@pytest.mark.parametrize("board", BOARDS)
def test_parts_have_prices_and_a_use(board: str) -> None:
    with (HARDWARE / board / "parts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 5
    for row in rows:
        assert 0 <= float(row["low"]) <= float(row["high"])
        assert int(row["number"]) >= 1
        assert row["for"]
    assert any(row["for"] == "all" for row in rows)


@pytest.mark.parametrize("board", ["bed_node", "inhaler_sleeve"])
def test_what_touches_health_says_what_it_is_not(board: str) -> None:
    text = (HARDWARE / board / "README.md").read_text(encoding="utf-8")
    assert "wellness tool, not a medical device" in text
    for word in ("apnea", "attack risk", "diagnosis"):
        assert word not in text.lower()
