// The view of every lab. The model holds a table of all outcomes, so a move looks one row up and
// draws it in the input event itself: no message to the kernel stands between hand and picture.
//
//   model traits   spec (what to show, see lab.py), tables (the outcomes), guess,
//                  and one trait for each control
//   decode, half   bytes -> numbers
//   Frame          one panel's rectangle on its canvas: data -> pixels, axes, ticks
//   KINDS          one small function for each kind of picture
//   render         the controls, the words, and what happens on a move

// Colours have names; what they are in the light and in the dark theme stands in view.css.
const COLOURS = ["ink", "paper", "grid", "grey", "blue", "vermillion"];
const SERIES = [["blue", []], ["vermillion", [7, 4]], ["ink", [2, 3]], ["grey", [9, 3, 2, 3]]];
const CIVIDIS = [[0, 34, 78], [65, 77, 107], [125, 124, 120], [188, 175, 111], [254, 232, 56]];
const FONT = "12px system-ui, sans-serif", BOLD = `600 ${FONT}`;

// ---------------------------------------------------------------- tables

// A float16's bits as a number.
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function decode({ dtype, data }) {
  const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  if (dtype === "float16") return Float32Array.from(new Uint16Array(bytes), half);
  const types = { uint8: Uint8Array, uint16: Uint16Array, int16: Int16Array, int32: Int32Array,
    float32: Float32Array };
  return new types[dtype](bytes);
}

// A number as learners read it: three significant digits, no exponent (as in lab.py).
function number(value) {
  if (value !== 0 && Math.abs(value) < 1e-4) return "under 0.0001";
  if (!(Math.abs(value) < 1e4)) return "over 10000";
  return String(Number(value.toPrecision(3)));
}

const short = (value) => String(Number(value.toPrecision(3)));

// Whether a slider's values grow by a factor from step to step, within the rounding of the grid.
function isLog(values) {
  const last = values.length - 1, along = (v) => Math.log(v / values[0]) / Math.log(values[last] / values[0]);
  return last > 1 && values.every((v, k) => Math.abs(along(v) - k / last) < 0.04);
}

function indexOf(values, value) {
  const exact = values.indexOf(value);
  if (exact >= 0 || !(value > 0)) return Math.max(exact, 0);
  const distance = values.map((v) => Math.abs(Math.log(v / value)));
  return distance.indexOf(Math.min(...distance));
}

// Where a value lies on a slider, from 0 to 1, also between two of its values or beyond its ends.
function fraction(values, value) {
  const last = values.length - 1;
  if (value <= values[0]) return 0;
  if (value >= values[last]) return 1;
  const k = values.findIndex((v) => v > value) - 1;
  return (k + Math.log(value / values[k]) / Math.log(values[k + 1] / values[k])) / last;
}

// ---------------------------------------------------------------- runs from a dragged start

// Gradient descent on a bowl from another start, with its verdict, as bowl_outcomes has them.
function descend(start, rate, curvatures, centres, goal) {
  const run = (noise) => {
    const path = [...start], loss = [], size = start.length, all = centres.length + size;
    for (let at = 0; at < all; at += size) {
      const w = path.slice(at);
      loss.push(w.reduce((sum, v, d) => sum + 0.5 * curvatures[d] * v * v, 0));
      w.forEach((v, d) => path.push(v - rate * curvatures[d] * (v - noise * centres[at + d])));
    }
    const logs = loss.slice(-10).map((l) => Math.log(Math.min(Math.max(l, 1e-30), 1e300)));
    return { path: path.slice(0, all), loss, late: logs.reduce((a, b) => a + b) / logs.length };
  };
  const { path, loss, late } = run(1), final = loss.at(-1);
  const diverged = Math.max(loss.findIndex((l) => !(l <= 100 * loss[0])), 0);
  const noisy = late > run(0).late + Math.LN2, overshoots = rate * Math.max(...curvatures) > 1;
  const verdict = diverged ? 5 : final < goal ? (overshoots && !noisy ? 2 : 1)
    : noisy ? 4 : overshoots ? 3 : 0;
  const drawn = (values, each) => Float32Array.from(values, (v, k) => (
    diverged && k >= each * (diverged + 1) ? NaN : v));
  return { path: drawn(path, start.length), loss: drawn(loss, 1), final: Float32Array.of(final),
    diverged: [diverged], reached: [0], verdict: [verdict] };
}

// ---------------------------------------------------------------- a panel's rectangle

// Names where there are any, decades on a logarithmic axis (every other one if many), else steps
// of 1, 2 or 5.
function ticks({ low, high, log, names }) {
  if (names) return Object.keys(names).map(Number).filter((k) => names[k]);
  if (log) {
    const first = Math.ceil(Math.log10(low)), last = Math.floor(Math.log10(high));
    const decades = Array.from({ length: last - first + 1 }, (_, k) => first + k);
    return decades.filter((k) => decades.length < 6 || k % 2 === 0).map((k) => 10 ** k);
  }
  const power = 10 ** Math.floor(Math.log10((high - low) / 4));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => (high - low) / s <= 7.5);
  const first = Math.ceil(low / step), last = Math.floor(high / step);
  return Array.from({ length: last - first + 1 }, (_, k) => (first + k) * step);
}

