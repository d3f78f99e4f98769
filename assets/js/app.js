// What every page has: theme, password fields, forms, copying. Each part improves
// something that works without it. Listeners sit on the document, so that parts
// which arrive later have them too.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)]
  const announcer = document.getElementById("announcer")

  function announce(text) {
    if (!announcer) return
    announcer.textContent = ""
    setTimeout(() => { announcer.textContent = text }, 50)
  }

  // The theme follows the system until somebody chooses: system, light, dark.
  const root = document.documentElement
  const icons = { system: "sun-moon", light: "sun", dark: "moon" }
  const theme = () => root.dataset.theme || "system"

  function showTheme() {
    for (const button of all("[data-theme-switch]")) {
      const use = button.querySelector("use")
      use.setAttribute("href", use.getAttribute("href").split("#")[0] + "#" + icons[theme()])
      button.setAttribute("aria-label", "Theme: " + theme())
      button.title = "Theme: " + theme()
    }
  }

  function nextTheme() {
    const order = ["system", "light", "dark"]
    const next = order[(order.indexOf(theme()) + 1) % order.length]
    if (next === "system") delete root.dataset.theme
    else root.dataset.theme = next
    try {
      if (next === "system") localStorage.removeItem("theme")
      else localStorage.setItem("theme", next)
    } catch { /* it lasts for this page */ }
    showTheme()
    announce("Theme: " + next)
  }

  function reveal(button) {
    const input = document.getElementById(button.dataset.reveal)
    const shown = input.type === "password"
    input.type = shown ? "text" : "password"
    button.setAttribute("aria-pressed", String(shown))
  }

  // Hidden again before it is sent, so that no browser keeps it as typed text.
  function conceal(form) {
    for (const button of all("[data-reveal][aria-pressed=true]", form)) reveal(button)
  }

  // What is copied stands in the button, or in the code beside it.
  async function copy(button) {
    const words = button.dataset.copy ?? button.parentElement.querySelector("code").textContent
    try {
      await navigator.clipboard.writeText(words)
    } catch { // no clipboard outside of https and localhost
      const text = document.createElement("textarea")
      text.value = words
      text.className = "visually-hidden"
      document.body.append(text)
      text.select()
      const done = document.execCommand("copy")
      text.remove()
      button.focus()
      if (!done) return announce("Copying is not allowed here. Select the text and copy it.")
    }
    button.classList.add("copied")
    announce("Copied")
    setTimeout(() => button.classList.remove("copied"), 1500)
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button")
    if (button?.matches("[data-theme-switch]")) nextTheme()
    else if (button?.matches("[data-reveal]")) reveal(button)
    else if (button?.matches("[data-copy], [data-copy-code]")) copy(button)
    else if (button?.matches("[data-print]")) print()
    else if (button?.matches("[data-back]")) history.length > 1 ? history.back() : location.assign("/")
    for (const menu of all("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false
    }
  })

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return
    for (const menu of all("details.menu[open]")) {
      menu.open = false
      menu.querySelector("summary").focus()
    }
  })

  // Caps lock is told where it matters: at a password while it is typed.
  const caps = (event) => {
    const hint = event.target.id && document.querySelector(`[data-caps="${event.target.id}"]`)
    if (!hint || !event.getModifierState) return
    hint.textContent = event.getModifierState("CapsLock") ? "Caps lock is on." : ""
  }
  document.addEventListener("keydown", caps)
  document.addEventListener("keyup", caps)

  // A form is sent once. The button is disabled only after the browser has
  // collected the fields, because a disabled button would not be among them.
  document.addEventListener("submit", (event) => {
    const form = event.target
    const button = event.submitter || form.querySelector("[type=submit]")
    if (event.defaultPrevented || form.method !== "post") return
    conceal(form)
    setTimeout(() => {
      for (const other of all("[type=submit]", form)) other.disabled = true
      if (!button?.dataset.busy) return
      button.dataset.label = button.innerHTML
      button.textContent = button.dataset.busy + "…"
      announce(button.dataset.busy)
    })
  })

  // Coming back by the history, the page is as it was left: ready again.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return
    for (const button of all("[type=submit]:disabled")) {
      button.disabled = false
      if (button.dataset.label) button.innerHTML = button.dataset.label
    }
  })

  function countDown(button) {
    const label = button.textContent
    const until = Date.now() + 1000 * Number(button.dataset.countdown)
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000)
      button.disabled = left > 0
      button.textContent = left > 0 ? `${label} in ${left} s` : label
      if (left > 0) setTimeout(tick, 250)
    }
    tick()
  }

  // On a phone the sections are a row that scrolls; the one that is open is in sight.
  const tab = document.querySelector(".subnav [aria-current]")
  if (tab) tab.closest("ul").scrollLeft = tab.offsetLeft + tab.offsetWidth / 2 - innerWidth / 2

  showTheme()
  all("[data-countdown]").forEach(countDown)
  if (!("autofocus" in HTMLElement.prototype)) document.querySelector("[data-faults]")?.focus()
  window.seaworthy = { all, announce }
})()
