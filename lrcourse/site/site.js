// The theme, before anything is drawn; then search and wide boxes, once the page is read.
const page = document.documentElement;

function stored(theme) {
  try { // a browser may forbid it, for files above all
    if (theme !== undefined) localStorage.setItem("lrcourse-theme", theme);
    return localStorage.getItem("lrcourse-theme");
  } catch { return theme; }
}
function dark() {
  return page.dataset.theme ? page.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
}
if (["dark", "light"].includes(stored())) page.dataset.theme = stored();

document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  const name = () => { button.textContent = dark() ? "Light" : "Dark"; };
  button.title = "Switch between dark and light";
  button.hidden = false;
  name();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  button.addEventListener("click", () => {
    page.dataset.theme = dark() ? "light" : "dark";
    stored(page.dataset.theme);
    name();
  });

  const input = document.getElementById("search"), found = document.getElementById("found");
  let asked; // the index is read when somebody searches; a script can be read from a file too
  const index = () => asked ??= new Promise((read) => {
    const script = document.createElement("script");
    script.src = `${page.dataset.root}static/search.js`;
    script.onload = () => read(window.lrcourseSearch);
    document.head.append(script);
  });
  async function search() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    found.hidden = !words.length;
    if (found.hidden) return;
    const best = rank(await index(), words);
    found.querySelector("p").textContent = best.length
      ? `${best.length} section${best.length > 1 ? "s" : ""}` : "Nothing found.";
    found.querySelector("ul").replaceChildren(...best.slice(0, 12).map((entry) => hit(entry, words)));
  }
  input.addEventListener("focus", index, { once: true });
  input.addEventListener("input", search);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !found.hidden) { found.hidden = true; input.focus(); }
    if (event.key === "/" && !event.target.closest("input, select, textarea")) {
      event.preventDefault();
      input.focus();
    }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("search") || event.target.closest("#found a")) found.hidden = true;
  });

  // A box that scrolls sideways must be reached by keyboard; one that does not needs no stop.
  const boxes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const box of document.querySelectorAll("pre, .wide, .math.block")) boxes.observe(box);

  if (navigator.clipboard) document.querySelectorAll("pre:has(> code)").forEach(copied);
});

// A button that copies a block of code, outside of the block, so that it stays where that scrolls.
function copied(block) {
  const box = document.createElement("div"), button = document.createElement("button");
  box.className = "copied";
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  block.replaceWith(box);
  box.append(block, button);
}

// Sections with all the words, those with them in a title first, then by how often they occur.
function rank(index, words) {
  const count = (text, word) => text.toLowerCase().split(word).length - 1;
  const weighed = index.map((entry) => {
    const each = words.map((word) =>
      20 * count(entry[2], word) + 8 * count(entry[1], word) + Math.min(count(entry[3], word), 7));
    return [each.includes(0) ? 0 : each.reduce((a, b) => a + b), entry];
  });
  return weighed.filter(([weight]) => weight).sort((a, b) => b[0] - a[0]).map(([, entry]) => entry);
}

function hit([address, title, section, text], words) {
  const item = document.createElement("li"), link = document.createElement("a");
  const line = document.createElement("p");
  link.href = page.dataset.root + address;
  link.textContent = title.endsWith(section) ? title : `${title}: ${section}`;
  const at = Math.max(text.toLowerCase().indexOf(words[0]) - 40, 0);
  line.textContent = (at ? "… " : "") + text.slice(at, at + 120) + (text.length > at + 120 ? " …" : "");
  item.append(link, line);
  return item;
}