function tickText({ names, log }, value) {
  if (names) return names[value];
  const power = Math.round(Math.log10(value));
  if (!log || Math.abs(power) < 4) return String(Number(value.toPrecision(6)));
  return `10${String(power).replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit])}`;
}

function scale({ low, high, log }, start, end) {
  if (!log) return (value) => start + ((value - low) / (high - low)) * (end - start);
  const base = Math.log10(low), span = Math.log10(high) - base; // what is lower lies on the floor
  return (value) => start + ((Math.log10(Math.max(value, low)) - base) / span) * (end - start);
}

// The value at a pixel: the inverse of `scale`.
function valueAt({ low, high, log }, start, end, pixel) {
  const along = (pixel - start) / (end - start);
  return log ? low * (high / low) ** along : low + along * (high - low);
}

class Frame {
  constructor(context, width, height, panel, theme) {
    Object.assign(this, { context, width, height, panel, theme });
    Object.assign(this, { kept: [], cut: 0 }); // rows of runs kept, and steps not yet played
    Object.assign(this, { left: panel.left ?? 58, right: width - 16, top: 10, bottom: height - 42 });
    if (panel.bar) this.right -= 52;
    if (!panel.x) return; // images need no axes
    this.x = scale(panel.x, this.left, this.right);
    this.y = scale(panel.y, this.bottom, this.top);
  }

  text(content, x, y, align = "left", colour = "ink") {
    const { context, theme } = this;
    context.textAlign = align;
    context.strokeStyle = theme.paper; // a halo keeps words readable over lines
    context.lineWidth = 3;
    context.strokeText(content, x, y);
    context.fillStyle = theme[colour];
    context.fillText(content, x, y);
  }

  // Words beside the rectangle that run upwards.
  upwards(content, x) {
    this.context.save();
    this.context.translate(x, (this.top + this.bottom) / 2);
    this.context.rotate(-Math.PI / 2);
    this.text(content, 0, 4, "center");
    this.context.restore();
  }

  line(points, colour, width = 1.5, dash = []) {
    const { context } = this;
    context.beginPath();
    let down = false; // NaN lifts the pen
    for (const [x, y] of points) {
      if (Number.isNaN(x) || Number.isNaN(y)) down = false;
      else if (down) context.lineTo(x, y);
      else { context.moveTo(x, y); down = true; }
    }
    context.strokeStyle = this.theme[colour];
    context.lineWidth = width;
    context.lineJoin = "round";
    context.setLineDash(dash);
    context.stroke();
    context.setLineDash([]);
  }

  contains([x, y]) {
    return x >= this.left && x <= this.right && y >= this.top && y <= this.bottom;
  }

  // Where a run leaves the rectangle for good, [x, y, angle]; null if it ends inside.
  exit(points) {
    const drawn = points.filter(([x, y]) => Number.isFinite(x + y));
    if (drawn.length === 0 || this.contains(drawn.at(-1))) return null;
    for (let k = drawn.length - 1; k > 0; k -= 1) {
      const [x, y] = drawn[k - 1], dx = drawn[k][0] - x, dy = drawn[k][1] - y;
      let from = 0, to = 1; // the part of this segment that is inside
      const sides = [[x, dx, this.left, this.right], [y, dy, this.top, this.bottom]];
      for (const [at, change, low, high] of sides) {
        const ends = [(low - at) / change, (high - at) / change].sort((a, b) => a - b);
        if (change === 0 && (at < low || at > high)) to = -1;
        if (change !== 0) [from, to] = [Math.max(from, ends[0]), Math.min(to, ends[1])];
      }
      if (from < to) return [x + to * dx, y + to * dy, Math.atan2(dy, dx)];
    }
    return null;
  }

  // An arrow head whose point is at (x, y).
  head([x, y, angle], colour) {
    const { context } = this;
    context.beginPath();
    for (const [length, turn] of [[0, 0], [13, 0.4], [13, -0.4]]) {
      context.lineTo(x - length * Math.cos(angle + turn), y - length * Math.sin(angle + turn));
    }
    this.fill(colour);
  }

  // The step that comes next, as an arrow; up to the edge if it leaves the rectangle.
  arrow(start, end) {
    const exit = this.exit([start, end]);
    const tip = exit ?? [...end, Math.atan2(end[1] - start[1], end[0] - start[0])];
    this.line([start, tip], "ink", 2);
    this.head(tip, "ink");
  }

