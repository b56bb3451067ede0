"""Command line and ini -> frozen Settings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal, cast, get_args

import pytest

from pytest_genaiops.config import (
    BASELINES,
    DEFAULT_CONCURRENCY,
    DEFAULT_CONFIDENCE,
    DEFAULT_SEED,
    CacheMode,
    Price,
    Settings,
)
from pytest_genaiops.errors import UsageError
from pytest_genaiops.registry import did_you_mean

REPORTS = (".html", ".md", ".json")
MOST_DAYS = 36500


def check(config: pytest.Config, found: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a genaiops ini key that nobody reads (a misspelt one would silently gate nothing), and bad values."""
    for key in found:
        if key not in known:
            raise pytest.UsageError(f"{config.inipath}: unknown key {key!r}; {did_you_mean(key, list(known))}")
    settings_of(config)


def settings_of(config: pytest.Config) -> Settings:
    """The session's settings; a number that makes no sense is a usage error that names the option."""
    limit, seed = config.getoption("--genaiops-limit"), config.getoption("--genaiops-seed")
    if limit is not None and limit < 1:
        raise pytest.UsageError(f"--genaiops-limit={limit}: give a number of cases, 1 or more")
    if seed is not None and seed < 0:
        raise pytest.UsageError(f"--genaiops-seed={seed}: give a whole number, 0 or more")
    return Settings(
        root=config.rootpath,
        datasets=tuple(config.getini("genaiops_datasets") or ("datasets",)),
        variants=tuple(config.getoption("--genaiops-variant") or ()),
        baseline=config.getoption("--genaiops-baseline"),
        slices=tuple(map(_slice, config.getoption("--genaiops-slice") or ())),
        limit=limit,
        seed=DEFAULT_SEED if seed is None else seed,
        confidence=_confidence(config),
        undecided=_undecided(config),
        baselines=config.getini("genaiops_baselines") or BASELINES,
        update_baseline=_updating(config),
        early_stop=bool(config.getoption("--genaiops-early-stop")),
        concurrency=_whole(_positive(config, "concurrency"), "concurrency", "calls") or DEFAULT_CONCURRENCY,
        timeout=_positive(config, "timeout"),
        judge=config.getoption("--genaiops-judge") or config.getini("genaiops_judge") or None,
        judge_file=config.getini("genaiops_judge") or None,
        cache=_cache(config),
        cassette=_cassette(config),
        prices=_prices(config),
        max_tokens=_whole(_positive(config, "max_tokens"), "max tokens", "tokens"),
        max_cost=_positive(config, "max_cost"),
        record=_recording(config),
        keep_days=_days(config),
        reports=_reports(config),
        mlflow=config.getoption("--genaiops-mlflow") or config.getini("genaiops_mlflow") or None,
        mlflow_experiment=config.getini("genaiops_mlflow_experiment") or None,
    )


def _slice(given: str) -> tuple[str, str]:
    tag, _, value = given.partition("=")
    if not tag or not value:
        raise pytest.UsageError(f"--genaiops-slice={given}: give a tag and its value, such as topic=law")
    return tag, value


def _confidence(config: pytest.Config) -> float:
    given = _positive(config, "confidence")
    if given is None:
        return DEFAULT_CONFIDENCE
    if given >= 1:
        raise pytest.UsageError(f"genaiops confidence {given:g}: give a share between 0 and 1, such as 0.95")
    return given


def _undecided(config: pytest.Config) -> Literal["fail", "warn"]:
    given = config.getoption("--genaiops-undecided") or config.getini("genaiops_undecided") or "fail"
    if given not in ("fail", "warn"):
        raise pytest.UsageError(f"ini key genaiops_undecided={given}: give fail or warn")
    return "warn" if given == "warn" else "fail"


def _updating(config: pytest.Config) -> bool:
    """Whether baselines are written: asked for, and by a person."""
    if not config.getoption("--genaiops-update-baseline"):
        return False
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        raise pytest.UsageError(
            "--genaiops-update-baseline: a baseline is never written in CI (the environment variable CI is set); "
            "write it on your own machine and commit it, so that somebody reviews it"
        )
    for part in ("limit", "slice"):
        if config.getoption(f"--genaiops-{part}"):
            raise pytest.UsageError(
                f"--genaiops-update-baseline: a baseline holds every case; leave --genaiops-{part} out"
            )
    return True


def _cache(config: pytest.Config) -> CacheMode:
    given = config.getoption("--genaiops-cache") or config.getini("genaiops_cache") or "use"
    known = get_args(CacheMode)
    if given not in known:
        raise pytest.UsageError(f"ini key genaiops_cache={given}: give one of {', '.join(known)}")
    return cast("CacheMode", given)


def _cassette(config: pytest.Config) -> str | None:
    """The file of committed answers; where nothing else may answer it has to be there."""
    given: str | None = config.getoption("--genaiops-cassette") or config.getini("genaiops_cassette") or None
    if given is not None and _cache(config) == "only" and not (config.rootpath / given).is_file():
        raise pytest.UsageError(f"the cassette {given} is not there; write it with: genaiops cache export {given}")
    return given


def _recording(config: pytest.Config) -> bool:
    given = config.getoption("--genaiops-record") or config.getini("genaiops_record") or "on"
    if given not in ("on", "off"):
        raise pytest.UsageError(f"ini key genaiops_record={given}: give on or off")
    return bool(given == "on")


def _days(config: pytest.Config) -> int | None:
    given = config.getini("genaiops_keep_days") or None
    if given is None:
        return None
    if not given.isascii() or not given.isdecimal() or not 0 < int(given) <= MOST_DAYS:
        raise pytest.UsageError(f"ini key genaiops_keep_days={given}: give a whole number of days, 1 or more")
    return int(given)


def _reports(config: pytest.Config) -> tuple[str, ...]:
    """The files to write: those that were asked for, or else those of the configuration."""
    asked = config.getoption("--genaiops-report")
    given, where = (
        (asked, "--genaiops-report=")
        if asked
        else (config.getini("genaiops_report") or (), "ini key genaiops_report: ")
    )
    for path in given:
        if not path.lower().endswith(REPORTS) or path.lower() in REPORTS:
            raise pytest.UsageError(f"{where}{path}: a report is a file whose name ends in {', '.join(REPORTS)}")
    return tuple(dict.fromkeys(given))


def _prices(config: pytest.Config) -> tuple[Price, ...]:
    lines = config.getini("genaiops_prices") or ()
    if not lines:
        return ()
    from pytest_genaiops.clients.prices import prices_of

    try:
        return prices_of(lines)
    except UsageError as error:
        raise pytest.UsageError(f"{config.inipath}: genaiops_prices: {error}") from None


def _whole(value: float | None, name: str, what: str) -> int | None:
    if value is None:
        return None
    if not value.is_integer():
        raise pytest.UsageError(f"genaiops {name} {value:g}: give a whole number of {what}, 1 or more")
    return int(value)


def _positive(config: pytest.Config, name: str) -> float | None:
    where = f"--genaiops-{name.replace('_', '-')}"
    given = config.getoption(where)
    if given is None:
        given, where = config.getini(f"genaiops_{name}") or None, f"ini key genaiops_{name}"
    if given is None:
        return None
    try:
        value = float(given)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise pytest.UsageError(f"{where}={given}: give a number above 0")
    return value
