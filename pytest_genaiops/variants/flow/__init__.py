"""Prompt flow's ``flow.dag.yaml`` (https://github.com/microsoft/promptflow): its prompts, and its variants.

Nodes that ask a model are steps; Python is never run. docs/decisions/0008 says what is read, and why.
"""

from pytest_genaiops.variants.flow.load import DAG, FLEX, flow_entry, load_flow, refuse_flex

__all__ = ["DAG", "FLEX", "flow_entry", "load_flow", "refuse_flex"]