  // The line of one run: a dot for each step, a ring at the start, a larger dot at the end, an
  // arrow where it leaves.
  run(points, colour) {
    const { context, theme } = this, exit = this.panel.x && this.exit(points);
    this.line(points, colour);
    context.beginPath();
    points.forEach(([x, y], k) => {
      const radius = k === points.length - 1 ? 4.5 : 2.2;
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 7);
    });
    this.fill(colour);
    context.beginPath();
    context.arc(...points[0], 5, 0, 7);
    this.fill("paper");
    context.strokeStyle = theme[colour];
    context.lineWidth = 2;
    context.stroke();
    if (exit) this.head(exit, colour);
  }

  // Small dots, or a cross for each point.
  marks(points, colour, cross) {
    const { context } = this;
    for (const [x, y] of cross ? points : []) {
      this.line([[x - 5, y - 5], [x + 5, y + 5], [NaN, NaN], [x + 5, y - 5], [x - 5, y + 5]], "ink", 2);
    }
    if (cross) return;
    context.beginPath();
    for (const [x, y] of points) {
      context.moveTo(x + 2.5, y);
      context.arc(x, y, 2.5, 0, 7);
    }
    this.fill(colour, 0.5);
  }

  // A faint area within a closed line.
  area(points, colour) {
    const { context } = this;
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x, y);
    this.fill(colour, 0.2);
  }

  fill(colour, alpha = 1) {
    Object.assign(this.context, { fillStyle: this.theme[colour], globalAlpha: alpha });
    this.context.fill();
    this.context.globalAlpha = 1;
  }

  // Cells of a table as a picture stretched over a box.
  raster(cells, columns, colours, box, smooth) {
    const small = new OffscreenCanvas(columns, cells.length / columns), { context } = this;
    const image = new ImageData(columns, small.height);
    cells.forEach((cell, k) => image.data.set([...colours(cell), 255], 4 * k));
    small.getContext("2d").putImageData(image, 0, 0);
    context.imageSmoothingEnabled = smooth;
    context.drawImage(small, ...box);
  }

  // The colour scale of a map: a strip beside it, lowest value at the bottom.
  colourBar() {
    const { right, top, bottom, panel } = this;
    const strip = Array.from({ length: 64 }, (_, k) => 255 - 4 * k);
    this.raster(strip, 1, between(CIVIDIS), [right + 8, top, 10, bottom - top], true);
    this.text(panel.bar.high, right + 22, top + 9);
    this.text(panel.bar.low, right + 22, bottom);
    this.upwards(panel.bar.label, right + 34);
  }

  axes() {
    const { context, left, right, top, bottom, panel } = this;
    context.fillStyle = this.theme.paper;
    context.fillRect(0, 0, this.width, this.height);
    context.font = FONT;
    if (!panel.x) return;
    if (panel.bar) this.colourBar();
    for (const value of ticks(panel.x)) {
      const x = this.x(value);
      this.line([[x, top], [x, bottom]], "grid", 1);
      this.text(tickText(panel.x, value), x, bottom + 15, "center");
    }
    for (const value of ticks(panel.y)) {
      const y = this.y(value);
      this.line([[left, y], [right, y]], "grid", 1);
      this.text(tickText(panel.y, value), left - 6, y + 4, "right");
    }
    this.text(panel.x.label, (left + right) / 2, bottom + 34, "center");
    this.upwards(panel.y.label, left - 44);
  }

  // Draw inside the rectangle only, then its border.
  inside(draw) {
    const { context, left, right, top, bottom } = this;
    if (!this.panel.x) { draw(); return; }
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    draw();
    context.restore();
    context.strokeStyle = this.theme.grey;
    context.lineWidth = 1;
    context.strokeRect(left, top, right - left, bottom - top);
  }
}

// ---------------------------------------------------------------- kinds of pictures

const pairs = (flat, frame) =>
  Array.from({ length: flat.length / 2 }, (_, k) => [frame.x(flat[2 * k]), frame.y(flat[2 * k + 1])]);

// A computed colour, "rgb(0, 114, 178)", as three numbers.
const rgb = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);

// A byte, 0 to 255, as a colour on a line through the anchors.
const between = (anchors) => (byte) => {
  const place = (byte / 255) * (anchors.length - 1), k = Math.min(Math.floor(place), anchors.length - 2);
  return anchors[k].map((c, j) => c + (place - k) * (anchors[k + 1][j] - c));
};

function pointsOf(line, row, frame) {
  if (line.xy) return pairs(row(line.xy), frame);
  const across = line.x ? row(line.x) : null;
  return Array.from(row(line.y), (v, k) => [frame.x(across ? across[k] : k), frame.y(v)]);
}

// Runs that were kept, in grey, each with its number where it ends; only lines that differ.
function drawKept(row, frame, panel) {
  for (const [k, kept] of frame.kept.entries()) {
    let named = false;
    for (const line of panel.lines ?? []) {
      const [old, now] = [kept, row].map((rows) => rows(line.xy ?? line.y));
      const differs = old.buffer !== now.buffer || old.byteOffset !== now.byteOffset;
      if (!differs || line.grey || line.scatter || line.cross) continue;
      const points = pointsOf(line, kept, frame), end = points.findLast((p) => frame.contains(p));
      frame.line(points, "grey", 1.5, SERIES[line.series ?? 0][1]);
      if (named || !end) continue;
      named = true;
      frame.text(k + 1, Math.min(end[0] + 4, frame.right - 14), Math.max(end[1] - 5, frame.top + 14));
    }
  }
}

