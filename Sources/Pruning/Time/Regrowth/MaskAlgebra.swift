internal import Torch

// Masks are Bool tensors; true stands for "is in the set".
extension Tensor {
  /// What is in both.
  func intersection(_ other: Tensor) throws -> Tensor { try select(other, else: self) }
  /// What is in either.
  func union(_ other: Tensor) throws -> Tensor { try select(self, else: other) }
  /// What is in this one only.
  func subtracting(_ other: Tensor) throws -> Tensor { try intersection(other.logicalNot()) }
  /// How many there are.
  func memberCount() throws -> Int { Int(try sum().item()) }

  /// The `count` places of lowest score in a set; of equal scores those of lower row-major index.
  ///
  /// - Throws: ``PruningError/notANumber(layer:criterion:)``.
  func lowest(_ count: Int, in set: Tensor, layer: String) throws -> Tensor {
    let scored = ScoredLayer(name: layer, scores: self, kept: set)
    let rest = try Selection(.count(count), of: [scored], rule: SelectionRule(.layer)).layers.first?.kept
    guard let rest else { throw PruningError.mismatch("\(layer): nothing could be chosen") }
    return try set.subtracting(rest)
  }

  /// The `count` places of highest score in a set; of equal scores those of lower row-major index.
  ///
  /// - Throws: ``PruningError/notANumber(layer:criterion:)``.
  func highest(_ count: Int, in set: Tensor, layer: String) throws -> Tensor { try (-self).lowest(count, in: set, layer: layer) }
}
