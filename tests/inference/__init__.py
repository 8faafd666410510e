"""Tests of the inference; they run where Home Assistant is not installed."""
