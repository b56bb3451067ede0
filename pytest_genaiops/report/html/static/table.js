// The table of cases: filters above it, pages below it.

const MOST_COLUMNS = 6; // variants with a column of their own

class Cases extends Component {
  constructor(props) {
    super(props);
    this.state = { view: props.view };
    this.set = this.set.bind(this);
  }

  // The one way in which the view changes. Another filter begins at the first page again.
  set(changes, page = 0) {
    const view = { ...this.state.view, page, ...changes };
    this.setState({ view });
    this.props.onView(view);
    if ("text" in changes || "deep" in changes) this.look(view);
  }

  // Looks the words up in all texts; an answer that comes late, to an older question, is dropped.
  async look(view) {
    const words = view.text.trim().toLowerCase();
    if (!view.deep || !words) return;
    this.asked = words;
    const hits = await this.props.suite.containing(words);
    if (this.asked === words) this.setState(({ view: now }) => ({ view: { ...now, hits } }));
  }

  componentDidMount() {
    this.look(this.state.view);
  }

  render({ suite }, { view }) {
    const found = chosen(suite, view);
    this.props.onFound(found);
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    const page = Math.min(view.page, pages - 1);
    const busy = view.deep && view.text.trim() && !view.hits;
    return h(
      "div",
      null,
      h(Filters, { suite, view, set: this.set }),
      h(
        "p",
        { role: "status", class: "small" },
        busy
          ? "Searching all texts …"
          : `${count(found.length, "case")}${found.length < suite.ids.length ? ` of ${suite.ids.length.toLocaleString("en-GB")}` : ""}`,
      ),
      h(
        "div",
        { class: "scroll", tabIndex: 0, role: "region", "aria-label": "Table of cases" },
        h(
          "table",
          { class: "cases-table" },
          h(
            "caption",
            { class: "hidden" },
            `Cases by ${visible(suite.metrics[view.metric]?.name ?? "id")}; headers with a button sort`,
          ),
          h(Head, { suite, view, set: this.set }),
          h(
            "tbody",
            null,
            found.slice(page * PAGE, (page + 1) * PAGE).map((at) => h(Row, { key: at, suite, view, at })),
          ),
        ),
      ),
      found.length === 0 &&
        !busy &&
        h(
          "p",
          null,
          "No case passes these filters. ",
          h("button", { type: "button", onClick: () => this.set(firstView(suite)) }, "Show all cases"),
        ),
      pages > 1 && h(Pages, { page, pages, go: (to) => this.set({}, to) }),
    );
  }
}

function Filters({ suite, view, set }) {
  const variants = suite.variants.map((name, at) => [at, name]);
  const outcomes = [...new Set(suite.outcomes.flat())]
    .sort()
    .map((at) => OUTCOMES[at])
    .filter(Boolean);
  const states = [["", "all"], ["error", "errors"], ["unscored", "unscored"], ...outcomes.map((name) => [name, name])];
  return h(
    "form",
    { class: "filters", onSubmit: (event) => event.preventDefault() },
    h(
      "label",
      { class: "search" },
      h("span", null, "Search"),
      h("input", {
        type: "search",
        name: "text",
        value: view.text,
        placeholder: "Id or question",
        onInput: (event) => set({ text: event.target.value, hits: null }),
      }),
    ),
    checkbox("in answers and contexts too", view.deep, (deep) => set({ deep, hits: null }), "deep"),
    suite.metrics.length > 1 &&
      choice(
        "Metric",
        suite.metrics.map((each, at) => [at, each.name]),
        view.metric,
        (at) => set({ metric: Number(at) }),
        "metric",
      ),
    variants.length > 1 && [
      choice("Variant", variants, view.after, (at) => set({ after: Number(at) }), "after"),
      choice("Against", variants, view.before, (at) => set({ before: Number(at) }), "before"),
      choice("Change", CHANGES, view.change, (change) => set({ change }), "change"),
    ],
    choice("Answers", states, view.state, (state) => set({ state }), "state"),
    suite.slices.map(({ tag, values }) =>
      choice(
        visible(tag),
        [["", "all"], ...values.map((value, at) => [at + 1, value])],
        Object.hasOwn(view.slices, tag) ? values.indexOf(view.slices[tag]) + 1 : "",
        (at) => {
          const { [tag]: _, ...others } = view.slices;
          set({ slices: at ? { ...others, [tag]: values[at - 1] } : others });
        },
        `slice.${tag}`,
      ),
    ),
  );
}

