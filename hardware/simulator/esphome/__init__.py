"""Real ESPHome firmware as a Linux program, its serial sensors simulated on a pseudo-terminal."""

from .firmware import FirmwareError, build
from .node import BED, DUST, Board, HostNode
from .sensors import Dust, Radar

__all__ = ["BED", "DUST", "Board", "Dust", "FirmwareError", "HostNode", "Radar", "build"]
