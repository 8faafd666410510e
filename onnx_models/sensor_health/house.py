"""Live through a real Zigbee home in the whole engine: who is blamed when everything is silent at once."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from custom_components.smartloop.engine import HOUSE, DecisionState, DeviceFacts, Engine, Household, Measurand

from .streams import Stream

LOOK_S = 600.0
_BRIDGE = "bridge"
_MEASURES = {"climate": Measurand.TEMPERATURE, "motion": Measurand.MOTION, "contact": Measurand.WINDOW_OPEN}


def blamed(streams: Sequence[Stream]) -> Counter[str]:
    """Return how often a box and how often the bridge was called silent, and boxes while nothing at all was heard."""
    engine = Engine(Household(timezone=ZoneInfo("UTC")))
    engine.describe_devices(
        DeviceFacts(source=each.name, place=HOUSE, measurands=frozenset({_MEASURES[each.name]}), via=_BRIDGE)
        for each in streams
    )
    at = np.concatenate([each.at for each in streams])
    who = np.concatenate([np.full(each.at.size, place) for place, each in enumerate(streams)])
    order = np.argsort(at, kind="stable")
    heard = {each.name: -np.inf for each in streams}
    found: Counter[str] = Counter()
    place, now = 0, float(at.min())
    while now <= at.max():
        while place < order.size and at[order[place]] <= now:
            name, moment = streams[who[order[place]]].name, float(at[order[place]])
            engine.checked_in(name, datetime.fromtimestamp(moment, UTC))
            heard[name], place = moment, place + 1
        for decision in engine.step_devices(datetime.fromtimestamp(now, UTC)).decisions:
            if decision.state is DecisionState.RAISED:
                source = decision.source or ""
                found["bridge" if source == _BRIDGE else "box"] += 1
                if source in heard:
                    # Nobody else has spoken since it fell silent: it is as likely the bridge.
                    found["box_alone_in_the_dark"] += max(heard.values()) <= heard[source]
        now += LOOK_S
    return found
