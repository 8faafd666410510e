"""The demo: a real Home Assistant, a recorded home, simulated phones, a browser."""
