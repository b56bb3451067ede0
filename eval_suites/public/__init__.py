"""Public outputs of real systems with human labels."""
