internal import Foundation
internal import Interchange
internal import Results
internal import TestSupport
internal import Torch
internal import Training
internal import Words

/// What became of damaged copies of a file: each must be read or refused in one line, soon and in little memory.
struct MutationResult: Encodable {
  var file: String
  /// How many of the copies were read all the same.
  var read = 0
  var refused = 0
  /// What went wrong, by the number of the copy.
  var failures: [Int: String] = [:]
  /// How many different refusals there were.
  var messages = 0
  var slowestSeconds = 0.0
  /// The most memory of the process so far.
  var peakBytes = 0

  /// Tries `count` copies, of which the first is not damaged; the same seed makes the same ones.
  init(of path: String, count: Int, seed: UInt64) throws {
    file = path
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    var words: Set<String> = []
    try withTemporaryDirectory { folder in
      let copy = "\(folder)/copy.\((path as NSString).pathExtension)"
      for index in 0..<count {
        var random = RandomStream(seed: seed &+ UInt64(index))
        try Data(index == 0 ? bytes : bytes.mutated(&random)).write(to: URL(fileURLWithPath: copy))
        let start = Date()
        do {
          if ImportedNetwork.isOne(copy) { _ = try ImportedNetwork(contentsOf: copy).model() } else { _ = try WeightsReader.files(copy) }
          read += 1
        } catch InterchangeError.reading(_, let problem) { take(problem, index, &words) } catch let error as TensorArchiveError {
          take(error.problem, index, &words)
        } catch { failures[index] = "\(type(of: error)): \(error)" }
        slowestSeconds = max(slowestSeconds, -start.timeIntervalSinceNow)
      }
    }
    messages = words.count
    peakBytes = Machine.peakMemory
  }

  private mutating func take(_ problem: String, _ index: Int, _ words: inout Set<String>) {
    if problem.unicodeScalars.allSatisfy(\.isVisible) { refused += 1 } else { failures[index] = problem }
    words.insert(problem)
  }
}
