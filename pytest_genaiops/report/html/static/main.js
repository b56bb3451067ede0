// The page's start: tables and prompts are put in their places, and links lead to cases.

const dialog = document.getElementById("case");
const tables = new Map(); // slug -> {suite, table, found}

function mountCases(place, suite, view) {
  const entry = { suite, found: [], table: null, view };
  tables.set(suite.slug, entry);
  place.textContent = "";
  render(
    h(Cases, {
      suite,
      view,
      ref: (table) => {
        entry.table = table;
      },
      onFound: (found) => {
        entry.found = found;
      },
      onView: (now) => {
        entry.view = now;
        history.replaceState(null, "", `#${suite.slug}?${query(suite, now)}`);
      },
    }),
    place,
  );
}

function mountPrompts(place, suite) {
  if (suite.prompts.filter(Boolean).length < 2) return;
  const inside = document.createElement("div");
  place.prepend(inside);
  render(h(Prompts, { suite }), inside);
}

// #suite · #suite?filters · #suite/case/variant,variant
function route() {
  const [path, filters] = location.hash.slice(1).split("?");
  const [slug, part, names] = path.split("/");
  const entry = tables.get(slug);
  const at = entry && part ? entry.suite.caseNumber(part) : undefined;
  if (at === undefined) {
    if (dialog.open) dialog.close();
    if (entry && filters !== undefined) document.getElementById(`${slug}-cases`).scrollIntoView();
    return;
  }
  const wanted = (names ?? "")
    .split(",")
    .map((name) => entry.suite.variantNumber(name))
    .filter((each) => each !== null);
  open(entry, at, wanted.length ? wanted.slice(0, 2) : [...new Set([entry.view.before, entry.view.after])]);
}

function open(entry, at, pair) {
  const { suite, found } = entry;
  const place = found.indexOf(at);
  const around = { previous: found[place - 1] ?? null, next: place < 0 ? null : (found[place + 1] ?? null) };
  render(
    h(Case, {
      suite,
      at,
      pair,
      around,
      close: () => dialog.close(),
      go: (to, variants) => {
        history.replaceState(null, "", suite.link(to, variants));
        open(entry, to, variants);
        if (to !== at) document.getElementById("case-title").focus();
      },
    }),
    dialog,
  );
  if (dialog.open) {
    dialog.scrollTop = 0;
    return;
  }
  dialog.showModal();
  document.getElementById("case-title").focus();
}

// A closed case leaves the link of its suite, with the filters, and the page where it was.
dialog.addEventListener("close", () => {
  const entry = tables.get(location.hash.slice(1).split("/")[0]);
  if (entry && location.hash.includes("/")) {
    const filters = query(entry.suite, entry.view);
    history.replaceState(null, "", `#${entry.suite.slug}${filters ? `?${filters}` : ""}`);
  }
  render(null, dialog);
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});

function remembered(value) {
  try {
    // a file's page may have no storage
    if (value) localStorage.setItem("genaiops-theme", value);
    return localStorage.getItem("genaiops-theme");
  } catch {
    return value ?? null;
  }
}

function theme() {
  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const now = () => document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  const show = () => {
    button.textContent = now() === "dark" ? "Light colours" : "Dark colours";
  };
  const kept = remembered();
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = now() === "dark" ? "light" : "dark";
    remembered(document.documentElement.dataset.theme);
    show();
  });
  dark.addEventListener("change", show);
  button.hidden = false;
  show();
}

addEventListener("beforeprint", () => {
  document.querySelectorAll("details:not(.licences)").forEach((each) => {
    each.open = true;
  });
});

async function start() {
  theme();
  const index = await unpacked("index");
  const [slug, filters] = location.hash.slice(1).split("?");
  const suites = index.map((data, at) => new Suite(data, at));
  for (const place of document.querySelectorAll("[data-cases]")) {
    const suite = suites[Number(place.dataset.cases)];
    mountCases(
      place,
      suite,
      suite.slug === slug && filters !== undefined ? readQuery(suite, filters) : firstView(suite),
    );
  }
  for (const place of document.querySelectorAll("[data-prompts]"))
    mountPrompts(place, suites[Number(place.dataset.prompts)]);
  document.documentElement.dataset.ready = "yes";
  addEventListener("hashchange", route);
  route();
}

start().catch((error) => {
  for (const place of document.querySelectorAll("[data-cases]"))
    place.textContent = `The table of cases cannot be shown: ${error.message}`;
});
