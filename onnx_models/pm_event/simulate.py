"""Simulated homes: the mass balance of four rooms, sources, an outdoor air, and what a sensor shows of it.

The balance is linear, so each source is simulated alone and the sum is what is there: thereby it is known what each
source contributed at any moment. Everything is drawn from a seed. Nothing here is a measurement.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.particle_event import Surroundings
from custom_components.smartloop.engine.models.pm_source import Kind

from .ranges import ACTIVITIES, ROOMS, SENSORS, Activity, Sensor, Span, World
from .surroundings import surroundings
from .truth import STEP_S, Cause, Truth, drifts, merged, truth

type Array = NDArray[np.float64]
type Mass = NDArray[np.floating]

TAIL_S: Final = 6 * 3600.0
DAY_S: Final = 86400.0
BACKGROUND: Final = (0.72, 0.18, 0.10)
"""Shares of the bins in outdoor air at ordinary times"""
SMOKE: Final = (0.9, 0.07, 0.03)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """What one sensor said, and what was true in its room."""

    room: str
    sensor: str
    at: Array
    pm: tuple[Array | None, Array, Array]
    """PM1, PM2.5, PM10"""
    truths: tuple[Truth, ...]
    gain: float
    """What this unit shows of a µg/m³ of outdoor air that got in"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """One simulated home."""

    name: str
    days: float
    streams: tuple[Stream, ...]
    surroundings: tuple[Surroundings, ...]
    """A minute each; of the first stream's room"""
    factor: float
    """True Finf of PM2.5 in the first stream's room, windows closed"""


