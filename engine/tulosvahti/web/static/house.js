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
  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (event.defaultPrevented || form.method !== "post") { return; }
    if (form.hasAttribute("data-sent")) { event.preventDefault(); return; }
    form.setAttribute("data-sent", "");
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { form.removeAttribute("data-sent"); });
  });
})();
