/// How members of a team divide what is done in an order, such as outputs of unequal numbers of weights.
enum Shares {
  /// Returns where each member's part begins, and where the last ends: consecutive parts that cost about as much as each other.
  ///
  /// - Parameter sums: what everything before each place costs, from 0 to the whole.
  static func even(_ sums: [Int], members: Int) -> [UInt32] {
    let (count, whole) = (sums.count - 1, sums.last ?? 0)
    return (0...members).map { member in
      let goal = whole * member / members
      return UInt32(member == members ? count : sums.firstIndex { $0 >= goal } ?? count)
    }
  }

  /// Returns where each member's outputs begin where weights lie by blocks, and within these by outputs.
  ///
  /// - Parameters:
  ///   - starts: [blocks · outputs + 1]: where the weights of each block and output begin.
  ///   - extra: what an output costs without weights, in weights.
  static func outputs(_ starts: UnsafePointer<UInt32>, blocks: Int, outputs: Int, extra: Int, members: Int) -> [UInt32] {
    guard members > 1 else { return [0, UInt32(outputs)] }
    var sums = [0]
    for output in 0..<outputs {
      let weights = (0..<blocks).reduce(0) { $0 + Int(starts[$1 * outputs + output + 1] - starts[$1 * outputs + output]) }
      sums.append(sums[output] + extra + weights)
    }
    return even(sums, members: members)
  }
}
