/// Returns the candidate that a mistyped word was probably meant to be: the first of those with the smallest edit distance, or nil if
/// that distance exceeds a third of the candidate's length (at least 1).
///
/// Case and the difference between `_` and `-` are ignored. Words of more than 64 characters match nothing.
public func nearest(to word: String, among candidates: [String]) -> String? {
  // Words come from the command line; the table is not worth computing for one far longer than every candidate.
  guard word.prefix(65).count <= 64 else { return nil }
  func folded(_ text: String) -> [Character] { text.lowercased().map { $0 == "_" ? "-" : $0 } }
  let typed = folded(word)
  let measured = candidates.map { (name: $0, distance: editDistance(typed, folded($0))) }
  guard let best = measured.min(by: { $0.distance < $1.distance }) else { return nil }
  return best.distance <= max(1, best.name.count / 3) ? best.name : nil
}

/// Edit distance by insertions, deletions, substitutions and swaps of neighbours, none edited twice (optimal string alignment). Time is
/// proportional to the product of the lengths, memory to the second length.
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
