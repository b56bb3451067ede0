"""What all tests share."""

from __future__ import annotations

from importlib.util import find_spec

pytest_plugins = ["pytester"]

if find_spec("hypothesis") is not None:  # a session with few packages does without
    from hypothesis import settings

    # How long an example takes says more of the machine's other work than of the code.
    settings.register_profile("unhurried", deadline=None, derandomize=True, database=None)
    settings.register_profile("exploring", deadline=None)
    # Every run tries the same examples; who looks for new ones runs `pytest --hypothesis-profile=exploring`.
    settings.load_profile("unhurried")
