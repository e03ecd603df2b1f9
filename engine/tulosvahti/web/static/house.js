// Small comforts of the pages. Every page works without them.
"use strict";
(function () {
  // Requests of htmx carry the token of the nearest form on the page.
  document.addEventListener("htmx:configRequest", function (event) {
    var field = document.querySelector("input[name=form_token]");
    if (field && event.detail.verb !== "get") { event.detail.headers["X-Form-Token"] = field.value; }
  });
  // A refused request of htmx shows its sentence where the answer would have stood.
  document.addEventListener("htmx:beforeSwap", function (event) {
    if (event.detail.xhr.status >= 400) { event.detail.shouldSwap = true; event.detail.isError = false; }
  });
  // A choice marked so sends its form at once.
  document.addEventListener("change", function (event) {
    var form = event.target.form;
    if (form && event.target.hasAttribute("data-send")) { form.requestSubmit(); }
  });
  // Cells pasted from a spreadsheet fill the grid from the cell that they are pasted into; rows are added as needed.
  function cells(row) { return Array.from(row.querySelectorAll("td > input:not([type=hidden]), td > select, td > textarea")); }
  function added(body) {
    var last = body.lastElementChild, row = last.cloneNode(true);
    row.querySelectorAll("input[type=hidden]").forEach(function (hidden) { hidden.remove(); });
    cells(row).forEach(function (cell) {
      var at = cell.name.lastIndexOf("."), number = Number(cell.name.slice(at + 1));
      cell.setAttribute("aria-label", cell.getAttribute("aria-label").replace(String(number), String(number + 1)));
      cell.name = cell.name.slice(0, at + 1) + (number + 1);
      cell.value = "";
    });
    body.appendChild(row);
    return row;
  }
  function split(text) {
    // A cell with line breaks or tabs comes in quotes, and quotes in it are doubled.
    var rows = [[]], cell = "", quoted = false;
    text = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
    for (var at = 0; at < text.length; at += 1) {
      var sign = text[at];
      if (quoted) {
        if (sign === '"' && text[at + 1] === '"') { cell += '"'; at += 1; } else if (sign === '"') { quoted = false; } else { cell += sign; }
      } else if (sign === '"' && cell === "") { quoted = true; } else if (sign === "\t") { rows[rows.length - 1].push(cell); cell = ""; } else if (sign === "\n") { rows[rows.length - 1].push(cell); cell = ""; rows.push([]); } else { cell += sign; }
    }
    rows[rows.length - 1].push(cell);
    return rows;
  }
  function put(cell, text) {
    if (cell.tagName !== "SELECT") { cell.value = text; return; }
    var found = Array.from(cell.options).find(function (option) { return option.value === text.trim(); });
    if (!found) { found = new Option(text, text); cell.add(found); }
    cell.value = found.value;
  }
  document.addEventListener("paste", function (event) {
    var grid = event.target.closest && event.target.closest("[data-grid]");
    var text = grid && event.clipboardData.getData("text/plain");
    if (!text || !/[\t\n]/.test(text.replace(/\n$/, ""))) { return; }
    event.preventDefault();
    var body = grid.tBodies[0], row = event.target.closest("tr"), from = cells(row).indexOf(event.target);
    split(text).forEach(function (line, number) {
      if (number) { row = row.nextElementSibling || added(body); }
      line.forEach(function (value, column) { var cell = cells(row)[from + column]; if (cell) { put(cell, value); } });
    });
  });
  // A figure of an audited table shows the relations that it is part of; without this its link leads to the first.
  document.addEventListener("click", function (event) {
    var figure = event.target.closest ? event.target.closest("a[data-relations]") : null;
    var said = figure && document.getElementById(figure.getAttribute("data-said"));
    if (!said) { return; }
    event.preventDefault();
    document.querySelectorAll("a.sum.chosen").forEach(function (other) { other.classList.remove("chosen"); });
    figure.classList.add("chosen");
    var list = document.createElement("ul");
    figure.getAttribute("data-relations").split(" ").forEach(function (id) {
      var relation = document.getElementById(id);
      if (relation) { var copy = relation.cloneNode(true); copy.removeAttribute("id"); list.appendChild(copy); }
    });
    said.replaceChildren(list);
    said.hidden = false;
  });
  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (event.defaultPrevented || form.method !== "post") { return; }
    if (form.hasAttribute("data-sent")) { event.preventDefault(); return; }
    form.setAttribute("data-sent", "");
    window.setTimeout(function () { form.removeAttribute("data-sent"); }, 5000);
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { form.removeAttribute("data-sent"); });
  });
})();
