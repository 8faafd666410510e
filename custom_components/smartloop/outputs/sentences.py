"""The sentence templates, read once when the integration is imported (which is not in the event loop)."""

import json
from pathlib import Path
from typing import Final

from homeassistant.core import HomeAssistant

from ..engine import Templates, templates_of

_LANGUAGES: Final[dict[str, Templates]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent.parent / "sentences").glob("*.json"))
}


def templates(hass: HomeAssistant) -> Templates:
    """Return the sentences in the household's language."""
    return templates_of(_LANGUAGES, hass.config.language)
