// The run's data: an index that is read at once, and blocks of texts that are unpacked when a case is opened.

const OUTCOMES = ["", "passed", "missed", "skipped", "failed", "lost"];
const GOOD = OUTCOMES.indexOf("passed");
const parsed = new Promise((done) => {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", done, { once: true });
  else done();
});

function bytes(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

async function unpacked(id) {
  // Blocks stand behind the scripts in the file: one may be asked for before it has been read.
  if (!document.getElementById(id)) await parsed;
  const packed = bytes(document.getElementById(id).textContent.trim());
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

const passageBlocks = new Map();

function passageBlock(number) {
  if (!passageBlocks.has(number)) passageBlocks.set(number, unpacked(`passages-${number}`));
  return passageBlocks.get(number);
}

// Cases with their passages, which stand once for all who found them; in blocks of their own, where other cases have
// them too.
async function casesOf(id) {
  const { pool, cases } = await unpacked(id);
  for (const [at, each] of pool.entries()) {
    if (typeof each !== "string") pool[at] = (await passageBlock(each[0]))[each[1]];
  }
  const passages = (numbers) => numbers && numbers.map((number) => pool[number]);
  return cases.map((each) => ({
    ...each,
    contexts: passages(each.contexts),
    answers: each.answers.map((answer) => ({ ...answer, contexts: passages(answer.contexts) })),
  }));
}

// One suite: what is in the index, with ways to its texts and from the names in links to numbers.
class Suite {
  constructor(data, at) {
    Object.assign(this, data);
    this.at = at;
    // Whether there is anything to show of a variant's answer to a case.
    this.judged = this.metrics.length > 0 || this.outcomes.some((each) => each.some(Boolean));
    this.found = new Map();
    this.low = null;
    this.numbers = null;
  }

  block(number) {
    if (!this.found.has(number)) this.found.set(number, casesOf(`texts-${this.at}-${number}`));
    return this.found.get(number);
  }

  async texts(at) {
    let number = 0;
    let first = 0;
    while (at >= first + this.blocks[number]) first += this.blocks[number++];
    return (await this.block(number))[at - first];
  }

  // Lower-case id and inputs of every case, for the search.
  lowered() {
    this.low ??= this.ids.map((id, at) => `${id}\n${this.heads[at]}`.toLowerCase());
    return this.low;
  }

  // Numbers of the cases that have the words anywhere: in contexts, answers, reasons.
  async containing(words) {
    const hits = new Set();
    let first = 0;
    for (const [number, length] of this.blocks.entries()) {
      for (const [at, each] of (await this.block(number)).entries()) {
        if (JSON.stringify(each).toLowerCase().includes(words)) hits.add(first + at);
      }
      first += length;
    }
    return hits;
  }

  caseNumber(part) {
    this.numbers ??= new Map(this.ids.map((id, at) => [encoded(id), at]));
    return this.numbers.get(part);
  }

  variantNumber(part) {
    const at = this.variants.findIndex((name) => encoded(name) === part);
    return at < 0 ? null : at;
  }

  value(metric, variant, at) {
    return this.values[metric]?.[variant]?.[at] ?? null;
  }

  // Variant minus baseline; null where one of them has no value.
  change(metric, before, after, at) {
    const [old, now] = [this.value(metric, before, at), this.value(metric, after, at)];
    return old === null || now === null ? null : now - old;
  }

  // 1 for a change to the better, -1 to the worse, 0 for none.
  direction(metric, change) {
    return Math.sign(change ?? 0) * (this.metrics[metric].up ? 1 : -1);
  }

  // A flip is another outcome; where cases have none, another end of the metric's scale.
  flipped(metric, before, after, at) {
    const [old, now] = [this.outcomes[before][at], this.outcomes[after][at]];
    if (old && now) return (old === GOOD) !== (now === GOOD);
    const { low, high } = this.metrics[metric] ?? {};
    const ends = [this.value(metric, before, at), this.value(metric, after, at)];
    return ends.every((value) => value !== null && (value === low || value === high)) && ends[0] !== ends[1];
  }

  link(at, variants) {
    return `#${this.slug}/${encoded(this.ids[at])}/${variants.map((each) => encoded(this.variants[each])).join(",")}`;
  }
}

// A name as a part of a link; halves of characters, which have no such form, become U+FFFD.
function encoded(name) {
  return encodeURIComponent(name.toWellFormed());
}
