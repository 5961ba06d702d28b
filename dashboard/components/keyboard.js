// The inbox by keys. A key presses a real button of the page, found by its class, and only one of the
// card that this was told of. What may hit the wrong card is refused, in doubt once too often.

const STORED = "interlock.keys"
const QUIET_MS = 500 // between two presses that decide: nearer ones are a key held down
const UNREAD_MS = 1_000 // a card that came up by itself is not decided sooner (inbox_session.UNREAD_S)
const UNSEEN_MS = 300 // nor one that was gone to by a key or a link
const ANSWER_MS = 5_000 // at most, from a press to the card it leads to
const LOST_MS = 1_500 // a move that nothing came of by then is pressed again
const QUEUED_COUNT = 25 // moves that wait for the one before
const ROOM_PX = 12 // between what has the focus and the bar
const REDRAWN_MS = 400 // at most, for a button to be drawn anew; less than QUIET_MS: one press at a time
const COMMIT_MS = 80 // a field that is left hands over what was typed
const PLAIN_INPUTS = ["checkbox", "radio", "button", "submit", "range", "color", "file"]
const IS_MAC = /Mac|iP(hone|ad)/.test(navigator.platform)

const place = (key) => document.querySelector(`.st-key-${CSS.escape(key)}`)
const find = (key, inner) => key && document.querySelector(`.st-key-${CSS.escape(key)} ${inner}`)
const isIdle = () => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning"
const isSeen = (element) => element.getClientRects().length > 0

const isTyping = (event) => isField(event.composedPath()[0])

