"""Numbers to prediction: each model with its fallback."""
