"""Bluetooth devices in software: our sleeve and bed node as docs/protocol.md says, and BTHome sensors.

Written from the specification alone; nothing of `custom_components.smartloop.protocol` is used here,
so that an error in one of the two shows.
"""
