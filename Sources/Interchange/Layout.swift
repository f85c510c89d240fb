internal import Networks
internal import Training

/// How the axes of one of the network's inputs or outputs stand in the file that it came from, if not as here: other axes first, axes of size 1
/// left out, or height and width as one.
struct Layout {
  /// Axes of the network's value that the file leaves out, ascending.
  let dropped: [Int]
  /// Whether several rows lie one after another in the file.
  let isMerged: Bool
  /// The sizes behind the batch, in the network's order, of the axes that the file has.
  let whole: [Int]
  /// The order of these axes and the batch's in the file.
  let toFile: [Int]

  /// - Parameter letters: as in ``ONNXOrigin/inputAxes``.
  private init?(_ letters: String?, of shape: FeatureShape) {
    guard let letters, letters != "NCHW", letters.first == "N", Set(letters).count == letters.count, letters.allSatisfy("NCHWL".contains),
      case .image(let channels, let height, let width) = shape
    else { return nil }
    let found = Array(letters.dropFirst())
    let hasLength = found.contains("L")
    isMerged = hasLength && height > 1 && width > 1
    // A length is what is left of height and width.
    let names: [Character] = !hasLength ? ["C", "H", "W"] : isMerged ? ["C", "L"] : height == 1 ? ["C", "-", "L"] : ["C", "L", "-"]
    let sizes = isMerged ? [channels, shape.positions] : [channels, height, width]
    let kept = names.indices.filter { found.contains(names[$0]) }
    let gone = names.indices.filter { !kept.contains($0) }
    guard kept.count == found.count, gone.allSatisfy({ sizes[$0] == 1 }) else { return nil }
    dropped = gone.map { $0 + 1 }
    whole = kept.map { sizes[$0] }
    toFile = [0] + found.map { letter in (kept.firstIndex { names[$0] == letter } ?? 0) + 1 }
  }

  /// How an input of the network stood in the file that it came from.
  init?(input index: Int, of origin: ONNXOrigin?, _ shape: FeatureShape) {
    self.init(origin?.inputAxes.flatMap { $0.indices.contains(index) ? $0[index] : nil }, of: shape)
    // Where the rows of an image end, an input does not say.
    if isMerged { return nil }
  }

  /// How an output of the network stood in the file that it came from.
  init?(output index: Int, of origin: ONNXOrigin?, _ shape: FeatureShape) {
    self.init(origin?.outputAxes.flatMap { $0.indices.contains(index) ? $0[index] : nil }, of: shape)
  }

  /// The sizes behind the batch as the file has them.
  var sizes: [Int] { toFile.dropFirst().map { whole[$0 - 1] } }

  /// Whether the axes that the file has stand in another order there.
  var isTurned: Bool { toFile != Array(toFile.indices) }

  /// The order of the file's axes that is the network's.
  var toNetwork: [Int] { toFile.indices.map { toFile.firstIndex(of: $0) ?? $0 } }
}

extension View {
  /// The axes in letters, as in ``ONNXOrigin/inputAxes``; nil if axes of the node are cut or mixed.
  func letters(of shape: FeatureShape, batch: Int) -> String? {
    let whole = View(source, shape: shape, batch: batch).axes
    guard whole.count == 4 else { return axes == whole ? "NC" : nil }
    guard axes.first == whole[0] else { return nil }
    let all = View(source, [whole[2] + whole[3]]).axes[0]
    var free: [(letter: Character, axis: [Factor])] = [("C", whole[1]), ("H", whole[2]), ("W", whole[3])]
    var letters = "N"
    for axis in axes.dropFirst() {
      if let index = free.firstIndex(where: { $0.axis == axis }) {
        letters.append(free.remove(at: index).letter)
      } else if axis == all {
        letters.append("L")
        free.removeAll { $0.letter != "C" }
      } else {
        return nil
      }
    }
    guard free.allSatisfy(\.axis.isEmpty) else { return nil }
    // One of height and width alone is a length.
    if letters.contains("H") != letters.contains("W") { letters = letters.replacing("H", with: "L").replacing("W", with: "L") }
    return letters
  }
}
