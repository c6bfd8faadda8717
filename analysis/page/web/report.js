// The report's page: sortable table, numbers under the pointer, and the browser of predictions.
// Model output is hostile: it reaches the page through textContent alone. comparison.js stands before it.

const byId = (id) => document.getElementById(id);

// Tables: a click on a header sorts by the cells' unrounded values; rows without a value stay last.
function makeSortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = element("button", "", head.textContent);
    button.type = "button";
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") !== "descending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const value = (row) => row.cells[column].dataset.value ?? "";
      const order = (a, b) => compareValues(value(a), value(b), descending ? -1 : 1);
      body.append(...[...original].sort(order));
    });
  });
}

function compareValues(a, b, direction) {
  if (a === "" || b === "") return (a === "") - (b === "");
  const numbers = [Number(a), Number(b)];
  if (numbers.every((n) => !Number.isNaN(n))) return direction * (numbers[0] - numbers[1]);
  return direction * String(a).localeCompare(String(b));
}

// Plots: the nearest mark within reach of the pointer says its numbers.
function watchPlots() {
  const texts = JSON.parse(byId("hover").textContent);
  const tip = byId("tip");
  for (const svg of document.querySelectorAll(".plots svg")) {
    const marks = [...svg.querySelectorAll("[id]")].filter((mark) => mark.id in texts);
    const show = (event) => {
      const found = nearest(marks, event.clientX, event.clientY);
      if (!found) { tip.hidden = true; return; }
      tip.textContent = texts[found.id];
      tip.hidden = false;
      const left = Math.min(event.clientX + 12, window.innerWidth - tip.offsetWidth - 8);
      const above = event.clientY - tip.offsetHeight - 12;
      tip.style.left = `${Math.max(4, left)}px`;
      tip.style.top = `${above > 4 ? above : event.clientY + 16}px`;
    };
    svg.addEventListener("pointermove", show);
    svg.addEventListener("pointerdown", show);
    svg.addEventListener("pointerleave", () => { tip.hidden = true; });
  }
}

function nearest(marks, x, y) {
  let best = null;
  let reach = 14;
  for (const mark of marks) {
    const box = mark.getBoundingClientRect();
    const dx = Math.max(box.left - x, 0, x - box.right);
    const dy = Math.max(box.top - y, 0, y - box.bottom);
    const distance = Math.hypot(dx, dy);
    if (distance < reach) { best = mark; reach = distance; }
  }
  return best;
}

// The browser of predictions. Rows are kept as columns; only those in view are in the page.
const ROW_HEIGHT = 34;
// `task`: how another task than word problems is shown; null for these.
const store = { task: null, arms: [], questions: null, columns: null, loaded: 0, armOf: [], repeatOf: [], at: new Map() };
let shown = [];
let selected = -1;
let sorting = { key: "question", direction: 1 };

