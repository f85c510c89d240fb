internal import Foundation
internal import Results
internal import Words

/// Shows the progress of a run: one line redrawn in place on a terminal, a line now and then elsewhere, nothing with --quiet.
///
/// It writes to standard error, so that results on standard output can be piped.
final class ProgressDisplay {
  /// The state of a run at one moment.
  struct Moment {
    /// Name of the current work, e.g. `training`, `round 2/5` or `fetching mnist`.
    var phase: String
    /// Number of steps or bytes done, of `total`.
    var done: Int
    /// Total number of steps or bytes; 0 if unknown.
    var total: Int
    /// Number of steps in an epoch; nil if there are no epochs.
    var perEpoch: Int?
    /// Unit of the counts, as in `412 it/s`.
    var unit = "it"
    /// Current training loss.
    var loss: Double?
    /// Latest accuracy on the validation set.
    var accuracy: Double?
    /// Text at the end of the line, e.g. what runs in parallel.
    var detail: String?
    /// Number of steps still to come after this phase, for a second ETA.
    var later = 0.0
    /// Whether the moment deserves a line of its own if lines are few, e.g. an evaluation.
    var isMilestone = false

    /// Units a second in words, or the time that one takes if that is over 10 s.
    fileprivate func pace(_ rate: Double) -> String {
      if unit == "B" { return Format.bytes(rate) + "/s" }
      return rate >= 0.1
        ? "\(Format.significant(rate, 3)) \(unit)/s" : "\(Format.duration(1 / rate))/\(unit.hasSuffix("s") ? unit.dropLast() : unit[...])"
    }
  }

  /// The form of the display.
  enum Style: Equatable {
    case quiet
    /// At most one line in the given number of seconds, and one at the end of each phase.
    case lines(every: Double)
    /// One redrawn line of at most the given number of characters.
    case bar(width: Int)
  }

  private let style: Style
  private let now: () -> Double
  private let write: (String) -> Void
  private var phase: String?
  private var phaseStart = (time: 0.0, done: 0)
  private var window: [(time: Double, done: Int)] = []
  private var lastShown = -Double.infinity
  private var accuracy: Double?
  private var isLineOpen = false
  /// Whether the last line of the phase has been shown.
  private var isOver = false

  /// Creates a display.
  ///
  /// - Parameters:
  ///   - now: returns seconds of a monotonic clock.
  ///   - write: writes text to the display.
  init(
    _ style: Style, now: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime }, write: @escaping (String) -> Void = Console.draw
  ) {
    self.style = style
    self.now = now
    self.write = write
  }

  /// Creates the display that suits standard error.
  convenience init(quiet: Bool) {
    if quiet {
      self.init(.quiet)
    } else if Console.isTerminal {
      self.init(.bar(width: max((Console.columns(of: STDERR_FILENO) ?? 80) - 1, 40)))
    } else {
      self.init(.lines(every: 5))
    }
  }

  /// Records a moment, and shows it if it is due.
  func report(_ moment: Moment) {
    let time = now()
    if moment.phase != phase { begin(moment, at: time) }
    if let newest = moment.accuracy { accuracy = newest }
    let isLast = moment.total > 0 && moment.done >= moment.total
    if isLast, isOver { return }
    isOver = isLast
    switch style {
    case .quiet: return
    case .lines(let interval):
      guard isLast || (time - lastShown >= interval && (moment.isMilestone || time - lastShown >= 4 * interval)) else { return }
    case .bar: guard isLast || time - lastShown >= 0.1 else { return }
    }
    lastShown = time
    if moment.done != window.last?.done { window.append((time, moment.done)) }
    // The rate is that of the last 10 s, or of the last 20 units if they took longer: runs of a study take minutes each.
    while window.count > 2, time - window[1].time >= 10, moment.done - window[1].done >= 20 { window.removeFirst() }
    show(line(moment, at: time, isLast: isLast), isLast: isLast)
  }

  /// Prints a permanent line, above the bar if there is one.
  func note(_ text: String) {
    guard style != .quiet else { return }
    write((isLineOpen ? "\r\u{1B}[K" : "") + Console.line(text) + "\n")
    isLineOpen = false
    // The bar is drawn again with the next moment.
    if case .bar = style { lastShown = -.infinity }
  }

  /// Moves the cursor to the beginning of a line.
  func finish() {
    if isLineOpen { write("\n") }
    isLineOpen = false
  }

  private func begin(_ moment: Moment, at time: Double) {
    finish()
    phase = moment.phase
    // The clock starts with the first moment, so work done before does not count: a resumed run starts in the middle.
    phaseStart = (time, moment.done)
    window = [phaseStart]
    (accuracy, isOver) = (nil, false)
    // The first line comes after the interval, a bar at once.
    if case .lines = style { lastShown = time } else { lastShown = -.infinity }
  }

  private func line(_ moment: Moment, at time: Double, isLast: Bool) -> String {
    var parts = [moment.phase]
    if let perEpoch = moment.perEpoch, perEpoch > 0 {
      let epochs = (moment.total + perEpoch - 1) / perEpoch
      parts.append("epoch \(min(max((moment.done + perEpoch - 1) / perEpoch, 1), epochs))/\(epochs)")
    } else {
      parts.append("\(moment.unit == "B" ? Format.bytes(moment.done) : Format.count(moment.done))")
    }
    let share = moment.total > 0 ? Double(moment.done) / Double(moment.total) : 0
    if case .bar(let width) = style, width >= 70, moment.total > 0 {
      let filled = Int((share * 20).rounded(.down))
      parts.append("[" + String(repeating: "█", count: min(filled, 20)) + String(repeating: "·", count: max(20 - filled, 0)) + "]")
    }
    if moment.total > 0 { parts.append(Format.percent(share, digits: 0)) }
    let since = isLast ? phaseStart : window.first ?? phaseStart
    let elapsed = time - since.time
    if elapsed > 0, moment.done > since.done {
      let rate = Double(moment.done - since.done) / elapsed
      parts.append(moment.pace(rate))
      if isLast {
        parts.append("in \(Format.duration(time - phaseStart.time))")
      } else if moment.total > 0 {
        let all = moment.later > 0 ? ", all \(Format.duration((Double(moment.total - moment.done) + moment.later) / rate))" : ""
        parts.append("ETA \(Format.duration(Double(moment.total - moment.done) / rate))\(all)")
      }
    }
    if let loss = moment.loss { parts.append("loss \(Format.significant(loss, 3))") }
    if let accuracy { parts.append("validation \(Format.percent(accuracy))") }
    if let detail = moment.detail { parts.append(detail) }
    return parts.joined(separator: "  ")
  }

  private func show(_ text: String, isLast: Bool) {
    let line = text.printable()
    guard case .bar(let width) = style else { return write(line + "\n") }
    write("\r" + (line.count > width ? String(line.prefix(width - 1)) + "…" : line) + "\u{1B}[K" + (isLast ? "\n" : ""))
    isLineOpen = !isLast
  }
}
