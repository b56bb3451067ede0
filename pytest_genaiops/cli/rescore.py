"""``genaiops rescore``: further metrics over the answers of a recorded run."""

from __future__ import annotations

import ast
import math
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.project import Project, add_rootdir, project_of
from pytest_genaiops.clients.assembly import shared_of
from pytest_genaiops.config import Settings
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.report.listing import table
from pytest_genaiops.report.text import bound, number, visible
from pytest_genaiops.run import judging_of
from pytest_genaiops.runs import Run
from pytest_genaiops.runs.rescoring import Rescored, rescore
from pytest_genaiops.score.metric import configured

_PAIR = re.compile(r"""\s*(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^,]*)(?:,|$)""")
_WORDS = {"true": True, "false": False, "none": None}


def add(parser: ArgumentParser) -> None:
    """The run, the metrics, and which answers."""
    parser.epilog = "The new scores are a run of their own, with everything that the old one has; its id is shown last."
    run = "its id, the beginning of one, or latest (the default), latest~1 and so on"
    parser.add_argument("run_id", metavar="RUN", nargs="?", default="latest", help=run)
    parser.add_argument(
        "--metric",
        metavar="NAME[:OPTION=VALUE,…]",
        action="append",
        required=True,
        help="what to measure by, such as chrf or bleu:tokenize=char; `genaiops metrics list` (may be repeated)",
    )
    parser.add_argument("--suite", metavar="GLOB", help="only suites with such a title, or with this in it")
    parser.add_argument("--variant", metavar="GLOB", help="only variants with such an id")
    parser.add_argument(
        "--judge", metavar="FILE", help="the model that judges, as --genaiops-judge of pytest names it (calls for it)"
    )
    add_rootdir(parser)
    parser.set_defaults(run=_rescore)


def _rescore(arguments: Namespace) -> int:
    project = project_of(arguments)
    settings = _settings(project, arguments.judge)
    run = Run.open(arguments.run_id, root=settings.root, folder=settings.folder)
    metrics = [_metric(given, settings) for given in dict.fromkeys(arguments.metric)]
    judging = judging_of(settings, shared_of(None))
    judging.default = settings.judge_file
    asked: dict[str, Any] = {"suite": arguments.suite, "variant": arguments.variant, "judging": judging}
    name, found = rescore(run, metrics, settings, **asked)
    write(_lines(found))
    write(["", f"run {visible(name)}"])
    return 0


def _settings(project: Project, judge: str | None) -> Settings:
    """Of the project, with what its configuration says of prices, judge, cassette and budget."""
    keys = project.keys
    tokens = _amount(keys, "genaiops_max_tokens")
    named = str(keys.get("genaiops_judge") or "") or None
    return replace(
        project.settings,
        prices=project.prices,
        judge=judge,
        judge_file=named,
        cassette=str(keys.get("genaiops_cassette") or "") or None,
        max_tokens=None if tokens is None else int(tokens),
        max_cost=_amount(keys, "genaiops_max_cost"),
    )


def _amount(keys: Mapping[str, Any], key: str) -> float | None:
    """What the project may spend; None where its configuration does not say."""
    given = str(keys.get(key) or "").strip()
    if not given:
        return None
    try:
        amount = float(given)
    except ValueError:
        amount = math.nan
    if not math.isfinite(amount) or amount <= 0:
        raise UsageError(f"ini key {key}={given}: give a number above 0")
    return amount


def _metric(given: str, settings: Settings) -> Metric:
    """A metric by its name, with options behind a colon."""
    name, colon, rest = given.partition(":")
    options = _options(rest, given) if colon else {}
    return configured(name.strip(), settings, **options)


def _options(text: str, given: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    place = 0
    while place < len(text):
        pair = _PAIR.match(text, place)
        if pair is None or pair[1] in found:
            raise UsageError(
                f"--metric {quoted(given)}: write options as NAME:OPTION=VALUE,OPTION=VALUE, with a value that has a "
                "comma in quotes"
            )
        found[pair[1]] = _value(pair[2].strip())
        place = pair.end()
    if not found:
        raise UsageError(f"--metric {quoted(given)} names no option behind the colon; leave it out")
    return found


def _value(text: str) -> Any:
    if text[:1] in ("'", '"') and len(text) > 1:
        return ast.literal_eval(text)
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _lines(found: Sequence[Rescored]) -> Iterator[str]:
    for suite in dict.fromkeys(each.suite for each in found):
        yield visible(suite)
        rows = [_row(each) for each in found if each.suite == suite]
        yield from table(rows, head=("variant", "score", "value", "interval", "n", "unscored"), indent=2)


def _row(each: Rescored) -> tuple[str, ...]:
    score = each.score
    ends = "-" if each.interval is None else f"[{', '.join(bound(end, score.scale) for end in each.interval)}]"
    value = number(score.value, score.scale)
    return visible(each.variant), visible(score.name), value, ends, f"{score.n:,}", f"{score.unscored:,}"
