"""The whole line once: sensors, understanding, advice, phone, answer, effect."""

import json

import pytest

from demo.check import check
from demo.lab import Lab, LabError, faketime

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


async def test_demo_check_sees_everything_promised(lab: Lab) -> None:
    try:
        faketime()
    except LabError as err:
        pytest.skip(str(err))

    report = await check(lab)

    assert report["ok"], json.dumps(report, indent=1)
    assert report["history"]["hours"] > 700
    assert 0.0 < report["history"]["mold_index"] < 6.0
    assert "airing" in report["notification"]["message"]
    assert report["automation"] == {"fan": "on"}
    assert len(report["feedback"]["lessons"]) == 1
    assert "Surface humidity went from" in report["effect"]["message"]