async function unpack(node) {
  const bytes = Uint8Array.from(atob(node.textContent), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

async function loadPredictions() {
  const head = await unpack(byId("predictions-head"));
  store.task = head.task ?? null;
  store.arms = head.arms;
  store.questions = head.questions;
  store.arms.forEach((arm, place) => arm.trials.forEach((trial) => {
    store.armOf[trial.index] = place;
    store.repeatOf[trial.index] = trial.repeat;
  }));
  fillFilters();
  for (const node of document.querySelectorAll("script.predictions-block")) {
    addBlock(await unpack(node));
    node.remove();
    byId("browser-count").textContent = `loading ${store.loaded.toLocaleString()} of ${head.rows.toLocaleString()} …`;
    await new Promise((resume) => setTimeout(resume));
  }
  fillOutcomes();
  refresh();
  document.body.dataset.ready = "true";
}

function addBlock(block) {
  if (!store.columns) store.columns = Object.fromEntries(Object.keys(block).map((name) => [name, []]));
  const start = store.loaded;
  const count = block.trial.length;
  for (const name of Object.keys(block)) {
    const into = store.columns[name];
    for (const value of block[name]) into.push(value);
  }
  for (let i = 0; i < count; i++) store.at.set(placeKey(block.trial[i], questionKey(block.question[i])), start + i);
  store.loaded += count;
}

// The same question may have another reference in another variant: its text tells that it is the same.
const questionKeys = new Map();
function questionKey(question) {
  const text = store.questions.text[question];
  if (!questionKeys.has(text)) questionKeys.set(text, questionKeys.size);
  return questionKeys.get(text);
}
const placeKey = (trial, key) => trial * 16777216 + key;

function fillFilters() {
  const arms = store.arms.map((arm, place) => [place, arm.name]).filter(([place]) => store.arms[place].trials.length);
  setOptions(byId("filter-arm"), [["", "all"], ...arms]);
  setOptions(byId("filter-beside"), [["", "nothing"], ...arms]);
  const repeats = [...new Set(store.repeatOf)].filter((repeat) => repeat !== null);
  setOptions(byId("filter-repeat"), [["", "all"], ...repeats.map((repeat) => [repeat, repeat])]);
  const groups = [...new Set(store.questions.group ?? [])].filter((group) => group !== null).sort();
  if (byId("group-label")) byId("group-label").hidden = groups.length === 0;
  if (byId("filter-group")) setOptions(byId("filter-group"), [["", "any"], ...groups.map((group, place) => [String(place), group])]);
  store.groups = groups;
}

function fillOutcomes() {
  const found = [...new Set(store.columns?.outcome ?? [])].filter((outcome) => outcome !== null).sort();
  byId("outcome-label").hidden = found.length === 0;
  setOptions(byId("filter-outcome"), [["", "any"], ...found.map((outcome) => [outcome, outcome])]);
}

function setOptions(select, pairs) {
  select.replaceChildren(...pairs.map(([value, text]) => {
    const option = element("option", "", text);
    option.value = value;
    return option;
  }));
}

const nameTrial = (trial, mark) => [store.arms[store.armOf[trial]].name, store.repeatOf[trial]].filter(Boolean).join(mark);
const isRight = (row) => (store.columns.flags[row] & 1) === 1;

// The row of another arm that answers the same question: in the same replicate or under the same seed, or else its first.
function counterpart(row, arm) {
  const key = questionKey(store.columns.question[row]);
  const trials = store.arms[arm].trials;
  const same = trials.find((trial) => trial.repeat === store.repeatOf[store.columns.trial[row]]);
  for (const trial of same ? [same, ...trials] : trials) {
    const found = store.at.get(placeKey(trial.index, key));
    if (found !== undefined) return found;
  }
  return undefined;
}

const ANSWERS = {
  all: () => true,
  right: isRight,
  wrong: (row) => !isRight(row),
  unanswered: (row) => store.columns.number[row] === null,
  lenient: (row) => !isRight(row) && (store.columns.flags[row] & 4) === 4,
};
const DISAGREEMENTS = {
  all: () => true,
  differ: (first, second) => first !== second,
  first: (first, second) => first && !second,
  second: (first, second) => !first && second,
};

function matching() {
  const { trial, question, text, outcome } = store.columns;
  const arm = byId("filter-arm").value;
  const repeat = byId("filter-repeat").value;
  const answer = ANSWERS[byId("filter-answer").value];
  const wanted = byId("filter-outcome").value;
  const place = byId("filter-group")?.value ?? "";
  const beside = byId("filter-beside").value;
  const disagree = DISAGREEMENTS[byId("filter-disagree").value];
  const words = byId("filter-text").value.trim().toLowerCase();
  const holds = (value) => value.toLowerCase().includes(words);
  const asked = words ? store.questions.text.map((value, i) => holds(value) || holds(store.questions.reference[i])) : null;
  const found = [];
  for (let row = 0; row < store.loaded; row++) {
    if (arm !== "" && store.armOf[trial[row]] !== Number(arm)) continue;
    if (repeat !== "" && store.repeatOf[trial[row]] !== repeat) continue;
    if (!answer(row)) continue;
    if (wanted && outcome[row] !== wanted) continue;
    if (place !== "" && store.questions.group[question[row]] !== store.groups[Number(place)]) continue;
    if (asked && !asked[question[row]] && !holds(text[row])) continue;
    if (beside !== "" && byId("filter-disagree").value !== "all") {
      const other = counterpart(row, Number(beside));
      if (other === undefined || !disagree(isRight(row), isRight(other))) continue;
    }
    found.push(row);
  }
  return found;
}

function sortValues() {
  const { columns } = store;
  return {
    question: (row) => questionKey(columns.question[row]),
    arm: (row) => store.armOf[columns.trial[row]],
    number: (row) => columns.number[row] === null ? "" : columns.number[row],
    right: (row) => columns.flags[row] & 1,
    rouge1: (row) => columns.rouge1[row] ?? "",
    similarity: (row) => columns.similarity[row] ?? "",
    loss: (row) => columns.loss[row] ?? "",
  }[sorting.key];
}

// Sorted by the chosen column; what has no value comes last, and equals stay in their order.
const collator = new Intl.Collator(undefined, { numeric: true });
function sorted(rows) {
  const value = sortValues();
  const keyed = rows.map((row) => [value(row), row]);
  const numbers = keyed.every(([key]) => key === "" || typeof key === "number");
  const compare = numbers ? (a, b) => a - b : (a, b) => collator.compare(a, b);
  keyed.sort(([a, first], [b, second]) => {
    if (a === "" || b === "") return (a === "") - (b === "") || first - second;
    return sorting.direction * compare(a, b) || first - second;
  });
  return keyed.map(([, row]) => row);
}

function refresh() {
  if (!store.columns) { byId("browser-count").textContent = "no predictions"; return; }
  shown = sorted(matching());
  const right = shown.reduce((sum, row) => sum + (store.columns.flags[row] & 1), 0);
  const share = shown.length && (store.task === null || store.task.right !== null) ? `, ${(100 * right / shown.length).toFixed(1)}% of them right` : "";
  byId("browser-count").textContent = `${shown.length.toLocaleString()} predictions${share}`;
  byId("grid-space").style.height = `${shown.length * ROW_HEIGHT}px`;
  byId("grid-body").scrollTop = 0;
  draw();
}

function draw() {
  const body = byId("grid-body");
  const first = Math.max(0, Math.floor(body.scrollTop / ROW_HEIGHT) - 5);
  const last = Math.min(shown.length, first + Math.ceil(body.clientHeight / ROW_HEIGHT) + 10);
  const rows = byId("grid-rows");
  rows.style.transform = `translateY(${first * ROW_HEIGHT}px)`;
  rows.replaceChildren(...shown.slice(first, last).map(gridRow));
}

function gridRow(row) {
  const { columns, questions } = store;
  const line = element("div", "grid-row");
  line.setAttribute("role", "row");
  line.setAttribute("aria-selected", String(row === selected));
  const right = isRight(row);
  const [fourth, fifth] = store.task?.columns ?? ["right", "rouge1"];
  line.append(
    isolated("span", "", questions.text[columns.question[row]]),
    element("span", "", nameTrial(columns.trial[row], " · ")),
    answerCell(row, right),
    fourth === "right"
      ? element("span", right ? "is-right" : "is-wrong", right ? "✓ yes" : "✗ no")
      : element("span", "", columns[fourth][row] ?? "–"),
    element("span", "extra", columns[fifth][row] ?? "–"),
    element("span", "extra", columns.loss[row] ?? "–"),
  );
  line.tabIndex = 0;
  const choose = () => { selected = row; draw(); showDetail(); };
  line.addEventListener("click", choose);
  line.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(); });
  return line;
}

