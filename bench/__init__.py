"""What SmartLoop costs, beside the floor and the core helpers it replaces."""
