// Applies the theme kept in this browser before the page is painted, and tells
// the stylesheet that scripts run.
(() => {
  const root = document.documentElement
  root.dataset.js = ""
  try {
    const theme = localStorage.getItem("theme")
    if (theme === "light" || theme === "dark") root.dataset.theme = theme
  } catch { /* storage is off: the system's theme stays */ }
})()
