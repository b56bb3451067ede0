"""Retrieval: ranked passages against relevance labels."""

from pytest_genaiops.metrics.retrieval.metric import Retrieval as Retrieval
