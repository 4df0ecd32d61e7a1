"""The training loop, its checkpoints and its records. Knows no method."""
