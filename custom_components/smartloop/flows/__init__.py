"""The steps of setting up and changing a household; `config_flow.py` is where Home Assistant enters."""
