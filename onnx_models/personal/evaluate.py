"""Score what is learned per person: one entry for both models of this folder."""

from pathlib import Path

from custom_components.smartloop.inference.graph import Engine

from ..report import Evaluation
from . import context_head, trigger_finder


def evaluate(name: str, data: Path, _: Engine) -> Evaluation:
    """Return the figures of a model on all people below a folder; no file is run, so no engine either."""
    return context_head.evaluate(data) if name == context_head.NAME else trigger_finder.evaluate(data)
