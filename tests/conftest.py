"""What all tests share."""

from __future__ import annotations

from importlib.util import find_spec

pytest_plugins = ["pytester"]

if find_spec("hypothesis") is not None:  # a session with few packages does without
    from hypothesis import settings

    # How long an example takes says more of the machine's other work than of the code.
    settings.register_profile("unhurried", deadline=None)
    settings.load_profile("unhurried")
