// The inbox by keys. A key presses a real button of the page, found by its class, and only one of the
// card that this was told of. What may hit the wrong card is refused, in doubt once too often.

const STORED = "interlock.keys"
const QUIET_MS = 500 // between two presses that decide: nearer ones are a key held down
const UNREAD_MS = 1_000 // a card that came up by itself is not decided sooner (inbox_session.UNREAD_S)
const UNSEEN_MS = 300 // nor one that was gone to by a key or a link
const ANSWER_MS = 5_000 // at most, from a press to the card it leads to
const COMMIT_MS = 80 // a field that is left hands over what was typed
const PLAIN_INPUTS = ["checkbox", "radio", "button", "submit", "range", "color", "file"]
const IS_MAC = /Mac|iP(hone|ad)/.test(navigator.platform)

const find = (key, inner) => key && document.querySelector(`.st-key-${CSS.escape(key)} ${inner}`)
const isSeen = (element) => element.getClientRects().length > 0

function isTyping(event) {
  const element = event.composedPath()[0]
  if (!(element instanceof HTMLElement)) return false
  if (element.isContentEditable || ["TEXTAREA", "SELECT"].includes(element.tagName)) return true
  if (["textbox", "searchbox", "combobox", "listbox"].includes(element.getAttribute("role"))) return true
  return element.tagName === "INPUT" && !PLAIN_INPUTS.includes(element.type)
}

// A date hands over what was typed only when the calendar that opened beside it is closed, by Escape.
const calendar = () => document.querySelector("[data-testid=stDateInputCalendar]")
const escape = () => new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true })

class Keys {
  constructor(element) {
    this.said = element.querySelector(".said")
    this.shown = element.querySelector(".keys")
    this.box = element.querySelector("input")
    this.data = { card: null }
    this.shownAt = 0
    this.unreadMs = UNREAD_MS
    this.pressedAt = 0
    this.pressedStamp = -QUIET_MS
    this.asked = null // what a key asked for and is not drawn yet
    element.querySelector(".mod").textContent = IS_MAC ? "\u2318" : "Ctrl"
    this.box.checked = localStorage.getItem(STORED) !== "off"
    this.box.addEventListener("change", () => {
      localStorage.setItem(STORED, this.box.checked ? "on" : "off")
      this.show()
    })
    this.listener = (event) => this.hear(event)
    window.addEventListener("keydown", this.listener, true)
  }

  leave() {
    clearTimeout(this.timer)
    window.removeEventListener("keydown", this.listener, true)
  }

  update(data) {
    if (data.card !== this.data.card) {
      const isMeant = this.asked === "move" || this.data.card === null // the page was just opened
      this.unreadMs = isMeant ? UNSEEN_MS : UNREAD_MS
      this.shownAt = Date.now()
      this.say("")
    }
    if (data.drawn !== this.data.drawn) this.asked = null
    this.data = data
    this.show()
    this.settle()
  }

  // The keys that decide are dimmed till they are heard.
  settle() {
    clearTimeout(this.timer)
    if (this.asked === "decide" && !this.isWaiting) {
      this.asked = null
      this.say("No answer has come yet. Press again if the card still waits.")
    }
    const left = Math.max(this.shownAt + this.unreadMs, this.pressedAt + QUIET_MS) - Date.now()
    const wait = this.isWaiting ? this.askedAt + ANSWER_MS - Date.now() : left
    this.shown.dataset.ready = wait > 0 ? "" : this.data.card
    if (wait > 0) this.timer = setTimeout(() => this.settle(), wait)
  }

  show() {
    this.shown.classList.toggle("off", !this.box.checked)
    for (const hint of this.shown.querySelectorAll("[data-for]")) hint.hidden = !this.data[hint.dataset.for]?.length
  }

  say(text) {
    if (this.said.textContent !== text) this.said.textContent = text
  }

  hear(event) {
    if (!this.box.checked || event.isComposing || document.querySelector("[data-testid=stDialog]")) return
    const act = this.choose(event)
    if (act === undefined) return
    event.preventDefault()
    event.stopPropagation()
    act()
  }

  choose(event) {
    const { key } = event
    const typing = isTyping(event)
    if ((event.ctrlKey || event.metaKey) && key === "Enter" && !event.altKey) {
      return () => this.decide("submit", event, typing)
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return undefined
    if (key === "Escape" && typing) return calendar() ? undefined : () => event.composedPath()[0].blur()
    if (typing) return undefined
    if (key === "Escape" && this.shown.classList.contains("all")) return () => this.shown.classList.remove("all")
    const acts = {
      j: () => this.move("next"),
      k: () => this.move("previous"),
      a: () => this.decide("approve", event),
      x: () => this.decide("reject", event),
      e: () => this.enter(),
      n: () => find(this.data.show_new, "button")?.click(),
      "/": () => find(this.data.search, "input")?.select(),
      "?": () => this.shown.classList.toggle("all"),
    }
    return acts[key.toLowerCase()]
  }

  get isWaiting() {
    return this.asked !== null && Date.now() - this.askedAt < ANSWER_MS
  }

  ask(what, button) {
    this.asked = what
    this.askedAt = Date.now()
    this.settle()
    button.click()
  }

  move(where) {
    const button = find(this.data[where], "button")
    if (this.isWaiting || !button || button.disabled) return
    this.say("")
    this.ask("move", button)
  }

  enter() {
    const { form } = this.data
    const fields = form ? document.querySelectorAll(`.st-key-${CSS.escape(form)} :is(input, textarea)`) : []
    const first = [...fields].find((field) => !field.disabled && field.type !== "hidden" && isSeen(field))
    first?.focus()
  }

  decide(what, event, isTyped = false) {
    const sinceLast = event.timeStamp - this.pressedStamp // of the press itself, however busy the page is
    this.pressedStamp = event.timeStamp
    this.pressedAt = Date.now()
    this.settle()
    const { card, is_high_risk: isHighRisk } = this.data
    if (!card || event.repeat || sinceLast < QUIET_MS || this.isWaiting) return
    if (isHighRisk && what !== "reject") return this.say("High risk: no key approves it. Press the button.")
    if (Date.now() - this.shownAt < this.unreadMs) {
      return this.say("This card has only just come up. Press again to decide it.")
    }
    this.say("")
    if (!isTyped) return this.press(what)
    if (calendar()) document.activeElement?.dispatchEvent(escape())
    document.activeElement?.blur()
    setTimeout(() => card === this.data.card && !this.isWaiting && this.press(what), COMMIT_MS)
  }

  press(what) {
    const button = this.data[what].map((key) => find(key, "button")).find((found) => found && !found.disabled)
    if (!button) return this.say("This card takes no such answer by key.")
    this.ask("decide", button)
  }
}

const all = new WeakMap()

export default function ({ data, parentElement }) {
  if (!all.has(parentElement)) all.set(parentElement, new Keys(parentElement))
  all.get(parentElement).update(data)
  return () => {
    all.get(parentElement)?.leave()
    all.delete(parentElement)
  }
}
