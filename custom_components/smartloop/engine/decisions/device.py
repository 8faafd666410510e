"""Boxes that fall silent, run empty or measure wrongly: what is said of them, and how much it matters."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log2

from .candidate import Assessment, Candidate, Reason
from .decision import DecisionKey, Evidence, Severity

LEAST_SILENCE_S = 1200.0
"""s; a box that speaks every few seconds may be away for a moment without anybody being told."""
SOON_DAYS = 14.0
"""d of battery left from which somebody should buy one"""
DRIFT = 3.0
"""% of relative humidity that an honest sensor is off, at most"""
DRIFT_DAYS = 14.0
STUCK_HOURS = 24.0
_STANDS = timedelta(hours=6)
_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceConditions:
    """Everything a decision about one box rests on; None is unknown."""

    source: str
    room: str | None
    at: datetime
    silence_s: float | None = None
    """s without a sign of life, not counting when nobody could have heard it"""
    interval_s: float | None = None
    limit_s: float | None = None
    """s of silence from which it is silent"""
    leak_points: int = 0
    """Leak sensors that nobody hears while this one is silent"""
    silent_devices: int = 0
    """Of a bridge: boxes that are silent with it"""
    held: bool = False
    """Its silence is another's fault"""
    battery: float | None = None
    """%"""
    days_left: float | None = None
    """By a trend; what rests on age alone decides nothing"""
    days_left_lo: float | None = None
    days_left_hi: float | None = None
    offset: float | None = None
    """% of relative humidity, once it is known to be this box's"""
    offset_lo: float | None = None
    offset_hi: float | None = None
    drifting_days: float = 0.0
    unchanged_hours: float | None = None
    """h for which its values have not moved while others' have"""


def assess(conditions: DeviceConditions) -> Assessment:
    """Return what the conditions speak for."""
    found = (_silent(conditions), _battery(conditions), _drift(conditions))
    candidates = tuple(each for each in found if each is not None)
    return Assessment(
        room=conditions.room,
        source=conditions.source,
        at=conditions.at,
        candidates=candidates,
        reason=None if candidates else Reason.NOTHING_HELPS,
    )


def _silent(now: DeviceConditions) -> Candidate | None:
    if now.silence_s is None or now.limit_s is None or now.interval_s is None or now.held:
        return None
    if now.silence_s < 0.5 * max(now.limit_s, LEAST_SILENCE_S):
        return None
    evidence = [
        Evidence(name="silent_for", value=now.silence_s / _HOUR, unit="h"),
        Evidence(name="check_in_interval", value=now.interval_s / _HOUR, unit="h"),
        Evidence(name="missed_intervals", value=now.silence_s / now.interval_s, unit="1"),
    ]
    if now.leak_points:
        evidence.append(Evidence(name="leak_points", value=float(now.leak_points), unit="1"))
    if now.silent_devices:
        evidence.append(Evidence(name="silent_devices", value=float(now.silent_devices), unit="1"))
    return Candidate(
        key=DecisionKey.DEVICE_SILENT,
        severity=Severity.WARNING if now.leak_points else Severity.ADVICE,
        score=1.0 + log2(now.silence_s / max(now.limit_s, LEAST_SILENCE_S)),
        evidence=tuple(evidence),
        proposed=None,
        valid_for=_STANDS,
    )


def _battery(now: DeviceConditions) -> Candidate | None:
    if now.days_left is None or now.days_left > 2.0 * SOON_DAYS:
        return None
    evidence = [
        Evidence(name="battery_days_left", value=now.days_left, unit="d", lo=now.days_left_lo, hi=now.days_left_hi)
    ]
    if now.battery is not None:
        evidence.append(Evidence(name="battery", value=now.battery, unit="%"))
    return Candidate(
        key=DecisionKey.DEVICE_BATTERY,
        severity=Severity.ADVICE,
        score=2.0 - now.days_left / SOON_DAYS,
        evidence=tuple(evidence),
        proposed=None,
        valid_for=timedelta(days=2),
    )


def _drift(now: DeviceConditions) -> Candidate | None:
    score, evidence = 0.0, []
    if now.unchanged_hours is not None and now.unchanged_hours >= STUCK_HOURS:
        score = now.unchanged_hours / STUCK_HOURS
        evidence.append(Evidence(name="unchanged_for", value=now.unchanged_hours, unit="h"))
    if now.offset is not None and now.drifting_days >= DRIFT_DAYS:
        score = max(score, abs(now.offset) / DRIFT)
        evidence += [
            Evidence(name="humidity_offset", value=now.offset, unit="%", lo=now.offset_lo, hi=now.offset_hi),
            Evidence(name="drifting_days", value=now.drifting_days, unit="d"),
        ]
    if not evidence:
        return None
    return Candidate(
        key=DecisionKey.DEVICE_DRIFT,
        severity=Severity.ADVICE,
        score=score,
        evidence=tuple(evidence),
        proposed=None,
        valid_for=timedelta(days=2),
    )
