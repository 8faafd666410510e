"""Prediction to what to do."""
