// New cards, told by the browser. What was there when the page was opened is not new, and neither is an
// older card that comes into the list because others left it.

const BELL = Symbol.for("interlock.bell")
const NOTIFY = "interlock.notify"
const SOUND = "interlock.sound"
const TOLD = "interlock.told" // what some tab of this browser has told of: of several, one tells
const TOLD_COUNT = 200
const SINGLE = 3 // more at once are told as one
const YIELD_MS = 700 // a tab that nobody looks at lets one that somebody does go first
const NOTES_HZ = [660, 880]
const NOTE_S = 0.16
const LOUDNESS = 0.08

const canNotify = () => window.isSecureContext && "Notification" in window

// A browser may refuse to keep anything; then it is off again after a reload.
function read(key) {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function write(key, value) {
  try {
    localStorage.setItem(key, value)
  } catch {
    // as above
  }
}

class Bell {
  constructor() {
    this.known = null // keys of cards, from the first drawing on
    this.latestMs = 0
    this.audio = null
    // Sound needs a gesture on the page, and one that was switched on before has had none yet.
    const wake = () => read(SOUND) === "on" && this.openAudio()
    window.addEventListener("pointerdown", wake, true)
    window.addEventListener("keydown", wake, true)
  }

  see(cards) {
    const isFirst = this.known === null
    this.known ??= new Set()
    const fresh = cards.filter((card) => !this.known.has(card.key) && card.asked_ms >= this.latestMs)
    for (const card of cards) {
      this.known.add(card.key)
      this.latestMs = Math.max(this.latestMs, card.asked_ms)
    }
    if (!isFirst && fresh.length) this.tell(fresh)
  }

  tell(cards) {
    if (read(NOTIFY) !== "on" && read(SOUND) !== "on") return
    const isSeen = !document.hidden && document.hasFocus()
    const act = () => this.claim(cards, (left) => this.ring(left, isSeen))
    setTimeout(act, isSeen ? 0 : YIELD_MS)
  }

  // Several tabs are drawn at about the same time: whoever writes a card down first tells of it.
  claim(cards, act) {
    const take = () => {
      const told = (read(TOLD) ?? "").split("\n").filter(Boolean)
      const left = cards.filter((card) => !told.includes(card.key))
      write(TOLD, [...told, ...left.map((card) => card.key)].slice(-TOLD_COUNT).join("\n"))
      if (left.length) act(left)
    }
    if (navigator.locks) navigator.locks.request("interlock.bell", take)
    else take()
  }

  ring(cards, isSeen) {
    if (read(SOUND) === "on") this.play()
    const isAtInbox = isSeen && /\/inbox$/.test(window.location.pathname) // it is on the screen
    if (read(NOTIFY) !== "on" || isAtInbox || !canNotify() || Notification.permission !== "granted") return
    if (cards.length > SINGLE) this.show(`${cards.length} new cards wait for a decision`, "", "many", "inbox")
    else for (const card of cards) this.show("A decision is needed", card.text, card.key, toCard(card))
  }

  show(title, body, tag, path) {
    try {
      const shown = new Notification(title, { body, tag: `interlock ${tag}` })
      shown.onclick = () => {
        window.focus()
        shown.close()
        window.location.assign(new URL(path, window.location.href))
      }
    } catch {
      // Phones show none from a page alone.
    }
  }

  openAudio() {
    this.audio ??= new AudioContext()
    if (this.audio.state === "suspended") this.audio.resume()
  }

  play() {
    if (this.audio?.state !== "running") return
    NOTES_HZ.forEach((hz, at) => {
      const from = this.audio.currentTime + at * NOTE_S
      const note = new OscillatorNode(this.audio, { frequency: hz })
      const volume = new GainNode(this.audio, { gain: LOUDNESS })
      volume.gain.setValueAtTime(LOUDNESS, from)
      volume.gain.exponentialRampToValueAtTime(0.0001, from + NOTE_S)
      note.connect(volume).connect(this.audio.destination)
      note.start(from)
      note.stop(from + NOTE_S)
    })
  }
}

const toCard = (card) => `inbox?approval_id=${encodeURIComponent(card.approval_id)}`

// The two switches, as this drawing of them is in the page.
function wire(element, bell) {
  const [notify, sound] = [element.querySelector(".notify"), element.querySelector(".sound")]
  const said = element.querySelector(".said")
  const isAllowed = () => canNotify() && Notification.permission !== "denied"
  notify.disabled = !isAllowed()
  if (!isAllowed()) notify.parentElement.title = "This browser lets this page show no notifications"
  notify.checked = read(NOTIFY) === "on" && canNotify() && Notification.permission === "granted"
  sound.checked = read(SOUND) === "on"
  notify.addEventListener("change", async () => {
    if (notify.checked && (await Notification.requestPermission()) !== "granted") {
      notify.checked = false
      said.textContent = "The browser did not allow it."
    } else said.textContent = ""
    write(NOTIFY, notify.checked ? "on" : "off")
  })
  sound.addEventListener("change", async () => {
    write(SOUND, sound.checked ? "on" : "off")
    if (!sound.checked) return
    bell.openAudio()
    await bell.audio.resume()
    bell.play() // so that one knows it
  })
}

const wired = new WeakSet()

export default function ({ data, parentElement }) {
  window[BELL] ??= new Bell()
  if (!wired.has(parentElement)) {
    wired.add(parentElement)
    wire(parentElement, window[BELL])
  }
  window[BELL].see(data.cards)
}
