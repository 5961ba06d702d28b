// The tree of a thread: a row a branch, time from left to right, each point a button.
// All words come as data and are set as text, never as markup. A click tells the server the point's id.

const WIDTHS = [30, 52, 84, 120] // pixels of a column, by how far it is zoomed in
const START_ZOOM = 2
const FIRST_SIGHT = 1.6 // widths of the page; a longer tree is drawn smaller at first
const LANE = 92 // pixels of a row: who made it, the points, their words
const LINE = 34 // where in a row its points stand
const LEFT = 24
const SVG = "http://www.w3.org/2000/svg"
const all = new WeakMap()

function draw(tag, attributes) {
  const found = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value)
  return found
}

function make(tag, name, text) {
  const found = document.createElement(tag)
  found.className = name
  if (text) found.textContent = text
  return found
}

function shape(knot, colors) {
  const { fill, ground } = colors.tones[knot.tone]
  const line = { stroke: fill, "stroke-width": 2, fill: ground }
  const full = { fill, stroke: fill, "stroke-width": 2 }
  const icon = draw("svg", { width: 28, height: 28, viewBox: "-14 -14 28 28", "aria-hidden": "true" })
  const add = (tag, attributes) => icon.append(draw(tag, attributes))
  if (knot.is_chosen) add("circle", { r: 12.5, fill: "none", stroke: colors.accent, "stroke-width": 2.5 })
  if (knot.is_second) {
    add("circle", { r: 12.5, fill: "none", stroke: colors.accent, "stroke-width": 2, "stroke-dasharray": "3 3" })
  }
  if (knot.glyph === "diamond") add("path", { d: "M0-9 9 0 0 9-9 0z", ...full })
  else if (knot.glyph === "start") add("path", { d: "M-5-7 7 0-5 7z", ...line, "stroke-linejoin": "round" })
  else if (knot.glyph === "end") add("rect", { x: -6, y: -6, width: 12, height: 12, rx: 2, ...line })
  else if (knot.glyph === "fork") {
    add("circle", { r: 7, ...line })
    add("circle", { r: 2.5, fill })
  } else if (knot.glyph === "cross") {
    add("circle", { r: 8, ...line })
    add("path", { d: "M-3.5-3.5 3.5 3.5M3.5-3.5-3.5 3.5", stroke: fill, "stroke-width": 2 })
  } else if (knot.glyph === "fold") {
    add("rect", { x: -12, y: -7, width: 24, height: 14, rx: 7, ...line, "stroke-width": 1.5 })
    for (const x of [-5, 0, 5]) add("circle", { cx: x, r: 1.6, fill })
  } else add("circle", { r: 5, ...line })
  return icon
}

class Tree {
  constructor(root) {
    this.root = root
    this.scroll = root.querySelector(".scroll")
    this.zoom = START_ZOOM
    this.seen = null
    for (const [name, step] of [["out", -1], ["in", 1]]) {
      root.querySelector(`.${name}`).addEventListener("click", () => this.turn(step))
    }
    this.scroll.addEventListener("keydown", (event) => this.move(event))
  }

  update(data, pick) {
    this.data = data
    this.pick = pick
    if (this.seen === null && data.columns * WIDTHS[this.zoom] > FIRST_SIGHT * this.scroll.clientWidth) {
      this.zoom = START_ZOOM - 1
    }
    const wanted = JSON.stringify([data.chosen, data.first, data.head])
    this.build()
    if (wanted !== this.seen) this.show(data.chosen || data.head)
    this.seen = wanted
  }

  turn(step) {
    this.zoom = Math.min(Math.max(this.zoom + step, 0), WIDTHS.length - 1)
    this.build()
    this.show(this.data.chosen || this.data.head)
  }

  x(column) {
    return LEFT + (column - this.data.first) * WIDTHS[this.zoom] + WIDTHS[this.zoom] / 2
  }

  build() {
    const { data, scroll } = this
    const focused = this.root.activeElement?.dataset?.id
    const kept = [scroll.scrollLeft, scroll.scrollTop]
    const width = LEFT * 2 + data.columns * WIDTHS[this.zoom]
    const plane = make("div", "plane")
    plane.style.width = `${width}px`
    plane.style.height = `${data.lanes.length * LANE}px`
    plane.dataset.zoom = String(this.zoom)
    const lines = draw("svg", { class: "lines", width, height: data.lanes.length * LANE, "aria-hidden": "true" })
    plane.append(lines)
    const rowOf = new Map()
    data.lanes.forEach((lane, row) => lane.knots.forEach((knot) => rowOf.set(knot.column, row)))
    data.lanes.forEach((lane, row) => {
      this.link(lines, lane, row, rowOf)
      plane.append(this.lane(lane, row))
    })
    // Neither the chosen point nor the head may be among those that are drawn; Tab comes in all the same.
    const first = plane.querySelector(".knot")
    if (first && !plane.querySelector('.knot[tabindex="0"]')) first.tabIndex = 0
    scroll.replaceChildren(plane)
    scroll.scrollLeft = kept[0]
    scroll.scrollTop = kept[1]
    if (focused) this.find(focused)?.focus({ preventScroll: true })
    this.root.querySelector(".out").disabled = this.zoom === 0
    this.root.querySelector(".in").disabled = this.zoom === WIDTHS.length - 1
  }

