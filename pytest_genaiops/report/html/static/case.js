// One case: what was asked, what two variants answered, and why they scored what they did.

class Case extends Component {
  constructor(props) {
    super(props);
    this.state = { texts: null, differences: true, unsupported: true, trial: 1 };
  }

  componentDidMount() {
    this.load();
  }

  componentDidUpdate(last) {
    if (last.at !== this.props.at || last.suite !== this.props.suite) this.load();
  }

  async load() {
    const { suite, at } = this.props;
    const texts = await suite.texts(at);
    if (at === this.props.at) this.setState({ texts, trial: 1 });
  }

  render({ suite, at, pair, around, go, close }, { texts, differences, unsupported, trial }) {
    const current = texts && texts.id === suite.ids[at] ? texts : null;
    const shown = { suite, at, texts: current, pair, trial, differences, unsupported };
    return h(
      "div",
      { class: "case" },
      h(
        "header",
        null,
        h("h2", { id: "case-title", tabIndex: -1 }, nodes(suite.ids[at].slice(0, 200))),
        h(Moves, { around, close, go: (to) => go(to, pair) }),
      ),
      current ? this.body(shown, go) : h("p", { role: "status" }, "Unpacking …"),
    );
  }

  body(shown, go) {
    const { suite, at, texts, pair, trial } = shown;
    return [
      h(
        "div",
        { class: "top-of-case", key: `top-${at}` },
        h(Asked, { texts }),
        h(Figures, { suite, at, pair, answers: answersOf(suite, texts, pair, trial) }),
      ),
      h(Controls, { key: "controls", ...shown, go, set: (changes) => this.setState(changes) }),
      h(Answers, { key: `answers-${at}-${trial}`, ...shown }),
      h(Contexts, { key: `contexts-${at}`, name: "Contexts of the case", texts: texts.contexts, open: true }),
    ];
  }
}

function Moves({ around, go, close }) {
  const move = (text, to) =>
    h(
      "button",
      { type: "button", "aria-disabled": to === null ? "true" : undefined, onClick: () => to !== null && go(to) },
      text,
    );
  return h(
    "div",
    { class: "moves" },
    move("← Previous", around.previous),
    move("Next →", around.next),
    h("button", { type: "button", class: "close", onClick: close }, "Close"),
  );
}

function Controls({ suite, at, texts, pair, trial, differences, unsupported, go, set }) {
  const variants = suite.variants.map((name, number) => [number, name]);
  const trials = [...new Set(texts.answers.map((each) => each.trial))].map((each) => [each, String(each)]);
  const [left, right] = [pair[0], pair[1] ?? pair[0]];
  const both = (...sides) => go(at, [...new Set(sides.map(Number))]);
  return h(
    "div",
    { class: "filters" },
    variants.length > 1 && [
      choice("Left", variants, left, (to) => both(to, right), "left"),
      choice("Right", variants, right, (to) => both(left, to), "right"),
    ],
    trials.length > 1 && choice("Trial", trials, trial, (to) => set({ trial: Number(to) }), "trial"),
    checkbox("mark differences", differences, (checked) => set({ differences: checked })),
    checkbox("mark unsupported words", unsupported, (checked) => set({ unsupported: checked })),
  );
}

function Asked({ texts }) {
  const facts = [
    ...Object.entries(texts.slices).map(([tag, value]) => `${tag}: ${value}`),
    texts.label !== null && `label: ${texts.label}`,
    texts.cluster !== null && `cluster: ${texts.cluster}`,
  ].filter(Boolean);
  return h(
    "div",
    { class: "asked" },
    facts.length > 0 &&
      h(
        "p",
        { class: "facts" },
        facts.map((fact, at) => h("span", { key: at }, nodes(fact))),
      ),
    h(
      "dl",
      null,
      Object.entries(texts.inputs).map(([name, value]) => [
        h("dt", { key: `name-${name}` }, nodes(name)),
        h("dd", { key: `value-${name}` }, h(Passage, { text: value })),
      ]),
      (texts.references ?? []).map((text, at) => [
        h("dt", { key: `ref-${at}` }, texts.references.length > 1 ? `reference ${at + 1}` : "reference"),
        h("dd", { key: `text-${at}` }, h(Passage, { text })),
      ]),
    ),
  );
}

function answersOf(suite, texts, pair, trial) {
  return pair.map((variant) =>
    texts.answers.find((each) => each.variant === suite.variants[variant] && each.trial === trial),
  );
}

function Answers({ suite, at, texts, pair, trial, differences, unsupported }) {
  const answers = answersOf(suite, texts, pair, trial);
  const both = answers.length > 1 && answers.every((each) => each && !each.error);
  const found = both && differences ? compared(answers[0].text, answers[1].text) : { before: [], after: [], note: "" };
  const sides = [found.before, found.after];
  return h(
    "div",
    null,
    found.note && h("p", { class: "small" }, found.note),
    h(
      "p",
      { class: "legend small" },
      both && differences && [h("del", null, "only on the left"), " ", h("ins", null, "only on the right"), " "],
      unsupported &&
        answers.some((each) => spans(each).length) &&
        h("mark", null, `unsupported: ${finds(suite, answers)}`),
    ),
    h(
      "div",
      { class: pair.length > 1 ? "sides" : "" },
      pair.map((variant, side) =>
        h(Answer, {
          key: variant,
          suite,
          variant,
          answer: answers[side],
          marks: sides[side] ?? [],
          unsupported,
        }),
      ),
    ),
  );
}

