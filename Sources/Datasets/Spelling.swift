/// Finds what a mistyped name was probably meant to be.
enum Spelling {
  /// The candidate fewest edits away, if they are few for the name's length; the first of equals.
  static func nearest(to name: String, among candidates: [String]) -> String? {
    let typed = Array(name.lowercased())
    // Names come from a command line; what is far longer than every candidate resembles none of them.
    guard typed.count <= 64 else { return nil }
    let measured = candidates.map { (name: $0, distance: distance(typed, Array($0))) }
    guard let best = measured.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(1, best.name.count / 3) ? best.name : nil
  }

  /// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
  static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
        row.append(best)
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }
}
