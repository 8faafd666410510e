"""The engine: context, features, models, decisions. Pure: no Home Assistant, no clock, no I/O."""
