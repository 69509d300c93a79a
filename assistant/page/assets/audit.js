// The browser's side of the Audit view: moves between a finding and its line, hides severities, and hands out
// the files a report holds.
(() => {
  "use strict";

  const find = (selector, root = document) => root.querySelector(selector);
  const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

  // -- moving about ----------------------------------------------------------------------------------

  function show(target, kind) {
    if (!target) return;
    for (const other of findAll(`.audit .${kind}.active`)) other.classList.remove("active");
    target.classList.add("active");
    const box = target.closest(".audit-card, .audit-side");
    if (box && box.scrollHeight > box.clientHeight + 1) {
      const place = target.getBoundingClientRect().top - box.getBoundingClientRect().top;
      box.scrollTop += place - box.clientHeight / 3;
      // Beside each other both are in sight; below each other the page has to move as well.
      const seen = target.getBoundingClientRect();
      if (seen.top < 0 || seen.bottom > window.innerHeight) box.scrollIntoView({ block: "center" });
    } else {
      target.scrollIntoView({ block: "center" });
    }
    target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: true });
  }

  function toggleSeverity(button) {
    const hidden = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!hidden));
    const audit = button.closest(".audit");
    for (const finding of findAll(`.finding[data-severity="${button.dataset.severity}"]`, audit)) {
      finding.hidden = hidden;
    }
  }

  function showFinding(number) {
    const finding = document.getElementById(`audit-F${number}`);
    if (finding && finding.hidden) {
      const chip = find(`.audit .chip[data-severity="${finding.dataset.severity}"]`);
      if (chip) toggleSeverity(chip);
    }
    const folded = finding && finding.closest("details.part");
    if (folded) folded.open = true;
    show(finding, "finding");
  }

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-audit]");
    if (!button) return;
    const data = button.dataset;
    if (data.audit === "line") show(document.getElementById(`audit-L${data.line}`), "al");
    else if (data.audit === "finding") showFinding(data.finding);
    else if (data.audit === "severity") toggleSeverity(button);
    else if (data.audit === "download") window.lakePage.download({ name: data.name, type: data.type, text: data.text });
  });
})();
