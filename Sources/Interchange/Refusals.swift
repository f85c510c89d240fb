internal import Words

/// Why a node is not understood, as what stands behind its name in a message.
struct Refusal: Error {
  let text: String
  init(_ text: String = "") { self.text = text.shortened(to: 400) }
}

/// How many numbers a graph's constants are computed with: a short file could ask for years of it.
final class Work {
  private var done = 0
  /// The most numbers: those of sizes and axes are a few thousand. Masks and tables of shifted windows are millions, in files with more weights.
  private let most: Int

  /// - Parameter weights: the numbers that the file holds.
  init(weights: Int) { most = max(1 << 22, weights) }

  func charge(_ count: Int) throws {
    // Said once: what comes then could not be read because of it.
    guard done <= most else { throw Unknown() }
    done += count
    guard done <= most else { throw Refusal("its file computes with more than \(most) numbers") }
  }
}

/// A node reads what one that is not understood wrote; only the first is reported.
struct Unknown: Error {}

/// All nodes that are not understood, equal operations together.
struct Refusals {
  private var groups: [(operation: String, reason: String, first: String, count: Int)] = []
  private var known: [[String]: Int] = [:]

  mutating func add(_ node: ONNXGraph.Node, _ reason: String) {
    if let index = known[[node.operation, reason]] {
      groups[index].count += 1
    } else {
      known[[node.operation, reason]] = groups.count
      groups.append((node.operation, reason, node.words, 1))
    }
  }

  /// Returns them in one line; nil if everything is understood.
  func words(opset: Int) -> String? {
    guard !groups.isEmpty else { return nil }
    let words = groups.prefix(8).map { group in
      let more = group.count > 1 ? " and \(group.count - 1) more" : ""
      return "\(group.operation.inLine) at \(group.first.quoted)\(more)" + (group.reason.isEmpty ? "" : " (\(group.reason))")
    }
    let rest = groups.count > 8 ? "; and \(groups.count - 8) more" : ""
    let count = groups.count == 1 ? "1 operation is" : "\(groups.count) operations are"
    return "\(count) not understood (opset \(opset)): " + words.joined(separator: "; ") + rest
  }
}
