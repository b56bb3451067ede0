"""Questions answered from Python's own documentation: an application as users have one, whose parts variants change."""
