internal import Foundation

/// A thread that fills batches in the order in which they are submitted.
// Sendable by hand: only the worker touches `assembler`, and everything else is accessed under `condition`.
final class BatchPrefetcher: @unchecked Sendable {
  private struct Request {
    let epoch: Int
    let index: Int
    let pixels: UnsafeMutableBufferPointer<Float>
    let labels: UnsafeMutableBufferPointer<Int64>
  }

  private let assembler: BatchAssembler
  private let condition = NSCondition()
  // Slot n % depth holds request n and, once it is done, its failure, if any.
  private var requests: [Request?]
  private var failures: [(any Error)?]
  private var submitted = 0
  private var completed = 0
  private var isStopping = false
  private var hasStopped = false

  let depth: Int

  init(_ assembler: BatchAssembler, depth: Int) {
    self.assembler = assembler
    self.depth = depth
    requests = Array(repeating: nil, count: depth)
    failures = Array(repeating: nil, count: depth)
  }

  /// Starts the thread, which keeps this object alive, but not the loader.
  ///
  /// Does without Foundation's threads, whose start does not report failure: a caller would then wait for its batch forever.
  /// - Returns: false if the system refuses a thread.
  func start() -> Bool {
    let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
    defer { attributes.deallocate() }
    guard pthread_attr_init(attributes) == 0 else { return false }
    defer { pthread_attr_destroy(attributes) }
    pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
    if let size = Self.stackSize { pthread_attr_setstacksize(attributes, size) }
    let kept = Unmanaged.passRetained(self)
    #if canImport(Darwin)
      var thread: pthread_t?
      let status = pthread_create(&thread, attributes, { BatchPrefetcher.run($0) }, kept.toOpaque())
    #else
      var thread = pthread_t()
      let status = pthread_create(&thread, attributes, { $0.flatMap { BatchPrefetcher.run($0) } }, kept.toOpaque())
    #endif
    if status != 0 { kept.release() }
    return status == 0
  }

  /// Bytes of the thread's stack; nil for the system's default.
  @TaskLocal static var stackSize: Int?

  private static func run(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    Unmanaged<BatchPrefetcher>.fromOpaque(context).takeRetainedValue().work()
    return nil
  }

  /// Submits a batch to fill and returns its number for ``wait(for:)``; at most `depth` batches may be waiting to be taken.
  func submit(epoch: Int, index: Int, into target: UnfilledBatch) -> Int {
    condition.lock()
    defer { condition.unlock() }
    let number = submitted
    requests[number % depth] = Request(epoch: epoch, index: index, pixels: target.pixels, labels: target.labels)
    failures[number % depth] = nil
    submitted += 1
    condition.broadcast()
    return number
  }

  /// Waits until the given batch is filled; throws what filling it threw.
  func wait(for number: Int) throws {
    condition.lock()
    defer { condition.unlock() }
    while completed <= number { condition.wait() }
    if let failure = failures[number % depth] { throw failure }
  }

  /// Stops the thread and waits until it has written its last byte.
  func stop() {
    condition.lock()
    isStopping = true
    condition.broadcast()
    while !hasStopped { condition.wait() }
    condition.unlock()
  }

  private func work() {
    condition.lock()
    while true {
      while completed == submitted, !isStopping { condition.wait() }
      if isStopping { break }
      guard let request = requests[completed % depth] else { break }
      condition.unlock()
      var failure: (any Error)?
      do {
        try assembler.assemble(epoch: request.epoch, index: request.index, pixels: request.pixels, labels: request.labels)
      } catch let error {
        failure = error
      }
      condition.lock()
      failures[completed % depth] = failure
      completed += 1
      condition.broadcast()
    }
    hasStopped = true
    condition.broadcast()
    condition.unlock()
  }
}
