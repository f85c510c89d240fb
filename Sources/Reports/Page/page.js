// Tables: a button in each heading sorts; a field above longer ones filters.
const collator = new Intl.Collator("en", { numeric: true });

function sortBy(table, heading, column) {
  const descending = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const body = table.tBodies[0];
  const key = row => row.cells[column].dataset.v;
  const rows = [...body.rows].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    // What has no number stays below, whichever way.
    if ((x === undefined) !== (y === undefined)) return x === undefined ? 1 : -1;
    const order = x === undefined
      ? collator.compare(a.cells[column].textContent, b.cells[column].textContent) : Number(x) - Number(y);
    return descending ? -order : order;
  });
  body.append(...rows);
}

function addFilter(table) {
  const rows = [...table.tBodies[0].rows];
  const bar = document.createElement("div");
  bar.className = "filter";
  const label = document.createElement("label");
  label.textContent = "Filter";
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = "words, e.g. 0.1 snip";
  field.setAttribute("aria-controls", table.id);
  const count = document.createElement("output");
  label.append(field);
  bar.append(label, count);
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const cells = [...row.cells].map(cell => cell.textContent.toLowerCase());
      row.hidden = !words.every(word => cells.some(cell => cell === word || (isNaN(word) && cell.includes(word))));
      if (!row.hidden) shown += 1;
    }
    count.textContent = shown === rows.length ? `${rows.length} rows` : `${shown} of ${rows.length} rows`;
  };
  field.addEventListener("input", filter);
  filter();
  table.parentElement.before(bar);
}

function prepareTables() {
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    if (table.tBodies[0].rows.length < 2) continue;
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sortBy(table, heading, column));
    });
    if (table.tBodies[0].rows.length > 8) addFilter(table);
  }
}

// Charts: drawn to the width at hand, in the colours of the theme, again when either changes.
const charts = () => window.vegaEmbed ? [...document.querySelectorAll(".live")] : [];
const themes = JSON.parse(document.getElementById("themes")?.textContent ?? "{}");
const dark = matchMedia("(prefers-color-scheme: dark)");
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);

function showTip(_, event, item, value) {
  tip.hidden = !value;
  if (!value) return;
  tip.replaceChildren(...Object.entries(value).filter(([, text]) => text !== "").map(([name, text]) => {
    const line = document.createElement("div");
    for (const word of [name, text]) line.append(Object.assign(document.createElement("span"), { textContent: word }));
    return line;
  }));
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, innerWidth - width - 8))}px`;
  tip.style.top = `${event.clientY + 18 + height > innerHeight ? event.clientY - height - 12 : event.clientY + 18}px`;
}

async function draw(place) {
  const figure = place.closest("figure");
  const specification = JSON.parse(figure.querySelector("script").textContent);
  figure.classList.add("drawn");
  const width = Math.floor(place.getBoundingClientRect().width);
  const theme = structuredClone(themes[dark.matches ? "dark" : "light"]);
  const longest = Math.max(...specification.data.values.map(value => value.series.length));
  theme.legend.columns = Math.max(1, Math.floor(width / (7 * longest + 36)));
  place.drawnWidth = width;
  try {
    place.drawn?.finalize();
    place.drawn = await vegaEmbed(
      place, { ...specification, width, config: theme },
      { mode: "vega-lite", renderer: "svg", actions: false, hover: true, tooltip: showTip });
    return true;
  } catch (error) {
    // The still picture takes its place again.
    figure.classList.remove("drawn");
    console.error(error);
    return false;
  }
}

async function drawAll(places) {
  for (const place of places) await draw(place);
  document.documentElement.dataset.charts = `${document.querySelectorAll("figure.drawn").length}/${charts().length}`;
}

// The still pictures, made for light paper, are good to keep.
function offerPictures() {
  for (const still of document.querySelectorAll(".still")) {
    const figure = still.closest("figure");
    const link = document.createElement("a");
    Object.assign(link, { className: "save", href: still.src, download: `${figure.id}.svg`, textContent: "Save as SVG" });
    figure.querySelector("details").before(link);
  }
}

prepareTables();
offerPictures();
if (charts().length > 0) {
  await drawAll(charts());
  dark.addEventListener("change", () => drawAll(charts()));
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      for (const place of charts()) if (Math.floor(place.getBoundingClientRect().width) !== place.drawnWidth) draw(place);
    }, 150);
  });
}