class _House:
    """The draw of one home."""

    def __init__(self, rng: np.random.Generator, world: World, days: float) -> None:
        self.rng, self.world, self.days = rng, world, days
        self.volume = np.array([self.uniform(each) for each in world.volumes])
        self.air = float(np.clip(np.exp(rng.normal(np.log(world.air_change[0]), world.air_change[1])), 0.1, 2.5))
        self.deposition = np.array([self.uniform(each) for each in world.deposition])
        self.penetration = np.array([self.uniform(each) for each in world.penetration])
        flow = np.zeros((4, 4))
        for one, two in ((0, 1), (1, 2), (1, 3), (2, 3)):
            flow[one, two] = flow[two, one] = self.log_uniform(world.doors)
        self.flow = flow / self.volume[:, None]
        """1/h: what room i gets of room j"""
        self.sensor_room = int(rng.choice(4, p=(0.25, 0.4, 0.25, 0.1)))
        self.has = {
            "power": rng.random() < world.power,
            "motion": rng.random() < world.motion,
            "climate": rng.random() < world.climate,
            "gases": rng.random() < world.gases,
            "station": rng.random() < world.station,
            "purifier": rng.random() < 0.35,
            "gas_stove": rng.random() < 0.4,
            "hood": rng.random() < 0.6,
        }
        self.cadr = self.uniform(world.purifier)

    def uniform(self, span: Span) -> float:
        return float(self.rng.uniform(*span))

    def log_uniform(self, span: Span) -> float:
        return float(np.exp(self.rng.uniform(np.log(span[0]), np.log(span[1]))))

    def sources(self) -> list[Cause]:
        """Draw what happens indoors."""
        out = []
        busy = float(np.exp(self.rng.normal(np.log(self.world.busy[0]), self.world.busy[1])))
        for name, activity in ACTIVITIES.items():
            if self.rng.random() >= activity.homes:
                continue
            count = self.rng.poisson(busy * activity.per_day * self.days)
            out += [self._source(name, activity) for _ in range(count)]
        return out

    def _source(self, name: str, activity: Activity) -> Cause:
        rng, world = self.rng, self.world
        middle, spread = activity.hours[rng.integers(len(activity.hours))]
        hour = (rng.normal(middle + world.hour_shift, spread)) % 24.0
        fine = self.uniform(activity.fine)
        second = (1.0 - fine) * self.uniform(activity.middle)
        total = world.emission * self.log_uniform(activity.emission) * 1000.0 / 60.0
        cooking = activity.device == "cooking"
        ups = {key: self.uniform(getattr(activity, key)) for key in ("humidity", "temperature", "co2", "voc", "nox")}
        if cooking and not self.has["gas_stove"]:
            ups["nox"] = 0.0
        return Cause(
            kind=activity.kind,
            name=name,
            room=ROOMS.index(activity.rooms[rng.integers(len(activity.rooms))]),
            begin=float(rng.integers(int(self.days)) * DAY_S + hour * 3600.0),
            length=world.minutes * self.log_uniform(activity.minutes) * 60.0,
            emission=total * np.array([fine, second, 1.0 - fine - second]),
            activity=activity,
            pulses=bool(rng.random() < activity.pulsed),
            fade=self.uniform(activity.fade),
            air=self.uniform((2.0, 7.0)) if rng.random() < (0.25 if cooking else 0.08) else 1.0,
            hood=self.uniform((0.3, 0.8)) if cooking and self.has["hood"] and rng.random() < 0.6 else 0.0,
            purifier=self.cadr if self.has["purifier"] and rng.random() < 0.4 else 0.0,
            ups=ups,
            device=bool(rng.random() < activity.device_share),
            motion=self.uniform((0.15, 0.8)) if rng.random() < activity.person else 0.0,
        )

    def episodes(self) -> list[Cause]:
        """Draw what happens outdoors."""
        out = []
        for rate, peak, length, ramp, shares in (
            (self.world.plumes, (15.0, 90.0), (3600.0, 4 * 3600.0), (600.0, 3600.0), BACKGROUND),
            (self.world.smoke_days, (40.0, 300.0), (8 * 3600.0, 36 * 3600.0), (3600.0, 4 * 3600.0), SMOKE),
        ):
            for _ in range(self.rng.poisson(rate * self.days)):
                level = self.log_uniform(peak)
                open_air = self.rng.random() < 0.25
                out.append(
                    Cause(
                        kind=Kind.OUTDOOR,
                        name="outdoor",
                        room=-1,
                        begin=float(self.rng.uniform(0.0, self.days * DAY_S)),
                        length=self.uniform(length),
                        emission=level * np.array(shares),
                        activity=None,
                        ramp=self.uniform(ramp),
                        air=self.uniform((2.0, 6.0)) if open_air else 1.0,
                    )
                )
        return out

    def respond(self, sources: list[Cause], step: float, steps: int) -> Mass:
        """Return what each source brings to each room and bin, (sources, steps, rooms, bins), from its begin on."""
        count = len(sources)
        level = np.zeros((count, 4, 3))
        out = np.zeros((count, steps, 4, 3), dtype=np.float32)
        room = np.array([s.room for s in sources])
        length = np.array([s.length for s in sources])
        ramp = np.array([max(s.ramp, step) for s in sources])
        air = self.air * np.array([s.air for s in sources])
        fade = np.array([s.fade for s in sources])
        amount = np.array([s.emission * (1.0 - s.hood) for s in sources])
        outside = room < 0
        entry = np.where(outside, 0, room)
        purifier = np.array([s.purifier for s in sources])
        pulse = np.array([s.pulses for s in sources])
        factor = np.ones(count)
        lost = self.deposition + fade[:, None]
        exchange = self.flow.sum(axis=1)
        index = np.arange(count)
        hours = step / 3600.0
        for k in range(steps):
            now = k * step
            if k % 4 == 0:
                factor = np.where(
                    pulse, np.exp(self.rng.normal(-0.4, 0.9, count)), np.exp(self.rng.normal(-0.01, 0.15, count))
                )
            open_air = np.where(now < length + 1800.0, air, self.air)
            # A last step that is only partly on counts in part, so that short sprays keep their mass.
            on = np.clip((length - now) / step, 0.0, 1.0)
            up = np.minimum(np.clip((now + step) / ramp, 0.0, 1.0), np.clip((length + ramp - now) / ramp, 0.0, 1.0))
            gain = np.zeros((count, 4, 3))
            gain[index, entry] = np.where(
                outside[:, None], 0.0, 3600.0 * (on * factor)[:, None] * amount / self.volume[entry][:, None]
            )
            inward = self.penetration * open_air[:, None] * amount * (up * outside)[:, None]
            gain += inward[:, None, :]
            clean = np.zeros((count, 4))
            clean[:, self.sensor_room] = np.where(now > 600.0, purifier, 0.0) / self.volume[self.sensor_room]
            rate = open_air[:, None, None] + lost[:, None, :] + (clean + exchange)[:, :, None]
            mixed = np.einsum("ij,sjb->sib", self.flow, level)
            steady = (gain + mixed) / rate
            level = steady + (level - steady) * np.exp(-rate * hours)
            out[:, k] = level
        return out


