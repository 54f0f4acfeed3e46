"""Heads: what is trained on embeddings, with which settings, and how well it is calibrated."""
