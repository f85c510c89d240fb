internal import Files
internal import Foundation
internal import Reports
internal import Results
internal import Studies

/// A study that is looked at while it goes on: its pulse, its page, and who listens.
actor LiveStudy {
  private let folder: StudyFolder
  private let renderer: InteractiveRenderer?
  private let result: @Sendable () throws -> StudyResult
  private var eye: StudyWatch
  private var last: (pulse: StudyPulse, told: ContinuousClock.Instant)?
  private var listeners: [UUID: AsyncStream<StudyPulse>.Continuation] = [:]
  private var made: (version: String, page: Task<Data, Never>)?
  private let ending = Flag()
  /// Pages are made one after another, beside the threads that answer: what draws figures takes a second or two to come.
  private let maker = DispatchQueue(label: "espalier.page")

  init(_ folder: StudyFolder, renderer: (any ChartRenderer)?, result: @escaping @Sendable () throws -> StudyResult) {
    self.folder = folder
    self.renderer = renderer.map { InteractiveRenderer($0) }
    self.result = result
    eye = StudyWatch(folder)
  }

  /// Has what draws figures come before somebody asks.
  nonisolated func warm() { maker.async { [self] in if !ending.isRaised { _ = try? renderer?.render() } } }

  /// From now on pages have no figures; what is drawing them ends when the program is asked to stop.
  nonisolated func stop() { ending.raise() }

  // MARK: - Events

  /// After this long a pulse goes out again although nothing has changed, or nobody would notice that a reader is gone.
  private static let silence = Duration.seconds(15)

  /// Looks at the study, and tells the listeners if it has changed.
  func watch() {
    let pulse = look()
    let now = ContinuousClock.now
    if let last, last.pulse == pulse, now - last.told < Self.silence { return }
    last = (pulse, now)
    for listener in listeners.values { listener.yield(pulse) }
  }

  /// Returns the pulse of now, and those to come. A slow reader misses all but the newest.
  func pulses() -> AsyncStream<StudyPulse> {
    let (stream, listener) = AsyncStream.makeStream(of: StudyPulse.self, bufferingPolicy: .bufferingNewest(1))
    let name = UUID()
    listener.onTermination = { [weak self] _ in Task { await self?.forget(name) } }
    listeners[name] = listener
    listener.yield(look())
    return stream
  }

  private func forget(_ name: UUID) { listeners[name] = nil }

  private func look() -> StudyPulse {
    do { return try eye.look() } catch { return StudyPulse(problem: "\(error)") }
  }

  // MARK: - The page

  /// Returns the page of now: at least as new as every pulse so far. It is made once for all who ask for the same.
  func page() async -> Data {
    let version = look().version
    if let made, made.version == version { return await made.page.value }
    let page = Task { await self.make(version) }
    made = (version, page)
    return await page.value
  }

  private nonisolated func make(_ version: String) async -> Data {
    await withCheckedContinuation { continuation in
      maker.async { [self] in continuation.resume(returning: Data(text(version).utf8)) }
    }
  }

  private nonisolated func text(_ version: String) -> String {
    do {
      let report = try Report(try result())
      return LivePage.html(report, try report.render(by: ending.isRaised ? nil : renderer), version: version)
    } catch {
      return LivePage.html(problem: "\(error)", of: folder.path.lastName, version: version)
    }
  }
}

/// Something that has been said once and for all.
private final class Flag: @unchecked Sendable {
  private let lock = NSLock()
  private var raised = false

  func raise() { lock.withLock { raised = true } }
  var isRaised: Bool { lock.withLock { raised } }
}
