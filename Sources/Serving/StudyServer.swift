internal import Foundation
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
public import Reports
public import Results
public import Studies

/// Serves the page of a study on this machine, and tells it when the study has changed.
///
/// Nothing is written, and no file has an address: requests read a fixed set of pages that are made from the study's folder.
public struct StudyServer: Sendable {
  private let study: LiveStudy
  private let port: Int
  private let pause: Duration

  /// Creates a server; nothing listens yet.
  ///
  /// - Parameters:
  ///   - folder: the study's folder.
  ///   - port: the port of 127.0.0.1 to listen at; 0 for any that is free.
  ///   - pause: how long to wait between two looks at the folder.
  ///   - renderer: what draws the figures; nil for a page without.
  ///   - result: returns what the study knows; called whenever it has changed and somebody asks.
  public init(
    _ folder: StudyFolder, port: Int, pause: Duration = .seconds(1), renderer: (any ChartRenderer)?,
    result: @escaping @Sendable () throws -> StudyResult
  ) {
    study = LiveStudy(folder, renderer: renderer, result: result)
    (self.port, self.pause) = (port, pause)
  }

  /// Serves until the task is cancelled.
  ///
  /// - Parameter isListening: called once with the port, when requests are answered.
  /// - Throws: ``ServingError`` if the port cannot be had; what `isListening` throws; `CancellationError`.
  public func run(isListening: @escaping @Sendable (_ port: Int) throws -> Void) async throws {
    let (started, start) = AsyncStream.makeStream(of: Int.self)
    // Nobody reads its log: what a user has to know is a line of the command.
    let quiet = Logger(label: "espalier") { _ in SwiftLogNoOpLogHandler() }
    let application = Application(
      responder: StudyResponder(study: study),
      server: .http1(configuration: .init(idleTimeout: .seconds(120))),
      configuration: .init(
        address: .hostname("127.0.0.1", port: port), availableConnectionsDelegate: .maximum(Self.mostConnections, logger: quiet)),
      onServerRunning: { channel in
        start.yield(channel.localAddress?.port ?? 0)
        start.finish()
      }, logger: quiet)
    try await withTaskCancellationHandler {
      try await withThrowingTaskGroup(of: Void.self) { group in
        defer { study.stop() }
        group.addTask {
          do { try await application.run() } catch let error as IOError { throw ServingError(error, port: port) }
          throw CancellationError()
        }
        group.addTask {
          for await port in started { try isListening(port) }
          study.warm()
          while true {
            await study.watch()
            try await Task.sleep(for: pause)
          }
        }
        defer { group.cancelAll() }
        try await group.next()
      }
    } onCancel: {
      study.stop()
    }
  }

  /// Pages that listen at once, and then some; further ones wait until others close.
  private static let mostConnections = 256
}

/// A port that cannot be listened at; its description is one line.
public struct ServingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong, and what helps.
  public let description: String
  /// Whether another process listens there, so that the same may succeed later.
  public let isInUse: Bool

  init(_ error: IOError, port: Int) {
    isInUse = error.errnoCode == EADDRINUSE
    description =
      "cannot listen at 127.0.0.1:\(port): "
      + (isInUse ? "the port is in use; --port 0 takes one that is free" : String(cString: strerror(error.errnoCode)))
  }
}
