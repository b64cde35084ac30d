"use strict";
// Text of the log is set as text and never as markup: no innerHTML in here.
(() => {
  const FEW = 10;
  const all = JSON.parse(document.getElementById("transactions").textContent);
  const one = (selector, under = document) => under.querySelector(selector);
  const each = (selector, under = document) => [...under.querySelectorAll(selector)];
  const make = (name, className, text) => {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };

  // Light, dark, or as the system has it.
  const themes = ["auto", "light", "dark"];
  const button = one("#theme");
  const kept = { get: () => { try { return localStorage.getItem("theme"); } catch { return null; } },
                 set: (value) => { try { localStorage.setItem("theme", value); } catch { /* kept nowhere */ } } };
  const wear = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Colours: ${theme}`;
    button.dataset.now = theme;
  };
  wear(themes.includes(kept.get()) ? kept.get() : "auto");
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(button.dataset.now) + 1) % themes.length];
    wear(next);
    kept.set(next);
  });

  // What is shown of a table: the first rows, all of them, or those that hold the words looked for.
  const everywhere = one("#everywhere");
  const words = (input) => (input ? input.value.toLowerCase().split(/\s+/).filter(Boolean) : []);
  const show = (section) => {
    const wanted = [...words(everywhere), ...words(one("input", section))];
    const rows = each("tbody tr", section);
    const more = one(".more", section);
    const isOpen = more.dataset.open === "yes";
    let fit = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const fits = wanted.every((word) => text.includes(word));
      fit += fits;
      row.hidden = !fits || (fit > FEW && !isOpen);
    }
    more.hidden = fit <= FEW;
    more.textContent = isOpen ? `Show ${FEW} rows` : `Show all ${fit} rows`;
    more.setAttribute("aria-expanded", isOpen);
    one(".found", section).textContent = wanted.length ? `${fit} of ${rows.length} rows` : "";
  };
  const sections = each("section[data-table]");
  for (const section of sections) {
    const input = one("input", section);
    if (input) input.addEventListener("input", () => show(section));
    one(".more", section).addEventListener("click", (event) => {
      event.target.dataset.open = event.target.dataset.open === "yes" ? "no" : "yes";
      show(section);
    });
    const heads = each("thead th", section);
    heads.forEach((head, place) => {
      one("button", head).addEventListener("click", () => {
        const isNumber = head.classList.contains("n");
        const before = head.getAttribute("aria-sort");
        const up = before ? before === "descending" : !isNumber;
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const value = (row) => { const cell = row.children[place]; return isNumber ? Number(cell.dataset.v ?? NaN) : cell.textContent; };
        const body = one("tbody", section);
        const rows = [...body.children];
        rows.sort((a, b) => {
          const [x, y] = [value(a), value(b)];
          if (!isNumber) return up ? x.localeCompare(y) : y.localeCompare(x);
          // What was not measured stands last, however it is sorted.
          if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
          return up ? x - y : y - x;
        });
        body.append(...rows);
        show(section);
      });
    });
    show(section);
  }
  everywhere.addEventListener("input", () => sections.forEach(show));

  // The transactions behind a figure.
  const dialog = one("dialog");
  const list = one("ul", dialog);
  const when = (time) => `${time.slice(0, 10)} ${time.slice(11, 19)}`;
  const entry = (t) => {
    const item = make("li");
    const way = make("div", "way", `${t.from ?? "?"} \u2192 ${t.to ?? "?"}${t.more ? ` and ${t.more} more` : ""}`);
    way.append(make("span", `tag ${t.status}`, t.status));
    item.append(way, make("div", "soft", `${when(t.start)} UTC \u00b7 ${t.host}${t.queue_id ? ` \u00b7 ${t.queue_id}` : ""}`));
    if (t.reason) item.append(make("div", "soft", t.reason));
    const command = make("div", "cmd");
    const code = make("code", "", `mailstitch trace ${t.id}`);
    const copy = make("button", "plain", "Copy");
    copy.type = "button";
    copy.setAttribute("aria-label", `Copy the command for ${t.queue_id ?? t.id}`);
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
      }
    });
    command.append(code, copy);
    item.append(command);
    return item;
  };
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-b]");
    if (target) {
      const places = target.dataset.b.split(" ");
      one("h2", dialog).textContent = target.dataset.title;
      one("p", dialog).textContent = `The newest ${places.length} of them`;
      list.replaceChildren(...places.map((place) => entry(all[place])));
      dialog.showModal();
      dialog.scrollTop = 0;
    } else if (event.target === dialog || event.target.closest("#close")) {
      dialog.close();
    }
  });
})();
