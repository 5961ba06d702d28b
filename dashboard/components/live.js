// The browser's end of the live socket: one socket a tab, however many parts of the page are live.
// The server says only how far each topic has come; a part whose data is behind asks to be redrawn.

const HUB = Symbol.for("interlock.live")
const SILENCE_MS = 40_000 // the server says something every 15 s
const TROUBLE_MS = 3_000 // shorter cuts are not worth a word
const SETTLE_MS = 300 // what is asked while a part is being mounted can get lost
const FALLBACK_MS = 5_000 // how often to redraw while the socket is down
const GAP_MS = 400 // between two redrawings of one part
const MAX_GAP_MS = 10_000
// Redrawings asked for in vain, after which the whole page is asked for: about 6 s, as a busy server takes
// its time, and a whole page takes the form of a card away that was decided elsewhere meanwhile.
const UNANSWERED = 4
const FRAME_GAP_MS = 3_000
const LEAVING_MS = 5_000 // at most, from a click on a link to the page it leads to
const BARE_MS = 2_500 // a page without a live part for so long may have been emptied

class Hub {
  constructor() {
    this.parts = new Set()
    this.heads = {}
    this.asked = ""
    this.socket = null
    this.attempts = 0
    this.retry = null
    this.heardAt = 0
    this.downSince = Date.now()
    this.isReachable = true // the last attempt to connect got through, or there was none
    this.server = null
    this.isServerNew = false
    this.frame = null
    this.frameAskedAt = 0
    this.heldUntil = 0
    this.bareTimer = null
    // What a part of the page that is being left asks for reaches the server after the page has changed;
    // Streamlit then goes back to the old page, finds no such fragment there, and shows an empty one.
    const note = (event) => {
      if (event.composedPath().some((node) => node.tagName === "A")) this.heldUntil = Date.now() + LEAVING_MS
    }
    document.addEventListener("click", note, true)
    window.addEventListener("online", () => this.connect())
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.connect()
    })
    setInterval(() => this.tick(), 1_000)
  }

  get isUp() {
    return this.downSince === null
  }

  get isInTrouble() {
    return !this.isUp && Date.now() - this.downSince > TROUBLE_MS
  }

  get mayAsk() {
    return this.isUp || this.isReachable
  }

  // Streamlit connects to a restarted server again but draws nothing, and that server knows no fragment
  // until the whole page was drawn once: till then no button within one would work.
  redrawAll() {
    if (this.frame === null || Date.now() - this.frameAskedAt < FRAME_GAP_MS) return
    this.frameAskedAt = Date.now()
    this.frame("moved", this.frameAskedAt)
  }

  // The frame is drawn last: the whole page is there, and its buttons work.
  note() {
    this.isServerNew = false
    this.heldUntil = 0
    for (const part of this.parts) part.show()
  }

  join(part) {
    this.parts.add(part)
    this.connect()
    this.ask()
  }

  leave(part) {
    this.parts.delete(part)
    clearTimeout(this.bareTimer)
    this.bareTimer = setTimeout(() => this.mend(), BARE_MS)
    // A change of page takes all parts away and brings others: keep the socket for it.
    setTimeout(() => this.parts.size || this.socket?.close(), 2_000)
  }

  // Only the frame's own part is left: no page has come in the place of the one that went.
  mend() {
    if ([...this.parts].every((part) => part.showsWord)) this.redrawAll()
  }

  connect() {
    if (this.socket !== null || this.parts.size === 0) return
    clearTimeout(this.retry)
    const url = new URL("/live", window.location.href)
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:"
    url.search = url.hash = ""
    const socket = new WebSocket(url)
    this.socket = socket
    this.heardAt = Date.now()
    let isOpened = false
    socket.onopen = () => {
      isOpened = this.isReachable = true
      this.asked = ""
      this.heads = {} // another server may count otherwise
      this.ask()
    }
    socket.onmessage = (event) => this.hear(event.data)
    socket.onclose = () => {
      this.isReachable = isOpened && this.attempts > 0 // refused at once: it is there, but cannot look
      this.lose(socket)
    }
  }

  ask() {
    if (this.socket?.readyState !== WebSocket.OPEN) return
    const topics = [...new Set([...this.parts].flatMap((part) => part.topics))].sort()
    const message = JSON.stringify({ topics })
    if (message === this.asked) return
    this.asked = message
    this.socket.send(message)
  }

  hear(text) {
    const { heads, server } = JSON.parse(text)
    Object.assign(this.heads, heads)
    this.isServerNew ||= this.server !== null && this.server !== server
    this.server = server
    if (this.isServerNew) this.redrawAll()
    this.heardAt = Date.now()
    this.attempts = 0
    const wasDown = !this.isUp
    this.downSince = null
    for (const part of this.parts) part.compare(wasDown)
  }

  lose(socket) {
    if (this.socket !== socket) return
    this.socket = null
    this.downSince ??= Date.now()
    const delay = Math.min(10_000, 500 * 2 ** this.attempts++) * (0.7 + 0.6 * Math.random())
    clearTimeout(this.retry)
    this.retry = setTimeout(() => this.connect(), delay)
  }

  tick() {
    const isSilent = this.socket !== null && Date.now() - this.heardAt > SILENCE_MS
    if (isSilent) {
      const socket = this.socket
      socket.close()
      this.lose(socket) // a dead line may never report its end
    }
    if (this.isServerNew && this.isUp) this.redrawAll()
    for (const part of this.parts) part.tick()
  }
}

