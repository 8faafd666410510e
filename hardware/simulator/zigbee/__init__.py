"""A simulated Zigbee coordinator with simulated sensors behind it, for the real ZHA."""

from .coordinator import Coordinator, JoinRefusedError
from .devices import DEVICES, DeviceModel, Quantity
from .network import Node
from .wire import WireError

__all__ = ["DEVICES", "Coordinator", "DeviceModel", "JoinRefusedError", "Node", "Quantity", "WireError"]