// The lines of a panel, then their names at the top right.
function drawLines(row, frame, panel, colour) {
  drawKept(row, frame, panel);
  let place = 0;
  for (const line of panel.lines ?? []) {
    const small = line.scatter || line.cross, all = pointsOf(line, row, frame);
    const points = line.grey || small ? all : all.slice(0, all.length - frame.cut);
    const [ink, dash] = line.grey ? ["grey", []] : SERIES[line.series] ?? [colour, []];
    if (small) frame.marks(points, ink, line.cross);
    else if (line.band) frame.area(points, ink);
    else if (line.dots) frame.run(points, ink);
    else frame.line(points, ink, line.series === undefined ? 1.5 : 2, dash);
    if (frame.next && panel.steps && line.dots) {
      frame.arrow(...all.slice(points.length - 1, points.length + 1));
    }
    if (line.label) {
      const y = frame.top + 16 + 16 * place, x = frame.right - 8;
      place += 1;
      frame.text(line.label, x - 30, y, "right");
      if (small) frame.marks([[x - 12, y - 4]], ink, line.cross);
      else if (line.band) frame.area([[x - 24, y - 9], [x, y - 9], [x, y + 1], [x - 24, y + 1]], ink);
      else frame.line([[x - 24, y - 4], [x, y - 4]], ink, 2, dash);
    }
  }
}

// A dashed level across the panel, and dashed limits from its bottom to its top.
function drawLevels(row, frame, panel) {
  if (panel.level) {
    const y = frame.y(panel.level.value);
    frame.line([[frame.left, y], [frame.right, y]], "ink", 1, [6, 4]);
    frame.text(panel.level.label, frame.left + 5, y + 14);
  }
  for (const [k, { table, label }] of (panel.limits ?? []).entries()) {
    const x = frame.x(row(table)[0]), far = x > (frame.left + frame.right) / 2;
    frame.line([[x, frame.top], [x, frame.bottom]], "ink", 1, [6, 4]);
    frame.text(label, x + (far ? -5 : 5), frame.top + 14 + 16 * k, far ? "right" : "left");
  }
}

// Each kind: (row: name of a table -> its numbers at the current setting, frame, panel, colour).
const KINDS = {
  // Runs over the contours of the loss; a cross marks the minimum.
  path(row, frame, panel, colour) {
    frame.line(pairs(row(panel.contours), frame), "grey", 0.8);
    frame.marks([[frame.x(0), frame.y(0)]], "ink", true);
    drawLines(row, frame, panel, colour);
  },

  // Lines and clouds of points on linear or logarithmic axes.
  curves(row, frame, panel, colour) {
    drawLevels(row, frame, panel);
    drawLines(row, frame, panel, colour);
  },

  // Named groups of bars side by side, such as one group for each layer; or a histogram, whose
  // bars touch and whose bins divide the x axis evenly.
  bars(row, frame, panel, colour) {
    const { left, right, bottom, context, theme } = frame, groups = panel.bars.length;
    panel.bars.forEach((bar, j) => {
      const heights = row(bar.table), pitch = (right - left) / heights.length;
      const gap = panel.touching ? 0.5 : pitch * 0.15, wide = (pitch - 2 * gap) / groups;
      context.fillStyle = theme[panel.bars.length > 1 ? SERIES[j][0] : colour];
      heights.forEach((height, k) => {
        const x = left + k * pitch + gap + j * wide, y = Math.min(frame.y(height), bottom);
        context.fillRect(x, y, wide, bottom - y);
      });
      if (bar.label) {
        const y = frame.top + 16 + 16 * j;
        frame.text(bar.label, right - 24, y, "right");
        context.fillStyle = theme[SERIES[j][0]];
        context.fillRect(right - 18, y - 9, 10, 10);
      }
    });
    drawLevels(row, frame, panel);
  },

  // Cells in colours, lowest row at the bottom; a ring marks the present one.
  map(row, frame, panel) {
    const { left, right, top, bottom } = frame, columns = panel.x.names.length;
    frame.raster(row(panel.cells), columns, between(CIVIDIS), [left, top, right - left, bottom - top]);
    const [x, y] = panel.here.map((name) => row(name)[0]);
    frame.run([[frame.x(x), frame.y(y)]], "ink");
  },

  // The sides that a classifier gives to its two classes, under the points that it learnt from.
  region(row, frame, panel) {
    const { left, right, top, bottom, context, theme } = frame, cells = row(panel.cells);
    const box = [left, top, right - left, bottom - top];
    const [blue, paper, vermillion] = ["blue", "paper", "vermillion"].map((name) => rgb(theme[name]));
    const half = (colour) => colour.map((c, k) => (c + paper[k]) / 2);
    const classes = between([half(blue), paper, half(vermillion)]);
    frame.raster(cells, Math.sqrt(cells.length), classes, box, true);
    const labels = row(panel.labels);
    pairs(row(panel.points), frame).forEach(([x, y], k) => {
      context.beginPath(); // colour and shape both tell the class
      if (labels[k]) context.rect(x - 3, y - 3, 6, 6);
      else context.arc(x, y, 3.2, 0, 7);
      frame.fill(labels[k] ? "vermillion" : "blue");
      context.strokeStyle = theme.paper;
      context.lineWidth = 1;
      context.stroke();
    });
  },

  // Rows of small images, each with its name above.
  images(row, frame, panel) {
    const [high, wide, channels] = panel.shape, { rows } = panel;
    const pitch = (frame.height - 8) / rows.length;
    rows.forEach(({ table, label }, j) => {
      const bytes = row(table), count = bytes.length / (high * wide * channels);
      const size = Math.min(pitch - 24, (frame.width - 20) / count - 4);
      frame.text(label, 10, j * pitch + 18);
      for (let k = 0; k < count; k += 1) {
        const from = k * high * wide * channels;
        const pixels = Array.from({ length: high * wide }, (_, p) => from + p * channels);
        const colours = (at) => [0, 1, 2].map((c) => bytes[at + (channels === 3 ? c : 0)]);
        frame.raster(pixels, wide, colours, [10 + k * (size + 4), j * pitch + 24, size, size]);
      }
    });
  },
};

