internal import Files
public import Foundation
internal import SwiftProtobuf

/// A file of events that TensorBoard shows: scalars and texts at steps, each on its way as soon as it is written.
///
/// Events are never taken back. A run that goes on from an earlier step begins a further file in the same folder: its session starts at
/// step 0, which tells readers to forget all earlier files, and the events that still hold are repeated in it.
public final class EventFile {
  /// A value under a tag, whose part before the first slash groups charts.
  public enum Value: Hashable, Sendable {
    /// A point of the tag's chart.
    case scalar(Double)
    /// Text in Markdown.
    case text(String)
  }

  /// Path of the file, `events.out.tfevents.SECONDS.espalier` in its folder.
  public var path: String { file.path }
  /// Number of events that were taken over from the folder's last file.
  public let kept: Int
  private let file: GrowingFile
  private let now: () -> Date

  /// Begins a file in a folder, which is created if there is none.
  ///
  /// - Parameters:
  ///   - count: number of events of this folder's last file of ours to repeat, with their times; fewer if there are fewer.
  ///   - heading: texts by their tags, shown at step 0; no event has such a tag.
  ///   - now: the clock; for tests.
  /// - Throws: `FileError`.
  public init(in folder: String, keeping count: Int, heading: [(tag: String, text: String)], now: @escaping () -> Date = Date.init) throws {
    self.now = now
    try Folder.make(folder)
    let names = try Folder.names(in: folder).filter { $0.hasPrefix(Self.prefix) }
    let last = names.last { $0.hasSuffix(Self.suffix) }
    // Readers take files in the order of their names, so that this one must come last, whatever the clock says.
    let latest = names.compactMap { Int($0.dropFirst(Self.prefix.count).prefix { $0.isNumber }) }.max() ?? 0
    let seconds = max(Int(exactly: now().timeIntervalSince1970.rounded(.down)) ?? 0, latest == .max ? latest : latest + 1)
    let digits = "\(seconds)"
    let padding = String(repeating: "0", count: max(10 - digits.count, 0))
    let old = try count > 0 ? last.map { try Self.events(in: "\(folder)/\($0)", without: Set(heading.map(\.tag))) } ?? [] : []
    file = try GrowingFile(appendingTo: "\(folder)/\(Self.prefix)\(padding)\(digits)\(Self.suffix)")
    kept = min(old.count, count)
    try append { $0.fileVersion = "brain.Event:2" }
    try append { $0.sessionLog = .with { $0.status = .start } }
    for (tag, text) in heading { try write([(tag, .text(text))], step: 0) }
    for data in old.prefix(count) { try append(data) }
  }

  private static let prefix = "events.out.tfevents."
  private static let suffix = ".espalier"
  private static let mostBytes = 1 << 30

  /// Returns the events of a file that have values, but those with one of these tags.
  private static func events(in path: String, without tags: Set<String>) throws -> [Data] {
    try Record.all(in: RegularFile.read(path, limit: mostBytes)).filter { data in
      guard let event = try? Event(serializedBytes: data), case .summary(let summary)? = event.what else { return false }
      return !summary.value.contains { tags.contains($0.tag) }
    }
  }

  /// Writes an event: the values of some tags at a step.
  ///
  /// - Throws: `FileError`, e.g. on a full disk.
  public func write(_ values: [(tag: String, value: Value)], step: Int) throws {
    try append { event in
      event.step = Int64(step)
      event.summary = Summary.with { $0.value = values.map { Summary.Value($0.tag, $0.value) } }
    }
  }

  private func append(_ fill: (inout Event) -> Void) throws {
    var event = Event()
    event.wallTime = now().timeIntervalSince1970
    fill(&event)
    try append(event.serializedData())
  }

  private func append(_ data: Data) throws { try Record.framed(data).withUnsafeBytes { try file.write($0) } }

  /// Waits until all events are on the disk, so that they outlast a crash of the machine.
  ///
  /// - Throws: `FileError`.
  public func synchronize() throws { try file.synchronize() }
}

extension Summary.Value {
  fileprivate init(_ tag: String, _ value: EventFile.Value) {
    self.init()
    self.tag = tag
    switch value {
    case .scalar(let number): simpleValue = Float(number)
    case .text(let text):
      metadata.pluginData.pluginName = "text"
      tensor = .with {
        $0.dtype = .dtString
        $0.tensorShape = TensorShapeProto()
        $0.stringVal = [Data(text.utf8)]
      }
    }
  }
}
