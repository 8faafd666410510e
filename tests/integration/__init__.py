"""SmartLoop inside Home Assistant, with made-up households."""
