// Draws what guess.py asks and tells. Every output brings this script, so that each works alone:
// after a reload, in a saved page, without a kernel.
//
//   window.lrcourseGuesses   the guesses, where the browser forbids localStorage
//   read, write              one guess; a choice that is offered no longer counts as none
//   verdict                  how right it was (as in guess.py)
//   VIEWS                    a function for each kind of output
(() => {
  const kept = (window.lrcourseGuesses ??= {});
  const STYLE = `
.lrcourse-guess { max-width: 47rem; padding: 0.3em 0 0.3em 0.8em; border-left: 5px solid #808080;
  color: var(--jp-content-font-color1, inherit); font-family: var(--jp-ui-font-family, system-ui, sans-serif);
  font-size: 14px; line-height: 1.5; }
.lrcourse-guess.right { border-color: #0072B2; }
.lrcourse-guess.wrong { border-color: #D55E00; }
.lrcourse-guess fieldset { border: 0; margin: 0; padding: 0; }
.lrcourse-guess legend { padding: 0; font-weight: 600; }
.lrcourse-guess label { display: inline-flex; align-items: center; gap: 6px; margin-right: 20px; cursor: pointer; }
.lrcourse-guess input { accent-color: #0072B2; margin: 2px 0; flex: none; color: inherit; font: inherit; }
.lrcourse-guess input[type=number] { width: 8em; padding: 2px 6px; background: transparent;
  border: 1px solid currentColor; border-radius: 4px; }
.lrcourse-guess button { font: inherit; color: inherit; background: none; cursor: pointer;
  border: 1px solid currentColor; border-radius: 4px; padding: 0 10px; }
.lrcourse-guess :is(input, button):focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
.lrcourse-guess p { margin: 0; }
.lrcourse-guess .beside { display: flex; flex-wrap: wrap; gap: 0 28px; }
.lrcourse-guess table { border-collapse: collapse; margin: 4px 0 0; font-size: inherit; }
.lrcourse-guess table :is(th, td) { text-align: left !important; vertical-align: top; padding: 2px 20px 2px 0; white-space: normal; }
@media print { .lrcourse-guess button { display: none; } }`;

  const place = (notebook, id) => `lrcourse-guess ${notebook || location.pathname} ${id}`;

  function read(notebook, row) {
    if (row.mine !== null) return row.mine;
    let text = kept[place(notebook, row.id)], guess = null;
    try { text = localStorage.getItem(place(notebook, row.id)); } catch { /* forbidden */ }
    try { guess = JSON.parse(text ?? null); } catch { /* not ours */ }
    const kind = typeof row.value === "string" ? "string" : "number";
    return (row.choices ? row.choices.includes(guess) : typeof guess === kind) ? guess : null;
  }

  function write(notebook, id, guess) {
    kept[place(notebook, id)] = JSON.stringify(guess);
    try {
      if (guess === null) localStorage.removeItem(place(notebook, id));
      else localStorage.setItem(place(notebook, id), JSON.stringify(guess));
    } catch { /* forbidden */ }
    window.dispatchEvent(new Event("lrcourse-guess"));
  }

  const amount = (value, unit) => `${Number(value.toPrecision(3))} ${unit}`.trim();
  const words = (guess, { unit }) => (typeof guess === "number" ? `${guess} ${unit}`.trim() : guess);

  function verdict(guess, { value, unit, within }) {
    if (guess === value) return "right";
    if (typeof guess !== "number" || typeof value !== "number") return "not this time";
    const side = guess > value ? "high" : "low";
    if (guess * value <= 0) return `not this time: too ${side} by ${amount(Math.abs(guess - value), unit)}`;
    const factor = Math.max(guess / value, value / guess);
    const right = factor <= within * (1 + 1e-9) ? "right" : "not this time";
    if (amount(factor, "") === "1") return right;
    return `${right}: too ${side} by a factor of ${amount(factor, "")}`;
  }

  function element(tag, properties = {}, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    if (tag !== "input" && tag !== "button") return node;
    // On each control itself, or JupyterLab takes its keys: x would cut the cell. But Ctrl+S is its.
    const own = (kept) => node.toggleAttribute("data-lm-suppress-shortcuts", kept);
    own(true);
    node.addEventListener("keydown", ({ key }) => { if (key === "Control" || key === "Meta") own(false); });
    node.addEventListener("keyup", ({ key }) => { if (key === "Control" || key === "Meta") own(true); });
    node.addEventListener("blur", () => own(true));
    return node;
  }

  // Each returns a function that draws again when a guess has changed.
  const VIEWS = {
    guess(root, notebook, [row]) {
      const disabled = row.mine !== null, name = `lrcourse-${Math.random()}`;
      const inputs = row.choices?.map((value) => element("input", { type: "radio", name, value, disabled }))
        ?? [element("input", { type: "number", step: "any", disabled })];
      const labels = inputs.map((input, k) => (row.choices ? element("label", {}, input, row.choices[k])
        : element("label", {}, input, row.unit)));
      const off = row.within < 1.5 ? `${Math.round(100 * (row.within - 1))} %` : `a factor of ${row.within}`;
      const note = row.choices ? "" : `Within ${off} counts as right. `;
      const clear = element("button", { type: "button" }, "Clear");
      const status = element("span", { role: "status" });
      root.append(element("fieldset", {}, element("legend", {}, row.question), ...labels),
        element("p", {}, note, status, " ", clear));
      for (const input of inputs) {
        if (!row.choices) input.setAttribute("aria-label", `Your guess ${row.unit}`.trim());
        input.addEventListener("input", () => write(notebook, row.id,
          row.choices ? input.value : input.value === "" ? null : Number(input.value)));
      }
      clear.addEventListener("click", () => { write(notebook, row.id, null); inputs[0].focus(); });
      return () => {
        const guess = read(notebook, row);
        for (const input of inputs) {
          if (row.choices) input.checked = input.value === guess;
          else if (Number(input.value) !== guess || input.value === "") input.value = guess ?? "";
        }
        clear.hidden = disabled || guess === null;
        const text = guess === null ? "No guess yet." : "Noted.";
        if (status.textContent !== text) status.textContent = text;
      };
    },

    outcome: (root, notebook, [row]) => () => {
      const guess = read(notebook, row), said = guess === null ? "" : verdict(guess, row);
      const part = (name, text) => element("span", {}, `${name} `, element("strong", {}, text));
      root.classList.toggle("right", said.startsWith("right"));
      root.classList.toggle("wrong", said.startsWith("not"));
      root.replaceChildren(element("p", {}, row.question),
        element("p", { className: "beside" }, ...(said ? [part("Your guess:", words(guess, row))] : []),
          part("The run:", row.answered), said && `${said[0].toUpperCase()}${said.slice(1)}.`));
    },

    tally: (root, notebook, rows) => () => {
      const table = rows.map((row) => {
        const guess = read(notebook, row), known = row.value !== null;
        return [row.question, guess === null ? "no guess" : words(guess, row),
          row.answered, guess !== null && known ? verdict(guess, row) : ""];
      });
      const made = rows.filter((row) => read(notebook, row) !== null).length;
      const right = table.filter((cells) => cells[3].startsWith("right")).length;
      const line = (tag, cells) => element("tr", {}, ...cells.map((text) => element(tag, {}, text)));
      root.replaceChildren(element("p", {}, `You made ${made} of ${rows.length} guesses; ${right} right.`),
        element("table", {}, element("thead", {}, line("th", ["Question", "Your guess", "The run", "Verdict"])),
          element("tbody", {}, ...table.map((cells) => line("td", cells)))));
    },
  };

  for (const root of document.querySelectorAll(".lrcourse-guess:not(.drawn)")) {
    const { kind, notebook, rows } = JSON.parse(root.dataset.lrcourse);
    if (rows.length === 0) continue; // its sentence says so
    root.replaceChildren();
    root.classList.add("drawn");
    const draw = VIEWS[kind](root, notebook, rows);
    for (const event of ["lrcourse-guess", "storage"]) window.addEventListener(event, draw);
    draw();
  }
  if (!document.getElementById("lrcourse-guess-style")) {
    document.head.append(element("style", { id: "lrcourse-guess-style" }, STYLE));
  }
})();
