// Keys in the issues list, while the focus is inside it: j next, k back, o answer, a accept.
// The page works the same without this file.
(() => {
  const hint = document.getElementById("keys-hint");
  if (hint) hint.hidden = !matchMedia("(hover: hover)").matches;
  const steps = { j: 1, k: -1 };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target;
    if (!at.closest || at.matches("input, textarea, select") || at.isContentEditable) return;
    const row = at.closest(".issue");
    if (!row) return;
    if (event.key in steps) {
      const rows = [...document.querySelectorAll(".issue")];
      const next = rows[rows.indexOf(row) + steps[event.key]];
      const link = next && next.querySelector("h3 a");
      if (link) { event.preventDefault(); link.focus(); next.scrollIntoView({ block: "nearest" }); }
      return;
    }
    if (event.key !== "o" && event.key !== "a") return;
    const act = row.querySelector(`[data-key="${event.key}"]`);
    if (act) { event.preventDefault(); act.click(); }
  });
})();
