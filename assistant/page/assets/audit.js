// The browser's side of the Audit view: moves between a finding and its line, hides severities, hands out the
// files a report holds, and sends what a visitor drops in: the card, JSON files, and of weights their headers.
(() => {
  "use strict";

  const SIZES = "lake-sizes.json"; // tells how long the weights are whose headers are sent
  const MOST_JSON = 4 * 2 ** 20; // as large as a configuration is read
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

  // -- what a visitor gives --------------------------------------------------------------------------

  function tell(zone, text, bad) {
    const place = find(".sent", zone);
    place.textContent = text;
    place.classList.toggle("bad", Boolean(bad));
  }

  // The first bytes of a safetensors file: the length of its header (8 bytes, little endian) and the header.
  // https://github.com/huggingface/safetensors#format
  async function cutHeader(file, most) {
    const length = new DataView(await file.slice(0, 8).arrayBuffer()).getBigUint64(0, true);
    if (length > BigInt(most)) return null;
    return new File([await file.slice(0, 8 + Number(length)).arrayBuffer()], file.name);
  }

  async function choosePart(file, most) {
    const name = file.name.toLowerCase();
    if (/\.(md|markdown)$/.test(name)) return file;
    if (/\.json$/.test(name)) return file.size <= MOST_JSON ? file : null;
    if (/\.safetensors$/.test(name) && file.size >= 8) return cutHeader(file, most);
    return null;
  }

  async function send(zone, given) {
    const most = Number(zone.dataset.most);
    const parts = [];
    const leftOut = [];
    const sizes = {};
    try {
      for (const file of given) {
        const part = await choosePart(file, most);
        if (part) parts.push(part);
        else leftOut.push(file.name);
        if (part && part.size < file.size) sizes[file.name] = file.size;
      }
    } catch {
      tell(zone, "These files cannot be read by your browser. Choose them once more.", true);
      return;
    }
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    const input = find("#audit-upload input[type=file]");
    if (parts.length === 0) {
      tell(zone, "Nothing here that an audit reads: no Markdown card, no .json, no .safetensors file.", true);
    } else if (parts.length > Number(zone.dataset.files)) {
      tell(zone, `${parts.length} files are too many; at most ${zone.dataset.files} are taken.`, true);
    } else if (size > most) {
      const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
      tell(zone, `These files have ${megabytes(size)}; at most ${megabytes(most)} are taken.`, true);
    } else if (!input) {
      tell(zone, "The last files are still on their way. Try again in a moment.", true);
    } else {
      const others = leftOut.length > 3 ? ` and ${leftOut.length - 3} more` : "";
      const left = leftOut.length ? ` Left with you: ${leftOut.slice(0, 3).join(", ")}${others}.` : "";
      tell(zone, `Sent: ${parts.map((part) => part.name).slice(0, 5).join(", ")}${parts.length > 5 ? ", …" : ""}.${left}`);
      const carrier = new DataTransfer();
      for (const part of parts) carrier.items.add(part);
      if (Object.keys(sizes).length) carrier.items.add(new File([JSON.stringify(sizes)], SIZES));
      input.files = carrier.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }

  // Files of a chosen folder's top; those below it are parts of pipelines or copies.
  const isTop = (file) => (file.webkitRelativePath || "").split("/").length <= 2;

  function readEntries(reader) {
    return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  }

  async function listDropped(transfer) {
    // All at once: after the first wait the browser has let go of them.
    const given = [...transfer.items]
      .filter((item) => item.kind === "file")
      .map((item) => ({ file: item.getAsFile(), entry: item.webkitGetAsEntry() }));
    const found = [];
    for (const { file, entry } of given) {
      if (!entry || entry.isFile) {
        if (file) found.push(file);
        continue;
      }
      const reader = entry.createReader();
      for (let some = await readEntries(reader); some.length; some = await readEntries(reader)) {
        for (const inner of some) {
          if (inner.isFile) found.push(await new Promise((resolve, reject) => inner.file(resolve, reject)));
        }
      }
    }
    return found;
  }

  const zoneOf = (event) => {
    const view = event.target instanceof Element && event.target.closest(".lake-audit");
    return view && find(".audit-drop", view);
  };

  document.addEventListener("dragover", (event) => {
    const zone = zoneOf(event);
    if (!zone) return;
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    const zone = zoneOf(event);
    if (zone && !(event.relatedTarget instanceof Element && event.relatedTarget.closest(".lake-audit"))) {
      zone.classList.remove("over");
    }
  });
  document.addEventListener("drop", (event) => {
    const zone = zoneOf(event);
    if (!zone) return;
    event.preventDefault();
    zone.classList.remove("over");
    listDropped(event.dataTransfer).then(
      (files) => send(zone, files),
      () => tell(zone, "This folder cannot be read by your browser. Choose it instead.", true),
    );
  });
  document.addEventListener("change", (event) => {
    const input = event.target;
    const zone = input instanceof HTMLInputElement && input.closest(".audit-drop");
    if (!zone || !input.files.length) return;
    const files = [...input.files];
    send(zone, input.classList.contains("folder") ? files.filter(isTop) : files);
    input.value = "";
  });

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-audit]");
    if (!button) return;
    const data = button.dataset;
    if (data.audit === "line") show(document.getElementById(`audit-L${data.line}`), "al");
    else if (data.audit === "finding") showFinding(data.finding);
    else if (data.audit === "severity") toggleSeverity(button);
    else if (data.audit === "download") window.lakePage.download({ name: data.name, type: data.type, text: data.text });
    else if (data.audit === "choose") find(`input.${data.kind === "file" ? "files" : "folder"}`, button.closest(".audit-drop")).click();
  });
})();
