// The browser's side of the chat page: applies patches to the conversation, opens sources, sends clicks on.
//
// A patch (see actions.py) comes as JSON and may hold:
//   stamp    its number; the same number is applied once
//   thread   the open conversation, remembered in this browser
//   reset    true: everything shown before goes
//   keep     turns that stay, those behind go
//   turns    {number: {part: html}}, parts are replaced one by one
//   earlier  how many earlier turns are not shown
//   empty    what stands there before the first question
//   documents  the documents a person has added, as HTML
//   running  whether a question is at work
//   say      a line for screen readers
//   trouble  [fact, what to do]
//   download {name, type, text}
// All HTML in it was made by the server and holds no text of others that is not escaped.
(() => {
  "use strict";

  const PARTS = ["question", "steps", "text", "more", "foot"];
  const CHANGING = ["edit", "undo", "retry", "delete", "clear"].map((act) => `[data-act=${act}]`).join();
  const THREAD = "lake.thread";
  const THEME = "lake.theme";
  const opened = new Map(); // what a person has folded or unfolded: key -> open
  let send = () => {};
  let unsettled = 0; // the timer of a change that was asked for
  let stage = null;
  let panel = null;
  let lastStamp = null;
  let cameFrom = null; // where the keyboard was before the sources opened

  const find = (selector, root = document) => root.querySelector(selector);
  const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

  function remember(store, key, value) {
    try {
      store.setItem(key, value);
    } catch {
      // A browser that keeps nothing still shows everything.
    }
  }

  function recall(store, key) {
    try {
      return store.getItem(key) || "";
    } catch {
      return "";
    }
  }

  // Each tab has its own conversation; a new tab opens the last one.
  const storedThread = () => recall(sessionStorage, THREAD) || recall(localStorage, THREAD);

  function storeThread(thread) {
    remember(sessionStorage, THREAD, thread);
    remember(localStorage, THREAD, thread);
  }

  // -- the conversation ------------------------------------------------------------------------------

  function keyOf(details) {
    const turn = details.closest("[data-turn-number]");
    return `${turn ? turn.dataset.turnNumber : ""}/${details.dataset.keep}`;
  }

  function replaceChildren(target, html) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const old = [...target.childNodes];
    const wanted = [...fresh.content.childNodes];
    wanted.forEach((node, n) => {
      if (!old[n]) target.appendChild(node);
      else if (old[n].outerHTML === undefined || old[n].outerHTML !== node.outerHTML) target.replaceChild(node, old[n]);
    });
    old.slice(wanted.length).forEach((node) => node.remove());
    for (const details of findAll("details[data-keep]", target)) {
      const known = opened.get(keyOf(details));
      if (known !== undefined) details.open = known;
    }
  }

  function setPart(turn, name, html) {
    const part = find(`:scope > .part-${name}`, turn);
    if (part.shown === html) return;
    part.shown = html;
    const answer = find(":scope > .answer", part);
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const next = find(".answer", fresh.content);
    if (answer && next && answer.className === next.className) replaceChildren(answer, next.innerHTML);
    else replaceChildren(part, html);
  }

  function findTurn(number) {
    const turns = find(".turns", stage);
    const known = find(`:scope > [data-turn-number="${number}"]`, turns);
    if (known) return known;
    const turn = document.createElement("article");
    turn.className = "turn";
    turn.dataset.turnNumber = number;
    turn.setAttribute("aria-label", `Question ${number}`);
    for (const name of PARTS) {
      const part = document.createElement("div");
      part.className = `part part-${name}`;
      turn.appendChild(part);
    }
    const after = [...turns.children].find((other) => Number(other.dataset.turnNumber) > number);
    turns.insertBefore(turn, after || null);
    return turn;
  }

  const scroller = () => find(".stage", stage);

  function isAtEnd() {
    const box = scroller();
    return box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  }

  function apply(text) {
    const patch = text ? JSON.parse(text) : {};
    if (patch.stamp === undefined || patch.stamp === lastStamp) return;
    lastStamp = patch.stamp;
    settle();
    const box = find(".turns", stage);
    const before = box.children.length;
    const follow = isAtEnd() || patch.reset;
    if (patch.thread !== undefined) storeThread(patch.thread);
    if (patch.reset) {
      box.replaceChildren();
      opened.clear();
    }
    if (patch.keep !== undefined) {
      for (const turn of [...box.children]) if (Number(turn.dataset.turnNumber) > patch.keep) turn.remove();
    }
    for (const [number, parts] of Object.entries(patch.turns || {})) {
      const turn = findTurn(Number(number));
      for (const name of PARTS) if (parts[name] !== undefined) setPart(turn, name, parts[name]);
    }
    if (patch.empty !== undefined) find(".welcome-place", stage).innerHTML = patch.empty;
    find(".welcome-place", stage).hidden = box.children.length > 0;
    if (patch.documents !== undefined) find(".documents-place", stage).innerHTML = patch.documents;
    if (patch.earlier !== undefined) find(".earlier", stage).hidden = !patch.earlier;
    if (patch.running !== undefined) document.body.classList.toggle("lake-running", patch.running);
    if (patch.say !== undefined) find("[role=status]", stage).textContent = patch.say;
    showTrouble(patch.trouble);
    if (patch.download) download(patch.download);
    document.body.classList.toggle("lake-empty", box.children.length === 0);
    if (follow || box.children.length > before) scrollDown(patch);
  }

  function scrollDown(patch) {
    const box = scroller();
    const turns = [...find(".turns", stage).children];
    const last = turns[turns.length - 1];
    if (!last) {
      box.scrollTop = 0;
      return;
    }
    // A finished answer is read from its beginning.
    const end = box.scrollHeight - box.clientHeight;
    box.scrollTop = patch.reset ? end : Math.min(end, Math.max(last.offsetTop - 12, 0));
  }

  function showTrouble(trouble) {
    const place = find(".trouble-place", stage);
    place.replaceChildren();
    if (!trouble) return;
    for (const [n, line] of trouble.entries()) {
      const paragraph = document.createElement("p");
      paragraph.textContent = line;
      if (n === 0) paragraph.className = "fact";
      place.appendChild(paragraph);
    }
  }

  function download({ name, type, text }) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // -- sources ---------------------------------------------------------------------------------------

  function openSource(key, cite) {
    document.body.classList.add("lake-sources-open");
    const root = find(".panel", panel);
    if (!root) return;
    for (const source of findAll("details.src", root)) {
      if (key) source.open = source.dataset.key === key;
    }
    for (const mark of findAll("mark", root)) {
      mark.classList.toggle("active", JSON.parse(mark.dataset.cites).includes(cite));
    }
    const source = key && find(`details.src[data-key="${key}"]`, root);
    if (!source) {
      const title = find("h2", root);
      if (title) title.focus({ preventScroll: true });
      return;
    }
    find("summary", source).focus({ preventScroll: true });
    const target = find("mark.active", source) || find(".ln.own", source);
    source.scrollIntoView({ block: "start" });
    const passage = find(".passage", source);
    if (target && passage) passage.scrollTop = Math.max(0, target.offsetTop - 60);
  }

  function closeSources() {
    document.body.classList.remove("lake-sources-open");
    if (cameFrom && cameFrom.isConnected) cameFrom.focus();
    cameFrom = null;
  }

  function showPanel() {
    const root = find(".panel", panel);
    if (root && root.dataset.open !== undefined) openSource(root.dataset.open, Number(root.dataset.cite));
    else if (panel) panel.closest("#lake-sources").scrollTop = 0;
  }

  // -- clicks ----------------------------------------------------------------------------------------

  async function copyText(text, button) {
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.appendChild(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    const said = button.textContent;
    button.textContent = done ? "copied" : "not copied";
    setTimeout(() => (button.textContent = said), 1500);
  }

  function startEdit(button) {
    const turn = button.closest(".turn");
    const bubble = find("[data-said]", turn);
    const form = document.createElement("form");
    form.className = "editing";
    const area = document.createElement("textarea");
    area.value = bubble.textContent;
    area.setAttribute("aria-label", "Your question");
    const row = document.createElement("div");
    row.className = "acts";
    const ask = document.createElement("button");
    ask.textContent = "ask again";
    ask.className = "small";
    const cancel = document.createElement("button");
    cancel.textContent = "cancel";
    cancel.type = "button";
    cancel.className = "small";
    row.append(ask, cancel);
    form.append(area, row);
    const number = Number(turn.dataset.turnNumber);
    const finish = () => {
      form.remove();
      bubble.hidden = false;
      button.closest(".acts").hidden = false;
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const question = area.value.trim();
      finish();
      if (question) change({ name: "edit", turn: number, question });
    });
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        form.requestSubmit();
      } else if (event.key === "Escape") {
        event.stopPropagation();
        finish();
        button.focus();
      }
    });
    cancel.addEventListener("click", () => {
      finish();
      button.focus();
    });
    bubble.hidden = true;
    button.closest(".acts").hidden = true;
    bubble.after(form);
    area.focus();
  }

  // What a click changes is not there yet: a second click would be about a turn that is going.
  function change(data) {
    for (const button of findAll(CHANGING)) button.disabled = true;
    clearTimeout(unsettled);
    unsettled = setTimeout(settle, 5000);
    send(data);
  }

  function settle() {
    clearTimeout(unsettled);
    for (const button of findAll(CHANGING)) button.disabled = false;
  }

  // A destructive click asks once more, in place.
  function confirmed(button) {
    if (button.dataset.sure) return true;
    const said = button.textContent;
    button.dataset.sure = "yes";
    button.textContent = "sure?";
    setTimeout(() => {
      delete button.dataset.sure;
      button.textContent = said;
    }, 3000);
    return false;
  }

  function act(button) {
    const data = button.dataset;
    const narrow = () => document.body.classList.remove("lake-rail-open");
    switch (data.act) {
      case "copy":
      case "copy-answer":
        copyText(data.copy, button);
        break;
      case "theme":
        setTheme(document.body.classList.contains("dark") ? "light" : "dark");
        break;
      case "rail": {
        const open = document.body.classList.toggle("lake-rail-open");
        button.setAttribute("aria-expanded", String(open));
        break;
      }
      case "close-sources":
        closeSources();
        break;
      case "source": {
        cameFrom = button;
        const root = panel && find(".panel", panel);
        if (root && root.dataset.turn === data.turn) openSource(data.key, Number(data.cite));
        else send({ name: "source", turn: Number(data.turn), key: data.key, cite: Number(data.cite) });
        break;
      }
      case "fact":
        cameFrom = button;
        send({ name: "fact", model: data.model, field: data.field });
        break;
      case "edit":
        startEdit(button);
        break;
      case "undo":
      case "retry":
        change({ name: data.act, turn: Number(data.turn) });
        break;
      case "ask":
        send({ name: "ask", question: data.question });
        break;
      case "open":
        narrow();
        send({ name: "open", thread: data.thread });
        break;
      case "new":
        narrow();
        send({ name: "new" });
        break;
      case "delete":
        if (confirmed(button)) change({ name: "delete", thread: data.thread });
        break;
      case "clear":
        if (storedThread() && confirmed(button)) change({ name: "delete", thread: storedThread() });
        break;
      case "export":
        send({ name: "export", format: data.format });
        break;
      case "earlier":
        send({ name: "earlier" });
        break;
    }
  }

  function setTheme(theme) {
    document.body.classList.toggle("dark", theme === "dark");
    remember(localStorage, THEME, theme);
  }

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-act]");
    if (button) act(button);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (document.body.classList.contains("lake-sources-open")) closeSources();
    else document.body.classList.remove("lake-rail-open");
  });
  document.addEventListener(
    "toggle",
    (event) => {
      if (event.target.matches && event.target.matches("details[data-keep]") && event.target.isConnected) {
        opened.set(keyOf(event.target), event.target.open);
      }
    },
    true,
  );

  // When the page is left, Gradio cuts off its own requests and writes that to the console: no error of ours.
  const write = console.error;
  let cutAt = -Infinity;
  console.error = (...said) => {
    if (said[0] instanceof DOMException && said[0].name === "AbortError") cutAt = performance.now();
    else if (performance.now() - cutAt > 500 || !String(said[1]).includes("Connection errored out")) {
      write.apply(console, said);
    }
  };

  window.lakePage = {
    storedThread,
    download,
    mount(element, trigger, props, watch) {
      stage = element;
      send = trigger;
      const stored = recall(localStorage, THEME);
      if (stored) setTheme(stored);
      const entry = find("#lake-entry textarea");
      if (entry) entry.setAttribute("aria-label", "Your question");
      watch("value", () => apply(props.value));
      if (props.value) apply(props.value);
    },
    mountPanel(element, watch) {
      panel = element;
      watch("value", showPanel);
    },
  };
})();
