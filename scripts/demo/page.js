/* Controls to numbers, tables and charts; what is shown comes from data.js or from the app. */
"use strict";
(() => {
  const page = window.PAGE;
  const at = {}; // of each control, the place of its value among those that the page knows
  let dropped = null; // the file that was dropped last

  const valueOf = (name) => page.controls[name].values[at[name]];
  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // ---- what a panel shows for the values of its controls

  function stored(panel) {
    let row = 0;
    for (const name of asked(panel)) row = row * page.controls[name].values.length + at[name];
    const { pool, rows } = panel.table;
    const found = rows[row];
    if (typeof found === "number") throw new Error(pool[found]);
    return found.map((place) => pool[place]);
  }

  async function computed(panel) {
    const query = new URLSearchParams(asked(panel).map((name) => [name, valueOf(name)]));
    const file = panel.controls.some((name) => page.controls[name].kind === "file") && dropped;
    const request = { headers: { "x-panel": panel.name } };
    if (file) {
      query.set("file", file.name);
      Object.assign(request, { method: "POST", body: file });
    }
    const answer = await fetch(`${panel.name}.json?${query}`, request).catch(() => {
      throw new Error("the program that computes these numbers does not answer");
    });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }

  const asked = (panel) => panel.controls.filter((name) => page.controls[name].kind !== "file");

  // one request at a time; what changed meanwhile is asked for once, at the end
  async function refresh(panel) {
    panel.stale = true;
    if (panel.busy) return;
    panel.busy = true;
    while (panel.stale) {
      panel.stale = false;
      try {
        const pieces = page.live ? await computed(panel) : stored(panel);
        if (!panel.stale) await fill(panel, pieces);
      } catch (fault) {
        if (!panel.stale) complain(panel, fault.message);
      }
    }
    panel.busy = false;
  }

  function complain(panel, message) {
    panel.alert.textContent = message;
    panel.alert.hidden = false;
    panel.box.hidden = true;
  }

  async function fill(panel, pieces) {
    panel.alert.hidden = true;
    panel.box.hidden = false;
    let next = 0;
    for (const part of panel.parts) {
      const mine = pieces.slice(next, (next += 1 + part.data.length));
      if (part.kind === "drawing") await draw(panel, part, mine);
      else if (part.kind === "numbers" || part.kind === "table") tabulate(part, mine[0]);
      else if (part.node.innerHTML !== mine[0]) part.node.innerHTML = mine[0];
    }
  }

  // ---- tables: a cell that does not change is left alone, so that only news are read out

  function tabulate(part, { caption, head, rows }) {
    const shape = JSON.stringify([head, rows.map((row) => row[0])]);
    if (part.shape !== shape) {
      part.shape = shape;
      const table = element("table");
      table.append(element("caption"));
      if (head.length) {
        const line = table.createTHead().insertRow();
        for (const column of head) line.append(scoped("col", column));
      }
      const body = table.createTBody();
      for (const [name, ...cells] of rows) {
        const line = body.insertRow();
        line.append(scoped("row", name));
        cells.forEach((_, i) => {
          line.insertCell().dataset.name = head.length ? `${name}: ${head[i + 1]}` : name;
        });
      }
      part.node.replaceChildren(table);
    }
    say(part.node.querySelector("caption"), caption);
    part.node.querySelectorAll("tbody tr").forEach((line, i) => {
      line.querySelectorAll("td").forEach((cell, j) => say(cell, rows[i][j + 1]));
    });
  }

  function scoped(scope, text) {
    const made = element("th", "", text);
    made.scope = scope;
    return made;
  }

  const say = (node, text) => {
    if (node.textContent !== text) node.textContent = text;
  };

  // ---- charts

  async function draw(panel, part, [{ alt, chart }, ...tables]) {
    const wanted = chart || part.name;
    if (part.chart !== wanted) {
      (await part.view)?.finalize();
      Object.assign(part, { chart: wanted, drawn: [] });
      part.view = vegaEmbed(part.node.firstChild.firstChild, panel.charts[wanted], {
        renderer: "svg", actions: false, tooltip: false, logLevel: 1,
      }).then((made) => made.view);
    }
    part.node.firstChild.setAttribute("aria-label", alt);
    const view = await part.view;
    tables.forEach((columns, i) => {
      // what did not change is not drawn again
      if (part.drawn[i] !== columns) view.data(part.data[i], rowsOf(columns));
      part.drawn[i] = columns;
    });
    await view.runAsync();
  }

  function rowsOf(columns) {
    const names = Object.keys(columns);
    return columns[names[0]].map((_, i) =>
      Object.fromEntries(names.map((name) => [name, columns[name][i]])));
  }

  // ---- controls

  function choose(name, place) {
    const control = page.controls[name];
    at[name] = Math.max(0, Math.min(place, control.values.length - 1));
    document.querySelector(`[data-nearest="${name}"]`).textContent = "";
    reflect(name);
    const changed = page.panels.filter((panel) => panel.controls.includes(name));
    if (control.kind !== "player") {
      // another film begins at its start
      for (const panel of changed)
        for (const other of panel.controls.filter((c) => page.controls[c].kind === "player")) {
          at[other] = 0;
          reflect(other);
        }
    }
    changed.forEach(refresh);
    remember();
  }

  function reflect(name) {
    const { kind, values } = page.controls[name];
    const input = document.getElementById(`c-${name}`);
    const output = document.querySelector(`output[for="c-${name}"]`);
    if (kind === "choice") input.value = at[name];
    if (kind === "slider" || kind === "player") {
      input.value = at[name];
      input.setAttribute("aria-valuetext", values[at[name]]);
    }
    if (output) {
      output.textContent = kind === "again" && !page.live
        ? `${values[at[name]]} of ${values.length}` : values[at[name]];
    }
  }

  function connect(name, { kind, values }) {
    const input = document.getElementById(`c-${name}`);
    if (kind === "file") {
      input.addEventListener("change", () => {
        dropped = input.files[0] ?? null;
        page.panels.filter((panel) => panel.controls.includes(name)).forEach(refresh);
      });
      return;
    }
    if (kind === "again") {
      input.addEventListener("click", () => choose(name, (at[name] + 1) % values.length));
    } else {
      input.addEventListener("input", () => choose(name, Number(input.value)));
    }
    if (kind === "player") play(name, values.length - 1);
  }

  function play(name, last) {
    const box = document.querySelector(`[data-player="${name}"]`);
    const part = (go) => box.querySelector(`[data-go="${go}"]`);
    part("start").addEventListener("click", () => choose(name, 0));
    part("back").addEventListener("click", () => choose(name, at[name] - 1));
    part("next").addEventListener("click", () => choose(name, at[name] + 1));
    let clock = 0;
    const run = () => {
      clearInterval(clock);
      if (!part("play").checked) return;
      clock = setInterval(() => {
        if (at[name] < last) choose(name, at[name] + 1);
      }, Number(part("speed").value));
    };
    part("play").addEventListener("change", run);
    part("speed").addEventListener("change", run);
  }

  // ---- the address: #name=value&... opens a setting, and follows the controls

  function remember() {
    const said = new URLSearchParams();
    for (const [name, control] of Object.entries(page.controls)) {
      if (control.kind !== "file" && at[name] !== control.at) said.set(name, valueOf(name));
    }
    history.replaceState(null, "", `#${said}`);
  }

  function recall() {
    const said = new URLSearchParams(location.hash.slice(1));
    for (const [name, control] of Object.entries(page.controls)) {
      const note = document.querySelector(`[data-nearest="${name}"]`);
      at[name] = control.at;
      note.textContent = "";
      if (said.has(name) && control.kind !== "file") {
        at[name] = nearest(control, said.get(name));
        const shown = valueOf(name);
        if (String(shown) !== said.get(name) && Number(said.get(name)) !== shown) {
          note.textContent = `nearest value shown: ${control.label} = ${shown}`;
        }
      }
      if (control.kind !== "file") reflect(name);
    }
  }

  function nearest({ values, at: standard }, text) {
    const same = values.findIndex((value) => String(value) === text);
    const wanted = Number(text);
    if (same >= 0) return same;
    if (text.trim() === "" || Number.isNaN(wanted) || typeof values[0] !== "number") return standard;
    const far = (value) => Math.abs(value - wanted);
    return values.reduce((best, value, i) => (far(value) < far(values[best]) ? i : best), 0);
  }

  // ---- begin

  for (const panel of page.panels) {
    const section = document.querySelector(`[data-panel="${panel.name}"]`);
    panel.alert = section.querySelector("[role=alert]");
    panel.box = section.querySelector(".parts");
    for (const part of panel.parts) {
      part.node = element(part.kind === "drawing" ? "figure" : "div", part.kind);
      part.node.dataset.part = part.name;
      if (part.kind === "drawing") {
        const { width, usermeta } = panel.charts[part.name] ?? Object.values(panel.charts)[0];
        part.node.style.setProperty("--wide", `${usermeta?.widest ?? width}px`);
        part.node.classList.toggle("moving", Boolean(usermeta?.moving));
        // Vega gives the inner element a role of its own
        part.node.append(element("div"));
        part.node.firstChild.setAttribute("role", "img");
        part.node.firstChild.append(element("div"));
      } else {
        part.node.setAttribute("aria-live", "polite");
      }
      panel.box.append(part.node);
    }
  }
  recall();
  for (const [name, control] of Object.entries(page.controls)) connect(name, control);
  window.addEventListener("hashchange", () => {
    recall();
    page.panels.forEach(refresh);
  });
  page.panels.forEach(refresh);
})();
