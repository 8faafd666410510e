"""Decisions to Home Assistant."""
