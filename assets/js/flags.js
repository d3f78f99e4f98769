// Rollouts by slider, and files as text. Both improve fields that work without it.
(() => {
  const { all, announce } = window.seaworthy
  const shares = (form) => all("[name=weights]", form)

  // Says each share as a part of all. In a rollout over two variants the second is
  // what the first leaves.
  function follow(form, moved) {
    const fields = shares(form)
    if (moved && fields.length === 2) {
      const other = fields.find((field) => field !== moved)
      other.value = Math.max(0, 100 - Number(moved.value))
    }
    const sum = fields.reduce((n, field) => n + (Number(field.value) || 0), 0)
    for (const field of fields) {
      const percent = sum ? Math.round(1000 * (Number(field.value) || 0) / sum) / 10 : 0
      form.querySelector(`output[for="${field.id}"]`).textContent = percent + " %"
      const slider = form.querySelector(`[data-slides="${field.id}"]`)
      slider.max = Math.max(100, Number(field.value) || 0)
      slider.value = field.value
    }
  }

  document.addEventListener("input", (event) => {
    const form = event.target.closest("[data-rollout]")
    if (!form) return
    const slides = event.target.dataset.slides
    if (!slides) return follow(form)
    const field = document.getElementById(slides)
    field.value = event.target.value
    follow(form, field)
  })

  document.addEventListener("change", async (event) => {
    const { fills } = event.target.dataset
    if (!fills || !event.target.files.length) return
    document.getElementById(fills).value = await event.target.files[0].text()
    announce("The file is taken over")
  })
})()