class Part {
  constructor(hub, element) {
    this.hub = hub
    this.word = element.querySelector(".word")
    this.mountedAt = Date.now()
    this.askedAt = 0
    this.gap = GAP_MS
    this.unanswered = 0
    this.timer = null
    this.topics = []
    this.drawn = {}
    this.stamp = null
  }

  // The data came with a drawing: what is on the screen is at least as new as these heads.
  update(data, trigger) {
    this.trigger = trigger
    if (data.drawn_at === this.stamp) return // Streamlit hands the same drawing in again, as when it reconnects
    this.stamp = data.drawn_at
    const hasMoved = data.topics.some((topic) => data.heads[topic] !== this.drawn[topic])
    this.topics = data.topics
    this.drawn = data.heads
    this.drawnAt = Date.now()
    this.refreshMs = data.refresh_s * 1_000
    this.showsWord = data.shows_word
    clearTimeout(this.timer)
    this.timer = null
    // While a model writes, every drawing is behind when it comes: what brought news is asked for again
    // soon, but not so soon that a busy server does nothing but draw.
    const tookMs = this.unanswered > 0 ? this.drawnAt - this.askedAt : 0
    if (hasMoved || !this.isBehind) this.gap = Math.min(MAX_GAP_MS, Math.max(GAP_MS, 2 * tookMs))
    this.unanswered = 0
    if (data.is_frame) this.hub.note()
    this.show()
    this.compare()
  }

  get isBehind() {
    const { heads } = this.hub
    return this.topics.some((topic) => topic in heads && heads[topic] !== this.drawn[topic])
  }

  compare(isAnew = false) {
    if (isAnew) this.unanswered = 0
    if (isAnew) this.gap = GAP_MS
    if (this.isBehind) this.schedule(Math.random() * 120)
  }

  schedule(delay) {
    if (this.timer !== null) return
    const { heldUntil } = this.hub
    const earliest = Math.max(this.mountedAt + SETTLE_MS, this.askedAt + this.gap, heldUntil)
    const wait = Math.max(delay, earliest - Date.now())
    this.timer = setTimeout(() => this.redraw(), wait)
  }

  redraw() {
    this.timer = null
    if (!this.hub.mayAsk) return // it compares again once the socket is up
    if (Date.now() < this.hub.heldUntil) return this.schedule(0)
    this.askedAt = Date.now()
    if (this.unanswered >= UNANSWERED) this.hub.redrawAll()
    else this.trigger("moved", this.askedAt)
    this.unanswered += 1
    if (!this.isBehind) return
    this.gap = Math.min(MAX_GAP_MS, this.gap * 2) // until a drawing brings it level
    this.schedule(0) // asked again, should this one get lost
  }

  tick() {
    const every = this.hub.isInTrouble ? FALLBACK_MS : this.refreshMs
    const isDue = every > 0 && Date.now() - Math.max(this.drawnAt, this.askedAt) >= every
    if (isDue && !document.hidden) this.schedule(Math.random() * 1_000)
    this.show()
  }

  show() {
    const { isInTrouble } = this.hub
    const isUp = this.hub.isUp && !this.hub.isServerNew // till it is drawn, no button of it works
    const asOf = new Date(this.drawnAt).toLocaleTimeString()
    let text = ""
    if (isInTrouble) text = `disconnected, as of ${asOf}`
    else if (this.showsWord) text = isUp ? "live" : "connecting"
    if (this.word.textContent !== text) this.word.textContent = text
    this.word.dataset.state = isInTrouble ? "disconnected" : isUp ? "live" : "connecting"
  }

  leave() {
    clearTimeout(this.timer)
    this.hub.leave(this)
  }
}

const parts = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  window[HUB] ??= new Hub()
  let part = parts.get(parentElement)
  const isNew = part === undefined
  if (isNew) {
    part = new Part(window[HUB], parentElement)
    parts.set(parentElement, part)
  }
  part.update(data, setTriggerValue)
  if (data.is_frame) window[HUB].frame = setTriggerValue
  else if (isNew) window[HUB].join(part)
  else window[HUB].ask()
  // An older drawing may be ended after a newer one has begun: what counts is whether the place is gone.
  return () =>
    setTimeout(() => {
      if (parentElement.isConnected) return
      parts.delete(parentElement)
      if (window[HUB].frame === setTriggerValue) window[HUB].frame = null
      part.leave()
    })
}