// What was read of an output, and the reference where it is wrong.
function answerCell(row, right) {
  const reference = store.questions.number[store.columns.question[row]];
  const answer = store.columns.number[row];
  if (store.task === null) return isolated("span", "", right ? answer ?? "–" : `${answer ?? "–"} (${reference ?? "?"})`);
  if (store.task.comparison === "label") return labelled("span", "", answer, store.task.labels);
  return isolated("span", "", right || reference === null ? answer ?? "–" : `${answer ?? "–"} (${reference})`);
}

function showDetail() {
  byId("detail").hidden = selected < 0;
  if (selected < 0) return;
  const question = store.columns.question[selected];
  byId("detail-question").replaceChildren(element("bdi", "", store.questions.text[question]));
  const reference = element("div", "side");
  const expected = store.questions.reference[question];
  reference.append(element("h3", "", "Reference"));
  reference.append(store.task?.comparison === "label"
    ? labelled("p", "output", expected, store.task.labels)
    : isolated("p", "output", expected));
  const group = store.questions.group?.[question] ?? null;
  if (group !== null) reference.append(isolated("p", "note", `group: ${group}`));
  const sides = [reference, side(selected)];
  const beside = byId("filter-beside").value;
  if (beside !== "") {
    const other = counterpart(selected, Number(beside));
    sides.push(other === undefined ? element("div", "side", "This arm did not answer this question.") : side(other));
  }
  byId("detail-sides").replaceChildren(...sides);
}