function finds(suite, answers) {
  const names = new Set(
    answers.flatMap((each) =>
      Object.keys(each?.evidence ?? {}).filter((name) => each.evidence[name].unsupported.length),
    ),
  );
  const words = suite.metrics.filter((each) => names.has(each.name)).map((each) => each.finds || each.name);
  return visible([...new Set(words)].join(", ") || "not supported");
}

function spans(answer) {
  return Object.values(answer?.evidence ?? {}).flatMap((each) =>
    each.unsupported.map(([start, end]) => ({ start, end, kind: "unsupported" })),
  );
}

function Figures({ suite, at, pair, answers }) {
  if (!suite.metrics.length) return null;
  // An answer has values of its own where its variant answered more than once.
  const own = (answer, metric, variant) => {
    if (!answer?.values) return answer ? suite.value(metric, variant, at) : null;
    const { name } = suite.metrics[metric];
    return Object.hasOwn(answer.values, name) ? answer.values[name] : null; // "constructor"
  };
  return h(
    "div",
    { class: "scroll", tabIndex: 0, role: "region", "aria-label": "Values of this case" },
    h(
      "table",
      { class: "values" },
      h("caption", { class: "hidden" }, "Values of this case"),
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          h("th", { scope: "col" }, "Metric"),
          pair.map((variant) => h("th", { scope: "col", class: "n", key: variant }, nodes(suite.variants[variant]))),
          pair.length > 1 && h("th", { scope: "col", class: "n" }, "Change"),
        ),
      ),
      h(
        "tbody",
        null,
        suite.metrics.map((metric, number) => {
          const values = answers.map((answer, side) => own(answer, number, pair[side]));
          const change = values.length > 1 && values.every((value) => value !== null) ? values[1] - values[0] : null;
          return h(
            "tr",
            { key: number },
            h("th", { scope: "row" }, nodes(metric.name)),
            values.map((value, side) =>
              h(
                "td",
                { class: "n", key: side },
                value === null
                  ? h("span", { class: "warn" }, answers[side]?.error ? "error" : "unscored")
                  : figure(value, metric),
              ),
            ),
            pair.length > 1 &&
              h(
                "td",
                { class: "n" },
                change === null
                  ? h("span", { class: "quiet" }, "none")
                  : [figure(change, metric, true), " ", arrow(suite.direction(number, change))],
              ),
          );
        }),
      ),
    ),
  );
}

function Answer({ suite, variant, answer, marks, unsupported }) {
  const name = visible(suite.variants[variant]);
  if (!answer)
    return h(
      "section",
      { class: "answer", "aria-label": name },
      h("h3", null, name),
      h("p", { class: "quiet" }, "No answer on record."),
    );
  const facts = [
    answer.model,
    answer.latency !== null && `${answer.latency.toFixed(2)} s`,
    ...Object.entries(answer.usage).map(([kind, number]) => `${number} ${kind.replaceAll("_", " ")}`),
  ].filter(Boolean);
  return h(
    "section",
    { class: "answer", "aria-label": `Answer of ${name}` },
    h(
      "h3",
      null,
      name,
      variant === suite.baseline && [" ", h("span", { class: "tag" }, "baseline")],
      answer.outcome && [" ", outcome(answer.outcome)],
    ),
    answer.error
      ? h("p", { class: "failure" }, h("b", null, "No answer. "), nodes(answer.error))
      : h(Passage, { text: answer.text, marks: [...marks, ...(unsupported ? spans(answer) : [])] }),
    h(Reasons, { answer }),
    h(
      "p",
      { class: "facts small" },
      facts.map((fact, at) => h("span", { key: at }, nodes(fact))),
    ),
    answer.contexts && h(Contexts, { name: "Contexts that it retrieved", texts: answer.contexts }),
    answer.steps.length > 0 &&
      h(
        "details",
        null,
        h("summary", null, count(answer.steps.length, "step")),
        answer.steps.map(([id, output], at) => [
          h("h4", { key: `id-${at}` }, nodes(id)),
          h(Passage, { key: at, text: output }),
        ]),
      ),
  );
}

// Why: judges' words, the support of each sentence, and what kept a metric from a value.
function Reasons({ answer }) {
  const missing = Object.entries(answer.unscored).filter(([, reason]) => reason !== answer.error);
  return h(
    "div",
    { class: "reasons" },
    missing.map(([name, reason]) =>
      h("p", { key: `missing-${name}`, class: "warn" }, nodes(`${name} is unscored: ${reason}`)),
    ),
    Object.entries(answer.evidence).map(([name, each]) => [
      each.reason && h("p", { key: `reason-${name}` }, h("b", null, nodes(`${name}: `)), nodes(each.reason)),
      each.sentences.length > 0 &&
        h(
          "details",
          { key: `support-${name}` },
          h("summary", null, nodes(`${name}: support of ${count(each.sentences.length, "sentence")}`)),
          h(
            "ol",
            { class: "sentences" },
            each.sentences.map(([start, end, support, note], at) =>
              h(
                "li",
                { key: at },
                h("meter", {
                  min: 0,
                  max: 1,
                  low: 0.5,
                  high: 0.5,
                  optimum: 1,
                  value: support ?? 0,
                  "aria-label": "support",
                }),
                h("span", { class: "figures" }, ` ${support === null ? "none" : support.toFixed(2)} `),
                nodes(answer.text.slice(start, end)),
                note && h("span", { class: "quiet" }, " – ", nodes(note)),
              ),
            ),
          ),
        ),
    ]),
  );
}

function Contexts({ name, texts, open }) {
  if (!texts || !texts.length) return null;
  return h(
    "details",
    { class: "contexts", open },
    h("summary", null, `${name} (${texts.length})`),
    h(
      "ol",
      null,
      texts.map((text, at) => h("li", { key: at }, h(Passage, { text }))),
    ),
  );
}
