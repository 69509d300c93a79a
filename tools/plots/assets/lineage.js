"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const details = document.getElementById("details");

  function write(tag, text, kind) {
    const element = document.createElement(tag);
    element.textContent = text;
    if (kind) element.className = kind;
    details.appendChild(element);
    return element;
  }

  function writeEvidence(items) {
    if (!items.length) write("p", "Nothing more is known of it.", "hint");
    for (const item of items) {
      const quote = write("blockquote", item.text);
      const where = document.createElement("span");
      where.className = "where";
      where.textContent = `${item.source}, ${item.locator}, sha256 ${item.sha256.slice(0, 12)}…`;
      quote.appendChild(where);
    }
  }

  function showEdge(edge) {
    write("h2", `${edge.parent} → ${edge.child}`);
    write("p", edge.relation ? `${edge.relation}: ${edge.standing}` : edge.standing);
    write("p", edge.reason);
    writeEvidence(edge.evidence);
  }

  function showModel(model) {
    write("h2", model.model);
    write("p", model.in_lake ? "In this lake." : "Only named by others: not in this lake.");
    if (model.problem) write("p", model.problem);
    const near = data.edges.filter((edge) => edge.parent === model.model || edge.child === model.model);
    for (const edge of near) {
      const said = edge.child === model.model ? `made from ${edge.parent}` : `parent of ${edge.child}`;
      write("p", `${said}: ${edge.standing}`);
    }
  }

  function choose(target) {
    for (const old of document.querySelectorAll(".chosen")) old.classList.remove("chosen");
    target.classList.add("chosen");
    details.replaceChildren();
    if (target.dataset.edge !== undefined) showEdge(data.edges[target.dataset.edge]);
    else showModel(data.models[target.dataset.model]);
  }

  const svg = document.querySelector(".graph svg");
  const focus = svg.querySelector(".focus");
  if (focus) focus.scrollIntoView({ block: "nearest", inline: "center" });
  svg.addEventListener("click", (event) => {
    const target = event.target.closest("[data-edge], [data-model]");
    if (target) choose(target);
  });
  svg.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    const target = event.target.closest("[data-edge], [data-model]");
    if (!target) return;
    event.preventDefault();
    choose(target);
  });
})();
