// How an output is shown beside its reference: the difference of words, of JSON's fields, or a label's colour.
// Model output is hostile: it reaches the page through textContent alone.
"use strict";

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined && text !== null) made.textContent = text;
  return made;
}

// A text may turn the direction of writing (U+202E, Arabic): within a bdi it turns no other text.
function isolated(tag, className, text) {
  const made = element(tag, className);
  made.append(element("bdi", "", text));
  return made;
}

// Beyond so many pairs of words two texts are too long to be compared word by word.
const MOST_PAIRS = 4_000_000;
const MOST_FIELDS = 300;
const LABEL_COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D1F"];

const splitWords = (text) => text.match(/\s+|[\p{L}\p{N}_]+|[^\s]/gu) ?? [];

// Return [[kind, words], ...]: "same", "missing" (the reference alone has them), "added" (the output alone).
function compareWords(reference, output) {
  const [from, to] = [splitWords(reference), splitWords(output)];
  let start = 0;
  while (start < from.length && start < to.length && from[start] === to[start]) start++;
  let end = 0;
  while (end < from.length - start && end < to.length - start
    && from[from.length - 1 - end] === to[to.length - 1 - end]) end++;
  const [a, b] = [from.slice(start, from.length - end), to.slice(start, to.length - end)];
  if (a.length * b.length > MOST_PAIRS) return null;
  const parts = [["same", from.slice(0, start)], ...alignWords(a, b), ["same", from.slice(from.length - end)]];
  return parts.filter(([, words]) => words.length);
}

// The longest common subsequence of two lists of words.
function alignWords(a, b) {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i] === b[j]
        ? lengths[(i + 1) * width + j + 1] + 1
        : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const parts = [];
  const put = (kind, word) => {
    if (parts.length && parts[parts.length - 1][0] === kind) parts[parts.length - 1][1].push(word);
    else parts.push([kind, [word]]);
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { put("same", a[i]); i++; j++; }
    else if (j >= b.length || (i < a.length && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) {
      put("missing", a[i]); i++;
    } else { put("added", b[j]); j++; }
  }
  return parts;
}

function differenceOfWords(reference, output) {
  const parts = compareWords(reference, output);
  if (parts === null || !output) return isolated("p", "output", output || "(nothing)");
  const made = element("p", "output");
  const tags = { same: "span", missing: "del", added: "ins" };
  const whole = element("bdi", "");
  for (const [kind, words] of parts) whole.append(element(tags[kind], "", words.join("")));
  made.append(whole);
  return made;
}

function parseJson(text) {
  try { return { value: JSON.parse(text) }; } catch { return null; }
}

// The fields of a value: [path, JSON of what stands there], in the order of the paths.
function fieldsOf(value) {
  const found = [];
  const walk = (own, path, depth) => {
    if (found.length >= MOST_FIELDS) return;
    const isObject = own !== null && typeof own === "object";
    const entries = isObject ? Object.entries(own) : [];
    if (!entries.length || depth > 40) { found.push([path || "(all)", JSON.stringify(own)]); return; }
    if (!Array.isArray(own)) entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    for (const [name, inner] of entries) walk(inner, Array.isArray(own) ? `${path}[${name}]` : path ? `${path}.${name}` : name, depth + 1);
  };
  walk(value, "", 0);
  return new Map(found);
}

function differenceOfFields(reference, output) {
  const [expected, found] = [parseJson(reference), parseJson(output ?? "")];
  if (!found || !expected) return isolated("p", "output", output || "(nothing)");
  const [wanted, given] = [fieldsOf(expected.value), fieldsOf(found.value)];
  const table = element("table", "fields");
  const head = element("tr");
  head.append(element("th", "", "field"), element("th", "", "reference"), element("th", "", "output"));
  table.append(head);
  for (const path of new Set([...wanted.keys(), ...given.keys()])) {
    const same = wanted.get(path) === given.get(path);
    const row = element("tr", same ? "" : "apart");
    row.append(isolated("td", "", path), isolated("td", "", wanted.get(path) ?? "–"), isolated("td", "", given.get(path) ?? "–"));
    table.append(row);
  }
  const scrolling = element("div", "scroll");
  scrolling.append(table);
  return scrolling;
}

// A label with its colour, by its place among the labels; what is none of them has no colour.
function labelled(tag, className, label, labels, text) {
  const made = element(tag, className);
  const mark = element("i", "colour");
  const place = label === null ? -1 : labels.indexOf(label);
  mark.style.background = place < 0 ? "transparent"
    : LABEL_COLOURS[place] ?? `hsl(${(place * 47) % 360} 65% ${35 + (place % 3) * 12}%)`;
  made.append(mark, element("bdi", "", text ?? (label === null ? "no label" : label || "(empty)")));
  return made;
}

// An output as the task's comparison shows it beside its reference.
function compared(task, reference, text, answer) {
  if (task?.comparison === "text") return differenceOfWords(reference, text);
  if (task?.comparison === "json") return differenceOfFields(reference, answer ?? text);
  return isolated("p", "output", text || "(nothing)");
}
