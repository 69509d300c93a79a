// Places where a visitor drops a card or a model's folder: sends the card, JSON files, and of weights their
// headers, to the hidden file field of the view.
(() => {
  "use strict";

  const SIZES = "lake-sizes.json"; // tells how long the weights are whose headers are sent, and the folder
  const MOST_JSON = 4 * 2 ** 20; // as large as a configuration is read
  const find = (selector, root = document) => root.querySelector(selector);

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

  async function send(zone, given, folder) {
    const most = Number(zone.dataset.most);
    const parts = [];
    const leftOut = [];
    const told = {};
    if (folder) told.folder = folder;
    try {
      for (const file of given) {
        const part = await choosePart(file, most);
        if (part) parts.push(part);
        else leftOut.push(file.name);
        if (part && part.size < file.size) told[file.name] = file.size;
      }
    } catch {
      tell(zone, "These files cannot be read by your browser. Choose them once more.", true);
      return;
    }
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    const input = find(`#${zone.dataset.upload} input[type=file]`);
    if (parts.length === 0) {
      tell(zone, "Nothing here that can be read: no Markdown card, no .json, no .safetensors file.", true);
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
      if (Object.keys(told).length) carrier.items.add(new File([JSON.stringify(told)], SIZES));
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
    const folders = given.filter(({ entry }) => entry && entry.isDirectory);
    return { found, folder: folders.length === 1 ? folders[0].entry.name : "" };
  }

  const zoneOf = (event) => {
    const view = event.target instanceof Element && event.target.closest(".lake-form");
    return view && find(".lake-drop", view);
  };

  document.addEventListener("dragover", (event) => {
    const zone = zoneOf(event);
    if (!zone) return;
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    const zone = zoneOf(event);
    if (zone && !(event.relatedTarget instanceof Element && event.relatedTarget.closest(".lake-form"))) {
      zone.classList.remove("over");
    }
  });
  document.addEventListener("drop", (event) => {
    const zone = zoneOf(event);
    if (!zone) return;
    event.preventDefault();
    zone.classList.remove("over");
    listDropped(event.dataTransfer).then(
      ({ found, folder }) => send(zone, found, folder),
      () => tell(zone, "This folder cannot be read by your browser. Choose it instead.", true),
    );
  });
  document.addEventListener("change", (event) => {
    const input = event.target;
    const zone = input instanceof HTMLInputElement && input.closest(".lake-drop");
    if (!zone || !input.files.length) return;
    const files = [...input.files];
    if (input.classList.contains("folder")) {
      send(zone, files.filter(isTop), files[0].webkitRelativePath.split("/")[0]);
    } else {
      send(zone, files);
    }
    input.value = "";
  });

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-drop]");
    if (button) find(`input.${button.dataset.drop}`, button.closest(".lake-drop")).click();
  });
})();
