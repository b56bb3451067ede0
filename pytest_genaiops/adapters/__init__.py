"""One file for each heavy package that is a metric; each is imported when it is first used, and by nobody else."""
