"""Ways to build the application of ``eval_suites/rag/app``, as one matrix."""
