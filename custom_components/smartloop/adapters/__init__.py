"""Home Assistant and recordings to engine values."""