def _background(house: _House, grid: Array) -> tuple[Array, Array]:
    """Return the usual outdoor level on the grid (steps,), and what of it is indoors (steps, bins)."""
    rng, step = house.rng, float(grid[1] - grid[0])
    base = np.exp(rng.normal(np.log(house.world.outdoor[0]), house.world.outdoor[1]))
    keep = np.exp(-step / (8 * 3600.0))
    noise = rng.normal(0.0, 1.0, grid.size)
    state = np.zeros(grid.size)
    for k in range(1, grid.size):
        state[k] = keep * state[k - 1] + np.sqrt(1.0 - keep**2) * noise[k]
    outdoor = base * np.exp(0.4 * state + 0.15 * np.cos(2 * np.pi * (grid / DAY_S - 0.3)))
    inside = np.zeros((grid.size, 3))
    rate = house.air + house.deposition
    share = house.penetration * house.air / rate * np.array(BACKGROUND)
    level = share * outdoor[0]
    fall = np.exp(-rate * step / 3600.0)
    for k in range(grid.size):
        level = share * outdoor[k] + (level - share * outdoor[k]) * fall
        inside[k] = level
    return outdoor, inside + rng.uniform(0.0, 1.5) * np.array((0.5, 0.2, 0.3))


def _shown(
    rng: np.random.Generator, sensor: Sensor, world: World, bins: Array, humidity: Array
) -> tuple[Array | None, Array, Array, float]:
    """Return what a unit of a sensor model shows of true bins (readings, 3)."""
    grow = 1.0 + rng.uniform(0.0, 0.6) * np.clip((humidity - 70.0) / 30.0, 0.0, 1.0) ** 2 if sensor.swells else 1.0
    common = rng.normal(0.0, 1.0, len(bins))
    unit = float(np.exp(rng.normal(0.0, world.unit_spread)))
    out: list[Array | None] = []
    gain = 1.0
    for row in (sensor.pm1, sensor.pm25, sensor.pm10):
        if row is None:
            out.append(None)
            continue
        weights = unit * np.array(row) * np.exp(rng.normal(0.0, world.unit_spread, 3))
        level = bins @ weights * grow
        if row is sensor.pm25:
            gain = float(weights @ BACKGROUND / (BACKGROUND[0] + BACKGROUND[1]))
        noise = 0.8 * common + 0.6 * rng.normal(0.0, 1.0, len(bins))
        shown = level + world.noise * np.hypot(sensor.noise, sensor.relative * level) * noise
        out.append(np.maximum(np.round(shown / sensor.step) * sensor.step, 0.0))
    pm1, pm25, pm10 = out
    if pm25 is None or pm10 is None:
        msg = "a sensor without PM2.5"
        raise ValueError(msg)
    return pm1, pm25, pm10, gain


def _place(out: Array, response: Mass, begin: float, step: float, grid_step: float) -> None:
    """Add a response (steps, bins) that begins at `begin` to a series on the grid, in place."""
    first = round(begin / grid_step)
    if step != grid_step:
        times = np.arange(0.0, len(response) * step, grid_step)
        response = np.stack(
            [np.interp(times, np.arange(len(response)) * step, column) for column in response.T], axis=1
        )
    stop = min(first + len(response), len(out))
    if stop > first >= 0:
        out[first:stop] += response[: stop - first]


