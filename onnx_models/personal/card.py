"""Write the cards of what is learned per person, from what an evaluation measured; nobody edits them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from custom_components.smartloop.engine.models.personal_mixture import PersonalHead
from custom_components.smartloop.engine.models.personal_posterior import Prior

from ..room_forecast.evaluate import Evaluation
from . import context_head, trigger_finder

FOLDER: Final = Path(__file__).resolve().parents[1]
_WORDS: Final[dict[str, str]] = {
    "model": "model",
    "fallback": "others' mean",
    "exploring": "exploring",
    "contextless": "contextless",
    "always": "always",
    "never": "never",
    "flat_prior": "flat prior",
    "personal_rate": "personal rate",
    "everyones_rate": "others' rate",
}
_VALUES: Final = {
    "value_dr": "value, doubly robust",
    "value_snips": "value, SNIPS",
    "value_ips": "value, IPS",
    "gain_over_always": "gain over always",
    "gain_over_never": "gain over never",
    "gain_over_contextless": "gain over contextless",
    "share_sent": "share sent",
}
_ANSWERS: Final = {
    "log_loss": "log-loss",
    "brier": "Brier score",
    "auc": "AUC",
    "ece": "calibration error",
    "skill_over_everyones_rate": "skill over others' rate",
    "skill_over_everyones_rate_after_50": "the same after 50 answers",
    "skill_over_personal_rate": "skill over the personal rate",
    "skill_over_personal_rate_after_50": "the same after 50 answers",
}
_RULES: Final = {
    "fits_you": "fits you",
    "some_days_fit": "some days fit",
    "shrunk_95": "bound .95 alone",
    "shrunk_90": "bound .90 alone",
    "flat_crossover": "case-crossover, no prior",
    "naive_2x2": "2 x 2 table",
}
_ANCHOR: Final[dict[str, dict[str, tuple[float, float, float]]]] = {
    "9_in_90": {
        "naive_2x2": (0.56, 0.18, 0.36),
        "flat_crossover": (0.38, 0.11, 0.34),
        "shrunk_90": (0.10, 0.01, 0.00),
        "shrunk_95": (0.02, 0.00, 0.00),
    },
    "18_in_180": {
        "naive_2x2": (0.80, 0.36, 0.25),
        "flat_crossover": (0.67, 0.25, 0.14),
        "shrunk_90": (0.37, 0.05, 0.02),
        "shrunk_95": (0.15, 0.01, 0.00),
    },
    "36_in_365": {
        "naive_2x2": (0.92, 0.50, 0.26),
        "flat_crossover": (0.90, 0.33, 0.16),
        "shrunk_90": (0.75, 0.15, 0.03),
        "shrunk_95": (0.63, 0.07, 0.01),
    },
    "44_in_180": {
        "naive_2x2": (0.95, 0.49, 0.22),
        "flat_crossover": (0.93, 0.53, 0.20),
        "shrunk_90": (0.89, 0.26, 0.09),
        "shrunk_95": (0.79, 0.14, 0.04),
    },
    "91_in_365": {
        "naive_2x2": (1.0, 0.75, 0.17),
        "flat_crossover": (1.0, 0.77, 0.17),
        "shrunk_90": (0.99, 0.59, 0.07),
        "shrunk_95": (0.97, 0.43, 0.02),
    },
}
"""The project's own earlier simulation: power at odds ratio 4 and 2, share of claims that are false"""

type Metrics = Mapping[str, float | None]


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(found: Evaluation, names: Mapping[str, str], columns: Sequence[str]) -> list[str]:
    """Return rows by figure, columns by forecaster, and the model's interval."""
    lines = [
        _row(["", *(_WORDS[each] for each in columns), "90 % interval of the model"]),
        "|---|" + "---|" * (len(columns) + 1),
    ]
    for key, text in names.items():
        if found["metrics"].get(key) is None:
            continue
        span = found["intervals"].get(key)
        band = "-" if span is None else f"{span[0]:.3f} to {span[1]:.3f}"
        lines.append(_row([text, *(_cell(_column(found, each).get(key)) for each in columns), band]))
    return lines


def _column(found: Evaluation, name: str) -> Metrics:
    if name in {"model", "fits_you"}:
        return found["metrics"]
    return found["fallback"] if name in {"fallback", "some_days_fit"} else found["baselines"][name]


def _verdict(text: str, value: float | None, bound: float, *, at_most: bool = False) -> str:
    if value is None:
        return f"- {text}: not measured here."
    met = value <= bound if at_most else value >= bound
    return (
        f"- {text}: {value:.3f}, {'met' if met else '**missed**'} ({'at most' if at_most else 'at least'} {bound:g})."
    )


def _state_bytes() -> int:
    """Return the size of a head's stored state once all its memories are full."""
    head, rng = PersonalHead(Prior.flat(8)), np.random.default_rng(context_head.SEED)
    for place in range(1000):
        row = rng.normal(size=8)
        head.learn_one(f"{place:08d}", row, outcome=bool(row[0] > 0.0))
    return len(json.dumps(head.snapshot()))


