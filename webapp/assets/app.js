// Small conveniences. Every page works without them.
(() => {
  const box = document.querySelector("textarea[data-submit-on-enter]");
  if (box) {
    // Enter asks, as in any search box; Shift and Enter begins a new line. `isComposing` spares input methods.
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        box.form.requestSubmit();
      }
    });
  }
  // Where there is room the filters lie open (the style sheet shows them as well, in browsers that can).
  const filters = document.querySelector("details[data-open-when-wide]");
  if (filters && window.matchMedia("(min-width: 60em)").matches) {
    filters.open = true;
  }
  // A citation is there to be selected; where scripts run, a button copies it.
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const text = document.getElementById(button.dataset.copy);
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
      } catch {
        getSelection().selectAllChildren(text); // no clipboard without https: the old way
        document.execCommand("copy");
      }
      button.nextElementSibling.textContent = "Copied";
    });
  }
})();