function shownVariants(suite, view) {
  if (suite.variants.length <= MOST_COLUMNS) return suite.variants.map((_, at) => at);
  return [...new Set([view.before, view.after])];
}

function Head({ suite, view, set }) {
  const columns = shownVariants(suite, view).map((at) => [
    `value.${suite.variants[at]}`,
    suite.variants[at],
    at === suite.baseline,
  ]);
  const sorted = (key) => (view.sort === key ? (view.down ? "descending" : "ascending") : undefined);
  const header = (key, text, number, tag) =>
    h(
      "th",
      { scope: "col", key, class: number ? "n" : "", "aria-sort": sorted(key) },
      h(
        "button",
        { type: "button", class: "sort", onClick: () => set({ sort: key, down: view.sort === key && !view.down }) },
        visible(text),
        h(
          "span",
          { "aria-hidden": "true", class: "sort-sign" },
          { ascending: "↑", descending: "↓" }[sorted(key)] ?? "↕",
        ),
      ),
      tag && h("span", { class: "tag" }, "baseline"),
    );
  return h(
    "thead",
    null,
    h(
      "tr",
      null,
      header("case", "Case"),
      suite.slices.map(({ tag }) => header(`slice.${tag}`, tag)),
      suite.judged && columns.map(([key, name, baseline]) => header(key, name, true, baseline)),
      view.before !== view.after && suite.metrics.length > 0 && header("change", "Change", true),
    ),
  );
}

function Row({ suite, view, at }) {
  const change = suite.change(view.metric, view.before, view.after, at);
  const scale = suite.metrics[view.metric];
  const pair = [...new Set([view.before, view.after])];
  return h(
    "tr",
    null,
    h(
      "th",
      { scope: "row" },
      h("a", { href: suite.link(at, pair) }, nodes(suite.ids[at].slice(0, 80))),
      h("span", { class: "head", dir: "auto" }, nodes(suite.heads[at])),
    ),
    suite.slices.map(({ tag, values, of }) => h("td", { key: tag }, of[at] < 0 ? "" : nodes(values[of[at]]))),
    suite.judged &&
      shownVariants(suite, view).map((variant) =>
        h("td", { class: "n", key: variant }, cell(suite, view.metric, variant, at)),
      ),
    scale &&
      view.before !== view.after &&
      h(
        "td",
        { class: "n change" },
        change === null
          ? h("span", { class: "quiet" }, "none")
          : [figure(change, scale, true), " ", arrow(suite.direction(view.metric, change))],
      ),
  );
}

// A value; or, where there is none, why: an error is never a number. Suites without a metric have outcomes alone.
function cell(suite, metric, variant, at) {
  const value = suite.value(metric, variant, at);
  const name = OUTCOMES[suite.outcomes[variant][at]];
  const said = suite.errors[variant][at]
    ? h("span", { class: "warn" }, "error")
    : !suite.metrics.length
      ? null
      : value === null
        ? h("span", { class: "warn" }, "unscored")
        : figure(value, suite.metrics[metric]);
  return [name && [outcome(name), " "], said];
}

function Pages({ page, pages, go }) {
  const button = (text, to, off) =>
    h("button", { type: "button", "aria-disabled": off ? "true" : undefined, onClick: () => off || go(to) }, text);
  return h(
    "nav",
    { class: "pages", "aria-label": "Pages of cases" },
    button("First", 0, page === 0),
    button("Previous", page - 1, page === 0),
    h("span", null, `Page ${page + 1} of ${pages}`),
    button("Next", page + 1, page === pages - 1),
    button("Last", pages - 1, page === pages - 1),
  );
}
