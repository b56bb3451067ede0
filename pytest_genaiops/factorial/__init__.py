"""What each setting of a matrix of variants does: effects, interactions, the best set, and what has to be weighed."""
