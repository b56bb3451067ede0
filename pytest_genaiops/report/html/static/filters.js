// Which cases the table shows and in what order; all of it can be said in a link.

const PAGE = 25;
const NUMERIC = new Intl.Collator("en", { numeric: true });
const CHANGES = [
  ["", "any change"],
  ["worse", "worse"],
  ["better", "better"],
  ["same", "the same"],
  ["flip", "flips only"],
];

// The metric and variant of the first verdict that did not pass, the cases that lost most at the top.
function firstView(suite) {
  const before = suite.baseline ?? 0;
  const other = suite.variants.findIndex((_, at) => at !== before);
  const after = suite.focus.variant ?? (other < 0 ? before : other);
  const { metric } = suite.focus;
  return {
    metric,
    before,
    after,
    text: "",
    deep: false,
    change: "",
    state: "",
    slices: {},
    sort: after === before || !suite.metrics.length ? "case" : "change",
    down: suite.metrics[metric]?.up === false,
    page: 0,
    hits: null,
  };
}

// What differs from the first view, as the query of a link.
function query(suite, view) {
  const first = firstView(suite);
  const found = new URLSearchParams();
  const names = { metric: suite.metrics.map((each) => each.name), before: suite.variants, after: suite.variants };
  for (const [key, list] of Object.entries(names)) {
    if (view[key] !== first[key]) found.set(key, list[view[key]]);
  }
  for (const key of ["text", "change", "state", "sort"]) if (view[key] !== first[key]) found.set(key, view[key]);
  for (const key of ["deep", "down"]) if (view[key] !== first[key]) found.set(key, view[key] ? "yes" : "no");
  for (const [tag, value] of Object.entries(view.slices)) found.set(`slice.${tag}`, value);
  if (view.page) found.set("page", view.page + 1);
  return found.toString();
}

function readQuery(suite, text) {
  const view = firstView(suite);
  const given = new URLSearchParams(text);
  const number = (list, name, otherwise) => (list.indexOf(name) < 0 ? otherwise : list.indexOf(name));
  view.metric = number(
    suite.metrics.map((each) => each.name),
    given.get("metric"),
    view.metric,
  );
  view.before = number(suite.variants, given.get("before"), view.before);
  view.after = number(suite.variants, given.get("after"), view.after);
  for (const key of ["text", "change", "state", "sort"]) view[key] = given.get(key) ?? view[key];
  for (const key of ["deep", "down"]) if (given.has(key)) view[key] = given.get(key) === "yes";
  for (const { tag, values } of suite.slices) {
    const value = given.get(`slice.${tag}`);
    if (values.includes(value)) view.slices = { ...view.slices, [tag]: value };
  }
  view.page = Math.max(0, (parseInt(given.get("page"), 10) || 1) - 1);
  return view;
}

// Numbers of the cases that pass every filter, in order.
function chosen(suite, view) {
  const tests = [inText(suite, view), inChange(suite, view), inState(suite, view), ...inSlices(suite, view)].filter(
    Boolean,
  );
  const found = suite.ids.map((_, at) => at).filter((at) => tests.every((test) => test(at)));
  return ordered(suite, view, found);
}

function inText(suite, view) {
  const words = view.text.trim().toLowerCase();
  if (!words) return null;
  if (view.deep) return (at) => view.hits?.has(at);
  const low = suite.lowered();
  return (at) => low[at].includes(words);
}

function inChange(suite, view) {
  const { metric, before, after } = view;
  if (!view.change) return null;
  if (view.change === "flip") return (at) => suite.flipped(metric, before, after, at);
  const wanted = { worse: -1, better: 1, same: 0 }[view.change];
  return (at) => {
    const change = suite.change(metric, before, after, at);
    return change !== null && suite.direction(metric, change) === wanted;
  };
}

// Of the variant that is looked at.
function inState(suite, view) {
  const variant = view.after;
  if (!view.state) return null;
  if (view.state === "error") return (at) => suite.errors[variant][at];
  if (view.state === "unscored") return (at) => suite.value(view.metric, variant, at) === null;
  return (at) => OUTCOMES[suite.outcomes[variant][at]] === view.state;
}

function inSlices(suite, view) {
  return suite.slices
    .filter(({ tag }) => Object.hasOwn(view.slices, tag))
    .map(({ tag, values, of }) => {
      const wanted = values.indexOf(view.slices[tag]);
      return (at) => of[at] === wanted;
    });
}

// Cases without the value that orders them come last, whichever way.
function ordered(suite, view, found) {
  const key = sortKey(suite, view);
  if (!key) return found;
  const sign = view.down ? -1 : 1;
  const compare = view.sort === "case" ? NUMERIC.compare : (x, y) => x - y;
  const keys = new Map(found.map((at) => [at, key(at)]));
  return found.sort((a, b) => {
    const [x, y] = [keys.get(a), keys.get(b)];
    if (x === null || y === null) return (x === null) - (y === null) || a - b;
    return sign * compare(x, y) || a - b;
  });
}

function sortKey(suite, view) {
  if (view.sort === "case") return (at) => suite.ids[at];
  if (view.sort === "change") return (at) => suite.change(view.metric, view.before, view.after, at);
  if (view.sort.startsWith("value.")) {
    const variant = suite.variants.indexOf(view.sort.slice(6));
    if (variant < 0) return null;
    if (!suite.metrics.length) return (at) => suite.outcomes[variant][at];
    return (at) => suite.value(view.metric, variant, at);
  }
  if (view.sort.startsWith("slice.")) {
    const slice = suite.slices.find(({ tag }) => tag === view.sort.slice(6));
    return slice ? (at) => (slice.of[at] < 0 ? null : slice.of[at]) : null;
  }
  return null;
}
