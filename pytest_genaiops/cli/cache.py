"""``genaiops cache``: what answers are kept, which of them are committed, and why one was not found."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from pytest_genaiops.cli.numbers import days
from pytest_genaiops.cli.output import complain, write
from pytest_genaiops.cli.project import add_rootdir, project_of, settings_of
from pytest_genaiops.clients import cassette
from pytest_genaiops.clients.kept import Choice, Explained, Kept
from pytest_genaiops.clients.request import Request
from pytest_genaiops.errors import UsageError
from pytest_genaiops.report.listing import paragraph, table
from pytest_genaiops.report.text import visible

FOUND = 1
_GROUPS = 10
_NAMES = 8


def add(parser: ArgumentParser) -> None:
    """The actions ``stats``, ``export``, ``prune`` and ``explain-miss``."""
    actions = parser.add_subparsers(title="actions", metavar="<action>")
    about = "how many answers are kept, of which models and variants, and since when"
    stats = actions.add_parser("stats", help=about, description=f"Show {about}.")
    stats.set_defaults(run=_stats)
    about = "write kept answers to a cassette: a file that is committed, and replayed without network or key"
    more = "Lines that the file has already stay, unless an answer to the same request is kept, or --used is given."
    export = actions.add_parser("export", help=about, description=f"{about.capitalize()}.", epilog=more)
    export.add_argument("file", type=Path, help="the cassette, such as eval_suites/answers.jsonl")
    export.add_argument("--used", action="store_true", help="only what the latest session has asked for")
    export.set_defaults(run=_export)
    about = "throw kept answers away"
    prune = actions.add_parser("prune", help=about, description=f"{about.capitalize()}; they are called for anew.")
    prune.add_argument("--older-than", metavar="DAYS", type=days, help="those made more than so many days ago")
    prune.add_argument("--unused", metavar="DAYS", type=days, help="those that no session has used for so many days")
    prune.add_argument("--dry-run", action="store_true", help="only say how many there are")
    prune.set_defaults(run=_prune)
    about = "what had changed where an answer was not found, or was made anew"
    ends = "Exits with 0 where nothing was missed, with 1 where something was."
    explain = actions.add_parser("explain-miss", help=about, description=f"Say {about}. {ends}")
    where = "look at its answers too (default: the one that genaiops_cassette names)"
    explain.add_argument("--cassette", metavar="FILE", type=Path, help=where)
    explain.set_defaults(run=_explain)
    for action in (export, prune, explain):
        action.add_argument("--variant", metavar="GLOB", help="only answers of variants with such an id")
        action.add_argument("--case", metavar="GLOB", help="only answers to cases with such an id")
    for action in (stats, export, prune, explain):
        add_rootdir(action)


def _stats(arguments: Namespace) -> int:
    with closing(_kept(arguments)) as kept:
        groups, span = kept.groups(), kept.span()
        total = sum(group.answers for group in groups.values())
        since = f", made {_day(span[0])} to {_day(span[1])}" if span else ""
        write([f"{_counted(total)}, {kept.size / 1e6:,.1f} MB{since}"])
    rows = [
        (
            visible(model),
            visible(variant) or "-",
            f"{group.answers:,}",
            f"{group.tokens['input']:,}",
            f"{group.tokens['output']:,}",
            _day(group.newest),
        )
        for (model, variant), group in groups.items()
    ]
    write(table(rows, head=("model", "variant", "answers", "tokens in", "tokens out", "newest")) if rows else ())
    return 0


def _export(arguments: Namespace) -> int:
    choice, file = _choice(arguments), arguments.file
    before = cassette.read(file) if file.exists() else {}
    with closing(_kept(arguments)) as kept:
        found = kept.lines(choice)
        used = kept.asked_for() if arguments.used else {*before, *found}
    lines = {key: line for key, line in before.items() if key in used or not choice.takes(line.request.labels)}
    lines |= {key: line for key, line in found.items() if key in used}
    if not lines:
        raise UsageError("no kept answer is meant; see what there is with: genaiops cache stats")
    cassette.write(file, lines.values())
    new, gone = len(lines.keys() - before.keys()), len(before.keys() - lines.keys())
    write([f"{visible(str(file))}: {_counted(len(lines))}, {new:,} new, {gone:,} taken out"])
    return 0


def _prune(arguments: Namespace) -> int:
    made, used = arguments.older_than, arguments.unused
    if made is None and used is None and arguments.variant is None and arguments.case is None:
        raise UsageError("say which answers: --older-than DAYS, --unused DAYS, --variant GLOB or --case GLOB")
    with closing(_kept(arguments)) as kept:
        keys = kept.outdated(_choice(arguments), made=made, used=used)
        if not arguments.dry_run:
            kept.remove(keys)
    write([f"{_counted(len(keys))} {'would be ' if arguments.dry_run else ''}thrown away"])
    return 0


def _explain(arguments: Namespace) -> int:
    choice = _choice(arguments)
    with closing(_kept(arguments)) as kept:
        missed = kept.misses(choice, _replayed(arguments))
        anew, rest = kept.made_anew(choice)
    write(_explained("not found by the latest session with --genaiops-cache=only", missed))
    write(_explained("called for by the latest session, although older answers are kept", anew))
    if rest:
        write([f"and {_counted(rest)} more that were not looked at"])
    if not missed and not anew:
        write(["nothing was missed"])
    return FOUND if missed or anew else 0


def _explained(title: str, groups: Sequence[Explained]) -> Iterator[str]:
    if groups:
        yield f"{title}: {sum(len(group.requests) for group in groups):,}"
    for group in groups[:_GROUPS]:
        shown = [visible(str(difference)) for difference in group.differences[:_NAMES]]
        rest = len(group.differences) - _NAMES
        for line in [*shown, *([f"and {rest} more differences"] if rest > 0 else [])] or ["nothing like it is kept"]:
            yield from paragraph(line, indent=2)
        yield from paragraph(_whose(group.requests), indent=4)
    if len(groups) > _GROUPS:
        yield f"  and {sum(len(group.requests) for group in groups[_GROUPS:]):,} for other reasons"


def _whose(requests: Sequence[Request]) -> str:
    """The cases by variant, the first of each in full."""
    parts = []
    for variant in Counter(request.labels.variant for request in requests):
        labels = [request.labels for request in requests if request.labels.variant == variant]
        cases = list(dict.fromkeys(label.case for label in labels))
        rest = f" and {len(cases) - _NAMES} more" if len(cases) > _NAMES else ""
        parts.append(f"{visible(variant) or '-'}: {', '.join(map(visible, cases[:_NAMES]))}{rest}")
    return "; ".join(parts)


def _replayed(arguments: Namespace) -> list[Request]:
    project = project_of(arguments)
    named = project.keys.get("genaiops_cassette")
    file = arguments.cassette or (project.root / str(named) if named else None)
    if file is None or (arguments.cassette is None and not file.exists()):
        return []
    return [line.request for line in cassette.read(file).values()]


def _kept(arguments: Namespace) -> Kept:
    settings = settings_of(arguments)
    return Kept(settings.root / settings.folder, tell=complain)


def _choice(arguments: Namespace) -> Choice:
    return Choice(variant=arguments.variant or "*", case=arguments.case or "*")


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(at))


def _counted(number: int) -> str:
    return f"{number:,} answer{'' if number == 1 else 's'}"
