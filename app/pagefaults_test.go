package app_test

// faultsOfPage finds what keeps people out who see or point less well than others:
// what axe-core found on these pages once, and what is as cheap to look for.
const faultsOfPage = `(() => {
	const faults = [], all = (s, within = document) => [...within.querySelectorAll(s)], shown = (e) => e.checkVisibility()
	const say = (what, e) => faults.push(what + ": " + e.outerHTML.slice(0, 120))
	const text = (e) => (e?.innerText ?? "").replace(/\s+/g, " ").trim()
	const named = (e) => (e.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => text(document.getElementById(id))).join(" ").trim() || e.getAttribute("aria-label") || ""
	if (all("main").length !== 1) faults.push(all("main").length + " main")
	if (all("h1").length !== 1) faults.push(all("h1").length + " h1")
	if (!document.documentElement.lang || !document.title) faults.push("no language or title")
	const ids = new Set()
	for (const e of all("[id]")) ids.has(e.id) ? say("the id is not unique", e) : ids.add(e.id)
	for (const e of all("[aria-describedby], [aria-labelledby], label[for]"))
		for (const name of ["aria-describedby", "aria-labelledby", "for"])
			for (const id of (e.getAttribute(name) ?? "").split(" ")) if (id && !ids.has(id)) say("nothing has the id " + id, e)
	let level = 0
	for (const h of all("h1, h2, h3, h4, h5").filter(shown)) {
		if (+h.tagName[1] > level + 1) say("a level of headings is left out", h)
		level = +h.tagName[1]
	}
	for (const e of all("input:not([type=hidden]), select, textarea").filter((e) => shown(e) && !e.closest("[aria-hidden=true]")))
		if (!named(e) && !text(e.labels?.[0])) say("no label", e)
	for (const e of all("button, summary, a[href]").filter(shown)) {
		const seen = text(e).toLowerCase(), name = named(e).toLowerCase()
		if (!seen && !name) say("no name", e)
		if (seen && name && !name.includes(seen)) say("the name does not have the words that are seen", e)
	}
	for (const e of all("img:not([alt]), svg:not([aria-hidden=true]):not([role=img])")) say("neither described nor hidden", e)
	const landmarks = new Set()
	for (const e of all("main, nav, aside, form[role=search], [role=region], section").filter(shown)) {
		const role = e.tagName === "SECTION" ? "region" : e.getAttribute("role") || e.tagName.toLowerCase(), name = named(e)
		if (role === "region" && !name) continue // none
		if (landmarks.has(role + name)) say("the same landmark twice", e)
		landmarks.add(role + name)
	}
	for (const e of all("body > *")) if (shown(e) && text(e) && !e.matches("main, nav, header, footer, aside, dialog, .skip, #announcer") && !e.querySelector("main")) say("in no landmark", e)
	return faults
})()`

// palePairs are texts that contrast less than 4.5 with their ground (WCAG 2.2, 1.4.3),
// of the colours the stylesheet is made from, as the browser resolves them.
const palePairs = `(() => {
	const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true })
	const probe = document.body.appendChild(document.createElement("i")), pale = []
	const light = (name) => {
		probe.className = ""
		probe.style.setProperty("color", "var(--" + name + ")")
		pen.fillStyle = getComputedStyle(probe).color
		pen.fillRect(0, 0, 1, 1)
		const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
		return 0.2126 * r + 0.7152 * g + 0.0722 * b
	}
	const pairs = [["on-accent", "accent"], ["on-accent", "accent-strong"], ["n11", "n3"], ["n12", "n4"], ["n12", "n5"], ["n11", "n4"]]
	for (const kind of ["ok", "warn", "danger", "accent"]) for (const ground of [kind + "-tint", "surface", "n1"]) pairs.push([kind + "-text", ground])
	for (const ink of ["n10", "n11", "n12"]) for (const ground of ["n1", "n2", "surface", "raised"]) pairs.push([ink, ground])
	for (const [ink, ground] of pairs) {
		const [less, more] = [light(ink), light(ground)].sort((a, b) => a - b), ratio = (more + 0.05) / (less + 0.05)
		if (ratio < 4.5) pale.push(ink + " on " + ground + " " + ratio.toFixed(2))
	}
	probe.remove()
	return pale
})()`
