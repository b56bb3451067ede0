"""Names that pytest must know before anything is used; imports nothing."""

RUNNING = "genaiops-running"
"""Name of the plugin that is registered when the first suite turns up."""

OPTIONS = (
    (
        "--genaiops-variant",
        {"metavar": "GLOB", "action": "append", "help": "run only variants whose id matches; of several globs: any"},
    ),
    ("--genaiops-baseline", {"metavar": "ID", "help": "variant to compare with, instead of the suite's own baseline"}),
    (
        "--genaiops-slice",
        {
            "metavar": "TAG=VALUE",
            "action": "append",
            "help": "run only cases of a slice; of several tags: of all",
        },
    ),
    ("--genaiops-limit", {"metavar": "N", "type": int, "help": "run a seeded sample of N cases per dataset"}),
    (
        "--genaiops-confidence",
        {"metavar": "SHARE", "type": float, "help": "confidence of the intervals behind verdicts (default 0.95)"},
    ),
    (
        "--genaiops-undecided",
        {
            "choices": ("fail", "warn"),
            "help": "whether a verdict that too few cases leave undecided fails its test or warns (default fail)",
        },
    ),
    (
        "--genaiops-update-baseline",
        {"action": "store_true", "help": "write the committed baselines of suites that ask for `baseline`"},
    ),
    (
        "--genaiops-early-stop",
        {"action": "store_true", "help": "end the calls of a variant as soon as its verdict is certain"},
    ),
    ("--genaiops-seed", {"metavar": "N", "type": int, "help": "seed of samples and resampling (default 12345)"}),
    ("--genaiops-concurrency", {"metavar": "N", "type": int, "help": "calls of the target at once (default 8)"}),
    ("--genaiops-timeout", {"metavar": "SECONDS", "type": float, "help": "longest time for one call of the target"}),
    (
        "--genaiops-judge",
        {
            "metavar": "JUDGE",
            "help": "who judges: embedded (no model; default), a file such as judges/mini.yaml, or ragas[:FILE]",
        },
    ),
    (
        "--genaiops-cache",
        {
            "choices": ("use", "refresh", "only", "off"),
            "help": "answers of earlier sessions: use them (default), make them anew, allow no others, keep none",
        },
    ),
    ("--genaiops-cassette", {"metavar": "FILE", "help": "committed answers, as `genaiops cache export` writes them"}),
    ("--genaiops-max-tokens", {"metavar": "N", "type": int, "help": "tokens that models may be asked for, in and out"}),
    (
        "--genaiops-max-cost",
        {
            "metavar": "MONEY",
            "type": float,
            "help": "what calls of models may cost, in the currency of genaiops_prices",
        },
    ),
    (
        "--genaiops-record",
        {"choices": ("on", "off"), "help": "whether the run is put on record in .genaiops/ (default on)"},
    ),
    (
        "--genaiops-report",
        {"metavar": "PATH", "action": "append", "help": "write a report: .html, .md or .json; may be given repeatedly"},
    ),
    ("--genaiops-mlflow", {"metavar": "URI", "help": "report the run to this MLflow tracking server"}),
)
INI = (
    ("genaiops_datasets", "linelist", "folders below the rootdir that hold datasets (default: datasets)"),
    ("genaiops_baselines", "string", "folder of committed baselines (default: eval_suites/baselines)"),
    ("genaiops_confidence", "string", "default of --genaiops-confidence"),
    ("genaiops_undecided", "string", "default of --genaiops-undecided"),
    ("genaiops_concurrency", "string", "default of --genaiops-concurrency"),
    ("genaiops_timeout", "string", "default of --genaiops-timeout"),
    ("genaiops_judge", "string", "default of --genaiops-judge"),
    ("genaiops_cache", "string", "default of --genaiops-cache"),
    ("genaiops_cassette", "string", "default of --genaiops-cassette"),
    ("genaiops_prices", "linelist", "what models charge per million tokens, one model a line"),
    ("genaiops_max_tokens", "string", "default of --genaiops-max-tokens"),
    ("genaiops_max_cost", "string", "default of --genaiops-max-cost"),
    ("genaiops_record", "string", "default of --genaiops-record"),
    ("genaiops_keep_days", "string", "days after which runs are taken off the record (default: never)"),
    ("genaiops_report", "linelist", "reports that every session writes, one path a line"),
    ("genaiops_mlflow", "string", "default of --genaiops-mlflow"),
    ("genaiops_mlflow_experiment", "string", "MLflow experiment that runs are reported to"),
)
MARKER = (
    "genaiops(dataset=<the fixture `dataset`>, variants=None, baseline=None, trials=1, pass_rate=None, coverage=1.0, "
    "require_certificate=None): evaluate variants on a dataset"
)
METRICS = (
    "bleu", "chrf", "ter", "rouge", "exact_match", "token_f1", "classification", "cross_entropy",
    "meteor", "meteor_stem", "bertscore", "similarity", "groundedness", "relevancy", "completeness", "utilization",
    "correctness", "coherence", "fluency", "rubric", "prefer", "retrieval", "tool_calls", "content_safety",
    "latency", "tokens", "cost", "steps", "error_rate",
)  # fmt: skip


def has_marker(cls: type) -> bool:
    """Whether a class, or one of its own functions, carries the plugin's marker."""
    marks: list[object] = []
    for holder in (cls, *vars(cls).values()):
        found = getattr(holder, "pytestmark", ())
        marks += found if isinstance(found, list) else [found]
    return any(getattr(mark, "name", "") == "genaiops" for mark in marks)
