// The list of councils as a box to type into. Without this script it stays a list, and works.
(() => {
  const select = document.getElementById("council");
  if (!select || !window.accessibleAutocomplete) return;
  const plain = (text) =>
    text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f'\u2019.]/g, "").replace(/&/g, "and").replace(/[-,]/g, " ");
  const councils = Array.from(select.options)
    .filter((one) => one.value)
    .map((one) => ({ one, text: one.textContent, names: [one.textContent, ...one.dataset.names.split(";")].map(plain) }));
  // 0: the name begins so; 1: a word of it does; 2: it stands somewhere; 3: nowhere. Other names stand half a place back.
  const rank = (names, wanted) =>
    Math.min(
      ...names.map((name, number) => {
        const place = [name.startsWith(wanted), name.includes(` ${wanted}`), name.includes(wanted), true].indexOf(true);
        return place + (number && place < 3 ? 0.5 : 0);
      }),
    );
  const choose = (text) => {
    const found = councils.find((council) => council.text === text);
    select.value = found ? found.one.value : "";
  };
  window.accessibleAutocomplete.enhanceSelectElement({
    selectElement: select,
    defaultValue: "",
    name: "typed",
    minLength: 2,
    confirmOnBlur: false,
    source: (query, show) => {
      const wanted = plain(query).trim();
      const found = councils.map((council) => [rank(council.names, wanted), council.text]).filter(([place]) => place < 3);
      show(found.sort((a, b) => a[0] - b[0]).slice(0, 12).map(([, text]) => text));
    },
    onConfirm: (text) => text && choose(text),
    showNoOptionsFound: false, // it would lie over the button; the server says it better
  });
  // What is changed after a choice is no longer that choice; the server then looks for what was typed.
  const box = document.getElementById("council");
  box.addEventListener("input", () => choose(box.value));
  if (select.hasAttribute("aria-describedby")) box.setAttribute("aria-describedby", select.getAttribute("aria-describedby"));
})();
