/// What a mistyped word was probably meant to be: the candidate fewest edits away, if they are few for its length (a third of its
/// characters, at least 1); the first of equals.
///
/// Case and the difference between `_` and `-` do not count. Words of more than 64 characters resemble nothing.
public func nearest(to word: String, among candidates: [String]) -> String? {
  // Words come from a command line; what is far longer than every candidate is not worth the table.
  guard word.prefix(65).count <= 64 else { return nil }
  func folded(_ text: String) -> [Character] { text.lowercased().map { $0 == "_" ? "-" : $0 } }
  let typed = folded(word)
  let measured = candidates.map { (name: $0, distance: editDistance(typed, folded($0))) }
  guard let best = measured.min(by: { $0.distance < $1.distance }) else { return nil }
  return best.distance <= max(1, best.name.count / 3) ? best.name : nil
}

/// Insertions, deletions, substitutions and swaps of neighbours that make one text of the other, none edited twice (optimal string
/// alignment); time and memory grow with the product of the lengths and with the second length.
func editDistance(_ a: [Character], _ b: [Character]) -> Int {
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
