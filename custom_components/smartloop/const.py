"""Names shared by the glue. No thresholds and no engine constants."""

import logging
from typing import Final

DOMAIN: Final = "smartloop"
LOGGER: Final = logging.getLogger(__package__)

ACTION_DONE: Final = "SL_DONE"
ACTION_LATER: Final = "SL_LATER"
ACTION_WRONG: Final = "SL_WRONG"

EVENT_DECISION: Final = "smartloop_decision"

SUBENTRY_DEVICE: Final = "device"
SUBENTRY_MEMBER: Final = "member"
SUBENTRY_ROOM: Final = "room"

CONF_AREA: Final = "area_id"
CONF_BATTERIES: Final = "batteries"
CONF_BINDINGS: Final = "bindings"
CONF_CONSTRUCTION: Final = "construction"
CONF_COUNT: Final = "count"
CONF_DAILY_BUDGET: Final = "daily_budget"
CONF_DECLINED: Final = "declined"
CONF_F_RSI: Final = "f_rsi"
CONF_FORMER: Final = "former"
CONF_INFERENCE: Final = "inference"
CONF_INHALER: Final = "inhaler"
CONF_INHALERS: Final = "inhalers"
CONF_JOURNEYS: Final = "journeys"
CONF_KEY: Final = "key"
CONF_KIND: Final = "kind"
CONF_OUTDOOR: Final = "outdoor"
CONF_PERSON: Final = "person"
CONF_PHONES: Final = "phones"
CONF_PLAN: Final = "plan"
CONF_QUIET_HOURS: Final = "quiet_hours"
CONF_RELIEVER_LIMIT: Final = "reliever_limit_24h"
CONF_ROLE: Final = "role"
CONF_ROOM: Final = "room"
CONF_SLEEPERS: Final = "sleepers"
CONF_SOURCES: Final = "sources"
CONF_TYPE: Final = "type"
CONF_UNTIL: Final = "until"
CONF_USER: Final = "user_id"
CONF_VOLUME: Final = "volume_m3"
CONF_WALL_CLASS: Final = "wall_class"
CONF_WEATHER: Final = "weather"
