// What the console adds: the keyboard, live lists, and a word after each swap.
(() => {
  const { all, announce } = window.seaworthy
  const help = document.getElementById("keys")
  const typing = (element) => element.closest("input, textarea, select, [contenteditable]")

  // "g" and a letter go to a page: the first letter of its name that is free.
  const pages = new Map()
  for (const link of all("[data-go]")) {
    const letter = [...link.dataset.go.toLowerCase()].find((c) => /[a-z]/.test(c) && !pages.has(c))
    if (letter) pages.set(letter, link)
  }

  function listPages() {
    const list = help.querySelector("[data-go-list]")
    if (list.children.length) return
    for (const [letter, link] of pages) {
      const row = list.appendChild(document.createElement("div"))
      row.appendChild(document.createElement("dt")).textContent = link.dataset.go
      const keys = row.appendChild(document.createElement("dd"))
      keys.appendChild(document.createElement("kbd")).textContent = "g"
      keys.append(" ")
      keys.appendChild(document.createElement("kbd")).textContent = letter
    }
  }

  function openHelp() {
    listPages()
    for (const menu of all("details.menu[open]")) menu.open = false
    if (!help.open) help.showModal()
  }

  // "j" and "k" walk the rows of the page's list.
  function walk(step) {
    const rows = all("[data-list] tbody tr, ul[data-list] > li")
    if (!rows.length) return
    const now = rows.findIndex((row) => row.contains(document.activeElement))
    const row = rows[Math.min(Math.max(now + step, 0), rows.length - 1)]
    const target = row.matches("li") ? row.querySelector("a") : row
    if (target === row) row.tabIndex = -1
    target.focus()
    target.scrollIntoView({ block: "nearest" })
  }

  // The arrows lead from the search box through what was found and back; Escape empties it.
  function through(event) {
    const box = document.querySelector("[data-find]")
    const hits = all("#found a")
    const at = hits.indexOf(document.activeElement)
    if (!box || at < 0 && document.activeElement !== box) return false
    const { key } = event
    if (key === "Escape") {
      document.querySelector(".find > #found")?.replaceChildren()
      const leave = at < 0 && box.value === ""
      if (at < 0) box.value = ""
      if (leave) box.blur()
      else box.focus()
    } else if (key === "ArrowDown") (hits[at + 1] || hits[0] || box).focus()
    else if (key === "ArrowUp") (at > 0 ? hits[at - 1] : at === 0 ? box : hits.at(-1) || box).focus()
    else return false
    event.preventDefault()
    return true
  }

  let waiting = false // for the letter after "g"
  document.addEventListener("keydown", (event) => {
    const { key, target } = event
    if (through(event)) return
    if (key === "Escape" && typing(target)) return target.blur()
    if (event.ctrlKey || event.metaKey || event.altKey || typing(target) || help.open) return
    if (waiting) {
      waiting = false
      return pages.get(key)?.click()
    }
    if (key === "/" || key === "f") {
      const all = "[data-search]", list = "main [data-filter]"
      const box = key === "f" ? document.querySelector(list) : document.querySelector("main " + all) || document.querySelector(all) || document.querySelector("[data-filter]")
      if (!box) return
      event.preventDefault()
      box.focus()
      box.select()
    } else if (key === "g") {
      waiting = true
      setTimeout(() => { waiting = false }, 1500)
    } else if (key === "?") openHelp()
    else if (key === "j") walk(1)
    else if (key === "k") walk(-1)
    else if (key === "Enter" && target.matches("tr")) target.querySelector("a, summary")?.click()
  })

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys]")) openHelp()
    else if (event.target === help) help.close()
    const live = event.target.closest("[data-live]")
    if (!live) return
    const on = live.getAttribute("aria-pressed") !== "true"
    live.setAttribute("aria-pressed", String(on))
    announce(on ? "The list is live" : "The list is paused")
  })

  // A live list asks again when it is told that something changed, or else every few
  // seconds, but never moves what is under the pointer or has the focus.
  const changed = new Set()
  function refresh(button) {
    const list = document.querySelector(button.dataset.live)
    const busy = !list || document.hidden || list.matches(":hover") || list.contains(document.activeElement)
    if (busy) return
    changed.delete(button)
    window.htmx?.trigger(list, "refresh")
  }
  for (const button of all("[data-events]")) {
    new EventSource(button.dataset.events).addEventListener("change", () => changed.add(button))
  }
  setInterval(() => {
    for (const button of all("[data-live][aria-pressed=true]")) if (!button.dataset.events || changed.has(button)) refresh(button)
  }, all("[data-events]").length ? 1000 : 4000)

  document.addEventListener("htmx:afterSettle", (event) => {
    const list = event.detail.target
    if (list?.id === "found" || event.target.id === "found") {
      const hits = all("#found a.found-hit").length
      return announce(hits === 1 ? "1 result" : hits ? `${hits} results` : "Nothing found")
    }
    if (list?.id !== "list" && event.target.id !== "list") return
    if (event.detail.requestConfig?.triggeringEvent?.type === "refresh") return // it stays where it was
    const section = document.getElementById("list")
    if (document.activeElement === document.body) section.focus({ preventScroll: true })
    const rows = all("tbody tr", section).length
    announce(rows === 1 ? "1 row" : rows ? `${rows} rows` : "No rows")
    window.scrollTo({ top: 0 })
  })

  // What could not be swapped in is opened as a page, which says what is wrong.
  document.addEventListener("htmx:responseError", (event) => {
    const { requestConfig, pathInfo } = event.detail
    if (requestConfig.verb === "get" && event.target.id !== "messages") location.assign(pathInfo.finalRequestPath)
  })
  document.addEventListener("htmx:sendError", () => announce("The server did not answer. Try again."))
})()
