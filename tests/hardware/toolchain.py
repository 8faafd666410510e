"""What the fixtures of this folder hand out."""

from collections.abc import Callable
from pathlib import Path

type Compile = Callable[..., Path]
