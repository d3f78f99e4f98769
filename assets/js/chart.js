// Draws what a table says: figure[data-chart] holds a table whose first column
// is times and whose others are series. Without scripts the table is the chart.
(() => {
  const root = document.documentElement
  const colours = ["--accent", "--danger", "--warn"]
  const charts = []

  // Canvas knows no light-dark(): a probe has the colour computed.
  const probe = document.body.appendChild(document.createElement("i"))
  probe.hidden = true
  function colour(name) {
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color
  }

  const units = {
    count: (v) => v >= 10000 ? (v / 1000).toFixed(0) + "k" : v >= 1000 ? (v / 1000).toFixed(1) + "k" : String(Math.round(v * 100) / 100),
    seconds: (v) => v >= 60 ? Math.round(v / 6) / 10 + " min" : v >= 1 ? Math.round(v * 10) / 10 + " s" : Math.round(v * 1e4) / 10 + " ms",
  }
  const pad = (n) => String(n).padStart(2, "0")
  const stamp = (s) => {
    const d = new Date(s * 1000)
    return `${d.getDate()} ${d.toLocaleString("en", { month: "short" })}, ${pad(d.getHours())}:${pad(d.getMinutes())}`
  }

  function read(table) {
    const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent.trim())
    const rows = [...table.tBodies[0].rows]
    const column = (i) => rows.map((row) => Number(row.cells[i].dataset.value))
    return { names, data: [column(0), ...names.map((_, i) => column(i + 1))] }
  }

  // Releases: a line each, "seconds name" a line.
  function marks(figure) {
    const all = (figure.dataset.marks || "").trim().split("\n").filter(Boolean).map((line) => Number(line.split(" ", 1)[0]))
    return (u) => {
      const c = u.ctx
      c.save()
      c.strokeStyle = colour("--n8")
      c.setLineDash([4, 4])
      for (const at of all) {
        const x = Math.round(u.valToPos(at, "x", true))
        if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue
        c.beginPath()
        c.moveTo(x, u.bbox.top)
        c.lineTo(x, u.bbox.top + u.bbox.height)
        c.stroke()
      }
      c.restore()
    }
  }

  function draw(figure) {
    figure.querySelector(".uplot")?.remove()
    const { names, data } = read(figure.querySelector("table"))
    if (data[0].length < 2) return
    const say = units[figure.dataset.unit] || units.count
    const axis = { stroke: colour("--n11"), grid: { stroke: colour("--n5"), width: 1 }, ticks: { show: false }, font: "12px system-ui" }
    const plot = new uPlot({
      hooks: { draw: [marks(figure)] },
      width: figure.clientWidth, height: 180, padding: [8, 8, 0, 0],
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: true }, y: { range: (u, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
      axes: [{ ...axis, size: 28, grid: { show: false }, values: [[86400, "{D} {MMM}"], [3600, "{HH}:00"], [60, "{HH}:{mm}"], [1, "{HH}:{mm}"]].map((r) => [r[0], r[1], null, null, null, null, null, null, 0]) },
        { ...axis, size: 56, values: (u, all) => all.map(say) }],
      series: [{ label: "Time", value: (u, v) => v == null ? "" : stamp(v) },
        ...names.map((label, i) => ({ label, stroke: colour(colours[i]), width: 1.5, fill: i ? undefined : colour("--accent-tint"), points: { show: false }, value: (u, v) => v == null ? "" : say(v) }))],
    }, data, figure)
    plot.root.setAttribute("aria-hidden", "true") // the table says the same
    charts.push({ figure, plot })
  }

  function drawAll() {
    charts.length = 0
    for (const figure of document.querySelectorAll("figure[data-chart]")) draw(figure)
  }

  new MutationObserver(drawAll).observe(root, { attributes: true, attributeFilter: ["data-theme"] })
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll)
  addEventListener("resize", () => {
    for (const { figure, plot } of charts) plot.setSize({ width: figure.clientWidth, height: 180 })
  })
  document.addEventListener("htmx:afterSettle", drawAll)
  drawAll()
})()
