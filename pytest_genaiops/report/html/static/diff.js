// What differs between two texts, word by word.

const LIMITS = { maxEditLength: 3000, timeout: 400 }; // milliseconds; beyond them nothing is marked, and it is said

// Marks for both texts, and a sentence where there are none to show.
function compared(before, after) {
  if (before === after) return { before: [], after: [], note: "The same, word for word." };
  const parts = Math.max(before.length, after.length) > 200000 ? null : Diff.diffWordsWithSpace(before, after, LIMITS);
  if (!parts) return { before: [], after: [], note: "Too long or too different to be compared word by word." };
  const found = { before: [], after: [], note: "" };
  let [left, right] = [0, 0];
  for (const { value, added, removed } of parts) {
    if (removed) found.before.push({ start: left, end: left + value.length, kind: "removed" });
    if (added) found.after.push({ start: right, end: right + value.length, kind: "added" });
    if (!added) left += value.length;
    if (!removed) right += value.length;
  }
  return found;
}

// The prompts of two variants beside each other.
class Prompts extends Component {
  constructor(props) {
    super(props);
    const { suite } = props;
    const having = suite.prompts.map((_, at) => at).filter((at) => suite.prompts[at]);
    const before = having.includes(suite.baseline) ? suite.baseline : having[0];
    this.having = having;
    this.state = { before, after: having.find((at) => at !== before) };
  }

  render({ suite }, { before, after }) {
    const names = this.having.map((at) => [at, suite.variants[at]]);
    const found = compared(suite.prompts[before], suite.prompts[after]);
    return h(
      "details",
      { class: "prompts", open: true },
      h("summary", null, "Two prompts compared"),
      h(
        "div",
        { class: "filters" },
        choice("Left", names, before, (at) => this.setState({ before: Number(at) }), "left"),
        choice("Right", names, after, (at) => this.setState({ after: Number(at) }), "right"),
      ),
      found.note && h("p", { class: "small" }, found.note),
      h(
        "div",
        { class: "sides" },
        [
          [before, found.before],
          [after, found.after],
        ].map(([at, marks], side) =>
          h(
            "section",
            { key: side, "aria-label": `Prompt of ${visible(suite.variants[at])}` },
            h("h4", null, nodes(suite.variants[at])),
            h(Passage, { text: suite.prompts[at], marks, key: at }),
          ),
        ),
      ),
    );
  }
}
