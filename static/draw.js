// Draws a signature with finger, pen or mouse, beside the typed name and never instead of it.
// The strokes go into a hidden field as whole numbers on a sheet of 600 by 200.
(() => {
  const place = document.querySelector("[data-draw]");
  const field = place && document.querySelector(`[name=${place.dataset.draw}]`);
  if (!field) return;
  const sheet = document.createElement("canvas");
  const clear = document.createElement("button");
  const label = document.createElement("p");
  label.textContent = "Draw your signature as well, if you like. Your typed name is enough.";
  label.id = "draw-label";
  sheet.width = 600;
  sheet.height = 200;
  sheet.className = "draw__sheet";
  sheet.setAttribute("role", "img");
  sheet.setAttribute("aria-labelledby", label.id);
  clear.type = "button";
  clear.className = "button button--secondary";
  clear.textContent = "Clear the drawing";
  place.append(label, sheet, clear);
  place.hidden = false;
  const ink = sheet.getContext("2d");
  let strokes = [];
  let now = null;
  const at = (event) => {
    const box = sheet.getBoundingClientRect();
    const fit = (value, most) => Math.max(0, Math.min(most, Math.round(value)));
    return [
      fit(((event.clientX - box.left) * 600) / box.width, 600),
      fit(((event.clientY - box.top) * 200) / box.height, 200),
    ];
  };
  const draw = () => {
    ink.clearRect(0, 0, 600, 200);
    ink.strokeStyle = getComputedStyle(sheet).color;
    ink.lineWidth = 3;
    ink.lineCap = ink.lineJoin = "round";
    for (const stroke of strokes) {
      ink.beginPath();
      ink.moveTo(...stroke[0]);
      for (const point of stroke) ink.lineTo(...point);
      ink.stroke();
    }
    field.value = strokes.length ? JSON.stringify(strokes) : "";
  };
  sheet.addEventListener("pointerdown", (event) => {
    const drawn = strokes.reduce((sum, stroke) => sum + stroke.length, 0);
    if (strokes.length >= 60 || drawn > 1500) return;
    sheet.setPointerCapture(event.pointerId);
    strokes.push((now = [at(event)]));
    draw();
  });
  sheet.addEventListener("pointermove", (event) => {
    if (!now || now.length >= 400) return;
    now.push(at(event));
    draw();
  });
  for (const name of ["pointerup", "pointercancel"]) sheet.addEventListener(name, () => (now = null));
  clear.addEventListener("click", () => {
    strokes = [];
    draw();
  });
  try {
    strokes = JSON.parse(field.value || "[]");
    draw();
  } catch {
    strokes = [];
  }
})();
