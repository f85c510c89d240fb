
// A page that its server keeps up to date. Events say how far the study is; when its version is another than the one that is shown, the page
// fetches itself anew and swaps its content, and leaves the reader where they were.
const state = document.getElementById("state");
let shown = document.documentElement.dataset.version;
let wanted = shown;
let isFetching = false;

function say(text, kind) {
  state.hidden = false;
  state.dataset.kind = kind;
  if (state.textContent !== text) state.textContent = text;
}

function tell(pulse) {
  const total = pulse.finished + pulse.begun + pulse.failed + pulse.waiting;
  const parts = [`${pulse.finished} of ${total} runs finished`];
  for (const name of ["begun", "failed"]) if (pulse[name] > 0) parts.push(`${pulse[name]} ${name}`);
  say(pulse.problem ? "cannot be read now" : parts.join(" · "), pulse.problem ? "lost" : total > pulse.finished + pulse.failed ? "on" : "done");
}

// What a reader has chosen, by names that a later page has, too.
const named = {
  details: unit => `${unit.closest("figure, section")?.id} ${unit.querySelector("summary")?.textContent}`,
  scroll: unit => unit.getAttribute("aria-labelledby") ?? unit.closest("details")?.querySelector("summary")?.textContent
    ?? unit.getAttribute("aria-label"),
};

function remember() {
  const anchor = [...document.querySelectorAll("section")].find(section => section.getBoundingClientRect().bottom > 0);
  return {
    anchor: anchor?.id,
    top: anchor?.getBoundingClientRect().top,
    open: new Map([...document.querySelectorAll("details")].map(unit => [named.details(unit), unit.open])),
    scrolled: new Map([...document.querySelectorAll(".scroll")].map(unit => [named.scroll(unit), [unit.scrollLeft, unit.scrollTop]])),
    sorted: [...document.querySelectorAll("th[aria-sort]")].map(heading =>
      ({ table: heading.closest("table").id, column: heading.cellIndex, order: heading.getAttribute("aria-sort") })),
    filters: [...document.querySelectorAll(".filter input")].map(field => ({
      table: field.getAttribute("aria-controls"), value: field.value, isFocused: field === document.activeElement,
      from: field.selectionStart, to: field.selectionEnd })),
  };
}

function restore(place) {
  for (const unit of document.querySelectorAll("details")) {
    const open = place.open.get(named.details(unit));
    if (open !== undefined) unit.open = open;
  }
  for (const { table, column, order } of place.sorted) {
    const body = document.getElementById(table);
    const heading = body?.tHead.rows[0].cells[column];
    if (!heading?.querySelector("button")) continue;
    for (let count = order === "descending" ? 2 : 1; count > 0; count -= 1) sortBy(body, heading, column);
  }
  for (const { table, value, isFocused, from, to } of place.filters) {
    const field = [...document.querySelectorAll(".filter input")].find(field => field.getAttribute("aria-controls") === table);
    if (!field) continue;
    field.value = value;
    field.dispatchEvent(new Event("input"));
    if (isFocused) {
      field.focus({ preventScroll: true });
      field.setSelectionRange(from, to);
    }
  }
  for (const unit of document.querySelectorAll(".scroll")) {
    const [left, top] = place.scrolled.get(named.scroll(unit)) ?? [0, 0];
    [unit.scrollLeft, unit.scrollTop] = [left, top];
  }
  const anchor = place.anchor && document.getElementById(place.anchor);
  if (anchor) scrollBy({ top: anchor.getBoundingClientRect().top - place.top, behavior: "instant" });
}

// Charts that are the same stay; others are drawn over what they showed, so that nothing jumps.
async function swap(next) {
  const place = remember();
  const figures = new Map([...document.querySelectorAll("figure.drawn")].map(figure => [figure.id, figure]));
  const changed = [];
  for (const figure of next.querySelectorAll("figure")) {
    const live = figure.querySelector(".live");
    const before = figures.get(figure.id);
    if (!live) continue;
    if (!before) {
      changed.push(figure.id);
      continue;
    }
    figures.delete(figure.id);
    if (before.querySelector("script").textContent !== figure.querySelector("script").textContent) changed.push(figure.id);
    live.replaceWith(before.querySelector(".live"));
    figure.classList.add("drawn");
  }
  for (const figure of figures.values()) figure.querySelector(".live").drawn?.finalize();
  tip.hidden = true;
  document.title = next.title;
  for (const part of ["header", "main"]) document.querySelector(part).replaceWith(document.adoptNode(next.querySelector(part)));
  prepareTables();
  offerPictures();
  restore(place);
  await drawAll(changed.map(id => document.getElementById(id).querySelector(".live")));
}

async function update() {
  if (isFetching) return;
  isFetching = true;
  try {
    while (wanted !== shown) {
      const asked = wanted;
      const response = await fetch(location.pathname);
      const next = new DOMParser().parseFromString(await response.text(), "text/html");
      const version = next.documentElement.dataset.version;
      if (version === undefined) break;
      // The first charts need what draws them.
      if (next.querySelector(".live") && !window.vegaEmbed) return location.reload();
      await swap(next);
      shown = document.documentElement.dataset.version = version;
      // A page that is newer than the event that asked for it: another event will say so.
      if (wanted === asked) wanted = version;
    }
  } catch (error) {
    // The server is gone, which the events tell, too; the next one asks again.
  } finally {
    isFetching = false;
  }
}

const events = new EventSource("/events");
events.onmessage = event => {
  const pulse = JSON.parse(event.data);
  tell(pulse);
  wanted = pulse.version;
  update();
};
events.onerror = () => say("no longer connected: what is shown may be old", "lost");