  // The line of a branch, from where it leaves another one.
  link(lines, lane, row, rowOf) {
    if (!lane.knots.length) return
    const y = row * LANE + LINE
    const first = this.x(lane.knots[0].column)
    const last = this.x(lane.knots[lane.knots.length - 1].column)
    const stroke = {
      fill: "none",
      stroke: lane.is_current ? this.data.colors.muted : this.data.colors.line,
      "stroke-width": lane.is_current ? 2.5 : 2,
    }
    lines.append(draw("path", { d: `M${lane.begins_before ? 0 : first} ${y}H${last}`, ...stroke }))
    const from = lane.from_column
    if (from === null || lane.begins_before) return
    if (rowOf.has(from)) {
      const x = this.x(from)
      const above = rowOf.get(from) * LANE + LINE
      lines.append(draw("path", { d: `M${x} ${above}C${x} ${y} ${x} ${y} ${x + 14} ${y}H${first}`, ...stroke }))
    } else lines.append(draw("path", { d: `M0 ${y}H${first}`, ...stroke, "stroke-dasharray": "3 4" }))
  }

  lane(lane, row) {
    const part = make("div", lane.is_current ? "lane current" : "lane")
    part.style.top = `${row * LANE}px`
    part.setAttribute("role", "group")
    const name = `${lane.is_current ? "Current branch" : `Branch ${lane.branch}`}${lane.told ? ` · ${lane.told}` : ""}`
    part.setAttribute("aria-label", name)
    const told = make("span", "told", name)
    told.title = lane.told
    const first = lane.knots.length ? this.x(lane.knots[0].column) - 10 : LEFT
    told.style.marginLeft = `${Math.max(0, lane.begins_before ? 0 : first)}px`
    part.append(told)
    for (const knot of lane.knots) part.append(this.knot(knot))
    return part
  }

  knot(knot) {
    const { colors, chosen, head } = this.data
    const width = WIDTHS[this.zoom]
    const part = make("button", "knot")
    part.type = "button"
    part.dataset.id = knot.id
    part.dataset.column = String(knot.column)
    part.style.left = `${this.x(knot.column) - width / 2}px`
    part.style.width = `${width}px`
    part.title = [knot.word, ...knot.lines].join("\n")
    part.setAttribute("aria-label", [...new Set([knot.label, knot.word, ...knot.lines])].join(", "))
    part.setAttribute("aria-pressed", String(knot.is_chosen))
    part.tabIndex = knot.id === (chosen || head) ? 0 : -1
    if (knot.is_dim) part.classList.add("dim")
    if (knot.is_head) part.classList.add("head")
    if (knot.is_chosen) part.classList.add("chosen")
    part.append(shape(knot, colors))
    const label = make("span", "label", knot.label)
    if (knot.tone !== "quiet") label.style.color = colors.tones[knot.tone].ink
    part.append(label)
    part.addEventListener("click", (event) => {
      const span = knot.glyph === "fold" ? knot.span : null
      this.pick({ id: knot.id, span, is_second: event.shiftKey })
    })
    return part
  }

  find(id) {
    return [...this.scroll.querySelectorAll(".knot")].find((each) => each.dataset.id === id)
  }

  // Bring a point into sight, the end of the tree where it is not drawn.
  show(id) {
    const found = this.find(id)
    if (!found) {
      this.scroll.scrollLeft = this.scroll.scrollWidth
      return
    }
    const at = found.offsetLeft
    const { scrollLeft, clientWidth, clientHeight } = this.scroll
    if (at < scrollLeft + 20 || at + found.offsetWidth > scrollLeft + clientWidth - 20) {
      this.scroll.scrollLeft = at - clientWidth * 0.7
    }
    const top = found.parentElement.offsetTop
    if (top < this.scroll.scrollTop || top + LANE > this.scroll.scrollTop + clientHeight) {
      this.scroll.scrollTop = top
    }
  }

  // Arrows go from point to point; Tab leaves the tree.
  move(event) {
    const at = event.target.closest?.(".knot")
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    if (!at || !steps) return
    event.preventDefault()
    const lanes = [...this.scroll.querySelectorAll(".lane")]
    const row = lanes.indexOf(at.parentElement) + steps[1]
    const knots = [...(lanes[row]?.querySelectorAll(".knot") || [])]
    if (!knots.length) return
    const column = Number(at.dataset.column)
    const away = (knot) => Math.abs(Number(knot.dataset.column) - column)
    const next = steps[1]
      ? knots.reduce((best, knot) => (away(knot) < away(best) ? knot : best))
      : knots[knots.indexOf(at) + steps[0]]
    if (!next) return
    at.tabIndex = -1
    next.tabIndex = 0
    next.focus({ preventScroll: true })
    next.scrollIntoView({ block: "nearest", inline: "nearest" })
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (!all.has(parentElement)) all.set(parentElement, new Tree(parentElement))
  all.get(parentElement).update(data, (picked) => setTriggerValue("picked", picked))
}