// ---------------------------------------------------------------- the lab

function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

// On the control itself, or JupyterLab takes its keys: with a slider focused, x would cut the cell.
const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

function render({ model, el }) {
  const spec = structuredClone(model.get("spec")); // each view keeps its own inputs beside it
  let tables;
  function unpack() {
    tables = Object.fromEntries(Object.entries(model.get("tables")).map(([name, table]) => {
      const size = table.shape.reduce((product, n) => product * n, 1);
      return [name, { axes: table.axes, size, values: decode(table) }];
    }));
  }
  unpack();
  const controls = Object.fromEntries(spec.controls.map((control) => [control.name, control]));
  const setting = (control) => indexOf(control.values, model.get(control.name));

  // The rows of the tables at some setting (control -> the place of its value), and at the current.
  const rowsAt = (place) => (name) => {
    const { axes, size, values } = tables[name];
    let position = 0;
    for (const axis of axes) {
      position = position * controls[axis].values.length + place(controls[axis]);
    }
    return values.subarray(position * size, (position + 1) * size);
  };
  let moved = {}; // rows of a run from a dragged start, in place of those of the tables
  const row = (name) => moved[name] ?? rowsAt(setting)(name);
  const fill = (text) => text.replace(/\{(\w+)\}/g, (_, name) => {
    const values = row(name); // whole numbers, such as steps, keep all their digits
    return values instanceof Float32Array ? number(values[0]) : String(values[0]);
  });

  const verdict = () => fill(spec.verdicts[row("verdict")[0]]);
  const settings = (some) => some.map((c) => `${c.label} ${c.texts[setting(c)]}`).join(", ")
    + (model.get("start_at") ? `, start (${model.get("start_at").map(short).join(", ")})` : "");

  function sentence() {
    const said = settings(spec.controls);
    const goal = model.get("start_at") ? "The goal counts from the lab's own start."
      : row("reached")[0] ? "Goal reached." : "Goal not reached.";
    return `${said[0].toUpperCase()}${said.slice(1)}. ${verdict()} ${goal}`;
  }

  // ---- what happens on a move: the trait is set, every view of it redraws, the kernel hears in the
  // next frame: were it later, the kernel's echo of an older move would undo those made since
  let saving = 0;
  function save() { cancelAnimationFrame(saving); saving = 0; model.save_changes(); }
  function choose(name, value) {
    model.set(name, value);
    saving ||= requestAnimationFrame(save);
  }

  // ---- controls; one with a single value is a constant, and needs none
  const shown = spec.controls.filter((control) => control.values.length > 1);
  for (const [position, control] of shown.entries()) {
    const name = element("span", { className: "name" }, control.label);
    control.value = element("span", { className: "value", "aria-hidden": "true" });
    if (control.kind === "select") {
      const options = control.texts.map((text, k) => element("option", { value: k }, text));
      control.input = element("select", OWN_KEYS, ...options);
      control.holder = control.input;
    } else {
      const last = control.values.length - 1;
      control.input = element("input", { type: "range", min: 0, max: last, step: 1, ...OWN_KEYS });
      control.holder = element("span", { className: "track" }, control.input);
    }
    control.input.addEventListener("input", () => {
      choose(control.name, control.values[Number(control.input.value)]);
    });
    const label = element("label", {}, name, control.holder);
    control.node = element("div", { className: `control ${control.kind}` }, label);
    if (control.kind !== "select") {
      const ends = [control.texts[0], isLog(control.values) ? "log scale" : "", control.texts.at(-1)];
      const spans = ends.map((text) => element("span", {}, text));
      const row = element("span", { className: "ends", "aria-hidden": "true" }, ...spans);
      control.node.append(control.value, row);
    }
    if (position === 0) control.node.classList.add("first");
  }

  // ---- pictures and words
  const canvases = spec.panels.map(() => element("canvas"));
  const readout = element("span", { className: "readout", hidden: true });
  const pictures = element("div", { className: "pictures", role: "img" }, ...canvases, readout);
  const handle = element("button", { type: "button", className: "start", role: "slider", ...OWN_KEYS,
    "aria-label": "start of the run", title: "Drag the start, or move it with the arrow keys" });
  const stage = element("div", { className: "stage" }, pictures);
  const words = element("p", { className: "sentence", "aria-hidden": "true" });
  const live = element("p", { className: "live", "aria-live": "polite" });
  const reached = element("span", { className: "reached" }, "✔ goal reached");
  const reset = element("button", { type: "button", ...OWN_KEYS }, "Reset");
  const reveal = element("button", { type: "button", ...OWN_KEYS });
  const answer = element("span", { role: "status" });
  const edge = element("span", { className: "mark edge", "aria-hidden": "true" }, "▲");
  const guessed = element("span", { className: "mark", "aria-hidden": "true" }, "△");

  const keep = element("button", { type: "button", ...OWN_KEYS }, "Keep this run");
  const keptRuns = element("ol", { className: "kept", hidden: true });
  const play = element("button", { type: "button", className: "play", ...OWN_KEYS }, "Play");
  const single = element("button", { type: "button", ...OWN_KEYS }, "Step");

  const start = element("button", { type: "button", ...OWN_KEYS }, "Start");
  start.addEventListener("click", () => choose("running", !model.get("running")));

  reset.addEventListener("click", () => {
    if (spec.live) {
      choose("running", false);
      choose("restarts", model.get("restarts") + 1);
    }
    for (const control of spec.controls) choose(control.name, control.default);
    for (const name of ["guess", "start_at"]) choose(name, null);
    kept = [];
    listKept();
    refresh();
  });
  reveal.addEventListener("click", () => { // a None of Pyodide's arrives as undefined
    choose("guess", model.get("guess") != null ? null : model.get(spec.reveal.control));
  });

  function showEdge() {
    const control = controls[spec.reveal.control];
    const guess = model.get("guess"), known = guess != null;
    edge.hidden = guessed.hidden = !known;
    reveal.textContent = `${known ? "Hide" : "Reveal"} the ${spec.reveal.name ?? "edge"}`;
    let text = `${spec.reveal.question} Put the ${control.label} at your guess, then Reveal.`;
    if (known) {
      const place = (mark, value) => {
        const along = fraction(control.values, value);
        mark.style.left = `calc(8px + ${along} * (100% - 16px))`; // the thumb is 16 px wide
      };
      place(edge, row(spec.reveal.table)[0]);
      place(guessed, guess);
      text = `▲ ${fill(spec.reveal.answer)} △ Your guess was ${number(guess)}.`;
    }
    if (answer.textContent !== text) answer.textContent = text;
  }

  // ---- runs kept: the three last, with the setting and the outcome of each in words
  let kept = [];
  function listKept() {
    keptRuns.replaceChildren(...kept.map((run) => element("li", {}, run.said)));
    keptRuns.hidden = kept.length === 0;
  }
  keep.addEventListener("click", () => {
    const places = new Map(spec.controls.map((control) => [control, setting(control)]));
    const said = `${settings(shown)}: ${verdict()}`;
    if (kept.every((run) => run.said !== said)) {
      const run = moved, table = rowsAt((control) => places.get(control));
      kept = [...kept, { said, row: (name) => run[name] ?? table(name) }].slice(-3);
    }
    listKept();
    drawAll();
    live.textContent = `Kept: ${said}`;
  });

  // ---- one step after the other: the run is drawn up to `walk`; null is all of it
  const stepped = spec.panels.find((panel) => panel.steps);
  let walk = null, timer = 0;

  // The points of the run (x, y), up to the last one that is drawn, and how many there could be.
  function steps() {
    const line = stepped.lines.find((one) => one.dots);
    const values = line.xy ? row(line.xy) : null, across = values ?? row(line.x);
    const all = Array.from({ length: across.length / (values ? 2 : 1) }, (_, k) => (
      values ? [values[2 * k], values[2 * k + 1]] : [across[k], row(line.y)[k]]));
    return { points: all.filter(([x, y]) => !Number.isNaN(x + y)), length: all.length };
  }
  function stand() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
  }
  function walkTo(step) {
    const { points } = steps(), last = points.length - 1;
    walk = step < last ? step : null;
    if (walk === null) stand();
    const now = Math.min(step, last), [x, y] = points[now].map(short);
    const said = `Step ${now} of ${last}: ${stepped.x.label} ${x}, ${stepped.y.label} ${y}.`;
    words.textContent = walk === null ? verdict() : said;
    if (timer === 0) live.textContent = walk === null ? `${said} ${verdict()}` : said;
    drawAll();
  }
  single.addEventListener("click", () => { stand(); walkTo(walk === null ? 0 : walk + 1); });
  play.addEventListener("click", () => {
    if (timer) { stand(); drawAll(); return; }
    play.textContent = "Pause";
    timer = setInterval(() => walkTo(walk + 1), 125);
    walkTo(walk ?? 0);
  });

  // ---- drawing
  let sizes = canvases.map(() => [0, 0]), theme = {}, frames = [];
  const hidden = (panel) => panel.secret && model.get("guess") == null;
  function drawPanel(panel, k) {
    const [width, height] = sizes[k];
    if (width === 0) return; // not laid out yet
    const context = canvases[k].getContext("2d"), density = canvases[k].width / width;
    context.setTransform(density, 0, 0, density, 0, 0);
    const frame = frames[k] = new Frame(context, width, height, panel, theme);
    frame.kept = kept.map((run) => run.row);
    if (walk !== null) {
      frame.cut = steps().length - 1 - walk;
      frame.next = timer === 0;
    }
    const diverged = row("diverged")[0];
    const colour = diverged ? "vermillion" : "blue";
    frame.axes();
    frame.inside(() => {
      context.font = BOLD;
      if (hidden(panel)) {
        const { left, right, top, bottom } = frame;
        frame.text(panel.secret, (left + right) / 2, (top + bottom) / 2, "center");
        return;
      }
      context.font = FONT;
      KINDS[panel.kind](row, frame, panel, colour);
      context.font = BOLD;
      if (diverged && walk === null && !["images", "map"].includes(panel.kind)) {
        const label = `diverged at ${spec.unit} ${diverged}`;
        frame.text(label, frame.right - 8, frame.bottom - 10, "right", "vermillion");
      }
    });
  }

  function drawAll() {
    const style = getComputedStyle(root);
    const colour = (name) => [name, style.getPropertyValue(`--lrcourse-${name}`)];
    theme = Object.fromEntries(COLOURS.map(colour));
    spec.panels.forEach(drawPanel);
    if (!spec.start || !frames[0]) return;
    const [x, y] = steps().points[0]; // its panel is the first
    handle.style.translate = `${frames[0].x(x)}px ${frames[0].y(y)}px`;
    handle.setAttribute("aria-valuenow", x);
    handle.setAttribute("aria-valuetext", `${stepped.x.label} ${short(x)}, ${stepped.y.label} ${short(y)}`);
  }
  // A panel's ground fades for a moment when the theme changes, whatever changes it.
  pictures.addEventListener("transitionend", drawAll);

  // ---- the pointer: what it points at, and a click that sets the controls

  // The controls whose values lie along a panel's axes: a map's two, or that of its one limit.
  function handles(panel) {
    const named = panel.kind === "map" ? [["x", panel.here[0]], ["y", panel.here[1]]]
      : panel.limits?.length === 1 ? [["x", panel.limits[0].table]] : [];
    return named.filter(([, name]) => tables[name].axes.length === 1).map(([axis, name]) => {
      const { axes, values } = tables[name];
      return { axis, control: controls[axes[0]], values: Array.from(values) };
    });
  }
  function nearest({ axis, values }, frame, point) {
    const distances = values.map((value) => Math.abs(frame[axis](value) - point[axis]));
    return distances.indexOf(Math.min(...distances));
  }
  function pick(k, point) {
    const panel = spec.panels[k];
    if (hidden(panel) || !frames[k]?.contains([point.x, point.y])) return;
    for (const handle of handles(panel)) {
      choose(handle.control.name, handle.control.values[nearest(handle, frames[k], point)]);
    }
  }
  function read(k, point) {
    const panel = spec.panels[k], frame = frames[k];
    readout.hidden = !panel.x || hidden(panel) || !frame?.contains([point.x, point.y]);
    canvases[k].style.cursor = "";
    if (readout.hidden) return;
    const own = handles(panel), { left, right, top, bottom } = frame;
    const said = [["x", left, right], ["y", bottom, top]].map(([axis, from, to]) => {
      const handle = own.find((one) => one.axis === axis);
      const value = valueAt(panel[axis], from, to, point[axis]);
      const text = handle ? handle.control.texts[nearest(handle, frame, point)]
        : panel[axis].names?.[Math.round(value)] ?? short(value);
      return `${panel[axis].label} ${text}`.trim();
    });
    canvases[k].style.cursor = own.length ? "pointer" : "crosshair";
    readout.textContent = own.length ? `${said.join("; ")} (click to set)` : said.join("; ");
    const across = canvases[k].offsetLeft + point.x, far = across > pictures.clientWidth / 2;
    readout.style.left = `${across + (far ? -10 : 10)}px`;
    readout.style.top = `${canvases[k].offsetTop + point.y + (point.y < 40 ? 14 : -32)}px`;
    readout.style.transform = far ? "translateX(-100%)" : "";
  }
  for (const [k, canvas] of canvases.entries()) {
    const at = (event) => ({ x: event.offsetX, y: event.offsetY });
    canvas.addEventListener("click", (event) => pick(k, at(event)));
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons === 1 && event.pointerType === "mouse") pick(k, at(event));
      read(k, at(event));
    });
    canvas.addEventListener("pointerleave", () => { readout.hidden = true; });
  }

  // ---- the start of the run, dragged or moved by arrow keys

  // Within the panel, and away from the axes: there the loss at the start says little.
  function startAt(place) {
    choose("start_at", spec.start.map((_, d) => {
      const most = 0.95 * stepped["xy"[d]].high, size = Math.max(Math.abs(place[d]), 0.5);
      return ((place[d] < 0 ? -1 : 1) * Math.round(20 * Math.min(size, most))) / 20;
    }));
  }
  handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = canvases[0].getBoundingClientRect(), { left, right, top, bottom } = frames[0];
    startAt([valueAt(stepped.x, left, right, event.clientX - box.left),
      valueAt(stepped.y, bottom, top, event.clientY - box.top)]);
  });
  handle.addEventListener("keydown", (event) => {
    const way = { Left: [-0.1, 0], Right: [0.1, 0], Down: [0, -0.1], Up: [0, 0.1] }[event.key.slice(5)];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault(); // the page does not scroll
    const from = model.get("start_at") ?? spec.start; // and over an axis in one press
    startAt(from.map((v, d) => (Math.abs(v + way[d]) < 0.5 ? -v : v + way[d])));
  });

  let pause = 0;
  function refresh() {
    const from = model.get("start_at"), goal = spec.panels[1]?.level?.value;
    moved = from ? descend(from, model.get("learning_rate"), row("curvatures"), row("centres"), goal) : {};
    stand();
    walk = null;
    for (const control of shown) {
      const k = setting(control);
      control.input.value = k;
      control.value.textContent = control.texts[k];
      if (control.kind !== "select") control.input.setAttribute("aria-valuetext", control.texts[k]);
    }
    drawAll();
    words.textContent = verdict();
    const said = sentence();
    pictures.setAttribute("aria-label", `${spec.alt} ${said}`);
    reached.classList.toggle("yes", row("reached")[0] === 1);
    if (spec.reveal) showEdge();
    if (spec.live) start.textContent = model.get("running") ? "Pause" : "Start";
    clearTimeout(pause); // speak once the hand rests
    pause = setTimeout(() => { live.textContent = said; }, 700);
  }

  const root = element("div", { className: "lrcourse-lab", role: "group", "aria-label": `Lab: ${spec.title}` },
    element("p", {}, element("strong", {}, "Goal: "), spec.goal, reached),
    element("div", { className: "controls" }, ...shown.map((control) => control.node)),
    stage,
    words,
    element("div", { className: "actions" }, reset),
    keptRuns,
    element("p", { className: "caption" }, spec.caption),
    live,
  );
  reset.before(spec.live ? start : keep); // tables that change keep no run
  if (stepped) keep.before(play, single);
  if (spec.start) stage.append(handle);
  if (spec.reveal) {
    reset.after(reveal, answer);
    controls[spec.reveal.control].holder?.append(edge, guessed);
  }
  el.append(root);

  // A letter typed at a control must not reach the notebook (x cuts a cell), but Ctrl+S must, and
  // Escape goes back to the notebook.
  const own = (kept) => {
    if (saving) save(); // the next key may run a cell
    for (const input of root.querySelectorAll("input, select, button")) {
      input.toggleAttribute("data-lm-suppress-shortcuts", kept); // that it is there counts
    }
  };
  const isModifier = (event) => event.key === "Control" || event.key === "Meta";
  root.addEventListener("keydown", (event) => {
    if (isModifier(event)) own(false);
    if (event.key === "Escape") root.closest(".jp-Notebook")?.focus();
  });
  root.addEventListener("keyup", (event) => { if (isModifier(event)) own(true); });
  root.addEventListener("focusout", () => own(true)); // the key may come up elsewhere

  const observer = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const k = canvases.indexOf(target), density = window.devicePixelRatio || 1;
      sizes[k] = [contentRect.width, contentRect.height];
      target.width = Math.round(contentRect.width * density);
      target.height = Math.round(contentRect.height * density);
    }
    drawAll();
  });
  canvases.forEach((canvas) => observer.observe(canvas));

  // In live training the kernel sends new tables, and waits if too many were not drawn yet.
  function follow() {
    unpack();
    refresh();
    const frame = row("frame")[0];
    if (frame % 3) return;
    requestAnimationFrame(() => { model.set("drawn", frame); model.save_changes(); });
  }

  const events = [...Object.keys(controls), "guess", "start_at", "running"].map((name) => `change:${name}`);
  for (const event of events) model.on(event, refresh);
  if (spec.live) model.on("change:tables", follow);
  refresh();
  clearTimeout(pause); // silence until the first move
  return () => {
    model.off("change:tables", follow);
    for (const event of events) model.off(event, refresh);
    observer.disconnect();
    clearTimeout(pause);
    clearInterval(timer);
  };
}

export default { render };