def _gains(found: Evaluation) -> list[str]:
    lines = []
    for each in ("always", "never", "contextless"):
        value, span = found["metrics"][f"gain_over_{each}"], found["intervals"][f"gain_over_{each}"]
        if value is None or span is None:
            lines.append(f"- value above {each}: not measured here.")
            continue
        sure = "met" if span[0] > 0.0 else "**missed**: the interval holds zero" if value > 0.0 else "**missed**"
        lines.append(f"- value above {each}: {value:+.3f} log steps ({span[0]:+.3f} to {span[1]:+.3f}), {sure}.")
    return lines


def head_card(found: Evaluation) -> str:
    """Return the card of the personal heads."""
    metrics = found["metrics"]
    policies = ("model", "fallback", "exploring", "contextless", "always", "never")
    forecasters = ("model", "fallback", "flat_prior", "personal_rate", "everyones_rate")
    answers = [
        line
        for prefix, title in (
            ("walk", "More than 100 steps in the half hour after a moment of decision"),
            ("prompt", "An evening prompt that was delivered is answered"),
        )
        for line in (
            f"{title}:",
            "",
            *_table(found, {f"{prefix}_{k}": v for k, v in _ANSWERS.items()}, forecasters),
            "",
        )
    ]
    simulated = {
        key: key.removeprefix("simulated_").replace("_", " ") for key in metrics if key.startswith("simulated_")
    }
    lines = [
        "# Model card: context head",
        "",
        "Written by `script/models train context_head --data ../shared/data/feedback`; do not edit. Nothing is trained and no",
        "file ships: heads are learned per person, at home, from the prior on (`engine/models/personal_head.py`,",
        "`personal_mixture.py`, `personal_action.py`). Every figure: `script/models evaluate context_head --data DIR --json`.",
        "",
        "**Use:** when to offer, whom to ask, how likely an answer is. **Not for:** safety messages, which never ask a head;",
        "anything medical. It abstains when most of what it needs is missing.",
        "",
        "## Data",
        "",
        f"HeartSteps V1 (Klasnja et al. 2019, CC BY 4.0): {found['n_subjects']} people, {found['n_rows']} moments at which a suggestion was sent with",
        "probability 0.6. Each person is held out: the prior is what the other people's heads amount to, then every moment is",
        "decided first and learned from after. Intervals redraw people. Contexts were fixed before any result was seen.",
        "One error was: the pooled prior first drew people to zero twice. It was found by its calibration on these same people,",
        "and corrected; the limit of the drift test was set later, on simulated losses. All else is as first run. Seed 20261122.",
        "",
        "## Which moments to send at",
        "",
        "Value: mean log(steps + 0.5) in the half hour after. `model` sends where the person's effect is above zero, `exploring` is",
        "Thompson sampling clipped to 0.1-0.9, `others' mean` the other people's effects unchanged, `contextless` a personal",
        "mean effect. The policy learns from what the trial did, not from what it would have done itself.",
        "",
        *_table(found, _VALUES, policies),
        "",
        "## What will be answered",
        "",
        "Foretold before it is learned from. `model`: prior, steady and forgetting heads mixed by their record.",
        "",
        *answers,
        "## Simulated homes (simulated)",
        "",
        "60 homes, 12 features, people's weights scatter by 0.6; log-loss by how many answers came before.",
        "Published nowhere; the project's own earlier simulation had .602, .518, .448 for a pooled prior with learning.",
        "",
        *_table(found, simulated, ("model", "fallback", "flat_prior")),
        "",
        "## The estimators themselves",
        "",
        "Open Bandit (CC BY 4.0): the click rate of the other policy, estimated from the uniform policy's log, and as it was:",
        "; ".join(
            f"`{name}` {_rate(metrics, name, 'estimated')} and {_rate(metrics, name, 'true')}"
            for name in sorted({key.split("_")[1] for key in metrics if key.startswith("check_")})
        )
        + ". Clicks are rare: agreement within a third is what so few rounds allow.",
        "",
        "## Size",
        "",
        f"{_state_bytes()} bytes of stored state for a head of 8 features with full memories (JSON; 32 answers kept for taking back).",
        "",
        "## Targets",
        "",
        *_gains(found),
        _verdict(
            "skill over others' rate after 50 answers (walk)",
            metrics.get("walk_skill_over_everyones_rate_after_50"),
            0.15,
        ),
        _verdict(
            "skill over the personal rate after 50 answers (walk)",
            metrics.get("walk_skill_over_personal_rate_after_50"),
            0.15,
        ),
        _verdict(
            "simulated, skill over the pooled prior after 50 answers",
            metrics["simulated_skill_over_pooled_prior_after_50"],
            0.15,
        ),
        _verdict("calibration error (walk)", metrics.get("walk_ece"), 0.05, at_most=True),
        _verdict("calibration error (prompt)", metrics.get("prompt_ece"), 0.05, at_most=True),
        _verdict("calibration error (simulated)", metrics["simulated_ece"], 0.05, at_most=True),
        "",
        _consequence(metrics),
        "",
    ]
    return "\n".join(lines)


