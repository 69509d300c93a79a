// The browser's side of the Draft view: opens the evidence of a mark, shows one of its panels, keeps what a
// visitor edits (by model, in their own browser alone), and hands out the files.
(() => {
  "use strict";

  const KEPT = "lake-draft:"; // + model -> {text, left}
  const SAVE_AFTER = 300; // ms of no typing
  const WIDE = "(min-width: 900px)";
  const find = (selector, root = document) => root.querySelector(selector);
  const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
  const edits = new Map(); // the same as is kept, for browsers that keep nothing
  let opener = null; // the mark whose evidence is open
  let left = null; // a text of the visitor's that another took the place of, to be brought back
  let timer = 0;

  // -- evidence --------------------------------------------------------------------------------------

  function openEvidence(mark) {
    const draft = mark.closest(".draft");
    const item = document.getElementById(`draft-${mark.dataset.key}`);
    if (!draft || !item) return;
    for (const other of findAll(".evid", draft)) other.hidden = other !== item;
    for (const other of findAll(".mark[aria-current]", draft)) other.removeAttribute("aria-current");
    mark.setAttribute("aria-current", "true");
    find("#draft-choose").hidden = true;
    find(".draft-evidence", draft).classList.add("open");
    for (const part of findAll("mark", item)) {
      part.classList.toggle("active", part.dataset.statements.includes(` ${mark.dataset.statement} `));
    }
    for (const use of findAll(".src-uses li", item)) {
      use.classList.toggle("active", use.dataset.statement === mark.dataset.statement);
    }
    opener = mark;
    const first = find("mark.active", item);
    const passage = find(".passage", item);
    if (first) passage.scrollTop += first.getBoundingClientRect().top - passage.getBoundingClientRect().top - 40;
    find(".draft-evidence", draft).scrollTop = 0;
    item.focus({ preventScroll: true });
    if (!window.matchMedia(WIDE).matches) showAbove(mark, find(".draft-evidence", draft));
  }

  // On a narrow screen the evidence lies over the lower half; the mark it belongs to stays in sight above it.
  function showAbove(mark, sheet) {
    if (mark.getBoundingClientRect().bottom > sheet.getBoundingClientRect().top - 8) {
      (mark.closest(".said, .yl") || mark).scrollIntoView({ block: "start" });
    }
  }

  function closeEvidence() {
    const aside = find(".draft-evidence.open");
    if (!aside) return;
    aside.classList.remove("open");
    if (!window.matchMedia(WIDE).matches) for (const item of findAll(".evid", aside)) item.hidden = true;
    if (opener && opener.isConnected) opener.focus();
  }

  function nextOpen(draft) {
    const slots = findAll(".open-slot", draft);
    if (slots.length === 0) return;
    show(draft, "read");
    const at = slots.findIndex((slot) => slot.classList.contains("active"));
    const next = slots[(at + 1) % slots.length];
    for (const slot of slots) slot.classList.toggle("active", slot === next);
    next.scrollIntoView({ block: "center" });
    next.focus({ preventScroll: true });
  }

  // -- panels ----------------------------------------------------------------------------------------

  function show(draft, name) {
    for (const tab of findAll('[role="tab"]', draft)) {
      const chosen = tab.dataset.show === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !chosen;
    }
  }

  // -- what is edited --------------------------------------------------------------------------------

  function recall(model) {
    if (edits.has(model)) return edits.get(model);
    try {
      const kept = JSON.parse(localStorage.getItem(KEPT + model));
      return kept && typeof kept.text === "string" ? kept : null;
    } catch {
      return null;
    }
  }

  function keep() {
    clearTimeout(timer);
    timer = 0;
    const area = find("#draft-text");
    if (!area) return;
    const model = area.closest(".draft").dataset.model;
    const text = area.value;
    let stored = true;
    try {
      if (text === area.dataset.original && left === null) {
        edits.delete(model);
        localStorage.removeItem(KEPT + model);
      } else {
        edits.set(model, { text, left });
        localStorage.setItem(KEPT + model, JSON.stringify(edits.get(model)));
      }
    } catch {
      stored = false;
    }
    tell(area, stored);
  }

  const isOwn = (area) => ![area.dataset.original, area.dataset.proposed].includes(area.value);

  function tell(area, stored = true) {
    const place = find(".draft-kept");
    const edited = area.value !== area.dataset.original;
    find('[data-draft="restore"]').disabled = !edited;
    find('[data-draft="bring-back"]').hidden = left === null;
    find("#draft-tab-edit").textContent = edited ? "Edit (edited)" : "Edit";
    const told = !edited
      ? ""
      : stored
        ? "Your text is kept in this browser; drafting again, or another model, leaves it as it is."
        : "Your browser keeps nothing: save README.md before you leave this page.";
    if (place.textContent !== told) place.textContent = told;
  }

  // Another text takes the place of the one at hand; words of the visitor's own can be brought back.
  function replace(area, text) {
    if (isOwn(area)) left = area.value;
    area.value = text;
    keep();
  }

  function bringBack(area) {
    const text = left;
    left = isOwn(area) ? area.value : null;
    area.value = text;
    keep();
    area.focus();
  }

  // A text area knows no other line ends than \n; compared and written is what it holds.
  function begin(element) {
    const area = find("#draft-text", element);
    if (!area || area.dataset.begun) return;
    area.dataset.begun = "true";
    opener = null;
    for (const name of ["original", "proposed"]) {
      if (area.dataset[name] === undefined) continue;
      area.value = area.dataset[name];
      area.dataset[name] = area.value;
    }
    const kept = recall(area.closest(".draft").dataset.model) || {};
    area.value = kept.text ?? area.dataset.original;
    area.setSelectionRange(0, 0);
    left = kept.left ?? null;
    tell(area);
  }

  document.addEventListener("input", (event) => {
    if (event.target.id !== "draft-text") return;
    tell(event.target);
    clearTimeout(timer);
    timer = setTimeout(keep, SAVE_AFTER);
  });
  window.addEventListener("pagehide", () => timer && keep());

  // -- events ----------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-draft]");
    if (event.target instanceof Element && event.target.closest("#draft-go") && timer) keep();
    if (!button) return;
    const data = button.dataset;
    const draft = button.closest(".draft");
    const area = find("#draft-text", draft);
    if (data.draft === "evidence") openEvidence(button);
    else if (data.draft === "back") closeEvidence();
    else if (data.draft === "next") nextOpen(draft);
    else if (data.draft === "show") show(draft, data.show);
    else if (data.draft === "restore") replace(area, area.dataset.original);
    else if (data.draft === "use-proposed") replace(area, area.dataset.proposed);
    else if (data.draft === "bring-back") bringBack(area);
    else if (data.draft === "download") {
      window.lakePage.download({ name: data.name, type: data.type, text: data.text ?? area.value });
    }
  });

  document.addEventListener("keydown", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest(".draft")) return;
    if (event.key === "Escape") closeEvidence();
    const tab = event.target.closest('.draft-tabs [role="tab"]');
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!tab || !step) return;
    const tabs = findAll('[role="tab"]', tab.parentElement);
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    show(tab.closest(".draft"), next.dataset.show);
    next.focus();
    event.preventDefault();
  });

  window.lakeDraft = {
    mount(element) {
      // Gradio puts the HTML in after it told of it; whenever it does, a draft begins.
      new MutationObserver(() => begin(element)).observe(element, { childList: true, subtree: true });
      begin(element);
    },
  };
})();