function side(row) {
  const { columns } = store;
  const made = element("div", "side");
  const trial = columns.trial[row];
  made.append(element("h3", "", nameTrial(trial, ", ")));
  const flags = columns.flags[row];
  if (store.task !== null) { made.append(...sideOfTask(row)); return made; }
  const verdict = [flags & 1 ? "right" : "wrong", flags & 2 ? "strict too" : null, !(flags & 1) && flags & 4 ? "the number occurs" : null];
  const outcome = columns.outcome[row] ? `, ${columns.outcome[row]}` : "";
  const text = `${verdict.filter(Boolean).join(", ")}: ${columns.number[row] ?? "no number"}${outcome}`;
  made.append(isolated("p", flags & 1 ? "is-right" : "is-wrong", text));
  made.append(isolated("p", "output", columns.text[row] || "(nothing)"));
  return made;
}

function sideOfTask(row) {
  const { task, columns, questions } = store;
  const right = isRight(row);
  const [answer, text] = [columns.number[row], columns.text[row]];
  const reference = questions.reference[columns.question[row]];
  const score = columns.rouge1[row] === null ? null : `${task.figure} ${columns.rouge1[row]}`;
  const said = [task.right ? (right ? "right" : "wrong") : null, score, answer === null ? "no answer was read" : null];
  const judged = element("p", task.right ? (right ? "is-right" : "is-wrong") : "note", said.filter(Boolean).join(", "));
  const label = task.comparison === "label" ? [labelled("p", "output", answer, task.labels)] : [];
  return [judged, ...label, compared(task, reference, text, answer)];
}

function watchBrowser() {
  let waiting = 0;
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { refresh(); showDetail(); }, 120);
  });
  byId("grid-body").addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  for (const button of document.querySelectorAll(".grid-head button")) {
    button.addEventListener("click", () => {
      const direction = sorting.key === button.dataset.sort ? -sorting.direction : 1;
      sorting = { key: button.dataset.sort, direction };
      for (const other of document.querySelectorAll(".grid-head button")) delete other.dataset.direction;
      button.dataset.direction = direction;
      refresh();
    });
  }
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
watchPlots();
if (byId("predictions-head")) {
  watchBrowser();
  loadPredictions().catch((error) => {
    byId("browser-count").textContent = `The predictions can't be shown: ${error.message}`;
    console.error(error);
  });
} else {
  document.body.dataset.ready = "true";
}