def _rate(metrics: Metrics, name: str, what: str) -> str:
    return _cell(metrics.get(f"check_{name}_{what}"))


def _consequence(metrics: Metrics) -> str:
    gain = metrics.get("gain_over_always")
    if gain is None or gain > 0.0:
        return "The personal policy may decide when to send."
    return (
        "The personal policy does not beat always sending here, so it must not hold suggestions back for the sake of their\n"
        "effect: the fallback (send, within the person's budget and quiet hours) is what ships. The answer forecasts beat\n"
        "theirs and may be used."
    )


def finder_card(found: Evaluation) -> str:
    """Return the card of the trigger finder."""
    header = [
        "bad days in days",
        "rule",
        "power, odds 4",
        "power, odds 2",
        "false claims",
        "per person",
        "reported before",
    ]
    table = [_row(header), "|---|" + "---|" * (len(header) - 1)]
    for events, days in trigger_finder.SETTINGS:
        end = f"{events}_in_{days}"
        for rule, text in _RULES.items():
            column = _column(found, rule)
            before = _ANCHOR[end].get(rule)
            figures = [
                _cell(column[f"{name}_{end}"])
                for name in ("power_or4", "power_or2", "false_discovery", "false_per_person")
            ]
            said = "-" if before is None else "{:.2f} / {:.2f}, {:.2f}".format(*before)
            table.append(_row([f"{events} in {days}", text, *figures, said]))
    worst = max(found["metrics"][f"false_discovery_{e}_in_{d}"] or 0.0 for e, d in trigger_finder.SETTINGS)
    naive = min(
        found["baselines"]["naive_2x2"][f"false_discovery_{e}_in_{d}"] or 0.0 for e, d in trigger_finder.SETTINGS
    )
    lines = [
        "# Model card: trigger finder",
        "",
        "Written by `script/models train trigger_finder --data ../shared/data/asthma`; do not edit. Nothing is trained and no file",
        "ships: a time-stratified case-crossover per person, shrunk to what is known in general (`engine/models/personal_triggers.py`,",
        "`personal_crossover.py`, `personal_settle.py`). Every figure: `script/models evaluate trigger_finder --data DIR --json`.",
        "",
        "**Use:** saying what goes with a person's bad days, by grade, with what is *not* supported beside it and what would settle it.",
        "**Not for:** causes, diagnosis, leaving out medication, giving away pets. Association within a fortnight, no more.",
        "",
        "## False claims (simulated)",
        "",
        f"{trigger_finder.RUNS} simulated people a row, eight exposures in spells, two of them true (odds ratios 4 and 2), season and weekday move",
        "bad days and half of the exposures (that of odds ratio 2 among them). `false claims`: share of all claims made that",
        "are false; `per person`: how many. `reported before`: the project's earlier simulation (models.md section 6.4; power at 4",
        "and 2, false claims), whose exact assumptions are not kept; the same shape was to be expected, not the same digits.",
        "Settings and constants are those of the report; none was changed after the first run. Seed 20261122.",
        "",
        *table,
        "",
        "## Real days",
        "",
        f"AAMOS-00 (Tsang et al. 2023, CC BY 4.0): {found['n_subjects']} people with enough days of both kinds, {found['n_rows']} days; bad days are those with relief puffs, exposures",
        "the highest quarter of the person's own temperature, humidity, fine dust, ozone, nitrogen dioxide and wind. There is no",
        "truth; moved by 21 to 63 days against each other, every claim is a false one:",
        "",
        _row(["", *_RULES.values()]),
        "|---|" + "---|" * len(_RULES),
        *(
            _row([text, *(_cell(_column(found, rule)[key]) for rule in _RULES)])
            for key, text in (
                ("real_claims_per_person", "claims per person"),
                ("real_false_per_person", "false claims per person, moved"),
            )
        ),
        "",
        f"Few people: no false claim in {found['n_subjects'] * len(trigger_finder.SHIFTS)} moved diaries is compatible with up to {3.0 / max(found['n_subjects'] * len(trigger_finder.SHIFTS), 1):.2f} a person (rule of three).",
        "",
        "## Targets",
        "",
        _verdict("`fits you`, worst share of false claims over all settings", worst, 0.05, at_most=True),
        "  Where there are few bad days there are few claims: one false one weighs much, see `per person`.",
        f"- a 2 x 2 table of the same days: at least {naive:.2f} of its claims are false.",
        _verdict(
            "`fits you`, power at odds ratio 4 with 91 bad days in 365", found["metrics"]["power_or4_91_in_365"], 0.95
        ),
        "",
        "Fewer than 20 bad days never fit anybody; a trigger of odds ratio 2 is mostly missed within a year. The card of an",
        "exposure therefore says what would settle it, and offers a test of two weeks with and two without.",
        "",
    ]
    return "\n".join(lines)


def write(name: str, data: Path, folder: Path = FOLDER) -> Path:
    """Score one of the two and write its card."""
    text = (
        head_card(context_head.evaluate(data))
        if name == context_head.NAME
        else finder_card(trigger_finder.evaluate(data))
    )
    path = folder / name / "MODEL_CARD.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
