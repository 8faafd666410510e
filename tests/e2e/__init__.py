"""Real processes: Home Assistant, phones, a browser."""