function isField(element) {
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
    this.element = element
    this.said = element.querySelector(".said")
    this.shown = element.querySelector(".keys")
    this.box = element.querySelector("input")
    this.data = { card: null }
    this.shownAt = 0
    this.unreadMs = UNREAD_MS
    this.pressedAt = 0
    this.pressedStamp = -QUIET_MS
    this.asked = null // what a key asked for and is not drawn yet
    this.queued = [] // moves that wait for it
    element.querySelector(".mod").textContent = IS_MAC ? "\u2318" : "Ctrl"
    this.box.checked = localStorage.getItem(STORED) !== "off"
    this.box.addEventListener("change", () => {
      localStorage.setItem(STORED, this.box.checked ? "on" : "off")
      this.show()
    })
    this.listener = (event) => this.hear(event)
    window.addEventListener("keydown", this.listener, true)
    this.focused = (event) => this.uncover(event.target)
    window.addEventListener("focusin", this.focused)
  }

  leave() {
    clearTimeout(this.timer)
    clearTimeout(this.lost)
    window.removeEventListener("keydown", this.listener, true)
    window.removeEventListener("focusin", this.focused)
  }

  update(data) {
    if (data.card !== this.data.card) {
      const isMeant = this.asked === "move" || this.data.card === null // the page was just opened
      this.unreadMs = isMeant ? UNSEEN_MS : UNREAD_MS
      this.shownAt = Date.now()
      this.say("")
    }
    const isAnswered = data.drawn !== this.data.drawn
    if (isAnswered) this.asked = null
    const isOther = this.data.shown !== undefined && data.shown !== this.data.shown
    this.data = data
    this.show()
    if (isOther) requestAnimationFrame(() => this.scrollToHead())
    if (isAnswered && this.queued.length) this.move(this.queued.shift())
    this.settle()
  }

  // Another card is read from its head, not from where the one before it was left.
  scrollToHead() {
    const detail = place(this.data.detail)
    const main = detail?.closest("[data-testid=stMain]")
    if (!main || (isField(document.activeElement) && detail.contains(document.activeElement))) return
    const above = detail.getBoundingClientRect().top - main.getBoundingClientRect().top
    if (above >= 0) return
    const head = main.scrollTop + above
    main.scrollTop = head < main.clientHeight / 2 ? 0 : head - ROOM_PX // on a phone it is below the list
  }

  // What has the focus is never behind the bar.
  uncover(element) {
    const isOurs = place(this.data.detail)?.contains(element) && element.matches(":focus-visible")
    const main = isOurs && element.closest("[data-testid=stMain]")
    const bar = place(this.data.bar)
    if (!main || !bar || !isSeen(bar)) return
    const rect = element.getBoundingClientRect()
    const over = rect.bottom + ROOM_PX - bar.getBoundingClientRect().top
    const room = rect.top - main.getBoundingClientRect().top // its beginning stays in sight
    if (over > 0) main.scrollTop += Math.min(over, Math.max(room - ROOM_PX, 0))
  }

  // The keys that decide are dimmed till they are heard.
  settle() {
    clearTimeout(this.timer)
    if (this.asked === "decide" && !this.isWaiting) {
      this.asked = null
      this.say("No answer has come yet. Press again if the card still waits.")
    }
    if (!this.isWaiting) this.queued = []
    const left = Math.max(this.shownAt + this.unreadMs, this.pressedAt + QUIET_MS) - Date.now()
    const wait = this.isWaiting ? this.askedAt + ANSWER_MS - Date.now() : left
    this.shown.dataset.ready = wait > 0 ? "" : this.data.card
    if (wait > 0) this.timer = setTimeout(() => this.settle(), wait)
  }

  show() {
    this.shown.classList.toggle("off", !this.box.checked)
    for (const hint of this.shown.querySelectorAll("[data-for]")) hint.hidden = !this.data[hint.dataset.for]?.length
    for (const hint of this.shown.querySelectorAll("[data-word]")) hint.textContent = this.data[hint.dataset.word]
  }

  say(text) {
    if (this.said.textContent !== text) this.said.textContent = text
  }

  hear(event) {
    if (!this.element.isConnected) return this.leave()
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
      j: () => this.move("next", event.repeat),
      k: () => this.move("previous", event.repeat),
      a: () => this.decide("approve", event),
      x: () => this.decide("reject", event),
      v: () => this.decide("revise", event),
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

  move(where, isHeld = false) {
    const button = find(this.data[where], "button")
    if (this.isWaiting) {
      if (this.asked === "move" && !isHeld && this.queued.length < QUEUED_COUNT) this.queued.push(where)
      return
    }
    if (!button || button.disabled) {
      this.queued = []
      return
    }
    this.say("")
    this.ask("move", button)
    clearTimeout(this.lost)
    this.lost = setTimeout(() => this.moveAgain(where, this.data.drawn), LOST_MS)
  }

  // A click can get lost while the page is drawn. A move is harmless, so it is pressed once more.
  moveAgain(where, drawn) {
    if (this.asked !== "move" || drawn !== this.data.drawn) return
    if (isIdle()) find(this.data[where], "button:enabled")?.click()
    else if (this.isWaiting) this.lost = setTimeout(() => this.moveAgain(where, drawn), LOST_MS / 5)
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
    this.queued = []
    if (!card || event.repeat || sinceLast < QUIET_MS || this.isWaiting) return
    if (isHighRisk && !["reject", "revise"].includes(what)) return this.say("High risk: no key approves it. Press the button.")
    if (Date.now() - this.shownAt < this.unreadMs) {
      return this.say("This card has only just come up. Press again to decide it.")
    }
    this.say("")
    if (!isTyped) return this.press(what)
    if (calendar()) document.activeElement?.dispatchEvent(escape())
    document.activeElement?.blur()
    setTimeout(() => card === this.data.card && !this.isWaiting && this.press(what), COMMIT_MS)
  }

  // While the page is drawn anew a button of the card may be gone for a moment; it is waited for.
  press(what, until = Date.now() + REDRAWN_MS) {
    const { card } = this.data
    const button = this.data[what].map((key) => find(key, "button")).find((found) => found && !found.disabled)
    if (button) return this.ask("decide", button)
    if (!this.data[what].length || Date.now() > until) return this.say("This card takes no such answer by key.")
    setTimeout(() => card === this.data.card && !this.isWaiting && this.press(what, until), COMMIT_MS)
  }
}

const all = new WeakMap()

export default function ({ data, parentElement }) {
  if (!all.has(parentElement)) all.set(parentElement, new Keys(parentElement))
  all.get(parentElement).update(data)
  // An older drawing may be ended after a newer one has begun: what counts is whether the place is gone.
  return () =>
    setTimeout(() => {
      if (parentElement.isConnected) return
      all.get(parentElement)?.leave()
      all.delete(parentElement)
    })
}
