@testable import espalier
import Testing

/// A display on a clock that only the test moves, and what it wrote.
private final class Recording {
  var time = 100.0
  var written: [String] = []
  private(set) lazy var display = ProgressDisplay(style, now: { [unowned self] in time }, write: { [unowned self] in written.append($0) })
  private let style: ProgressDisplay.Style
  init(_ style: ProgressDisplay.Style) { self.style = style }

  func step(
    _ done: Int, at time: Double, loss: Double? = 0.5, accuracy: Double? = nil, phase: String = "training", isMilestone: Bool = false
  ) {
    self.time = time
    display.report(
      ProgressDisplay.Moment(
        phase: phase, done: done, total: 100, perEpoch: 10, loss: loss, accuracy: accuracy, isMilestone: isMilestone || accuracy != nil))
  }
}

@Suite struct ProgressDisplayTests {
  @Test func aBarIsRedrawnInPlace() {
    let recording = Recording(.bar(width: 120))
    recording.step(1, at: 100)
    recording.step(2, at: 100.05)  // too soon
    recording.step(21, at: 102, loss: 0.25, accuracy: 0.9375)
    recording.step(100, at: 109.9)
    #expect(
      recording.written == [
        "\rtraining  epoch 1/10  [····················]  1 %  loss 0.500\u{1B}[K",
        "\rtraining  epoch 3/10  [████················]  21 %  10.0 it/s  ETA 7.90 s  loss 0.250  validation 93.75 %\u{1B}[K",
        "\rtraining  epoch 10/10  [████████████████████]  100 %  10.0 it/s  in 9.90 s  loss 0.500  validation 93.75 %\u{1B}[K\n",
      ])
  }

  @Test func aNarrowTerminalCutsTheLine() {
    let recording = Recording(.bar(width: 40))
    recording.step(1, at: 100)
    recording.step(21, at: 102, loss: 0.25, accuracy: 0.9375)
    #expect(recording.written.last == "\rtraining  epoch 3/10  21 %  10.0 it/s  …\u{1B}[K")
  }

  @Test func elsewhereLinesAreFew() {
    let recording = Recording(.lines(every: 5))
    for step in 1...99 { recording.step(step, at: 100 + Double(step) / 10, accuracy: step % 10 == 0 ? 0.5 : nil) }
    recording.step(100, at: 110, loss: 0.125)
    #expect(
      recording.written == [
        "training  epoch 6/10  60 %  10.0 it/s  ETA 4.00 s  loss 0.500  validation 50.00 %\n",
        "training  epoch 10/10  100 %  10.0 it/s  in 9.90 s  loss 0.125  validation 50.00 %\n",
      ])
  }

  @Test func theRateIsThatOfTheLastSeconds() {
    let recording = Recording(.bar(width: 120))
    recording.step(1, at: 100)
    recording.step(11, at: 110)
    recording.step(31, at: 120)
    #expect(recording.written.last?.contains("  2.00 it/s  ETA 34.5 s  ") == true, "20 steps in 10 s")
    recording.step(61, at: 130)
    #expect(recording.written.last?.contains("  3.00 it/s  ETA 13.0 s  ") == true, "30 steps in 10 s")
    recording.step(100, at: 143)
    #expect(recording.written.last?.contains("  2.30 it/s  in 43.0 s  ") == true, "99 steps in 43 s")
  }

  /// Runs of a study take minutes: two that end within a second do not make a pace.
  @Test func slowUnitsAreTimedOverTwenty() {
    let recording = Recording(.lines(every: 5))
    func end(_ run: Int, at time: Double) -> String? {
      recording.time = time
      recording.display.report(.init(phase: "study", done: run, total: 65, unit: "runs", isMilestone: true))
      return recording.written.last
    }
    #expect(end(0, at: 100) == nil)
    #expect(end(1, at: 400) == "study  1  2 %  5 min 00 s/run  ETA 5 h 20 min\n")
    #expect(end(1, at: 500)?.hasSuffix("  6 min 40 s/run  ETA 7 h 07 min\n") == true, "what has not ended takes longer than expected")
    #expect(end(2, at: 501)?.isEmpty == false)
    #expect(end(3, at: 1000) == "study  3  5 %  5 min 00 s/run  ETA 5 h 10 min\n")
    // 20 runs of 10 s after three slow ones: those no longer count.
    for run in 4...24 { _ = end(run, at: 1000 + Double(run - 3) * 10) }
    #expect(recording.written.last == "study  24  37 %  0.100 runs/s  ETA 6 min 50 s\n")
    // The end is told once.
    let ended = [end(65, at: 1500), end(65, at: 1510)]
    #expect(ended[0]?.hasPrefix("study  65  100 %  ") == true && recording.written.count { $0.contains("100 %") } == 1)
  }

  @Test func quietSaysNothing() {
    let recording = Recording(.quiet)
    recording.step(1, at: 100)
    recording.display.note("removed 10 of 100")
    recording.step(100, at: 200)
    recording.display.finish()
    #expect(recording.written.isEmpty)
  }

  @Test func notesStayAboveTheBar() {
    let recording = Recording(.bar(width: 80))
    recording.step(10, at: 100)
    recording.display.note("prune 1: 64 → 61")
    recording.display.finish()
    #expect(recording.written.last == "\r\u{1B}[Kprune 1: 64 → 61\n")
    recording.step(20, at: 101)
    recording.display.finish()
    #expect(recording.written.last == "\n")
  }

  @Test func aNewPhaseBeginsItsOwnTime() {
    let recording = Recording(.lines(every: 5))
    recording.step(100, at: 150)
    recording.step(1, at: 151, phase: "round 1/2")
    recording.step(100, at: 161, phase: "round 1/2")
    #expect(recording.written.count == 2)
    #expect(recording.written.last == "round 1/2  epoch 10/10  100 %  9.90 it/s  in 10.0 s  loss 0.500\n")
  }

  @Test func aResumedRunCountsOnlyItsOwnSteps() {
    let recording = Recording(.bar(width: 120))
    recording.step(50, at: 100)
    recording.step(60, at: 101)
    #expect(recording.written.last == "\rtraining  epoch 6/10  [████████████········]  60 %  10.0 it/s  ETA 4.00 s  loss 0.500\u{1B}[K")
  }

  @Test func bytesAreShownAsBytes() {
    var written: [String] = []
    var time = 0.0
    let display = ProgressDisplay(.lines(every: 5), now: { time }, write: { written.append($0) })
    display.report(.init(phase: "fetching mnist", done: 0, total: 10_000_000, unit: "B"))
    time = 4
    display.report(.init(phase: "fetching mnist", done: 10_000_000, total: 10_000_000, unit: "B"))
    #expect(written == ["fetching mnist  10.0 MB  100 %  2.50 MB/s  in 4.00 s\n"])
  }
}
