"""Every configuration of every board is accepted by the current ESPHome, without a warning."""

import pytest

from hardware.configuration import ESPHOME, HARDWARE, check, configurations

needs_esphome = pytest.mark.skipif(
    not ESPHOME.exists(), reason="ESPHome is not here (script/setup hardware installs it)"
)
VARIANTS = {"mold_node": 4, "dust_node": 5, "leak_node": 3, "bed_node": 7, "inhaler_sleeve": 2, "hub": 3}


@pytest.fixture(scope="module")
def complaints() -> dict[str, str]:
    return check(configurations())


@needs_esphome
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", configurations())
def test_esphome_accepts_it(complaints: dict[str, str], name: str) -> None:
    assert complaints[name] == ""


@needs_esphome
def test_a_bad_value_is_noticed() -> None:
    name = "mold_node/mold-node-wifi.yaml"
    good = (HARDWARE / name).read_text(encoding="utf-8")
    bad = good.replace("corner_pin: ${pin_d1}", "corner_pin: GPIO99")
    assert bad != good
    assert "GPIO99" in check([name], {name: bad})[name]


@pytest.mark.parametrize(("board", "least"), VARIANTS.items())
def test_no_variant_is_forgotten(board: str, least: int) -> None:
    assert len([name for name in configurations() if name.startswith(f"{board}/")]) >= least


def test_no_secret_is_committed() -> None:
    for line in (HARDWARE / "secrets.example.yaml").read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or line.endswith(': ""')
    for path in HARDWARE.glob("*/*.yaml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if any(f"{word}:" in line for word in ("password", "key", "encryption_key")):
                assert line.rstrip().endswith(":") or "!secret" in line, f"{path.name}: {line}"
