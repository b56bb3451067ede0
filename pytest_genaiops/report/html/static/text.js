// Texts and numbers as people read them. Data only ever becomes text nodes, never markup.

const { h, render, Component } = preact;

const LONGEST = 20000; // characters of one text that are shown before somebody asks for the rest
const DIGITS = { free: 3, wide: 2, unit: 4 };

// Control and direction characters, halves of characters and odd line ends; not the joiners of scripts and emoji.
const HIDDEN = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?<![^\x00-\x7f])[\u200c\u200d]/gu;

function escaped(letter) {
  const code = letter.codePointAt(0);
  if (code < 256) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 65536 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}

// The text with what cannot be seen as escapes; for attributes and titles.
function visible(text) {
  return String(text).replace(HIDDEN, escaped);
}

// The same as nodes, with the escapes set apart.
function nodes(text) {
  const made = [];
  let last = 0;
  for (const found of text.matchAll(HIDDEN)) {
    made.push(text.slice(last, found.index), h("span", { class: "escape" }, escaped(found[0])));
    last = found.index + found[0].length;
  }
  made.push(text.slice(last));
  return made;
}

function digits(scale, value) {
  const width = (scale.high ?? Infinity) - (scale.low ?? -Infinity);
  if (width === Infinity) return Math.abs(value) > 0 && Math.abs(value) < 0.01 ? null : DIGITS.free;
  return width > 10 ? DIGITS.wide : DIGITS.unit;
}

function figure(value, scale, signed = false) {
  if (value === null || value === undefined) return "none";
  const places = digits(scale, value);
  const text = places === null ? String(Number(Math.abs(value).toPrecision(3))) : Math.abs(value).toFixed(places);
  return (value < 0 ? "−" : signed ? "+" : "") + text;
}

function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en-GB")} ${number === 1 ? one : many}`;
}

function hidden(text) {
  return h("span", { class: "hidden" }, text);
}

const SIGNS = { passed: "✓", failed: "✕", lost: "✕", missed: "–", undecided: "?" };

function outcome(name) {
  if (!name) return null;
  return h(
    "span",
    { class: `outcome outcome-${name}` },
    h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[name] ?? "·"),
    ` ${name}`,
  );
}

// Which way a change goes, as a sign and a word.
function arrow(direction) {
  if (!direction) return h("span", { class: "quiet" }, "=", hidden(" the same"));
  const word = direction > 0 ? "better" : "worse";
  return h(
    "span",
    { class: `tone-${word}` },
    h("span", { "aria-hidden": "true" }, direction > 0 ? "▲" : "▼"),
    hidden(` ${word}`),
  );
}

// Marks: {start, end, kind}; kinds are "removed", "added", "unsupported" and may overlap.
function segments(text, marks) {
  const cuts = new Set([0, text.length]);
  for (const { start, end } of marks) cuts.add(Math.min(start, text.length)).add(Math.min(end, text.length));
  const places = [...cuts].sort((a, b) => a - b);
  const starting = [...marks].sort((a, b) => a.start - b.start);
  const open = new Set();
  let next = 0;
  return places.slice(0, -1).map((start, at) => {
    while (next < starting.length && starting[next].start <= start) open.add(starting[next++]);
    for (const mark of open) if (mark.end <= start) open.delete(mark);
    return { text: text.slice(start, places[at + 1]), kinds: new Set([...open].map((mark) => mark.kind)) };
  });
}

function marked(text, marks) {
  return segments(text, marks).map(({ text: part, kinds }) => {
    let node = nodes(part);
    if (kinds.has("unsupported")) node = h("mark", null, node);
    if (kinds.has("removed")) node = h("del", null, node);
    if (kinds.has("added")) node = h("ins", null, node);
    return node;
  });
}

// A text with marks; of a very long one, the beginning and a button for the rest.
class Passage extends Component {
  render({ text, marks = [], label }, { all }) {
    const long = text.length > LONGEST && !all;
    const shown = long ? text.slice(0, LONGEST) : text;
    return h(
      "div",
      { class: "passage", dir: "auto", lang: "", "aria-label": label, role: label ? "group" : undefined },
      shown ? marked(shown, marks) : h("span", { class: "quiet" }, "(empty)"),
      long &&
        h(
          "p",
          null,
          h(
            "button",
            { type: "button", onClick: () => this.setState({ all: true }) },
            `Show all ${count(text.length, "character")}`,
          ),
        ),
    );
  }
}

function choice(label, options, value, onChange, name) {
  return h(
    "label",
    null,
    h("span", null, label),
    h(
      "select",
      { name, value, onChange: (event) => onChange(event.target.value) },
      options.map(([key, text]) =>
        h("option", { value: key, key, selected: String(key) === String(value) }, visible(text)),
      ),
    ),
  );
}

function checkbox(label, checked, onChange, name) {
  return h(
    "label",
    { class: "check" },
    h("input", { type: "checkbox", name, checked, onChange: (event) => onChange(event.target.checked) }),
    h("span", null, label),
  );
}
