"""Context to numbers: one file per field of knowledge, each citing its source."""