def home(seed: int, index: int, world: World, days: int = 7) -> Home:
    """Return one home; the same seed and index give the same."""
    rng = np.random.default_rng((seed, index))
    house = _House(rng, world, days)
    grid = np.asarray(np.arange(0.0, days * DAY_S, STEP_S), dtype=np.float64)
    sources, episodes = house.sources(), house.episodes()
    longest = max((s.length for s in sources), default=0.0) + TAIL_S
    indoor = (
        house.respond(sources, STEP_S, int(min(longest, 9 * 3600.0) / STEP_S)) if sources else np.zeros((0, 1, 4, 3))
    )
    outdoor_steps = int((max((s.length + s.ramp for s in episodes), default=0.0) + TAIL_S) / 300.0)
    outside = house.respond(episodes, 300.0, outdoor_steps) if episodes else np.zeros((0, 1, 4, 3))
    usual, seep = _background(house, grid[::10])
    seep = np.repeat(seep, 10, axis=0)[: grid.size]
    rooms = [house.sensor_room]
    if rng.random() < 0.35:
        rooms.append(int((house.sensor_room + rng.integers(1, 4)) % 4))
    around = surroundings(rng, house.has, house.sensor_room, sources, episodes, usual)
    humidity = np.array([each.humidity if each.humidity is not None else 50.0 for each in around])
    model = list(SENSORS)[int(rng.choice(3, p=(0.5, 0.25, 0.25)))]
    interval = float(world.intervals[rng.integers(len(world.intervals))])
    streams = []
    for room in rooms:
        parts, total = [], np.zeros((grid.size, 3))
        for source, response, step in (
            *((s, r, STEP_S) for s, r in zip(sources, indoor, strict=True)),
            *((s, r, 300.0) for s, r in zip(episodes, outside, strict=True)),
        ):
            part = np.zeros((grid.size, 3))
            _place(part, response[:, room], source.begin, step, STEP_S)
            total += part
            parts.append((source, part[:, :2].sum(axis=1).astype(np.float32)))
        excess = total[:, :2].sum(axis=1)
        truths = [t for s, p in parts if (t := truth(s, p, excess, grid)) is not None]
        truths = merged([*truths, *drifts(seep[:, :2].sum(axis=1), excess, grid)], excess)
        streams.append(_stream(rng, room, model, interval, total + seep, humidity, world, truths))
    rate = house.air + house.deposition
    fine = np.array(BACKGROUND[:2]) / sum(BACKGROUND[:2])
    factor = float((fine * (house.penetration * house.air / rate)[:2]).sum())
    return Home(
        name=f"simulated_{seed}_{index}",
        days=float(days),
        streams=tuple(streams),
        surroundings=around,
        factor=factor,
    )


def _stream(
    rng: np.random.Generator,
    room: int,
    model: str,
    interval: float,
    bins: Array,
    humidity: Array,
    world: World,
    truths: list[Truth],
) -> Stream:
    """Return readings at uneven times, with a few that got lost."""
    last = len(bins) * STEP_S
    at = np.cumsum(interval * rng.uniform(0.97, 1.03, int(last / interval) + 1))
    keep = rng.random(at.size) > 0.01
    if rng.random() < 0.2:
        gap = rng.uniform(0.0, last)
        keep &= (at < gap) | (at > gap + rng.uniform(3600.0, 6 * 3600.0))
    at = at[keep & (at < last - STEP_S)]
    index = (at / STEP_S).astype(np.intp)
    pm1, pm25, pm10, gain = _shown(rng, SENSORS[model], world, bins[index], humidity[(at / 60.0).astype(np.intp)])
    return Stream(
        room=ROOMS[room],
        sensor=model,
        at=at,
        pm=(pm1, pm25, pm10),
        gain=gain,
        truths=tuple(sorted(truths, key=lambda t: t.start)),
    )


def homes(seed: int, count: int, world: World, days: int = 7) -> Iterator[Home]:
    """Return homes one after the other."""
    for index in range(count):
        yield home(seed, index, world, days)
