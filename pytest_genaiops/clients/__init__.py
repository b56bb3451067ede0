"""How to speak to a model: endpoints, limits, budget, and answers that are kept."""
