"""Start Home Assistant as its own console script does, with one bridge for the workshop.

Home Assistant 2026.11 asks for zha 2.4, which the package index does not offer yet. What its
integration misses in zha 2.3 are two names that 2.4 introduced when it set Green Power devices
apart (one for annotations, one for `isinstance`), and one method that follows a change of the
time zone. They are filled in here; from zha 2.4 on this changes nothing. Never part of the product.
"""

import sys

# Home Assistant first: it puts other libraries under the names that zigpy imports.
from homeassistant.__main__ import main


def bridge_zha() -> bool:
    """Fill in the three names; return whether there was anything to fill in."""
    try:
        from zha.application.gateway import Gateway  # noqa: PLC0415  only where ZHA is installed
        from zha.zigbee import device  # noqa: PLC0415
    except ImportError:
        return False
    if hasattr(device, "BaseDevice"):
        return False
    vars(device).update(BaseDevice=device.Device, ZigbeeDevice=device.Device)
    if not hasattr(Gateway, "update_local_timezone"):
        setattr(Gateway, "update_local_timezone", _keep_time_zone)  # noqa: B010  it is not declared
    return True


def _keep_time_zone(_gateway: object, _time_zone: object) -> None:
    """Stand for the method of zha 2.4: nobody travels in the workshop."""


if __name__ == "__main__":
    bridge_zha()
    sys.exit(main())
